"""What stands behind a loop that was lowered as a Scan: names, directions, rows, last rows."""

from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

from rnnlite.errors import InternalError
from rnnlite.frontends.tensorflow.arrays import Array
from rnnlite.frontends.tensorflow.emit import Emission
from rnnlite.frontends.tensorflow.scans import (
    _array,
    _behind,
    _padded,
    _reversed,
    label_of,
    lower_named,
)
from rnnlite.loops import Reading, Variable
from rnnlite.lowering.schedule import Options
from rnnlite.scan.cells import Activation, SimpleRNN
from rnnlite.scan.scan import Recurrence, Scan, ScanResult

ROWS = np.arange(6, dtype=np.float32).reshape(3, 2)


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("while", "while"),
        ("rnn/while", "rnn"),
        ("rnn/while/while_context", "rnn"),
        ("while/while_context", "while"),
        ("a/while_1/while_context", "a/while_1"),
        ("model/lstm/while/body", "model/lstm/while/body"),
        ("/while", "/while"),
    ],
)
def test_the_name_of_a_loop(name, label):
    assert label_of(name) == label


def shaped(x):
    return tf.transpose(tf.reshape(tf.cast(tf.identity(x), tf.float64), [2, 3, 4]), [1, 0, 2])


@pytest.mark.parametrize(
    ("build", "backward"),
    [
        (lambda x: shaped(x), False),
        (lambda x: shaped(tf.reverse(x, [1])), True),
        (lambda x: shaped(tf.reverse(x, [1]))[:2], True),
        (lambda x: tf.reverse_sequence(x, [3, 2], 1), True),
        (lambda x: tf.tanh(tf.reverse(x, [1])), False),
        (lambda x: x, False),
    ],
    ids=["plain", "reversed", "cut", "by lengths", "behind another op", "an input"],
)
def test_a_sequence_that_is_turned_round(build, backward):
    with tf.Graph().as_default():
        x = tf.compat.v1.placeholder(tf.float32, [2, 3, 4])
        assert _reversed(build(x)) == backward


def array(size, content=None):
    return Array(tf.float32, size, tf.TensorShape([2]), content, "ys")


@pytest.mark.parametrize(("size", "zeros"), [(None, 0), (3, 0), (5, 2)])
def test_rows_that_were_not_written_are_zero(size, zeros):
    found = _padded(array(size), tf.constant(ROWS), Reading(3))
    np.testing.assert_array_equal(found.rows(), np.pad(ROWS, [(0, zeros), (0, 0)]))
    assert found.content.shape == (3 + zeros, 2)


def test_an_array_as_long_as_the_loop_is_not_padded():
    """Its size is the very number of iterations, which need not be known."""
    with tf.Graph().as_default():
        count = tf.compat.v1.placeholder(tf.int32, [])
        rows = tf.constant(ROWS)
        assert _padded(array(count), rows, Reading(count)).content is rows
        longer = _padded(array(count), rows, Reading(3)).content
        assert longer.shape.as_list() == [None, 2]


def variable(name, initial):
    rows = initial if isinstance(initial, Array) else None
    return Variable(name, f"{name}'", f"{name}?", initial=initial, rows=rows)


def behind(*, sequences):
    """All variables of a loop of three iterations, with its rows or with the last alone."""
    t, u = variable("t", tf.constant(0)), variable("u", tf.constant(7))
    h, w = variable("h", tf.zeros([2])), variable("w", tf.constant(9.0))
    ys, last = variable("ys", array(4 if sequences else 3)), variable("last", array(1))
    reading = Reading(3, [w], {t: np.int32(0), u: np.int64(7)}, {ys: "row"}, {last: h}, [h])
    raised = SimpleNamespace(reading=reading, outputs=(ys,))
    result = ScanResult(
        states=[tf.constant([5.0, 6.0])],
        outputs=[tf.constant(ROWS)] if sequences else None,
        last=None if sequences else [tf.constant(ROWS[2])],
    )
    return _behind(SimpleNamespace(variables=(ys, t, w, last, h, u)), raised, result)


@pytest.mark.parametrize("sequences", [True, False])
def test_all_variables_in_their_order(sequences):
    ys, t, w, last, h, u = behind(sequences=sequences)
    assert [int(t), float(w), int(u)] == [3, 9.0, 10]
    assert (t.dtype, u.dtype) == (tf.int32, tf.int64)
    np.testing.assert_array_equal(h, [5, 6])
    # As Keras keeps a last output: it is the state.
    np.testing.assert_array_equal(last.rows(), [[5, 6]])
    wanted = np.pad(ROWS, [(0, 1), (0, 0)]) if sequences else ROWS[2:]
    np.testing.assert_array_equal(ys.rows(), wanted)


def test_a_state_is_no_array():
    with pytest.raises(InternalError, match="'h' is no array"):
        _array(variable("h", tf.zeros([2])))
    rows = array(3)
    assert _array(variable("ys", rows)) is rows


@pytest.mark.parametrize(("outer", "begin"), [("", "rnn/"), ("node", "node/rnn/")])
def test_ops_of_a_scan_are_named_by_it(outer, begin):
    """Whether or not the graph has ops of that name already."""
    emission = Emission(Options())
    about = Recurrence("rnn", "SimpleRNN", 2, "forward", "last", masked=False, hoisted=True)
    graph = tf.__internal__.FuncGraph("test")
    with graph.as_default(), tf.name_scope(outer):
        x, h = tf.zeros([7, 1, 3], name="rnn/x"), tf.zeros([1, 2])
        kernels = np.ones((3, 2), np.float32), np.ones((2, 2), np.float32)
        cell = SimpleRNN(*kernels, None, Activation(tf.tanh, elementwise=True))
        before = len(graph.get_operations())
        lower_named(emission, Scan(cell, (x,), (h,), name="rnn"), "here", about)
        names = [op.name for op in graph.get_operations()[before:]]
    assert f"{begin}scan" in names
    assert [name for name in names if not name.startswith(begin)] == []
    (lowered,) = emission.lowered
    assert emission.records == {"here": lowered.record}
    assert lowered.record.name == "rnn"
    assert lowered.record.unroll == lowered.unroll > 1
    assert lowered.record.schedule
