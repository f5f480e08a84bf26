"""A Program from a function that emits a model, and the recurrences that it meets."""

import numpy as np
import pytest
import tensorflow as tf

from rnnlite.errors import ShapeError, UnsupportedError
from rnnlite.frontends.building import build, sized
from rnnlite.frontends.request import Request
from rnnlite.lowering.schedule import Budget, Options
from rnnlite.scan.cells import Activation, SimpleRNN
from rnnlite.scan.scan import Scan
from rnnlite.specs import TensorSpec

KERNEL, RECURRENT = np.ones((2, 3), np.float32), 0.1 * np.eye(3, dtype=np.float32)
CELL = SimpleRNN(KERNEL, RECURRENT, None, Activation(tf.tanh, True))
X = TensorSpec("x", (1, None, 2), "float32")


def emit(tensors, recurrences):
    rows = tf.transpose(tensors[0], [1, 0, 2])
    zero = tf.zeros([tf.shape(rows)[1], 3])
    found = recurrences.lower(Scan(CELL, (rows,), (zero,), reverse=True, name="back"))
    return {"last": found.last[0], "same": tensors[0]}


def program(emit=emit, request=None, **options):
    return build(
        emit,
        [X],
        request or Request(),
        origin="a test",
        reference=lambda arrays: arrays,
        weights=[KERNEL.shape, RECURRENT.shape],
        **options,
    ).main


def test_a_program():
    found = program(notes=["a note"])
    assert (found.origin, found.notes) == ("a test", ("a note",))
    assert [(s.name, s.shape) for s in found.outputs] == [("last", (1, 3)), ("same", (1, None, 2))]
    assert (found.inputs[0].time_axis, found.inputs[0].batch_axis) == (1, 0)
    (record,) = found.recurrences
    assert (record.name, record.kind, record.units) == ("back", "SimpleRNN", 3)
    assert (record.direction, record.outputs, record.masked) == ("backward", "last", False)
    assert len(found.scans) == 1
    x = np.random.default_rng(0).standard_normal((1, 5, 2)).astype(np.float32)
    h = np.zeros(3)
    for t in reversed(range(5)):
        h = np.tanh(x[0, t] @ KERNEL + h @ RECURRENT)
    last, same = found.function(tf.constant(x))
    np.testing.assert_allclose(last[0], h, atol=1e-6)
    np.testing.assert_array_equal(same, x)


def test_it_is_traced_again_where_there_is_a_budget():
    calls = []

    def counted(tensors, recurrences):
        calls.append(recurrences.options)
        return emit(tensors, recurrences)

    program(counted)
    assert len(calls) == 1
    options = Options(budget=Budget())
    found = program(counted, Request(schedule=options))
    assert [type(o).__name__ for o in calls[1:]] == ["Survey", "Options"]
    assert len(found.recurrences) == 1


def test_random_numbers_are_refused():
    with pytest.raises(UnsupportedError, match="draws random numbers at inference"):
        program(lambda tensors, _: {"y": tensors[0] + tf.random.normal([2])})


@pytest.mark.parametrize(
    ("shape", "batch", "length", "expected"),
    [
        ((None, None, 2), "auto", "auto", (1, None, 2)),
        ((None, None, 2), None, None, (None, None, 2)),
        ((None, None, 2), 3, 7, (3, 7, 2)),
        ((4, 9, 2), "auto", "auto", (4, 9, 2)),
        ((4, 9, 2), 4, 9, (4, 9, 2)),
    ],
)
def test_sizes(shape, batch, length, expected):
    request = Request(batch_size=batch, sequence_length=length)
    assert sized(TensorSpec("x", shape, "float32"), request, time_axis=1).shape == expected


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (Request(batch_size=2), "input 'x' does not take batch size 2; expected 4, as it states"),
        (Request(batch_size=None), "does not take batch size None"),
        (Request(sequence_length=3), "sequence length 3; expected 9, as it states"),
        (Request(sequence_length="long"), "sequence length long; expected 9, as it states"),
    ],
)
def test_sizes_that_the_source_pins(request_, message):
    with pytest.raises(ShapeError, match=message):
        sized(TensorSpec("x", (4, 9, 2), "float32"), request_, time_axis=1)


def test_a_tensor_without_batch_axis():
    flag = TensorSpec("flag", (3,), "float32", batch_axis=None)
    assert sized(flag, Request(batch_size=5)) == flag
