"""Ops that move data: time keeps its place, or loses rows at its ends."""

import re

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnlite.errors import StreamingError
from rnnlite.lengths.sizes import floor_div, free
from rnnlite.lowering.schedule import Options
from rnnlite.streaming.emit import TIME
from rnnlite.streaming.function import streamed
from rnnlite.streaming.moves import rows_of
from rnnlite.streaming.rows import Rows
from streaming.chunks import check, kernel, program, simple
from streaming.emission import Emission
from streaming.walking import follows, kept, walked

FUNCTIONS = {
    "fold": lambda x: tf.reshape(tf.matmul(tf.reshape(x, [-1, 6]), kernel(6, 4)), [1, -1, 4]),
    "regroup": lambda x: tf.reshape(x, [1, -1, 2, 3]),
    "transpose": lambda x: tf.transpose(x, [1, 0, 2])[:, 0],
    "expand": lambda x: tf.squeeze(tf.expand_dims(x, 1) * 2, [1]),
    "concat": lambda x: tf.concat([x, x * 2], -1),
    "stack": lambda x: tf.stack([x, x * 2], 1),
    "unstack": lambda x: tf.unstack(x, axis=2)[3],
    "split": lambda x: tf.split(x, 3, -1)[1] + tf.split(x, [2, 3, 1], -1)[0],
    "tile": lambda x: tf.tile(x, [1, 1, 2]),
    "zeros": lambda x: x + tf.zeros_like(x) + tf.ones([1, tf.shape(x)[1], 1]),
    "broadcast": lambda x: x + tf.broadcast_to(tf.ones([1, 1, 6]), tf.shape(x)),
    "positions": lambda x: x + tf.gather(kernel(50, 6), tf.range(tf.shape(x)[1])),
    "pad": lambda x: tf.pad(x, [[0, 0], [2, 3], [1, 0]], constant_values=4.0),
    "mirrored features": lambda x: tf.pad(x, [[0, 0], [0, 0], [2, 1]], "REFLECT"),
    "shift": lambda x: tf.concat([tf.zeros([1, 1, 6]), x[:, :-1]], 1),
    "ahead": lambda x: tf.concat([x[:, 2:], tf.zeros([1, 2, 6])], 1) + x,
    "delta": lambda x: x[:, 1:] - x[:, :-1],
    "every": lambda x: x[:, 1::3],
    "feature": lambda x: x[..., 2] + x[:, :, -1],
    "slice": lambda x: tf.slice(x, [0, 2, 1], [-1, -1, 3]),
    "features turned round": lambda x: tf.reverse(x, [-1]),
    "some features turned round": lambda x: tf.reverse_sequence(x, [4], 2, 0),
    "features rolled": lambda x: tf.roll(x, [2, 0], [2, 0]),
    "new axis": lambda x: x[:, :, None, 1:3],
}


@pytest.mark.parametrize("name", list(FUNCTIONS))
def test_move(name):
    batch = None if name == "transpose" else 0
    check(program(simple(FUNCTIONS[name]), (1, None, 6), batch=batch), least=6)


@pytest.mark.parametrize("name", ["delta", "shift", "ahead", "pad", "positions"])
def test_move_behind_what_comes_late(name):
    def model(x):
        return FUNCTIONS[name](tf.nn.conv1d(x, kernel(5, 6, 6), 1, "SAME"))

    check(program(simple(model), (1, None, 6)), least=6)


@pytest.mark.parametrize("name", ["delta", "ahead", "every", "pad"])
def test_a_result_so_far_behind_a_move(name):
    def model(x):
        return tf.reduce_mean(FUNCTIONS[name](x), 1)

    check(program(simple(model), (1, None, 6)), least=6)


def dense(x, first=6, units=4):
    """A layer for rows, on a sequence of them: batch and time are one axis in between."""
    shape = tf.shape(x)
    y = tf.nn.bias_add(tf.matmul(tf.reshape(x, [-1, first]), kernel(first, units)), kernel(units))
    return tf.reshape(y, [shape[0], shape[1], units])


