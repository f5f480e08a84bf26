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
    assert len(found) == 6
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
