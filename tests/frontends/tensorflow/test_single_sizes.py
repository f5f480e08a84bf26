"""Sizes that the source alone tells: tried on a source that is written here."""

import numpy as np
import pytest
import tensorflow as tf
from building import node

from rnnlite.frontends.tensorflow.single_sizes import LARGEST, MOST, _sizes, only_sizes
from rnnlite.lengths.lengths import Lengths, Steps
from rnnlite.lengths.sizes import Axis, free
from rnnlite.specs import TensorSpec

v1 = tf.compat.v1
TIME = Axis(0, 1)


def weights(*shapes, dtype=tf.float32):
    """A GraphDef of constants of these shapes."""
    nodes = [
        node("Const", f"w{k}", dtype=dtype, value=np.zeros(s, dtype.as_numpy_dtype))
        for k, s in enumerate(shapes)
    ]
    return v1.GraphDef(node=nodes)


def lengths(axes, times=(TIME,)):
    """All axes of the inputs; which of them are time."""
    return Lengths(tuple(axes), tuple(Steps(free(a)) for a in times))


class Source:
    """Takes inputs of one number of features and, if given, one number of states alone."""

    def __init__(self, features, batch=None):
        self.features, self.batch = features, batch
        self.shapes = []

    def __call__(self, arrays):
        self.shapes.append([a.shape for a in arrays])
        if self.features is not None and arrays[0].shape[2] != self.features:
            raise ValueError("the product takes other features")
        if self.batch is not None and arrays[1].shape[0] != self.batch:
            raise ValueError("the state has another batch")
        return []


def specs(free):
    """x (1, T, ?) and a state (?, 5), and their free axes; time is axis 1 of x."""
    shapes = {"x": [1, None, 3], "state": [1, 5]}
    for name, axis in free:
        shapes[name][axis] = None
    return [TensorSpec(k, tuple(s), "float32", batch_axis=None) for k, s in shapes.items()]


def found(source, sizes, *free, times=(TIME,)):
    axes = [Axis(("x", "state").index(n), k) for n, k in [("x", 1), *free]]
    return only_sizes(source, specs([("x", 1), *free]), lengths(axes, times), sizes, {})


def test_features_that_the_kernel_tells():
    """A kernel (7, 8) alone: 7 features."""
    source = Source(7)
    assert found(source, weights((7, 8)), ("x", 2)) == {Axis(0, 2): 7}
    # At six time steps, each size once.
    assert {shapes[0][:2] for shapes in source.shapes} == {(1, 6)}
    assert [shapes[0][2] for shapes in source.shapes] == [3, 5, 1, 7, 8]


@pytest.mark.parametrize("gates", [1, 2, 3, 4])
def test_features_of_a_kernel_of_inputs_and_states(gates):
    """The kernel of [x, h] has features and units as rows, and units for each gate as columns."""
    kernel = (9 + 4, 4 * gates)
    assert found(Source(9), weights(kernel), ("x", 2)) == {Axis(0, 2): 9}


def test_a_batch_that_a_state_pins():
    assert found(Source(3, batch=1), weights((3, 8)), ("state", 0)) == {Axis(1, 0): 1}


def test_two_axes_one_after_the_other():
    """The second is tried at the size that was found for the first."""
    source = Source(7, batch=1)
    free = [("x", 2), ("state", 0)]
    assert found(source, weights((7, 8)), *free) == {Axis(0, 2): 7, Axis(1, 0): 1}


def test_an_axis_that_takes_any_size_stays_free():
    source = Source(None)
    assert found(source, weights((7, 8)), ("x", 2)) == {}
    assert len(source.shapes) == 1


def test_an_axis_that_takes_several_sizes_stays_free():
    class Even(Source):
        def __call__(self, arrays):
            if arrays[0].shape[2] not in (7, 8):
                raise ValueError("others")

    assert found(Even(None), weights((7, 8)), ("x", 2)) == {}


def test_time_is_not_tried():
    source = Source(None)
    assert found(source, weights((7, 8))) == {}
    assert source.shapes == []


def test_without_a_recurrence_nothing_is_tried():
    source = Source(7)
    assert found(source, weights((7, 8)), ("x", 2), times=()) == {}
    assert source.shapes == []


@pytest.mark.parametrize(
    ("shapes", "sizes"),
    [
        ([(7, 8)], [1, 7, 8]),
        ([(2, 7)], [1, 2, 7]),
        ([(3, 5)], [1, 2]),
        ([(11,)], [1, 11]),
        ([(LARGEST + 1,), (LARGEST,)], [1, LARGEST]),
        ([(6,), (6, 6)], [1, 6, 4]),
    ],
    ids=str,
)
def test_sizes_to_try(shapes, sizes):
    """The batch, then the axes of weights and the rows less 1 to 4 gates; 3 and 5 tell nothing."""
    assert _sizes(weights(*shapes)) == sizes


def test_not_too_many_sizes_are_tried():
    assert len(_sizes(weights(*[(n,) for n in range(6, 400)]))) == MOST


def test_integers_are_no_weights():
    assert _sizes(weights((7, 8), dtype=tf.int32)) == [1]
