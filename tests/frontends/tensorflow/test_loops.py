"""Loops of graphs, emitted: frames and While nodes give what TensorFlow gives, and are told."""

import numpy as np
import pytest
import tensorflow as tf
from building import as_tensorflow_runs, emitted, graph_from, ops_of
from hypothesis import example, given, settings
from hypothesis import strategies as st

v1 = tf.compat.v1
RNG = np.random.default_rng(1)
B, STEPS, FEATURES, UNITS = 2, 5, 3, 4
X = RNG.normal(size=(B, STEPS, FEATURES)).astype(np.float32)
W, U = (RNG.normal(size=(k, UNITS)).astype(np.float32) * 0.6 for k in (FEATURES, UNITS))
WRITTEN = pytest.mark.parametrize("written", ["frames", "functions"])


def graph(build, written):
    (v1.disable_control_flow_v2 if written == "frames" else v1.enable_control_flow_v2)()
    try:
        return graph_from(build, x=[None, None, FEATURES])
    finally:
        v1.enable_control_flow_v2()


def compared(build, written, outputs, x=X):
    """What a graph gives when emitted; what TensorFlow gives is the same."""
    definition = graph(build, written)
    found, function, emission = emitted(definition, outputs, x=x)
    for a, b in zip(found, as_tensorflow_runs(definition, outputs, x=x), strict=True):
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    return found, function, emission


def rows_of(x):
    return tf.TensorArray(tf.float32, tf.shape(x)[1]).unstack(tf.transpose(x, [1, 0, 2]))


def recurrent(x, *, outputs="y"):
    """h = tanh(x[t] W + h U), its rows as y or its last value as h."""
    count, rows = tf.shape(x)[1], rows_of(x)

    def body(t, h, ys):
        h = tf.tanh(rows.read(t) @ W + h @ U)
        return t + 1, h, ys.write(t, h)

    start = (0, tf.zeros([tf.shape(x)[0], UNITS]), tf.TensorArray(tf.float32, count))
    _, h, ys = v1.while_loop(lambda t, *_: t < count, body, start, name="rnn/while")
    if "h" in outputs:
        tf.identity(h, "h")
    if "y" in outputs:
        tf.identity(ys.stack(), "y")


def equations(x):
    """The same in NumPy."""
    h, ys = np.zeros((len(x), UNITS)), []
    for t in range(x.shape[1]):
        h = np.tanh(x[:, t] @ W + h @ U)
        ys.append(h)
    return np.array(ys), h


@WRITTEN
@pytest.mark.parametrize(
    ("asked", "outputs"), [(["y:0"], "all"), (["h:0"], "last"), (["y:0", "h:0"], "all")]
)
def test_a_recurrence(written, asked, outputs):
    found, _, emission = compared(lambda x: recurrent(x, outputs="yh"), written, asked)
    wanted = dict(zip(("y:0", "h:0"), equations(X), strict=True))
    for reference, value in zip(asked, found, strict=True):
        np.testing.assert_allclose(value, wanted[reference], rtol=1e-5, atol=1e-6)
    (record,) = emission.records.values()
    assert (record.name, record.kind, record.units) == ("rnn", "RNN", UNITS)
    assert record.direction == "forward"
    assert emission.notes == []
    # A While node that makes rows makes them, whether or not the graph reads them.
    if written == "frames":
        assert record.outputs == outputs


@WRITTEN
def test_a_loop_over_the_reversed_sequence(written):
    found, _, session = compared(lambda x: recurrent(tf.reverse(x, [1])), written, ["y:0"])
    np.testing.assert_allclose(found[0], equations(X[:, ::-1])[0], rtol=1e-5, atol=1e-6)
    assert [r.direction for r in session.records.values()] == ["backward"]


def converging(x):
    """Halve x until it is small: the number of iterations depends on it."""
    found = v1.while_loop(
        lambda k, y: tf.reduce_max(tf.abs(y)) > 0.1, lambda k, y: (k + 1, y * 0.5), (0, x)
    )
    tf.identity(found[1], "y")
    tf.identity(found[0], "k")


@WRITTEN
def test_a_loop_that_is_no_recurrence_stays_one(written):
    found, function, session = compared(converging, written, ["y:0", "k:0"])
    times = int(np.ceil(np.log2(np.abs(X).max() / 0.1)))
    assert found[1] == times
    np.testing.assert_allclose(found[0], X * 0.5**times)
    assert session.records == {}
    (note,) = session.notes
    assert note.startswith("the loop 'while")
    assert "is kept as a plain loop: its condition" in note
    assert "While" in "".join(ops_of(function))


def within(x):
    """For each time step, three steps of a loop within: h = tanh(h U + x[t] W) thrice."""
    count, rows = tf.shape(x)[1], rows_of(x)

    def body(t, h):
        row = rows.read(t) @ W
        inner = v1.while_loop(
            lambda k, _: k < 3, lambda k, g: (k + 1, tf.tanh(g @ U + row)), (0, h)
        )
        return t + 1, inner[1]

    start = (0, tf.zeros([tf.shape(x)[0], UNITS]))
    tf.identity(v1.while_loop(lambda t, _: t < count, body, start)[1], "y")


@WRITTEN
def test_a_loop_within_a_loop(written):
    found, _, session = compared(within, written, ["y:0"])
    h = np.zeros((B, UNITS))
    for t in range(STEPS):
        for _ in range(3):
            h = np.tanh(h @ U + X[:, t] @ W)
    np.testing.assert_allclose(found[0], h, rtol=1e-5, atol=1e-5)
    assert len(session.records) == 2


