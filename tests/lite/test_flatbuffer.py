"""Reading, writing and refusing flatbuffers."""

import pytest

from rnnlite.errors import ModelError
from rnnlite.lite import flatbuffer


def test_what_is_written_reads_back_the_same(exits):
    model = flatbuffer.read(exits.tflite)
    again = flatbuffer.read(flatbuffer.write(model))
    assert [n for *_, n in flatbuffer.operators(again)] == [
        n for *_, n in flatbuffer.operators(model)
    ]
    assert flatbuffer.buffer_sizes(again) == flatbuffer.buffer_sizes(model)


def test_loops_point_at_cond_and_body(exits):
    model = flatbuffer.read(exits.tflite)
    found = list(flatbuffer.loops(model))
    names = [name for *_, name in flatbuffer.operators(model)]
    assert len(found) == names.count("WHILE") > 2
    for _, op, cond, body in found:
        assert len(model.subgraphs[body].outputs) == len(op.inputs)
        assert len(model.subgraphs[cond].outputs) == 1


def test_metadata_is_replaced_not_added(exits):
    model = flatbuffer.read(exits.tflite)
    before = len(model.metadata)
    flatbuffer.set_metadata(model, "note", b"one")
    flatbuffer.set_metadata(model, "note", b"two")
    assert len(model.metadata) == before + 1
    assert flatbuffer.metadata(flatbuffer.read(flatbuffer.write(model)), "note") == b"two"


@pytest.mark.parametrize("data", [b"", b"hello", b"\0" * 64, b"\x1c\0\0\0TFL2" + b"\0" * 64])
def test_other_bytes_are_refused(data):
    with pytest.raises(ModelError, match="no LiteRT model"):
        flatbuffer.read(data)


@pytest.mark.parametrize("part", [0.01, 0.2, 0.5, 0.9, 0.99])
def test_a_truncated_model_is_refused(exits, part):
    with pytest.raises(ModelError, match="truncated or damaged"):
        flatbuffer.read(exits.tflite[: int(len(exits.tflite) * part)])


def broken(exits, change):
    model = flatbuffer.read(exits.tflite)
    change(model)
    return flatbuffer.write(model)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: setattr(m.subgraphs[0].operators[0], "opcodeIndex", 999), "op without a code"),
        (lambda m: setattr(m.subgraphs[1], "outputs", [999]), "tensor that is not there"),
        (lambda m: setattr(m.subgraphs[0].tensors[0], "buffer", 999), "buffer that is not there"),
        (lambda m: setattr(m.signatureDefs[0].inputs[0], "tensorIndex", 999), "a signature of a"),
        (lambda m: setattr(m.metadata[0], "buffer", 999), "metadata without content"),
        (lambda m: flatbuffer.set_metadata(m, "rnnlite", b"{"), "metadata 'rnnlite'"),
    ],
)
def test_references_that_point_nowhere_are_refused(exits, change, message):
    data = broken(exits, change)
    with pytest.raises(ModelError, match=f"is damaged; found .*{message}"):
        flatbuffer.record(flatbuffer.read(data))


def test_a_loop_without_a_body_is_refused(exits):
    def change(model):
        _, op, _, _ = next(flatbuffer.loops(model))
        op.builtinOptions.bodySubgraphIndex = 999

    with pytest.raises(ModelError, match="a loop whose body is not there"):
        flatbuffer.read(broken(exits, change))
