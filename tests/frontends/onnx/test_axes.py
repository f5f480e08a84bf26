"""Which axis of an ONNX input is the batch, and which is time."""

import pytest

from rnnlite.frontends.onnx.axes import (
    batch_axis_beside,
    is_batch_name,
    named_batch,
    time_axis_beside,
)
from rnnlite.frontends.onnx.nodes import ValueInfo


def declared(*shape):
    return ValueInfo("x", "float32", shape)


@pytest.mark.parametrize("name", ["batch", "Batch-Size", "batch_size", "N", "mini_batch", "bsz"])
def test_names_of_a_batch(name):
    assert is_batch_name(name)


@pytest.mark.parametrize("name", ["time", "T", "sequence", "features", "nodes"])
def test_names_of_something_else(name):
    assert not is_batch_name(name)


@pytest.mark.parametrize(
    ("shape", "axis"),
    [
        (("T", "batch", 4), 1),
        (("batch", "T", 4), 0),
        # Without a name it is the first that is free, or of one, and not called like time.
        ((None, None, 4), 0),
        (("seq_len", None, 4), 1),
        (("time", 1, 4), 1),
        ((5, 7, 4), None),
        (("frames",), None),
        ((None,), 0),
        ((), None),
    ],
)
def test_the_axis_of_the_batch(shape, axis):
    assert named_batch(declared(*shape)) == axis


def test_an_input_of_unknown_rank_has_none():
    unknown = ValueInfo("x", "float32", None)
    assert named_batch(unknown) is None
    assert time_axis_beside(unknown, None) is None


@pytest.mark.parametrize(
    ("shape", "times", "axis"),
    [
        ((None, None, 4), {0}, 1),
        ((None, 1, 4), {0}, 1),
        ((1, None, 4), set(), 1),
        ((None, 5, 4), {0}, None),
    ],
)
def test_a_batch_that_no_recurrence_runs_over(shape, times, axis):
    assert batch_axis_beside(declared(*shape), times) == axis


@pytest.mark.parametrize(
    ("shape", "batch", "axis"),
    [((None, None, 4), 0, 1), (("T", "B", 4), 1, 0), ((None, 9, 4), 0, None), ((None, 4), None, 0)],
)
def test_time_is_the_first_free_axis_beside_the_batch(shape, batch, axis):
    assert time_axis_beside(declared(*shape), batch) == axis
