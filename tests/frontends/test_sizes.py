"""Sizes that ops take alone, and the axis of outputs that grows with the batch."""

import pytest
import tensorflow as tf

from rnnlite.errors import ShapeError
from rnnlite.frontends.sizes import BATCHES, forced_sizes, grown_axes, size_notes, with_sizes
from rnnlite.lengths.facts import Requirement
from rnnlite.lengths.lengths import Lengths
from rnnlite.lengths.sizes import Axis, floor_div, free
from rnnlite.specs import TensorSpec

T = Axis(0, 1)
X = TensorSpec("x", (1, None, 2), "float32")
STATE = TensorSpec("state", (None, None, 6), "float32", batch_axis=1)
RATE = TensorSpec("rate", (), "float32", batch_axis=None)


@pytest.mark.parametrize(
    ("size", "wanted", "forced"),
    [
        (2 * free(T), 12, {T: 6}),
        (free(T) - 3, 4, {T: 7}),
        # Behind a stride several lengths come to the same: which is meant cannot be told.
        (floor_div(free(T), 4), 4, {}),
        (2 * free(T), 5, {}),
    ],
)
def test_sizes_that_ops_take_alone(size, wanted, forced):
    lengths = Lengths((T,), (), (Requirement("equal", size, wanted, "reshape"),))
    assert forced_sizes(lengths) == forced


def test_sizes_of_some_axes():
    found = with_sizes([X, STATE], {Axis(0, 1): 7, Axis(1, 0): 2})
    assert [p.shape for p in found] == [(1, 7, 2), (2, None, 6)]
    assert size_notes([X, STATE], {Axis(1, 0): 2}) == [
        "axis 0 of input 'state' is 2: its ops take no other size"
    ]


def test_the_axis_that_grows_with_the_batch():
    """The second of scores before CTC; none of a number; the first where none grows."""
    seen = []

    @tf.function(autograph=False)
    def outputs(x, state, rate):
        return x, tf.transpose(x, [1, 0, 2]), state, rate, tf.zeros([3, 4])

    def traced(specs):
        seen.append([p.shape for p in specs])
        return outputs.get_concrete_function(*[tf.TensorSpec(p.shape, p.dtype) for p in specs])

    assert grown_axes(traced, [X, STATE, RATE]) == [0, 1, 1, None, 0]
    assert seen == [[(n, None, 2), (None, n, 6), ()] for n in BATCHES]


def test_a_model_of_one_batch():
    def traced(specs):
        raise ShapeError("the batch is 1")

    assert grown_axes(traced, [X]) is None
