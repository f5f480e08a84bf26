"""A cell traced where its model was, replayed in the function of a chunk."""

import re

import numpy as np
import pytest
import tensorflow as tf

from rnnlite.errors import StreamingError
from rnnlite.scan.scan import TracedStep
from rnnlite.streaming.replay import ReplayedCell
from streaming.emission import Emission

RNG = np.random.default_rng(0)
X = RNG.standard_normal((1, 4, 6)).astype(np.float32)


def traced(source, around, step, rows=1, states=1):
    """A step of rows (1, 6) and states (1, 6), traced within the graph of the whole function.

    Args:
        around: the tensor of that graph which it reads, or None.
        step: (rows, states, what it reads) -> outputs, new states.
    """
    outer = source.graph
    with outer.as_default():
        graph = tf.__internal__.FuncGraph("step")
    with graph.as_default():
        mine = [tf.compat.v1.placeholder(tf.float32, [1, 6]) for _ in range(rows + states)]
        read = None if around is None else graph.capture(around)
        outputs, new = step(mine[:rows], mine[rows:], read)
    return TracedStep((), tuple(mine[:rows]), tuple(mine[rows:]), tuple(outputs), tuple(new), None)


def model(x, gain):
    return tf.tanh(x), gain * 2.0, tf.reduce_max(x, 1), tf.shape(x)[2] + 0


def emission():
    return Emission(model, (1, None, 6), (1, 6))


def doubled(rows, states, read):
    new = [tf.tanh(rows[0] + states[0] * (1.0 if read is None else read))]
    return [new[0] * 3.0], new


def test_a_step_computes_what_it_computed():
    one = emission()
    gain = one.op("Mul").outputs[0]
    step = traced(one.net.function, gain, doubled)
    with one.graph.as_default():
        cell = ReplayedCell(one.emitter, step, "mine", 6, "recurrence 'mine'")
        row, state = one.chunks[0][:, 0], tf.ones([1, 6])
        outputs, new = cell.step(cell.project([row]), [state], cell.weights())
    factor = RNG.standard_normal((1, 6)).astype(np.float32)
    found = one.run([*outputs, *new], X, factor)
    expected = np.tanh(X[:, 0] + 2 * factor)
    np.testing.assert_allclose(found[0], 3 * expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found[1], expected, rtol=1e-5, atol=1e-6)


def test_a_cell_says_of_itself_what_a_lowering_asks():
    one = emission()
    step = traced(one.net.function, None, doubled)
    cell = ReplayedCell(one.emitter, step, "mine", 5, "recurrence 'mine'")
    assert (cell.kind, cell.units, cell.output_is_state) == ("mine", 5, None)
    # It projects nothing, cannot be cut, has no product known as its own, and no padding step.
    assert (cell.hoisted, cell.cuts, cell.recurrent_weights) == (False, None, 0)
    assert cell.project("ab") == ["a", "b"]
    assert cell.identity_padding() is None
    assert cell.outputs == step.outputs
    assert cell.weights() == []


def test_what_it_reads_is_what_stands_for_it_in_a_chunk():
    one = emission()
    step = traced(one.net.function, one.op("Mul").outputs[0], doubled)
    with one.graph.as_default():
        cell = ReplayedCell(one.emitter, step, "mine", 6, "recurrence 'mine'")
    (weight,) = cell.weights()
    assert weight.graph is one.graph
    factor = np.arange(6, dtype=np.float32)[None]
    np.testing.assert_array_equal(one.run(weight, X, factor), 2 * factor)
    # The list is the caller's own.
    cell.weights().clear()
    assert len(cell.weights()) == 1


def test_what_is_captured_and_not_read_is_no_weight():
    one = emission()

    def step(rows, states, read):
        return doubled(rows, states, None)

    found = traced(one.net.function, one.op("Mul").outputs[0], step)
    cell = ReplayedCell(one.emitter, found, "mine", 6, "recurrence 'mine'")
    assert cell.weights() == []


def test_a_size_is_read_as_a_number():
    one = emission()

    def step(rows, states, read):
        new = [rows[0] + states[0] * tf.cast(read, tf.float32)]
        return new, new

    found = traced(one.net.function, one.net.function.outputs[3].op.inputs[0], step)
    with one.graph.as_default():
        cell = ReplayedCell(one.emitter, found, "mine", 6, "recurrence 'mine'")
        (_, (new,)) = cell.step([one.chunks[0][:, 0]], [tf.ones([1, 6])], cell.weights())
    np.testing.assert_allclose(one.run(new, X, np.zeros((1, 6))), X[:, 0] + 6.0)


@pytest.mark.parametrize("kind", ["Tanh", "Max"])
def test_what_changes_with_time_is_refused(kind):
    """A row of each step, and a result of all steps so far."""
    one = emission()
    op = one.op(kind)

    def step(rows, states, read):
        new = [rows[0] + states[0] + tf.reduce_sum(read)]
        return new, new

    found = traced(one.net.function, op.outputs[0], step)
    expected = (
        f"recurrence 'mine' cannot be streamed: its step reads '{op.name}', which changes with time"
    )
    with one.graph.as_default(), pytest.raises(StreamingError, match=re.escape(expected)):
        ReplayedCell(one.emitter, found, "mine", 6, "recurrence 'mine'")


def test_rows_and_states_keep_their_order():
    one = emission()

    def step(rows, states, read):
        return [rows[0] - rows[1], states[0] - states[1]], [states[1] * 2.0, rows[1] * 5.0]

    found = traced(one.net.function, None, step, rows=2, states=2)
    with one.graph.as_default():
        cell = ReplayedCell(one.emitter, found, "mine", 6, "recurrence 'mine'")
        given = [tf.fill([1, 6], float(k)) for k in (1, 10, 100, 1000)]
        outputs, new = cell.step(given[:2], given[2:], [])
    numbers = [float(a[0, 0]) for a in one.run([*outputs, *new], X, np.zeros((1, 6)))]
    assert numbers == [-9.0, -900.0, 2000.0, 50.0]
