"""What a program has to know of a file."""

import pytest

import rnnlite
from graphs import Model
from rnnlite.snippets.facts import FREE, facts_of
from rnnlite.streaming.rows import Rows


def test_a_stream(streamed):
    facts = facts_of(streamed)
    (function,) = facts.functions
    assert (function.key, function.inputs[0].shape) == ("serving_default", (1, FREE, 3))
    assert function.is_free
    stream = facts.stream
    assert all(p.name.startswith("state/lstm/") for p in stream.states)
    assert len(stream.states) == 2
    assert stream.inputs[0].name == "frames"
    assert (stream.rows, stream.times, stream.delay, stream.tail) == ((Rows(1),), (1,), 0, False)
    assert (stream.chunk, stream.is_late) == (8, False)


def test_a_stream_whose_rows_come_late(late, two_late):
    stream = facts_of(late).stream
    assert (stream.rows, stream.delay, stream.tail) == ((Rows(1, 1, 2, 0),), 2, True)
    # Pooled: one result so far.
    assert [r.axis for r in facts_of(two_late).stream.rows] == [2, -1]
    assert facts_of(two_late).stream.times == (1, -1)


def test_fixed_lengths(fixed, single_steps):
    (function,) = facts_of(fixed).functions
    assert not function.is_free
    assert function.inputs[0].shape == (1, 7, 3)
    stream = facts_of(single_steps).stream
    assert (stream.chunk, stream.is_free) == (1, False)


def test_integers(integers):
    (tensor,) = facts_of(integers).functions[0].inputs
    spec = rnnlite.load(integers).inputs[0]
    assert (tensor.dtype, tensor.scale, tensor.zero_point) == ("int8", *spec.quantization)


def test_several_signatures(several):
    assert {f.key for f in facts_of(several).functions} == {"encode", "decode"}


def test_a_file_without_a_signature():
    model = Model()
    x, y = (model.main.tensor((1, 3), name=n) for n in ("x", "y"))
    model.main.add("TANH", [x], [y])
    model.main.ends([x], [y])
    from rnnlite.lite import schema

    with pytest.raises(rnnlite.ModelError, match="the file has no signature to call it by"):
        facts_of(schema.write(model.ir))
