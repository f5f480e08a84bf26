"""Ops of arrays that have no dense form are refused by name."""

import building
import pytest
import tensorflow as tf

import rnnlite
from rnnlite.errors import UnsupportedError

F = tf.float32


@pytest.mark.parametrize(
    ("build", "op"),
    [
        (lambda x: tf.TensorArray(F, 2).split(x[0], [1, 1]).stack(), "TensorListSplit"),
        (
            lambda x: (
                tf.raw_ops.TensorListConcatV2(
                    input_handle=tf.raw_ops.TensorListFromTensor(tensor=x, element_shape=[-1, 4]),
                    element_shape=[-1, 4],
                    leading_dims=tf.zeros([0], tf.int64),
                    element_dtype=F,
                ).tensor
            ),
            "TensorListConcatV2",
        ),
    ],
    ids=["split", "concat"],
)
def test_refused(tmp_path, build, op):
    path = building.write(tmp_path / "graph.pb", lambda x: tf.identity(build(x), "y"), v2=True)
    with pytest.raises(UnsupportedError, match=f"{op} '.*' has no dense form; expected arrays"):
        rnnlite.convert(path, outputs=["y:0"])
