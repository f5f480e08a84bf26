"""The analysis alone, on graphs built in code: sizes and demands, against what TensorFlow gives."""

import numpy as np
import pytest
import tensorflow as tf

from rnnlite.lengths.analysis import Analysis
from rnnlite.lengths.facts import RULES
from rnnlite.lengths.sizes import Axis, free
from rnnlite.lengths.values import evaluate, is_known
from rnnlite.lowering.lower import lower
from rnnlite.lowering.schedule import Options
from rnnlite.scan.scan import Lowered, Scan

LENGTHS = (13, 16, 23, 40)


def traced(function, *shapes, dtype="float32"):
    specs = [tf.TensorSpec(s, dtype) for s in shapes]
    return tf.function(function, autograph=False).get_concrete_function(*specs)


def analysed(concrete, shapes, recurrences=()):
    inputs = [
        (x, tuple(free(Axis(k, a)) if d is None else d for a, d in enumerate(s)))
        for k, (x, s) in enumerate(zip(concrete.inputs, shapes, strict=False))
    ]
    return Analysis(concrete.graph, inputs, recurrences)


def check(function, *shapes, dtype="float32", lengths=LENGTHS, known=True):
    """Sizes as the analysis has them are those that TensorFlow computes."""
    concrete = traced(function, *shapes, dtype=dtype)
    analysis = analysed(concrete, shapes)
    for n in lengths:
        arrays = [
            np.ones([n + k if d is None else d for d in s], dtype) for k, s in enumerate(shapes)
        ]
        found = concrete(*map(tf.constant, arrays))
        values = {
            Axis(k, a): array.shape[a] for k, array in enumerate(arrays) for a in range(array.ndim)
        }
        for symbolic, y in zip(concrete.outputs, tf.nest.flatten(found), strict=True):
            sizes = analysis.sizes(symbolic)
            if known:
                assert all(map(is_known, sizes))
            numbers = [evaluate(s, values) for s in sizes]
            assert [
                n for n, d in zip(numbers, y.shape, strict=True) if n is not None and n != d
            ] == []
        for requirement in analysis.requirements():
            assert requirement.holds(values), requirement
    return analysis, concrete


X = (1, None, 6)


def kernel(*shape):
    return np.ones(shape, np.float32)


CONVOLUTIONS = {
    f"{padding} {stride} {dilation}": (padding, stride, dilation)
    for padding in ("VALID", "SAME")
    for stride, dilation in ((1, 1), (2, 1), (3, 1), (1, 2), (1, 4))
}


@pytest.mark.parametrize("options", CONVOLUTIONS.values(), ids=CONVOLUTIONS)
def test_convolutions(options):
    padding, stride, dilation = options
    check(
        lambda x: tf.nn.convolution(
            x, kernel(3, 6, 4), strides=stride, padding=padding, dilations=dilation
        ),
        X,
    )


def test_causal_convolution_keeps_the_length():
    analysis, concrete = check(
        lambda x: tf.nn.conv1d(tf.pad(x, [[0, 0], [2, 0], [0, 0]]), kernel(3, 6, 4), 1, "VALID"), X
    )
    assert analysis.sizes(concrete.outputs[0]) == (1, free(Axis(0, 1)), 4)


@pytest.mark.parametrize("padding", ["VALID", "SAME"])
@pytest.mark.parametrize("pool", [tf.nn.max_pool2d, tf.nn.avg_pool2d])
def test_pooling(pool, padding):
    check(lambda x: pool(pool(x, (2, 3), (2, 1), padding), 2, 2, padding), (2, None, 30, 3))


