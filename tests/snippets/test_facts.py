"""What a program has to know of a file."""

from dataclasses import replace

import pytest

import rnnlite
from graphs import Model
from rnnlite.lite.ir import Quantization
from rnnlite.lite.ir.model import Signature
from rnnlite.snippets.facts import (
    FREE,
    STEPS,
    Facts,
    Function,
    Streamed,
    TensorFacts,
    facts_of,
)
from rnnlite.streaming.rows import Rows
from rnnlite.target import LITERT


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


def tensor(name, *shape):
    return TensorFacts(name, "float32", shape)


def stream(**more):
    made = Streamed(
        inputs=(tensor("x", 1, FREE, 3),),
        outputs=(tensor("y", 1, FREE, 2),),
        states=(tensor("state/a/h", 1, 4),),
        times=(1,),
        rows=(Rows(1),),
        chunk=8,
        delay=0,
        tail=False,
    )
    return replace(made, **more)


@pytest.mark.parametrize(
    ("shapes", "free"),
    [([(1, FREE, 3)], True), ([(1, 7, 3)], False), ([(1, 3), (FREE,)], True), ([], False)],
)
def test_what_takes_several_lengths(shapes, free):
    inputs = tuple(tensor(f"x{k}", *shape) for k, shape in enumerate(shapes))
    outputs = (tensor("y", FREE),)
    assert Function("serve", inputs, outputs).is_free is free
    assert stream(inputs=inputs).is_free is free


@pytest.mark.parametrize(
    ("more", "late"),
    [
        ({}, False),
        ({"tail": True}, True),
        ({"rows": (Rows(1), Rows(1, 1, 2))}, True),
        ({"rows": (Rows(1, 3, 0, 2),)}, False),
        ({"rows": ()}, False),
    ],
)
def test_what_comes_late(more, late):
    assert stream(**more).is_late is late


def test_all_tensors_of_a_file():
    serve = Function("serve", (tensor("x", 1, 3),), (tensor("y", 1, 2),))
    other = Function("other", (), (tensor("z", 1),))
    facts = Facts((serve, other), None, 20, (), LITERT)
    assert [p.name for p in facts.tensors] == ["x", "y", "z"]
    facts = replace(facts, functions=(other,), stream=stream())
    assert [p.name for p in facts.tensors] == ["z", "x", "y", "state/a/h"]


def file_of(shape, signature=None, dtype="float32", quantization=None):
    """A file of one op with the signature "serve"."""
    model = Model()
    x, y = (
        model.ir.main.value(dtype, shape, signature, name=n, quantization=quantization)
        for n in ("x", "y")
    )
    model.main.add("TANH", [x], [y])
    model.main.ends([x], [y])
    model.ir.signatures.append(Signature("serve", model.ir.main, (("x", x),), (("y", y),)))
    return model.bytes()


def test_a_file_of_others_is_read_as_it_stands():
    facts = facts_of(file_of((1, 7, 3)))
    x = TensorFacts("x", "float32", (1, 7, 3))
    assert facts == Facts(
        (Function("serve", (x,), (replace(x, name="y"),)),), None, STEPS, ("TANH",), LITERT
    )


def test_a_free_batch_is_one_sequence():
    (function,) = facts_of(file_of((1, 1, 3), (-1, -1, 3))).functions
    assert function.inputs[0].shape == (1, FREE, 3)
    assert function.is_free


def test_what_integers_stand_for():
    (function,) = facts_of(
        file_of((1, 7), dtype="int8", quantization=Quantization.of(0.0078125, 3))
    ).functions
    (tensor,) = function.inputs
    assert (tensor.dtype, tensor.scale, tensor.zero_point) == ("int8", 0.0078125, 3)
