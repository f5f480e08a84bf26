"""What cannot be emitted anew is refused by the name of its node."""

import building
import numpy as np
import pytest
import tensorflow as tf
from building import node, placeholder

import rnnlite
from rnnlite.errors import UnsupportedError

v1 = tf.compat.v1
F = tf.float32


def refused(path, message, **options):
    with pytest.raises(UnsupportedError, match=message):
        rnnlite.convert(path, outputs=["y:0"], **options)


def test_an_op_that_tensorflow_does_not_have(tmp_path):
    nodes = placeholder(), node("NoSuchOp", "odd", "x"), node("Tanh", "y", "odd", T=F)
    path = building.write_nodes(tmp_path / "graph.pb", *nodes)
    refused(path, "op NoSuchOp of 'odd' is not known to this TensorFlow")


def test_a_node_that_depends_on_itself(tmp_path):
    nodes = placeholder(), node("AddV2", "a", "x", "b", T=F), node("Tanh", "b", "a", T=F)
    path = building.write_nodes(tmp_path / "graph.pb", *nodes, node("Tanh", "y", "b", T=F))
    refused(path, r"node '[ab]' \((AddV2|Tanh)\) depends on itself outside of a loop")


def test_an_exit_without_a_loop(tmp_path):
    nodes = placeholder(), node("Exit", "out", "x", T=F), node("Tanh", "y", "out", T=F)
    path = building.write_nodes(tmp_path / "graph.pb", *nodes)
    refused(path, "'out' leaves a loop that cannot be read; expected Enter, Merge")


def test_an_array_where_a_tensor_is_read(tmp_path):
    """The flow of a TensorArray is a number in TensorFlow, and stands for its rows here."""

    def build(x):
        array = tf.TensorArray(tf.float32, 1).write(0, x[0])
        tf.identity(tf.tanh(array.flow) + tf.reduce_sum(x), "y")

    path = building.write(tmp_path / "graph.pb", build)
    refused(path, r"Tanh 'Tanh' reads the array '.*'; expected ops of TensorArrays")


def test_shapes_that_do_not_fit(tmp_path):
    def build(x):
        tf.identity(x + np.ones((1, 7, 4), np.float32), "y")

    path = building.write(tmp_path / "graph.pb", build)
    refused(
        path,
        r"'add' does not fit its inputs at the shapes asked for; found .*5 and 7",
        sequence_length=5,
    )


def test_a_tensor_where_an_array_is_read(tmp_path):
    nodes = (
        placeholder(),
        node("TensorListLength", "n", "x"),
        node("Cast", "y", "n", SrcT=tf.int32, DstT=F),
    )
    path = building.write_nodes(tmp_path / "graph.pb", *nodes)
    refused(path, "TensorListLength 'n' reads a tensor as an array")
