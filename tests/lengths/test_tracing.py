"""From a traced function to its `Lengths`: free axes, steps, demands."""

import numpy as np
import tensorflow as tf

from rnnlite.lengths.lengths import Lengths
from rnnlite.lengths.sizes import Axis, free
from rnnlite.lengths.tracing import lengths_of
from rnnlite.scan.scan import Lowered, Scan, ScanResult
from rnnlite.specs import TensorSpec


class Cell:
    output_is_state = None


def lowered(x, y, states=()):
    """A recurrence over x (T, B, ...) whose last output is y."""
    scan = Scan(cell=Cell(), inputs=(x,), initial_states=())
    return Lowered(scan, ScanResult((y,), None, states), 4, (64, 256))


def traced(function, *shapes):
    return tf.function(function, autograph=False).get_concrete_function(
        *(tf.TensorSpec(s, tf.float32) for s in shapes)
    )


def test_lengths_of_a_function():
    found = []

    def model(x, weights):
        rows = tf.transpose(x[:, 2:], [1, 0, 2])
        last = tf.reduce_sum(rows, 0)
        found.append(lowered(rows, last))
        return last @ weights

    concrete = traced(model, [None, None, 3], [3, None])
    specs = [TensorSpec("x", (None, None, 3), "float32"), TensorSpec("w", (3, None), "float32")]
    assert specs[0].batch_axis == 0
    lengths = lengths_of(concrete, specs, found)
    # The batch is free, and no length.
    assert lengths.axes == (Axis(0, 1), Axis(1, 1))
    (steps,) = lengths.steps
    assert (steps.unroll, steps.thresholds) == (4, (64, 256))
    # Two rows are cut off in front.
    assert [lengths.reaching(steps.size, Axis(0, 1), n, {}) for n in (1, 5)] == [3, 7]
    assert [(r.kind, r.axes) for r in lengths.requirements] == [("least", {Axis(0, 1)})]
    assert lengths.times == {Axis(0, 1)}
    assert lengths.least[Axis(0, 1)] == 3


def test_a_recurrence_that_no_output_asks_for_takes_no_steps():
    found = []

    def model(x):
        found.append(lowered(tf.transpose(x, [1, 0, 2]), tf.reduce_sum(x, 1)))
        return x * 2

    lengths = lengths_of(
        traced(model, [1, None, 3]), [TensorSpec("x", (1, None, 3), "float32")], found
    )
    assert lengths == Lengths((Axis(0, 1),), (), ())


def test_two_inputs_that_meet():
    lengths = lengths_of(
        traced(lambda a, b: a + b, [1, None, 3], [1, None, 3]),
        [TensorSpec(n, (1, None, 3), "float32") for n in "ab"],
        (),
    )
    a, b = free(Axis(0, 1)), free(Axis(1, 1))
    (requirement,) = lengths.requirements
    assert (requirement.kind, requirement.left, requirement.right) == ("equal", a, b)
    assert lengths.completed({Axis(0, 1): 4}) == {Axis(0, 1): 4, Axis(1, 1): 4}


def test_a_fixed_function_has_no_free_axes():
    lengths = lengths_of(
        traced(lambda x: tf.constant(np.ones(3, np.float32)) * x, [1, 5, 3]),
        [TensorSpec("x", (1, 5, 3), "float32")],
        (),
    )
    assert lengths == Lengths()
