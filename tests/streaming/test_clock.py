"""Which rows of a chunk are there: counted over chunks of all sizes, against plain counting."""

import numpy as np
import pytest
import tensorflow as tf

from rnnlite.streaming.clock import END, ENDLESS, SATURATED, STEPS, Clock
from rnnlite.streaming.rows import Rows
from rnnlite.streaming.states import States


def chunk_function(rows, *, tail, size):
    """(chunk, steps, end) -> which rows are there, their places, rows given, the new states."""

    def run(x, steps, end):
        first = States()
        with tf.Graph().as_default():
            clock = Clock(first, tail=tail, chunk=(tf.zeros([1, 2, 1]), 1))
            clock.there(rows, 1) if rows.delay or tail else clock.steps()
        given = {f"state/stream/{STEPS}": steps, f"state/stream/{END}": end}
        states = States([given[s.name] for s in first.met])
        clock = Clock(states, tail=tail, chunk=(x, 1))
        count = clock.count(rows)
        there = tf.ones([count], tf.bool)
        if not clock.all_there(rows):
            there = clock.there(rows, count)
        index = clock.index(rows, count)
        given_rows = clock.given(rows)
        after = dict(zip((s.name for s in states.met), states.after(), strict=True))
        return there, index, given_rows, after[f"state/stream/{STEPS}"]

    specs = [tf.TensorSpec([1, size, 1]), *[tf.TensorSpec([1], tf.int32)] * 2]
    return tf.function(run, autograph=False).get_concrete_function(*specs)


