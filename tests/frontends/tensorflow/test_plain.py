"""Loops that are no recurrence: as they stand, arrays as dense tensors."""

import building
import numpy as np
import pytest
import tensorflow as tf

import rnnlite
from rnnlite.errors import UnsupportedError

v1 = tf.compat.v1


def sums_so_far(x):
    """y[t] = x[t] + y[t - 1], read from the array that the loop writes."""
    steps = tf.shape(x)[1]

    def body(t, ys):
        last = tf.cond(t > 0, lambda: ys.read(tf.maximum(t - 1, 0)), lambda: tf.zeros([1, 4]))
        return t + 1, ys.write(t, x[:, t] + last)

    array = tf.TensorArray(tf.float32, steps, element_shape=[1, 4], clear_after_read=False)
    _, ys = v1.while_loop(lambda t, *_: t < steps, body, (0, array))
    tf.identity(ys.stack(), "y")


def grown(x):
    """What a list without rows holds in the end, written from the second row on."""
    steps = tf.shape(x)[1]

    def body(t, ys):
        return t + 1, ys.write(t + 1, x[:, t] * 2.0)

    array = tf.TensorArray(tf.float32, 0, dynamic_size=True, element_shape=[1, 4])
    array = array.write(0, tf.ones([1, 4]))
    _, ys = v1.while_loop(lambda t, *_: tf.logical_not(t >= steps), body, (0, array))
    tf.identity(ys.stack(), "y")


def longer(x):
    """A state that has a row more after each step."""

    def body(t, h):
        return t + 1, tf.concat([h, x[:, t]], 0)

    shapes = [tf.TensorShape([]), tf.TensorShape([None, 4])]
    start = [0, tf.ones([1, 4])]
    _, h = v1.while_loop(lambda t, _: t < tf.shape(x)[1], body, start, shape_invariants=shapes)
    tf.identity(tf.math.cumsum(h), "y")


REASONS = {
    longer: "a state changes its shape",
    sums_so_far: "is read in the loop that writes it",
    grown: "is not written at the counter",
}


@pytest.mark.parametrize("v2", [False, True], ids=["frames", "functions"])
@pytest.mark.parametrize("build", REASONS, ids=lambda b: b.__name__)
def test_kept_as_it_is(tmp_path, build, v2):
    path = building.write(tmp_path / "graph.pb", lambda x: build(x[:1]), v2=v2)
    converted = rnnlite.convert(path, outputs=["y:0"])
    (note,) = [n for n in converted.report.notes if "is kept as a plain loop: " in n]
    assert note.endswith(REASONS[build])
    model = rnnlite.load(converted.tflite)
    for length in (1, 6, 3):
        x = np.random.default_rng(length).normal(size=(1, length, 4)).astype(np.float32)
        (wanted,) = building.expected(path, ["y:0"], {"x:0": x})
        np.testing.assert_allclose(model.run([x])[0], wanted, atol=1e-6)


def deeper(x):
    """A state that has an axis more after each step."""

    def body(t, h):
        return t + 1, tf.expand_dims(h, 0)

    shapes = [tf.TensorShape([]), tf.TensorShape(None)]
    _, h = v1.while_loop(lambda t, _: t < tf.shape(x)[1], body, [0, x[0]], shape_invariants=shapes)
    tf.identity(tf.reduce_sum(h), "y")


def rows_of_any_rank(x):
    """Rows of a shape that is computed, and of which not even the rank is known."""
    steps = tf.shape(x)[1]

    def body(t, ys):
        none = tf.cast(tf.where(x[0, t] > 1e9)[:, 0], tf.int32)
        shape = tf.concat([none, [1, 4]], 0)
        return t + 1, ys.write(steps - 1 - t, tf.reshape(x[:, t], shape))

    array = tf.TensorArray(tf.float32, steps, infer_shape=False)
    _, ys = v1.while_loop(lambda t, *_: t < steps, body, (0, array))
    tf.identity(tf.reduce_sum(ys.stack()), "y")


REFUSED = {
    deeper: r"variable \d of the loop 'while.*' changes its rank; expected variables",
    rows_of_any_rank: r"the shape of the rows of 'TensorArray.*' is not known; found <unknown>",
}


@pytest.mark.parametrize("v2", [False, True], ids=["frames", "functions"])
@pytest.mark.parametrize("build", REFUSED, ids=lambda b: b.__name__)
def test_refused(tmp_path, build, v2):
    path = building.write(tmp_path / "graph.pb", build, v2=v2)
    with pytest.raises(UnsupportedError, match=REFUSED[build]):
        rnnlite.convert(path, outputs=["y:0"])
