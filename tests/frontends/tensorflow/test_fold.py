"""Ops of known inputs are computed at conversion: by TensorFlow, and never into large constants."""

import numpy as np
import pytest
import tensorflow as tf
from building import emitted, graph_def, graph_from, node, ops_of, placeholder
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from rnnlite.frontends.tensorflow.fold import FOLDED, GROWTH, run_op

F, I = tf.float32, tf.int32  # noqa: E741 - int32
W = np.arange(12, dtype=np.float32).reshape(3, 4)
X = np.ones((2, 3), np.float32)


def folds(build):
    """The constants that a graph of a kernel comes to: what is left of it, and its values."""
    definition = graph_from(lambda x: tf.matmul(x, build(), name="y"), x=[None, 3])
    (found,), function, _ = emitted(definition, ["y:0"], x=X)
    (product,) = [op for op in function.graph.get_operations() if op.type == "MatMul"]
    kernel = product.inputs[1]
    return set(ops_of(function)), kernel.op.type, tf.get_static_value(kernel), found


KERNELS = {
    "transposed twice": (lambda: tf.transpose(tf.transpose(tf.constant(W))), W),
    "a block of columns": (lambda: tf.constant(W)[:, 1:3], W[:, 1:3]),
    "the second of three": (
        lambda: tf.split(tf.concat([W, 2 * W, 3 * W], 1), 3, axis=1)[1],
        2 * W,
    ),
    "parts of different widths": (lambda: tf.split(tf.constant(W), [1, 3], axis=1)[1], W[:, 1:]),
    "unpacked": (lambda: tf.unstack(tf.stack([W, 5 * W]))[1], 5 * W),
    "scaled and shifted": (lambda: tf.constant(W) * 0.5 - 1.0, W * 0.5 - 1),
    "cast": (lambda: tf.cast(tf.constant(W.astype(np.float16)), F), W),
    "reversed": (lambda: tf.reverse(tf.constant(W), [0]), W[::-1]),
    "gathered": (lambda: tf.gather(tf.constant(W), [2, 0, 1]), W[[2, 0, 1]]),
    "tiled": (lambda: tf.tile(tf.constant(W[:, :1]), [1, 2]), np.tile(W[:, :1], 2)),
    "of a product": (lambda: tf.matmul(tf.constant(W), tf.constant(W.T)), W @ W.T),
    "chosen": (lambda: tf.where(tf.constant(W) > 5, W, -W), np.where(W > 5, W, -W)),
}


@pytest.mark.parametrize("case", KERNELS)
def test_a_kernel_becomes_a_constant(case):
    build, wanted = KERNELS[case]
    left, op, kernel, found = folds(build)
    assert op == "Const"
    np.testing.assert_array_equal(kernel, wanted)
    np.testing.assert_allclose(found, X @ wanted, rtol=1e-6)
    assert left <= {"Placeholder", "Const", "MatMul", "Identity", "NoOp"}


@pytest.mark.parametrize(
    ("build", "wanted"),
    [
        (lambda x: tf.shape(x)[1] * 2, 6),
        (lambda x: tf.shape(x, out_type=tf.int64)[1] - 1, 2),
        (lambda x: tf.size(x) + 0, 6),
    ],
    ids=["shape", "shape as int64", "size"],
)
def test_what_is_made_of_known_sizes(build, wanted):
    """Of an input of known shape; the shape is as asked for, int64 too."""
    definition = graph_from(lambda x: tf.identity(build(x), "y"), x=[None, None])
    (found,), function, _ = emitted(definition, ["y:0"], x=X)
    assert found == wanted
    assert not set(ops_of(function)) & {"Shape", "Size", "StridedSlice", "Mul", "Sub", "AddV2"}


def test_zeros_of_many_elements_are_no_constant():
    """Of two inputs at most 65536 more elements; what is larger is made when the file runs."""

    def build(count):
        return graph_from(
            lambda x: tf.reduce_sum(tf.fill([count], 2.0) * tf.reduce_sum(x), name="y"), x=[2, 3]
        )

    for count, filled in ((GROWTH + 2, False), (GROWTH + 3, True)):
        (found,), function, _ = emitted(build(count), ["y:0"], x=X)
        assert ("Fill" in ops_of(function)) == filled
        np.testing.assert_allclose(found, 12.0 * count, rtol=1e-6)


def test_what_is_random_or_unknown_is_left():
    assert not {"RandomUniform", "Placeholder", "Dequantize", "Assert"} & FOLDED


def test_an_op_of_one_unknown_input_is_left():
    definition = graph_def(
        placeholder(shape=(2, 3)),
        node("Const", "c", dtype=F, value=np.float32(2)),
        node("AddV2", "y", "x", "c", T=F),
    )
    (found,), function, _ = emitted(definition, ["y:0"], x=X)
    assert "AddV2" in ops_of(function)
    np.testing.assert_array_equal(found, X + 2)


def attributes(op, **given):
    return dict(node(op, "n", **given).attr.items())


def test_all_results_of_an_op():
    one, two, three = run_op(
        "Split", [np.int32(1), np.arange(6.0)[None]], attributes("Split", T=tf.float64, num_split=3)
    )
    assert [one.tolist(), two.tolist(), three.tolist()] == [[[0, 1]], [[2, 3]], [[4, 5]]]
    parts = run_op("Unpack", [W], attributes("Unpack", T=F, num=3, axis=0))
    np.testing.assert_array_equal(parts, W)


def test_lists_of_attributes():
    squeeze = node("Squeeze", "n", T=F)
    squeeze.attr["squeeze_dims"].list.i.extend([0])
    (found,) = run_op("Squeeze", [np.zeros((1, 2, 1), np.float32)], dict(squeeze.attr.items()))
    assert found.shape == (2, 1)


ARRAYS = arrays.arrays(
    np.float32,
    arrays.array_shapes(min_dims=1, max_dims=3, max_side=4),
    # Eighths: TensorFlow takes the halves of the smallest numbers for zero, NumPy does not.
    elements=st.integers(-72, 72).map(lambda number: number / 8),
)


@settings(max_examples=25, deadline=None)
@given(x=ARRAYS, data=st.data())
def test_ops_give_what_numpy_gives(x, data):
    t = {"T": F}
    axis = data.draw(st.integers(-x.ndim, x.ndim - 1))
    order = data.draw(st.permutations(range(x.ndim)))
    keep = data.draw(st.booleans())
    one = {**t, "Tidx": I}
    cases = [
        ("Transpose", [x, np.int32(order)], {**t, "Tperm": I}, x.transpose(order)),
        (
            "Sum",
            [x, np.int32(axis)],
            {**one, "keep_dims": keep},
            x.sum(axis, None, None, keep),
        ),
        ("Max", [x, np.int32(axis)], {**one, "keep_dims": keep}, x.max(axis, None, keep)),
        (
            "ConcatV2",
            [x, x, np.int32(axis)],
            {**one, "N": 2},
            np.concatenate([x, x], axis),
        ),
        ("ReverseV2", [x, np.int32([axis])], one, np.flip(x, axis)),
        ("Minimum", [x, -x], t, np.minimum(x, -x)),
        ("FloorDiv", [x, np.float32(2)], t, np.floor(x / 2)),
        ("Reshape", [x, np.int32([-1])], {**t, "Tshape": I}, x.ravel()),
        ("Equal", [x, np.abs(x)], t, x == np.abs(x)),
    ]
    op, inputs, attrs, wanted = data.draw(st.sampled_from(cases))
    (found,) = run_op(op, inputs, attributes(op, **attrs))
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5)
