"""Rows kept for the next chunk, given later, blotted out: once for all readers."""

import re
from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from rnnlite.errors import StreamingError
from rnnlite.lengths.sizes import free
from rnnlite.lowering.schedule import Options
from rnnlite.streaming.emit import TIME
from rnnlite.streaming.function import streamed
from rnnlite.streaming.rows import Rows
from rnnlite.streaming.timed import (
    aligned,
    along,
    batch_axis_of,
    count_of,
    each_row,
    filled,
    later,
    plain,
    spread,
    unbounded,
    with_kept,
)
from rnnlite.streaming.values import Fold, Timed
from streaming.chunks import check, program, simple
from streaming.emission import Emission
from streaming.walking import kept, walked


def states(model, chunk=None):
    """The names of what a stream of a model keeps beside its clock, by layer."""
    found = streamed(program(simple(model), (1, None, 3)), chunk, Options())
    names = [s.name for s in found.layout.states]
    return [n for n in names if not n.startswith("state/stream/")]


def padded(x):
    return tf.pad(x, [[0, 0], [2, 0], [0, 0]])


def normalized(x):
    x = padded(x)
    return (x - tf.reduce_mean(x, -1, keepdims=True)) * (1.0 + x)


def test_padding_in_front_is_kept_once_for_all_readers():
    for chunk in (None, 1, 4):
        assert len(states(normalized, chunk)) == 1
    check(program(simple(normalized), (1, None, 3)))


def test_what_is_padded_otherwise_is_kept_apart():
    def model(x):
        longer = tf.pad(x, [[0, 0], [3, 0], [0, 0]])
        return padded(x), longer

    assert len(states(model)) == 2
    check(program(simple(model), (1, None, 3)))


def test_rows_of_different_tensors_are_kept_apart():
    def model(x):
        return padded(x) + padded(tf.tanh(x))

    assert len(states(model)) == 2
    check(program(simple(model), (1, None, 3)))


SHAPE = (1, None, 3)


class Emitted:
    """An emission of `tf.tanh`, to call functions of `timed` on the rows of its chunk."""

    def __init__(self, shape=SHAPE, chunk=None, tail=False, rows=None):
        self.emission = Emission(tf.tanh, shape, chunk=chunk, tail=tail, rows=rows)
        self.emitter, self.op = self.emission.emitter, self.emission.op("Tanh")
        self.value = self.emission.emitter.value(self.emission.net.function.inputs[0])

    def __enter__(self):
        self.within = self.emission.graph.as_default()
        self.within.__enter__()
        return self

    def __exit__(self, *error):
        self.within.__exit__(*error)

    def run(self, tensor, parts=(2, 3, 1), end=None):
        """What a tensor gives for the steps 1, 2, 3, ... of three equal features."""
        x = np.arange(1, sum(parts) + 1, dtype=np.float32)[None, :, None] * np.ones(3, "f")
        (found,) = walked(self.emission, [tensor], [x], parts, end)
        return np.concatenate(found, 1)[0, :, 0].tolist()


@pytest.mark.parametrize("chunk", [None, 4])
def test_how_many_rows_a_chunk_has(chunk):
    with Emitted(chunk=chunk) as one:
        count = count_of(one.value)
        if chunk is not None:
            assert count == chunk
            return
        with tf.compat.v1.Session(graph=one.emission.graph) as session:
            assert session.run(count, {one.emission.chunks[0]: np.zeros([1, 7, 3])}) == 7


@pytest.mark.parametrize(
    ("axis", "ends", "index"),
    [
        (0, (1, None), np.s_[1:]),
        (1, (None, -2), np.s_[:, :-2]),
        (2, (-1, None), np.s_[:, :, -1:]),
        (1, (0, None, 3), np.s_[:, ::3]),
    ],
)
def test_an_index_along_one_axis(axis, ends, index):
    x = np.arange(60).reshape(3, 4, 5)
    np.testing.assert_array_equal(x[along(axis, *ends)], x[index])


@pytest.mark.parametrize(
    ("shape", "time", "axis"),
    [([None, 4], None, 0), ([1, None, 3], 1, None), ([2, None, 3], 0, 1), ([3], None, None)],
)
def test_the_free_axis_of_a_state(shape, time, axis):
    with tf.Graph().as_default():
        x = tf.compat.v1.placeholder(tf.float32, shape)
        assert batch_axis_of(x, time, "layer 'a'") == axis