MOVES = {
    "last": lambda x: x[:, -1],
    "third": lambda x: x[:, 2],
    "from the third": lambda x: x[:, 2:],
    "all but the last": lambda x: x[:, :-1],
    "last three": lambda x: x[:, -3:],
    "first five": lambda x: x[:, :5],
    "every second": lambda x: x[:, ::2],
    "every third from the second": lambda x: x[:, 1::3],
    "turned": lambda x: x[:, ::-1],
    "new axes": lambda x: x[:, :, tf.newaxis, ..., tf.newaxis],
    "in between": lambda x: x[:, 2:-2, 1:4],
    "slice": lambda x: tf.slice(x, [0, 2, 0], [1, -1, 3]),
    "slice of a computed size": lambda x: tf.slice(x, [0, 0, 0], [1, tf.shape(x)[1] // 2, 6]),
    "pad": lambda x: tf.pad(x, [[0, 0], [3, 1], [0, 0]]),
    "mirror": lambda x: tf.pad(x, [[0, 0], [3, 3], [0, 0]], "REFLECT"),
    "tile": lambda x: tf.tile(x, [1, 3, 1]),
    "repeat": lambda x: tf.repeat(x, 2, axis=1),
    "concatenated": lambda x: tf.concat([x, x[:, ::2], x[:, :3]], 1),
    "stacked": lambda x: tf.stack([x, x], 2),
    "split": lambda x: tf.split(x, 3, 2),
    "split in unequal parts": lambda x: tf.split(x, [1, 5], 2),
    "unstacked": lambda x: tf.unstack(x, axis=2),
    "transposed": lambda x: tf.transpose(x, [1, 0, 2]),
    "gathered": lambda x: tf.gather(x, [0, 2, 1, 1], axis=1),
    "gathered by range": lambda x: tf.gather(x, tf.range(0, tf.shape(x)[1], 3), axis=1),
    "fill": lambda x: tf.fill(tf.shape(x)[:2], 1.0),
    "broadcast": lambda x: tf.broadcast_to(x[:, :1], tf.shape(x)),
    "one hot": lambda x: tf.one_hot(tf.argmax(x, -1), 9),
    "flattened": lambda x: tf.reshape(x, [1, -1]),
    "folded into the batch": lambda x: tf.reshape(x, [-1, 6]),
    "and back": lambda x: tf.reshape(tf.reshape(x, [-1, 6]) @ kernel(6, 2), [1, -1, 2]),
    "by a computed shape": lambda x: tf.reshape(
        x, tf.stack([tf.shape(x)[0], tf.shape(x)[1] * 2, 3])
    ),
    "size": lambda x: tf.fill([tf.size(x) // 6], 0.0),
    "squeezed": lambda x: tf.squeeze(x[:, :, :1], [0, 2]),
    "product of sizes": lambda x: tf.reshape(x, [tf.reduce_prod(tf.shape(x)[:2]), 6]),
}


@pytest.mark.parametrize("function", MOVES.values(), ids=MOVES)
def test_ops_that_move_data(function):
    check(function, X)


COMPUTES = {
    "elementwise": lambda x: tf.nn.relu(x * 2 + x[:, :1]),
    "softmax over time": lambda x: tf.nn.softmax(x, 1) * x,
    "mean": lambda x: tf.reduce_mean(x, 1),
    "kept": lambda x: x - tf.reduce_max(x, 1, keepdims=True),
    "tensordot": lambda x: tf.tensordot(x, kernel(6, 3), 1),
    "attention": lambda x: tf.matmul(tf.nn.softmax(tf.matmul(x, x, transpose_b=True)), x),
    "einsum": lambda x: tf.einsum("btf,bsf->bts", x, x),
    "top": lambda x: tf.math.top_k(tf.transpose(x, [0, 2, 1]), 3).values,
    "cumulated": lambda x: tf.cumsum(x, 1),
    "chosen": lambda x: tf.where(x > 0, x, 0.0),
    "cond": lambda x: tf.cond(tf.reduce_sum(x) > 0, lambda: x * 2, lambda: x - 1),
    "function": lambda x: tf.function(lambda y: y[:, ::2])(x),
    "resized": lambda x: tf.image.resize(x[..., None], [tf.shape(x)[1] * 2, 12]),
}


@pytest.mark.parametrize("function", COMPUTES.values(), ids=COMPUTES)
def test_ops_that_compute(function):
    check(function, X)


def test_frames_of_a_signal():
    check(lambda x: tf.signal.frame(x, 8, 3), (1, None), lengths=(40, 41, 42, 77))


def test_a_loop_keeps_the_sizes_that_an_iteration_keeps():
    def loop(x):
        return tf.while_loop(lambda k, y: k < 3, lambda k, y: (k + 1, y * 2), [0, x])[1]

    check(loop, X)


def test_what_is_not_followed_is_unknown_and_never_wrong():
    analysis, concrete = check(lambda x: tf.boolean_mask(x[0], x[0, :, 0] > 0), X, known=False)
    assert not is_known(analysis.sizes(concrete.outputs[0])[0])
    # Behind it, equal is still equal.
    analysis, concrete = check(
        lambda x: (lambda y: tf.reshape(tf.reshape(y, [-1]), [-1, 6]) + y)(
            tf.boolean_mask(x[0], x[0, :, 0] > 0)
        ),
        X,
        known=False,
    )
    assert analysis.requirements() == ()


def test_a_rule_that_fails_says_nothing(monkeypatch):
    def broken(node):
        raise ZeroDivisionError

    monkeypatch.setitem(RULES, "Relu", type(RULES["Relu"])(broken))
    analysis, concrete = check(lambda x: tf.nn.relu(x), X, known=False)
    assert [is_known(s) for s in analysis.sizes(concrete.outputs[0])] == [True, False, True]


def demands(function, *shapes):
    concrete = traced(function, *shapes)
    analysis = analysed(concrete, shapes)
    for y in concrete.outputs:
        analysis.sizes(y)
    return [(r.kind, str(r.left), str(r.right)) for r in analysis.requirements()]


def test_demands():
    assert demands(lambda x: tf.nn.max_pool1d(x, 2, 2, "VALID"), X) == [
        ("least", "floor((n0.1) / 2)", "1")
    ]
    assert demands(lambda x: x[:, 4], X) == [("least", "n0.1", "5")]
    assert demands(lambda x: tf.reshape(x, [1, -1, 12]), X) == [("multiple", "6 n0.1", "12")]
    assert demands(lambda x: tf.reshape(x, [1, 5, 6]), X) == [("equal", "6 n0.1", "30")]
    assert demands(lambda x: tf.reshape(x, [1, -1]) @ kernel(18, 2), X) == [
        ("equal", "6 n0.1", "18")
    ]
    assert demands(lambda a, b: a + b, X, X) == [("equal", "n0.1", "n1.1")]
    # The batch does not count.
    assert demands(lambda x: tf.reshape(x, [tf.shape(x)[0], 5, 6]), (None, None, 6)) == [
        ("equal", "6 n0.1", "30")
    ]


def test_of_two_free_axes_the_inner_one_is_meant_to_be_taken_in():
    found = demands(lambda x: tf.reshape(x, [1, -1, 12]), (1, None, None, 3))
    assert ("meant", "3 n0.2", "12") in found


class Sum:
    """A cell that adds up its inputs."""

    kind, units, hoisted, output_is_state, recurrent_weights, cuts = "sum", 4, False, 0, 0, None

    def project(self, inputs):
        return list(inputs)

    def weights(self):
        return []

    def step(self, projected, states, weights):
        y = states[0] + projected[0]
        return [y], [y]

    def identity_padding(self):
        return None


def recurrence(found, x, **options):
    """Lower one over x (T, B, 4), and note it."""
    scan = Scan(cell=Sum(), inputs=(x,), initial_states=(tf.zeros([x.shape[1], 4]),), **options)
    result, schedule = lower(scan, Options())
    found.append(Lowered(scan, result, schedule.unroll, schedule.thresholds))
    return result


def test_recurrences_are_stepped_over():
    shape = (1, None, 4)
    found = []

    def model(x):
        pooled = tf.nn.max_pool1d(x, 4, 4, "VALID")
        one = recurrence(found, tf.transpose(pooled, [1, 0, 2]), all_outputs=True)
        two = recurrence(found, one.outputs[0][::2])
        return tf.transpose(one.outputs[0], [1, 0, 2]), two.last[0]

    concrete = traced(model, shape)
    analysis = analysed(concrete, [shape], found)
    t = free(Axis(0, 1))
    sequence, last = (analysis.sizes(y) for y in concrete.outputs)
    assert [str(s) for s in sequence] == ["1", "floor((n0.1) / 4)", "4"]
    assert last == (1, 4)
    assert [str(s) for s in analysis.lengths()] == ["floor((n0.1) / 4)", "floor((n0.1 + 4) / 8)"]
    assert analysis.time_axes(concrete.outputs[0]) == (1,)
    assert analysis.time_axes(concrete.outputs[1]) == ()
    assert analysis.sizes(concrete.inputs[0]) == (1, t, 4)


class Twice(Sum):
    """A cell whose output is no state: nothing but a step says how large it is."""

    output_is_state = None

    def step(self, projected, states, weights):
        y = states[0] + projected[0]
        return [tf.concat([y, y], 1)], [y]


def test_the_batch_of_a_loop_of_a_graph_follows_from_its_step():
    shape = (None, None, 4)
    found = []

    def model(x):
        rows = tf.transpose(x, [1, 0, 2])
        start = tf.zeros(tf.stack([tf.shape(x)[0], 4]))
        scan = Scan(Twice(), (rows,), (start,), all_outputs=True, last_output=True, batched=False)
        result, schedule = lower(scan, Options())
        found.append(Lowered(scan, result, schedule.unroll, schedule.thresholds))
        return result.outputs[0], result.last[0]

    concrete = traced(model, shape)
    analysis = analysed(concrete, [shape], found)
    batch, time = free(Axis(0, 0)), free(Axis(0, 1))
    assert analysis.sizes(concrete.outputs[0]) == (time, batch, 8)
    assert analysis.sizes(concrete.outputs[1]) == (batch, 8)


def test_several_axes_may_be_time():
    shape = (1, None, None, 4)
    found = []

    def model(x):
        return recurrence(
            found, tf.transpose(tf.reshape(x, [1, -1, 4]), [1, 0, 2]), all_outputs=True
        ).outputs[0]

    concrete = traced(model, shape)
    analysis = analysed(concrete, [shape], found)
    analysis.sizes(concrete.outputs[0])
    assert analysis.time_axes(concrete.inputs[0]) == (1, 2)


def test_a_mask_is_as_long_as_what_it_masks():
    shapes = [(1, None, 4), (1, None)]
    found = []

    def model(x, mask):
        turned = tf.transpose(tf.cast(mask, tf.bool)[:, :, None], [1, 0, 2])
        return recurrence(found, tf.transpose(x, [1, 0, 2]), mask=turned).last[0]

    concrete = traced(model, *shapes)
    analysis = analysed(concrete, shapes, found)
    analysis.sizes(concrete.outputs[0])
    ties = [(r.left, r.right) for r in analysis.requirements() if r.kind == "equal"]
    assert ties == [(free(Axis(0, 1)), free(Axis(1, 1)))]