@WRITTEN
@pytest.mark.parametrize("shift", [0, 2])
def test_a_counter_and_an_invariant_behind_the_loop(written, shift):
    def build(x):
        count = tf.shape(x)[1] - shift
        found = v1.while_loop(
            lambda t, s, c: t < count,
            lambda t, s, c: (t + 1, s + c, c),
            (0, tf.zeros([]), tf.constant(1.5)),
        )
        for name, value in zip("tsc", found, strict=True):
            # Of x, so that it is an output of the graph.
            tf.identity(tf.cast(value, tf.float32) + 0.0 * x[0, 0, 0], name)

    found, _, _ = compared(build, written, ["t:0", "s:0", "c:0"])
    np.testing.assert_allclose(found, [STEPS - shift, 1.5 * (STEPS - shift), 1.5])


@WRITTEN
@pytest.mark.parametrize("limit", [2, STEPS, 9])
def test_rows_behind_the_last_iteration_are_zero(written, limit):
    """The array has a row for each time step; the loop ends before, or reads no further."""

    def build(x):
        count, rows = tf.shape(x)[1], rows_of(x)

        def body(t, h, ys):
            h = h + rows.read(t)
            return t + 1, h, ys.write(t, h)

        start = (
            0,
            tf.zeros([B, FEATURES]),
            tf.TensorArray(tf.float32, count, element_shape=[B, 3]),
        )
        ends = tf.minimum(count, limit)
        tf.identity(v1.while_loop(lambda t, *_: t < ends, body, start)[2].stack(), "y")

    if written == "functions":
        # A list has no row where none was written; TensorFlow gives zeros of its element's shape.
        found, _, _ = compared(build, written, ["y:0"])
    else:
        definition = graph(build, written)
        found, _, _ = emitted(definition, ["y:0"], x=X)
    wanted = np.cumsum(X, 1).transpose(1, 0, 2)
    wanted[limit:] = 0
    np.testing.assert_allclose(found[0], wanted, rtol=1e-5, atol=1e-6)


@WRITTEN
@pytest.mark.parametrize("arrays", [False, True])
def test_a_loop_without_an_iteration(written, arrays):
    """What it carries is what it was; rows that it reads are not even there."""

    def build(x):
        rows = rows_of(x)
        limit = tf.raw_ops.PreventGradient(input=tf.constant(0))
        start = (
            0,
            2.0 * x[:, 0],
            *([tf.TensorArray(tf.float32, 2, element_shape=[B, 3])] * arrays),
        )

        def body(t, h, *ys):
            h = h + rows.read(t)
            return t + 1, h, *(y.write(t, h) for y in ys)

        found = v1.while_loop(lambda t, *_: t < limit, body, start)
        tf.identity(found[1], "y")
        if arrays:
            tf.identity(found[2].stack() + x[0, 0, 0], "z")

    definition = graph(build, written)
    outputs = ["y:0", "z:0"] if arrays else ["y:0"]
    found, _, session = emitted(definition, outputs, x=X)
    np.testing.assert_array_equal(found[0], 2 * X[:, 0])
    if arrays:
        np.testing.assert_array_equal(found[1], np.full((2, B, 3), X[0, 0, 0]))
    assert session.notes == [
        "the loop '" + session.notes[0].split("'")[1] + "' is kept as a plain loop: "
        "it makes no iteration"
    ]


@WRITTEN
def test_two_loops_one_behind_the_other(written):
    def build(x):
        count, rows = tf.shape(x)[1], rows_of(x)
        start = (0, tf.TensorArray(tf.float32, count))
        less = lambda t, _: t < count  # noqa: E731
        doubled = v1.while_loop(less, lambda t, a: (t + 1, a.write(t, 2.0 * rows.read(t))), start)
        total = v1.while_loop(
            less, lambda t, s: (t + 1, s + doubled[1].read(t)), (0, tf.zeros([B, FEATURES]))
        )
        tf.identity(total[1], "y")

    found, _, _ = compared(build, written, ["y:0"])
    np.testing.assert_allclose(found[0], 2 * X.sum(1), rtol=1e-5, atol=1e-6)


@settings(max_examples=6, deadline=None)
@example(written="frames", start=1, limit=0, compare="and", factor=0.0)
@example(written="frames", start=0, limit=-1, compare="<=", factor=0.0)
@given(
    written=st.sampled_from(["frames", "functions"]),
    start=st.integers(-3, 3),
    limit=st.integers(-2, 6),
    compare=st.sampled_from(["<", "<=", ">", ">=", "and"]),
    factor=st.floats(-1, 1, width=16),
)
def test_bounds_of_a_counter(written, start, limit, compare, factor):
    """s = factor s + x over as many iterations as the condition lets, none among them."""

    def condition(t, u, s):
        return {
            "<": lambda: t < limit,
            "<=": lambda: t <= limit,
            ">": lambda: limit > t,
            ">=": lambda: limit >= t,
            "and": lambda: tf.logical_and(u < start + 3, t < limit),
        }[compare]()

    def build(x):
        first = x[:, 0]
        found = v1.while_loop(
            condition, lambda t, u, s: (t + 1, u + 1, factor * s + first), (0, start, first)
        )
        tf.identity(found[2], "y")
        tf.identity(tf.cast(found[0], tf.float32) + 0.0 * x[0, 0, 0], "t")

    more = 1 if compare in ("<=", ">=") else 0
    times = max(0, limit + more)
    times = min(times, 3) if compare == "and" else times
    found, _, _ = compared(build, written, ["y:0", "t:0"])
    wanted = X[:, 0].astype(np.float64)
    for _ in range(times):
        wanted = factor * wanted + X[:, 0]
    np.testing.assert_allclose(found[0], wanted, rtol=1e-4, atol=1e-5)
    assert found[1] == times