def normalized(x):
    """Sums and pairs of folded values, and a row of its own axes."""
    rows = tf.reshape(x, [-1, 6])
    rows = tf.nn.softmax(rows - tf.reduce_mean(rows, 1, keepdims=True))
    rows = tf.reshape(tf.reshape(rows, [-1, 2, 3]) * kernel(3), [-1, 3])
    return tf.reshape(rows, tf.shape(x))


def convolved(x):
    """A convolution of each step."""
    pictures = tf.reshape(x, [-1, 6, 1])
    pictures = tf.nn.conv1d(pictures, kernel(3, 1, 2), 1, "SAME")
    return tf.reshape(pictures, [-1, tf.shape(x)[1], 12])


def layer_norm(x):
    """Keras 2's: each row is a channel, with as many ones and zeros."""
    count = tf.reduce_prod(tf.shape(x)[:2])
    rows = tf.reshape(x, tf.stack([1, count, 6, 1]))
    one, zero = tf.ones(tf.stack([count])), tf.zeros(tf.stack([count]))
    y = tf.raw_ops.FusedBatchNormV3(
        x=rows, scale=one, offset=zero, mean=[], variance=[], epsilon=1e-3, data_format="NCHW"
    )
    return tf.reshape(y.y, tf.shape(x)) * kernel(6)


FOLDS = {
    "dense": dense,
    "layer norm": layer_norm,
    "late layer norm": lambda x: layer_norm(tf.nn.conv1d(x, kernel(5, 6, 6), 1, "SAME")),
    "normalized": normalized,
    "convolved": convolved,
    "late": lambda x: dense(tf.nn.conv1d(x, kernel(5, 6, 6), 1, "SAME")) + dense(x),
    "last": lambda x: dense(x)[:, -1],
}


@pytest.mark.parametrize("chunk", [None, 1])
@pytest.mark.parametrize("batch", [3, None])
@pytest.mark.parametrize("name", list(FOLDS))
def test_batch_and_time_as_one_axis(name, batch, chunk):
    check(program(simple(FOLDS[name]), (batch, None, 6)), chunk, batch=3)


@pytest.mark.parametrize("batch", [3, None])
def test_time_and_a_free_batch_as_one_axis_of_pictures(batch):
    def model(x):
        pictures = tf.reshape(tf.transpose(x, [1, 0, 2]), [-1, 6, 1])
        pictures = tf.nn.conv1d(pictures, kernel(3, 1, 2), 1, "SAME")
        shape = tf.shape(x)
        return tf.transpose(tf.reshape(pictures, [shape[1], shape[0], 12]), [1, 0, 2])

    check(program(simple(model), (batch, None, 6)), batch=3)


def test_time_and_batch_as_one_axis():
    def model(x):
        rows = tf.reshape(tf.transpose(x, [1, 0, 2]), [-1, 6])
        rows = tf.reshape(tf.tanh(rows), [-1, 3, 6])
        return tf.transpose(rows, [1, 0, 2])

    check(program(simple(model), (3, None, 6)), batch=3)