def test_a_state_has_one_free_axis():
    with tf.Graph().as_default():
        x = tf.compat.v1.placeholder(tf.float32, [None, None, 3])
        why = re.escape(
            "layer 'a' cannot be streamed: what it keeps has more than one axis of free size; "
            "found (None, None, 3)."
        )
        with pytest.raises(StreamingError, match=why):
            batch_axis_of(x, None, "layer 'a'")


@pytest.mark.parametrize("initial", [0.0, -1.0])
def test_kept_rows_stand_in_front_of_the_chunk(initial):
    with Emitted() as one:
        rows = with_kept(one.emitter, one.op, "rows", one.value, 2, initial)
        assert kept(one.emission) == {"rows": (1, 2, 3)}
        assert one.emission.states.met[0].initial == initial
    assert one.run(rows) == [initial, initial, 1, 2, 1, 2, 3, 4, 5, 4, 5, 6]


def test_nothing_is_kept_of_no_rows():
    with Emitted() as one:
        assert with_kept(one.emitter, one.op, "rows", one.value, 0) is one.value.tensor
        assert later(one.emitter, one.op, one.value, 0) is one.value
        assert one.emission.states.met == []


def test_more_rows_are_kept_than_a_chunk_has():
    with Emitted(chunk=1) as one:
        rows = with_kept(one.emitter, one.op, "rows", one.value, 3)
    assert one.run(rows, (1, 1, 1)) == [0, 0, 0, 1, 0, 0, 1, 2, 0, 1, 2, 3]


@pytest.mark.parametrize("chunk", [None, 2])
def test_rows_that_come_later(chunk):
    with Emitted(chunk=chunk) as one:
        found = later(one.emitter, one.op, one.value, 3, 9.0)
        assert found.rows == Rows(1, 1, 3)
        assert found.tensor.shape.as_list() == [1, chunk, 3]
    assert one.run(found.tensor, (2, 2, 2)) == [9, 9, 9, 1, 2, 3]


def test_rows_come_later_once_for_each_lateness_and_number():
    with Emitted() as one:
        first, again, other, longer = (
            later(one.emitter, one.op, one.value, count, number)
            for count, number in [(2, 0.0), (2, 0.0), (2, 1.0), (1, 0.0)]
        )
        assert first.tensor is again.tensor
        assert len({id(v.tensor) for v in (first, other, longer)}) == 3
        assert [s.name for s in one.emission.states.met] == [
            "state/Tanh/delay",
            "state/Tanh/delay_2",
            "state/Tanh/delay_3",
        ]


@pytest.mark.parametrize(
    ("axis", "rank", "shape"),
    [(0, 1, [4]), (0, 3, [4, 1, 1]), (1, 3, [1, 4, 1]), (2, 3, [1, 1, 4])],
)
def test_flags_spread_over_the_other_axes(axis, rank, shape):
    assert spread(tf.ones([4], tf.bool), axis, rank).shape.as_list() == shape


def test_what_is_all_there_is_not_filled():
    with Emitted() as one:
        assert filled(one.emitter, one.value, 5.0) is one.value
        assert one.emission.states.met == []


@pytest.mark.parametrize("pad", [0.0, -2.0])
def test_rows_before_the_first_are_filled(pad):
    with Emitted(rows=Rows(1, 1, 2)) as one:
        found = filled(one.emitter, one.value, pad)
        assert found.rows == one.value.rows
        # The same number once, for all who read it.
        assert filled(one.emitter, one.value, pad).tensor is found.tensor
        assert filled(one.emitter, one.value, pad + 1).tensor is not found.tensor
    assert one.run(found.tensor) == [pad, pad, 3, 4, 5, 6]


def test_rows_behind_the_end_are_filled():
    with Emitted(tail=True) as one:
        found = filled(one.emitter, one.value, 7.0)
    assert one.run(found.tensor, end=4) == [1, 2, 3, 4, 7, 7]
    assert one.run(found.tensor) == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize(("dtype", "pad", "number"), [("bool", 0.0, False), ("int32", -3.0, -3)])
def test_a_filling_has_the_type_of_the_rows(dtype, pad, number):
    with Emitted(rows=Rows(1, 1, 1)) as one:
        value = replace(one.value, tensor=tf.cast(one.value.tensor, dtype))
        found = filled(one.emitter, value, pad)
        assert found.tensor.dtype == dtype
    assert one.run(found.tensor, (2,))[0] == number


