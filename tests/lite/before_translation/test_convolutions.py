"""Convolutions over free sizes in forms whose size is known before a run, against TensorFlow."""

import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

from rnnlite.lite import schema
from rnnlite.lite.before_translation.convolutions import Phases
from rnnlite.lite.before_translation.rewrite import rewrite
from rnnlite.lite.passes.settling import settle_shapes
from rnnlite.lite.translate import run_converter

RNG = np.random.default_rng(0)


def kernel(*shape):
    return tf.constant(RNG.standard_normal(shape), tf.float32)


def atrous(shape, rates, padding, *, front=0):
    """A dilated convolution as TensorFlow splits it, behind zeros in front."""
    w = kernel(*[3] * len(rates), shape[-1], 4)

    def compute(x):
        if front:
            x = tf.pad(x, [[0, 0], [front, 0], [0, 0]])
        # With a free size it splits x into phases.
        return tf.nn.convolution(x, w, padding=padding, dilations=rates)

    return compute


def up(shape, size, strides, padding, more=(0, 0), units=4):
    """A transposed convolution to `strides` times the size and `more`."""
    w = kernel(*size, units, shape[-1])

    def compute(x):
        known = tf.shape(x)
        sizes = [known[k + 1] * strides[k] + more[k] for k in (0, 1)]
        return tf.nn.conv2d_transpose(x, w, [known[0], *sizes, units], strides, padding)

    return compute


LINE, IMAGE = (1, None, 3), (1, None, 6, 3)
ROW, BATCH = (1, 1, None, 3), (None, None, 6, 3)
CASES = {
    "dilated": (LINE, atrous(LINE, [2], "VALID")),
    "dilated, same": (LINE, atrous(LINE, [3], "SAME")),
    "dilated, causal": (LINE, atrous(LINE, [2], "VALID", front=4)),
    "dilated, free batch": ((None, None, 3), atrous(LINE, [2], "SAME")),
    "dilated, image": (IMAGE, atrous(IMAGE, [2, 1], "SAME")),
    "dilated both ways": (IMAGE, atrous(IMAGE, [2, 2], "SAME")),
    "up 2": (ROW, up(ROW, (1, 4), (1, 2), "SAME")),
    "up 2, odd": (ROW, up(ROW, (1, 3), (1, 2), "SAME")),
    "up 3 by a kernel of 2": (ROW, up(ROW, (1, 2), (1, 3), "SAME")),
    "up 2, less one": (ROW, up(ROW, (1, 5), (1, 2), "SAME", (0, -1))),
    "up 1": (ROW, up(ROW, (1, 5), (1, 1), "SAME")),
    "up 2, valid": (ROW, up(ROW, (1, 4), (1, 2), "VALID", (0, 2))),
    "up 3, valid, wide": (ROW, up(ROW, (1, 7), (1, 3), "VALID", (0, 4))),
    "up 3, valid, narrow": (ROW, up(ROW, (1, 2), (1, 3), "VALID")),
    "up over rows": (IMAGE, up(IMAGE, (4, 3), (2, 1), "SAME")),
    "up both ways": (IMAGE, up(IMAGE, (3, 5), (2, 3), "SAME")),
    "up, free batch": (BATCH, up(BATCH, (4, 3), (2, 2), "SAME")),
}


def known_beforehand(data, x):
    """The result; its shape after allocation must be the one after the run."""
    interpreter = Interpreter(model_content=data)
    index = interpreter.get_input_details()[0]["index"]
    for length in (6, x.shape[1] if x.shape[1] > 1 else x.shape[2]):
        part = x[:, :length] if x.shape[1] > 1 else x[:, :, :length]
        interpreter.resize_tensor_input(index, part.shape)
        interpreter.allocate_tensors()
        (detail,) = interpreter.get_output_details()
        before = tuple(detail["shape"])
        interpreter.set_tensor(index, np.ascontiguousarray(part))
        interpreter.invoke()
        found = interpreter.get_tensor(detail["index"])
        assert found.shape == before
    return found


@pytest.mark.parametrize("name", CASES)
def test_equal_and_known_before_a_run(name):
    shape, compute = CASES[name]
    function = tf.function(compute).get_concrete_function(tf.TensorSpec(shape, tf.float32))
    batch = shape[0] or 2
    x = RNG.standard_normal([batch, *[11 if d is None else d for d in shape[1:]]])
    x = x.astype(np.float32)
    wanted = function(tf.constant(x)).numpy()
    rewritten = rewrite(function)
    kinds = {op.type for op in rewritten.graph.get_operations()}
    assert not kinds & {"SpaceToBatchND", "BatchToSpaceND", "Conv2DBackpropInput"}
    model = schema.read(run_converter(rewritten)[0])
    settle_shapes(model)
    found = known_beforehand(schema.write(model), x)
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", ["dilated", "dilated, same", "dilated, causal", "up 2, odd"])
def test_the_same_in_a_loop_body(name):
    """The result of each step is the next one's input, of a size that is free."""
    shape, compute = CASES[name]

    def step(x):
        y = compute(x)
        return x + tf.reduce_mean(y)

    def call(x):
        def body(t, x):
            return t + 1, step(x)

        free = (tf.TensorShape([]), tf.TensorShape(shape))
        return tf.while_loop(lambda t, _: t < 3, body, (0, x), shape_invariants=free)[1]

    function = tf.function(call).get_concrete_function(tf.TensorSpec(shape, tf.float32))
    x = RNG.standard_normal([11 if d is None else d for d in shape]).astype(np.float32)
    wanted = function(tf.constant(x)).numpy()
    model = schema.read(run_converter(rewrite(function))[0])
    kinds = [op.kind for op in model.ops()]
    assert kinds.count("CONV_2D") == 1
    assert not set(kinds) & {"SPACE_TO_BATCH_ND", "BATCH_TO_SPACE_ND", "TRANSPOSE_CONV"}
    settle_shapes(model)
    found = known_beforehand(schema.write(model), x)
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-4)


def test_fixed_sizes_stay():
    compute = up(ROW, (1, 4), (1, 2), "SAME")
    function = tf.function(compute).get_concrete_function(tf.TensorSpec((1, 1, 7, 3)))
    kinds = {op.type for op in rewrite(function).graph.get_operations()}
    assert "Conv2DBackpropInput" in kinds


def test_phases_of_a_kernel_of_four_at_stride_two():
    """Result 2 q + p is of inputs q - 1 and q, or q and q + 1: a zero on either side."""
    assert Phases.of(4, 2, 0, same=True) == Phases(2, 2, (1, 1), (1, 1))