@pytest.mark.parametrize(
    ("function", "why"),
    [
        (
            lambda x: tf.reshape(tf.transpose(x, [2, 0, 1]), [1, -1]),
            "it reshapes time and other axes into one",
        ),
        (lambda x: tf.reverse(x, [1]), "it turns the sequence round, whose end has not come"),
        (
            lambda x: tf.reverse_sequence(x, [2], 1),
            "it turns the sequence round, whose end has not come",
        ),
        (lambda x: tf.roll(x, 1, -2), "it turns the sequence round, whose end has not come"),
        (lambda x: tf.concat([x, x], 1), "it puts sequences one behind the other"),
        (lambda x: tf.tile(x, [1, 2, 1]), "it repeats the sequence"),
        (lambda x: tf.pad(x, [[0, 0], [1, 1], [0, 0]], "REFLECT"), "it mirrors the sequence"),
        (lambda x: x[:, ::-1], "it turns the sequence round, whose end has not come"),
        (lambda x: x[:, :3], "it takes rows at fixed places of the sequence"),
        (lambda x: x[:, 2], "it takes rows at fixed places of the sequence"),
        (lambda x: x[:, -3:], "it takes rows at fixed places of the sequence"),
        (lambda x: x * tf.cast(tf.shape(x)[1], tf.float32), "length of the whole sequence"),
        (lambda x: x[:, tf.shape(x)[1] // 2 :], "places that the length decides"),
    ],
)
def test_what_needs_the_whole_is_refused(function, why):
    with pytest.raises(StreamingError, match=why):
        streamed(program(simple(function), (1, None, 6)), None, Options())


@pytest.mark.parametrize(
    "function",
    [
        lambda x: tf.reshape(x, [-1, 6]),
        lambda x: tf.concat([tf.reshape(x, [-1, 6])] * 2, 1),
        lambda x: tf.reshape(x, [-1, 6])[:, None] + tf.reshape(x, [-1, 1, 6]),
        lambda x: tf.reshape(tf.reshape(x, [-1, 6]), [-1, 3, 6]),
    ],
)
def test_what_needs_time_as_an_axis_of_its_own_is_refused(function):
    with pytest.raises(StreamingError, match="it reshapes time and other axes into one"):
        streamed(program(simple(function), (3, None, 6)), None, Options())


def moved(function, shape=(1, None, 6), **options):
    """The value of a function's first output, of the op that gives it, and its emission."""
    emission = Emission(function, shape, **options)
    tensor = emission.net.function.outputs[0]
    while tensor.op.type == "Identity":
        tensor = tensor.op.inputs[0]
    return emission.value(tensor), emission


AXES = {
    "an axis in front": (lambda x: tf.expand_dims(x, 0), 2, (1, 1, 4, 6)),
    "an axis at time": (lambda x: tf.expand_dims(x, 1), 2, (1, 1, 4, 6)),
    "an axis behind time": (lambda x: tf.expand_dims(x, 2), 1, (1, 4, 1, 6)),
    "an axis, counted from the last": (lambda x: tf.expand_dims(x, -1), 1, (1, 4, 6, 1)),
    "an axis before the last": (lambda x: tf.expand_dims(x, -4), 2, (1, 1, 4, 6)),
    "no batch": (lambda x: tf.squeeze(x, [0]), 0, (4, 6)),
    "no batch, counted from the last": (lambda x: tf.squeeze(x, [-3]), 0, (4, 6)),
    "no axes of one": (lambda x: tf.ensure_shape(tf.squeeze(x[..., :1]), [None]), 0, (4,)),
    "turned": (lambda x: tf.transpose(x, [2, 0, 1]), 2, (6, 1, 4)),
    "time in front": (lambda x: tf.transpose(x, [1, 0, 2]), 0, (4, 1, 6)),
    "as it is": (lambda x: tf.ensure_shape(x, [1, None, 6]), 1, (1, 4, 6)),
    "one of several": (lambda x: tf.identity_n([x * 2, x])[1], 1, (1, 4, 6)),
    "stacked in front": (lambda x: tf.stack([x, x]), 2, (2, 1, 4, 6)),
    "stacked at time": (lambda x: tf.stack([x, x], 1), 2, (1, 2, 4, 6)),
    "stacked behind": (lambda x: tf.stack([x, x], -1), 1, (1, 4, 6, 2)),
    "taken apart in front": (lambda x: tf.unstack(x)[0], 0, (4, 6)),
    "taken apart behind": (lambda x: tf.unstack(x, axis=-1)[2], 1, (1, 4)),
    "split": (lambda x: tf.split(x, 3, 2)[0], 1, (1, 4, 2)),
    "split by sizes": (lambda x: tf.split(x, [1, 5], -1)[1], 1, (1, 4, 5)),
    "tiled": (lambda x: tf.tile(x, [2, 1, 3]), 1, (2, 4, 18)),
    "one behind the other": (lambda x: tf.concat([x, x, x], 0), 1, (3, 4, 6)),
    "reversed": (lambda x: tf.reverse(x, [0, -1]), 1, (1, 4, 6)),
    "rolled": (lambda x: tf.roll(x, 2, -1), 1, (1, 4, 6)),
    "wider": (lambda x: tf.broadcast_to(x, tf.stack([2, tf.shape(x)[1], 6])), 1, (2, 4, 6)),
    "wider by an axis": (
        lambda x: tf.broadcast_to(x, tf.stack([3, 1, tf.shape(x)[1], 6])),
        2,
        (3, 1, 4, 6),
    ),
    "regrouped behind": (lambda x: tf.reshape(x, [1, -1, 3, 2]), 1, (1, 4, 3, 2)),
    "regrouped in front": (lambda x: tf.reshape(x, [-1, 6]), 0, (4, 6)),
}
"""Functions of (1, 4, 6) -> where time is then, and the shape of a chunk."""


@pytest.mark.parametrize("name", AXES)
def test_where_time_is_then(name):
    function, axis, shape = AXES[name]
    value, emission = moved(function)
    assert value.rows == Rows(axis)
    assert value.plain
    assert tuple(value.tensor.shape) == shape
    assert emission.states.met == []
    follows(emission, 8, [4, 4])


@pytest.mark.parametrize("name", AXES)
def test_a_chunk_of_any_size_is_free_along_time_alone(name):
    function, axis, shape = AXES[name]
    value, _ = moved(function, chunk=None)
    static = [d for k, d in enumerate(value.tensor.shape) if k != axis]
    # What a shape tensor gives has no sizes of its own.
    wanted = [d for k, d in enumerate(shape) if k != axis]
    assert all(d in (None, w) for d, w in zip(static, wanted, strict=True))


def test_time_and_others_as_one_axis():
    """A layer for single rows; the batch is in front of time, and comes out of it again."""

    def model(x):
        rows = tf.reshape(x, [-1, 6])
        return [rows, tf.reshape(tf.tanh(rows), [3, -1, 6])]

    folded, emission = moved(model, (3, None, 6))
    assert not folded.plain
    assert (folded.rows, folded.tensor.shape.as_list()) == (Rows(0), [12, 6])
    fold = folded.fold
    assert (fold.time, fold.front, fold.behind, fold.count) == (free(TIME), 3, 1, 4)
    assert fold.place.startswith("op ")
    again = emission.value(1)
    assert again.fold is None
    assert (again.rows, again.tensor.shape.as_list()) == (Rows(1), [3, 4, 6])


def test_what_is_behind_time_is_folded_too():
    folded, _ = moved(lambda x: tf.reshape(x, [1, -1, 3]))
    assert (folded.fold.front, folded.fold.behind) == (1, 2)
    assert (folded.rows, folded.tensor.shape.as_list()) == (Rows(1), [1, 8, 3])


PADS = {
    "in front": (lambda x: tf.pad(x, [[0, 0], [2, 0], [0, 0]]), (2, 0, 0.0), 6),
    "around": (
        lambda x: tf.pad(x, [[0, 0], [1, 3], [0, 0]], constant_values=5.0),
        (1, 3, 5.0),
        6,
    ),
    "features": (lambda x: tf.pad(x, [[0, 0], [0, 0], [1, 2]]), (0, 0, 0.0), 9),
    "both": (lambda x: tf.pad(x, [[0, 0], [4, 0], [1, 0]]), (4, 0, 0.0), 7),
    "zeros in front": (lambda x: tf.concat([tf.zeros([1, 3, 6]), x], 1), (3, 0, 0.0), 6),
    "ones around": (
        lambda x: tf.concat([tf.ones([1, 1, 6]), x, tf.ones([1, 2, 6])], 1),
        (1, 2, 1.0),
        6,
    ),
    "nothing": (lambda x: tf.concat([x, tf.zeros([1, 0, 6])], 1), (0, 0, 0.0), 6),
}


@pytest.mark.parametrize("name", PADS)
def test_padding_along_time_is_left_to_its_reader(name):
    function, (before, behind, number), features = PADS[name]
    value, emission = moved(function)
    assert (value.before, value.behind, value.pad) == (before, behind, number)
    assert value.rows == Rows(1)
    assert value.tensor.shape.as_list() == [1, 4, features]
    assert emission.states.met == []


def test_padding_of_padding_is_rows_first():
    value, emission = moved(
        lambda x: tf.pad(tf.pad(x, [[0, 0], [2, 0], [0, 0]]), [[0, 0], [1, 1], [0, 0]])
    )
    assert (value.before, value.behind) == (1, 1)
    assert value.rows == Rows(1, 1, 0, 2)
    assert kept(emission) == {"delay": (1, 2, 6)}


MADE = {
    "ones": (lambda x: tf.ones(tf.stack([1, tf.shape(x)[1], 2])), Rows(1), (1, 4, 2)),
    "of a shape": (lambda x: tf.fill(tf.shape(x)[1:], 3.0), Rows(0), (4, 6)),
    "spread": (
        lambda x: tf.broadcast_to(tf.constant([1.0, 2.0]), tf.stack([tf.shape(x)[1], 2])),
        Rows(0),
        (4, 2),
    ),
    "one less": (lambda x: tf.zeros([tf.shape(x)[1] - 1]), Rows(0, 1, 0, -1), (4,)),
    "one more": (lambda x: tf.zeros([tf.shape(x)[1] + 1]), Rows(0, 1, 0, 1), (4,)),
    "half as many": (lambda x: tf.zeros([tf.shape(x)[1] // 2, 3]), Rows(0, 2), (2, 3)),
    "half as many, rounded up": (
        lambda x: tf.zeros([(tf.shape(x)[1] + 1) // 2]),
        Rows(0, 2, 0, 0),
        (2,),
    ),
}


@pytest.mark.parametrize("name", MADE)
def test_what_is_made_by_its_shape(name):
    function, rows, shape = MADE[name]
    value, _ = moved(function)
    assert (value.rows, tuple(value.tensor.shape)) == (rows, shape)


@pytest.mark.parametrize(
    ("function", "numbers"),
    [
        (lambda x: tf.range(tf.shape(x)[1]), [0, 1, 2, 3, 4, 5, 6, 7]),
        (lambda x: tf.range(tf.shape(x)[1] // 2), [0, 1, 2, 3]),
        (lambda x: tf.range(2, tf.shape(x)[1] + 2), [2, 3, 4, 5, 6, 7, 8, 9]),
        (lambda x: tf.range(5, 3 * tf.shape(x)[1] + 5, 3), [5, 8, 11, 14, 17, 20, 23, 26]),
        (lambda x: tf.range(0, -tf.shape(x)[1], -1), [0, -1, -2, -3, -4, -5, -6, -7]),
    ],
)
def test_the_number_of_each_step(function, numbers):
    value, emission = moved(function)
    (found,) = walked(emission, [value.tensor], [np.zeros([1, 8, 6], "f")], [4, 4])
    assert np.concatenate(found).tolist() == numbers
    assert value.tensor.dtype == tf.int32


@settings(max_examples=30, deadline=None)
@given(add=st.integers(-5, 5), by=st.integers(1, 5))
def test_rows_of_a_size_give_as_many_as_it_says(add, by):
    emission = Emission(lambda x: x, (1, None, 2))
    size = floor_div(free(TIME) + add, by)
    rows = rows_of(emission.emitter, emission.op("Placeholder"), [1, size, 2])
    assert (rows.axis, rows.stride, rows.delay) == (1, by, 0)
    for steps in range(by, 12 * by, by):
        assert rows.length(steps) == max((steps + add) // by, 0)


@pytest.mark.parametrize(
    ("size", "rows"),
    [
        (free(TIME) * 2, Rows(0, rate=2)),
        (free(TIME) * 3 + 1, Rows(0, add=1, rate=3)),
        (floor_div(free(TIME) * 2 + 1, 3), Rows(0, 3, 0, 0, rate=2)),
    ],
)
def test_rows_of_a_size_may_be_several_a_step(size, rows):
    emission = Emission(lambda x: x, (1, None, 2))
    assert rows_of(emission.emitter, emission.op("Placeholder"), [size]) == rows


@pytest.mark.parametrize(
    "sizes",
    [
        [2, 3],
        [free(TIME), free(TIME)],
        [free(TIME) * free(TIME)],
        [floor_div(free(TIME) * free(TIME), 3)],
    ],
)
def test_sizes_at_no_even_rate_are_refused(sizes):
    emission = Emission(lambda x: x, (1, None, 2))
    with pytest.raises(StreamingError, match="it computes with the length of the whole sequence"):
        rows_of(emission.emitter, emission.op("Placeholder"), sizes)


def test_places_of_time_are_spread_over_the_batch_and_back():
    """What a dilated convolution is made of: in between the rows are as they were."""

    def model(x):
        spread = tf.space_to_batch(x, [2], [[4, 0]])
        return tf.batch_to_space(spread, [2], [[0, 0]])

    emission = Emission(model, (1, None, 6))
    (inner,) = emission.op("SpaceToBatchND").outputs
    value = emission.value(inner)
    assert (value.dilation, value.before, value.behind) == (2, 4, 0)
    assert value.rows == Rows(1)
    assert value.tensor is emission.chunks[0]


@pytest.mark.parametrize(
    ("function", "why"),
    [
        (
            lambda x: tf.batch_to_space(x, [1], [[0, 0]]),
            "op 'BatchToSpaceND' cannot be streamed: it takes places of time out of the batch.",
        ),
        (
            lambda x: tf.batch_to_space(
                tf.space_to_batch(x[..., None], [1, 2], [[0, 0]] * 2), [1, 2], [[0, 0]] * 2
            ),
            "op 'SpaceToBatchND' cannot be streamed: it spreads other axes than time over",
        ),
        (
            lambda x: tf.space_to_batch(x, [2], [[1, 1]]),
            "it spreads other axes than time over the batch.",
        ),
        (
            lambda x: tf.stack([x, tf.zeros([1, 4, 6])]),
            "it needs the whole of time at each step; found single steps beside other things.",
        ),
        (lambda x: tf.unstack(x[:, :-1], 4, 1)[0], "it cuts the sequence into parts."),
        (
            lambda x: tf.split(tf.ensure_shape(x, [1, 4, 6]), 2, 1)[0],
            "it cuts the sequence into parts.",
        ),
        (
            lambda x: tf.concat([x, tf.ones([1, 1, 6]), tf.zeros([1, 1, 6])], 1),
            "it puts sequences one behind the other.",
        ),
        (
            lambda x: tf.concat([tf.transpose(x, [1, 0, 2]), tf.ones([4, 1, 6])], 1),
            "it has values of its own for each place of the sequence.",
        ),
        (
            lambda x: tf.concat([tf.reduce_max(x, 1, keepdims=True), x], 1),
            "it needs the whole of time at each step; found a result of all steps beside single",
        ),
        (
            lambda x: tf.fill(tf.stack([tf.shape(x)[1]]), tf.cast(tf.shape(x)[1], tf.float32)),
            "it computes with the length of the whole sequence.",
        ),
        (lambda x: tf.reshape(x, [1, -1, 4]), "it reshapes time and other axes into one; found"),
    ],
)
def test_moves_that_a_chunk_cannot_make_are_refused(function, why):
    with pytest.raises(StreamingError, match=re.escape(why)):
        moved(function)