def test_padding_in_front_becomes_rows():
    """Row t of the padded is row t - 2 of the unpadded: what is not late has to come two later."""
    with Emitted() as one:
        found = plain(one.emitter, one.op, replace(one.value, before=2, behind=1, pad=6.0))
        assert found.plain
        assert found.rows == Rows(1, 1, 0, 3)
        assert kept(one.emission) == {"delay": (1, 2, 3)}
    assert one.run(found.tensor) == [6, 6, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("delay", "before", "after", "states"),
    [(3, 2, 1, {}), (2, 2, 0, {}), (1, 2, 0, {"delay": (1, 1, 3)})],
)
def test_what_is_late_already_makes_room_for_padding(delay, before, after, states):
    with Emitted(rows=Rows(1, 1, delay)) as one:
        found = plain(one.emitter, one.op, replace(one.value, before=before))
        assert found.rows == Rows(1, 1, after, before)
        assert kept(one.emission) == states


def test_padding_counts_in_rows():
    with Emitted(rows=Rows(1, 4, 3, 1)) as one:
        found = plain(one.emitter, one.op, replace(one.value, before=1, behind=2))
        assert found.rows == Rows(1, 4, 2, 1 + 4 * 3)


def test_what_is_plain_stays_itself():
    with Emitted() as one:
        assert plain(one.emitter, one.op, one.value) is one.value
        folded = replace(one.value, fold=Fold(free(TIME), 1, 1, 4, "layer 'dense'"))
        assert each_row(one.emitter, one.op, folded) is folded
        assert each_row(one.emitter, one.op, one.value) is one.value


@pytest.mark.parametrize(
    ("more", "why"),
    [
        (
            {"fold": Fold(free(TIME), 2, 1, 4, "layer 'dense'")},
            "layer 'dense' cannot be streamed: it reshapes time and other axes into one.",
        ),
        (
            {"dilation": 2},
            "op 'Tanh' cannot be streamed: Tanh of places that are spread over the batch.",
        ),
    ],
)
def test_what_has_no_rows_of_its_own_is_refused(more, why):
    with Emitted() as one, pytest.raises(StreamingError, match=re.escape(why)):
        plain(one.emitter, one.op, replace(one.value, **more))


def test_others_behind_time_are_so_many_rows_each():
    with Emitted(rows=Rows(1, 2, 1, -1)) as one:
        folded = replace(one.value, fold=Fold(free(TIME), 1, 6, 4, "layer 'dense'"))
        found = plain(one.emitter, one.op, folded)
        assert found.rows == Rows(1, 1, 6, -6, rate=3)
        assert found.rows.multiple == 2
        assert found.plain


def test_rows_that_a_number_bounds_are_refused():
    with Emitted() as one:
        assert unbounded(one.emitter, one.op, one.value) is one.value
        bounded = replace(one.value, rows=Rows(1, most=0))
        why = "op 'Tanh' cannot be streamed: given numbers decide how many rows it looks at."
        with pytest.raises(StreamingError, match=re.escape(why)):
            unbounded(one.emitter, one.op, bounded)


def test_rows_are_aligned_to_the_latest_and_shortest():
    with Emitted() as one:
        late = replace(one.value, rows=Rows(1, 1, 3, -1))
        found, rows = aligned(one.emitter, one.op, [one.value, late, one.value])
        assert rows == Rows(1, 1, 3, -1)
        assert [v.rows.delay for v in found] == [3, 3, 3]
        assert found[1] is late
        # Both that came early are kept once.
        assert found[0].tensor is found[2].tensor
        assert kept(one.emission) == {"delay": (1, 3, 3)}


def test_each_axis_of_time_stays_where_it_is():
    with Emitted() as one:
        other = Timed(tf.transpose(one.value.tensor, [1, 0, 2]), Rows(0, 1, 1))
        found, rows = aligned(one.emitter, one.op, [one.value, other])
        assert [v.rows.axis for v in found] == [1, 0]
        assert rows == Rows(1, 1, 1)


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        (Rows(1, 2), "it combines rows of different rates; found a row each 1 and 2 steps."),
        (Rows(1, most=0), "given numbers decide how many of the rows it combines."),
    ],
)
def test_rows_that_do_not_go_together_are_refused(rows, why):
    with Emitted() as one, pytest.raises(StreamingError, match=re.escape(why)):
        aligned(one.emitter, one.op, [one.value, replace(one.value, rows=rows)])
