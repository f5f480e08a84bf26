"""Pooling over three axes as two poolings: what TensorFlow's own op gives, at free sizes too."""

import numpy as np
import pytest
import tensorflow as tf

from rnnlite.lite.before_translation.pooling import POOLS, pooled, pools
from rnnlite.lite.before_translation.rewrite import rewrite

VALUES = np.random.default_rng(0).normal(size=(2, 5, 6, 7, 3)).astype(np.float32)
OPS = {"MaxPool3D": tf.nn.max_pool3d, "AvgPool3D": tf.nn.avg_pool3d}
WINDOWS = [((2, 2, 2), (2, 2, 2)), ((1, 2, 3), (1, 2, 1)), ((3, 1, 1), (2, 1, 1)), ((1, 1, 1),) * 2]


@pytest.mark.parametrize("kind", list(POOLS))
@pytest.mark.parametrize("padding", ["SAME", "VALID"])
@pytest.mark.parametrize(("windows", "strides"), WINDOWS)
def test_as_tensorflow_pools(kind, padding, windows, strides):
    expected = OPS[kind](VALUES, windows, strides, padding)
    found = pooled(tf.constant(VALUES), kind, windows, strides, padding)
    np.testing.assert_allclose(found, expected, rtol=0, atol=3e-7)


@pytest.mark.parametrize("free", [(0,), (1,), (0, 1), (2, 3), (0, 1, 2, 3)])
def test_free_sizes(free):
    spec = tf.TensorSpec([None if k in free else n for k, n in enumerate(VALUES.shape)])
    call = tf.function(lambda x: tf.nn.avg_pool3d(x, 2, (2, 1, 2), "SAME"), autograph=False)
    found = rewrite(call.get_concrete_function(spec))
    kinds = {op.type for op in found.graph.get_operations()} | {
        node.op for f in found.graph.as_graph_def().library.function for node in f.node_def
    }
    assert "AvgPool3D" not in kinds
    for axes in ((), free):
        x = VALUES[tuple(slice(0, 3) if k in axes else slice(None) for k in range(5))]
        np.testing.assert_allclose(found(tf.constant(x))[0], call(x), rtol=0, atol=3e-7)


def test_which_ops_are_pools():
    @tf.function(input_signature=[tf.TensorSpec([1, None, 4, 4, 2])], autograph=False)
    def call(x):
        x = tf.nn.max_pool3d(x, (1, 2, 2), (1, 2, 2), "VALID", name="it")
        return tf.reduce_max(x, 1)

    assert set(pools(call.get_concrete_function().graph)) == {"it"}