@pytest.mark.parametrize("rows", [Rows(1), Rows(1, 1, 2), Rows(1, 2, 1, 1), Rows(1, 2, 2, -1)])
@pytest.mark.parametrize("tail", [False, True])
@pytest.mark.parametrize("size", [None, 4])
def test_rows_that_are_there(rows, tail, size):
    function = chunk_function(rows, tail=tail, size=size)
    length, steps, met = 10, 0, []
    end = length if tail else ENDLESS
    total = rows.length(length)
    while steps < 16:
        there, index, given, after = function(
            tf.zeros([1, 4, 1]), tf.constant([steps]), tf.constant([end])
        )
        met += [int(k) for k, flag in zip(index, there, strict=True) if flag]
        steps += 4
        assert after.numpy().tolist() == [steps]
        expected = max(steps // rows.stride - rows.delay, 0)
        assert given.numpy().tolist() == [min(expected, total) if tail else expected]
    # Each row of the sequence, once and in order, and none beyond its end.
    expected = max(16 // rows.stride - rows.delay, 0)
    assert met == list(range(min(expected, total) if tail else expected))


def test_steps_do_not_overflow():
    function = chunk_function(Rows(1, 1, 2), tail=False, size=None)
    there, *_, after = function(
        tf.zeros([1, 4, 1]), tf.constant([SATURATED]), tf.constant([ENDLESS])
    )
    assert after.numpy().tolist() == [SATURATED]
    assert np.all(there)


def test_a_model_that_is_always_there_has_no_states():
    with tf.Graph().as_default():
        states = States()
        clock = Clock(states, tail=False, chunk=(tf.zeros([1, 3, 2]), 1))
        assert clock.all_there(Rows(1))
        assert not clock.all_there(Rows(1, 1, 1))
        assert clock.count(Rows(0)) == 3
        assert states.met == []
        assert not Clock(states, tail=True, chunk=(tf.zeros([1, 3, 2]), 1)).all_there(Rows(1))


def test_the_end_is_asked_for_once():
    with tf.Graph().as_default():
        states = States()
        clock = Clock(states, tail=True, chunk=(tf.zeros([1, 3, 2]), 1))
        assert clock.end() is clock.end()
        assert clock.steps() is clock.steps()
        rows = Rows(1, 1, 2)
        # Time on another axis is the same time.
        assert clock.there(rows, 3) is clock.there(rows.at(0), 3)
        assert [s.name for s in states.met] == ["state/stream/end", "state/stream/steps"]
        assert [s.initial for s in states.met] == [ENDLESS, 0.0]
        assert [s.batch_axis for s in states.met] == [None, None]


def test_an_end_that_is_not_known_is_never_passed():
    """Rows that are added do not push it over the largest int32."""
    with tf.Graph().as_default() as graph:
        states = States()
        clock = Clock(states, tail=True, chunk=(tf.zeros([1, 3, 2]), 1))
        length = clock.length(Rows(1, 1, 0, 7))
        with tf.compat.v1.Session(graph=graph) as session:
            found = session.run(length, {clock.end(): [ENDLESS]})
            assert found.tolist() == [ENDLESS]
            assert session.run(length, {clock.end(): [10]}).tolist() == [17]


@pytest.mark.parametrize("rows", [Rows(1, 1, 2, 1), Rows(1, 2, 1, 1)])
def test_which_rows_are_there_wants_no_division(rows):
    """LiteRT for Microcontrollers has none of integers."""
    with tf.Graph().as_default() as graph:
        clock = Clock(States(), tail=True, chunk=(tf.zeros([1, 2, 2]), 1))
        clock.there(rows, 2)
        clock.length(Rows(1, 1, 0, 3))
        assert "FloorDiv" not in {op.type for op in graph.get_operations()}


def clock_over(shape, axis=1, *, tail=False):
    """A clock in the current graph, and its states."""
    states = States()
    chunk = tf.compat.v1.placeholder(tf.float32, shape)
    return Clock(states, tail=tail, chunk=(chunk, axis)), states, chunk


def computed(graph, tensor, feed):
    with tf.compat.v1.Session(graph=graph) as session:
        return session.run(tensor, feed).tolist()


@pytest.mark.parametrize(("size", "stride", "count"), [(6, 1, 6), (6, 2, 3), (6, 3, 2), (7, 2, 3)])
def test_a_fixed_chunk_gives_a_number_of_rows(size, stride, count):
    with tf.Graph().as_default():
        clock, states, _ = clock_over([1, size, 2])
        assert clock.count(Rows(0, stride)) == count
        assert states.met == []


@pytest.mark.parametrize(("stride", "count"), [(1, 6), (2, 3)])
def test_a_chunk_of_any_size_is_counted_when_it_comes(stride, count):
    with tf.Graph().as_default() as graph:
        clock, _, chunk = clock_over([None, 3], 0)
        assert computed(graph, clock.count(Rows(0, stride)), {chunk: np.zeros([6, 3])}) == count


@pytest.mark.parametrize(("steps", "first"), [(0, True), (1, False), (SATURATED, False)])
def test_the_first_chunk_is_known_as_such(steps, first):
    with tf.Graph().as_default() as graph:
        clock, _, _ = clock_over([1, 2, 2])
        assert computed(graph, clock.begins(), {clock.steps(): [steps]}) == [first]


@pytest.mark.parametrize(
    ("rows", "end", "length"),
    [
        (Rows(1), 10, 10),
        (Rows(1, 2), 10, 5),
        (Rows(1, 3, 5), 10, 3),
        (Rows(1, 1, 0, -4), 10, 6),
        (Rows(1, 2, 0, 1), 9, 5),
        (Rows(1, 1, 0, -4), ENDLESS, ENDLESS - 4),
        (Rows(1, 2, 0, 3), ENDLESS, ENDLESS // 2),
    ],
)
def test_rows_of_the_whole_sequence(rows, end, length):
    with tf.Graph().as_default() as graph:
        clock, _, _ = clock_over([1, 2, 2], tail=True)
        assert computed(graph, clock.length(rows), {clock.end(): [end]}) == [length]


def test_bounds_are_counted_and_found_by_their_place():
    with tf.Graph().as_default() as graph:
        clock, _, _ = clock_over([1, 4, 2])
        assert [clock.bound(tf.constant([n])) for n in (9, 2)] == [0, 1]
        rows = Rows(1, most=1)
        # A bound is enough for a row not to be there, though nothing is late.
        assert not clock.all_there(rows)
        there = clock.there(rows, tf.constant(4))
        given = clock.given(rows)
        assert computed(graph, there, {clock.steps(): [0]}) == [True, True, False, False]
        assert computed(graph, there, {clock.steps(): [4]}) == [False] * 4
        assert computed(graph, given, {clock.steps(): [0]}) == [2]
        length = clock.length(Rows(1, most=0))
        assert computed(graph, length, {clock.end(): [30]}) == [9]
        assert computed(graph, length, {clock.end(): [5]}) == [5]


def test_no_row_is_given_before_the_first():
    with tf.Graph().as_default() as graph:
        clock, _, _ = clock_over([1, 2, 2])
        given = clock.given(Rows(1, 1, 5))
        assert [computed(graph, given, {clock.steps(): [n]}) for n in (0, 2, 4)] == [[0], [0], [1]]
