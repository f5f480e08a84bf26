"""Nodes of known numbers: computed, or left to their rules."""

import numpy as np
import pytest
import tensorflow as tf

from rnnlite.frontends.onnx.folding import LARGEST, folded
from rnnlite.frontends.onnx.nodes import Graph, Node
from rnnlite.frontends.onnx.values import Dims, Value

SIZE = tf.constant(3)
"""What stands for a size that is computed."""


def node(op, outputs=("y",), domain="", **attributes):
    return Node(op, domain, "n", ("x",), tuple(outputs), attributes, 17)


COMPUTED = {
    "numbers": (node("Add"), [np.float32([1, 2]), np.array(3, np.float32)], [[4, 5]]),
    "an attribute": (node("Concat", axis=0), [np.array([1]), np.array([2, 3])], [[1, 2, 3]]),
    "sizes": (node("Mul"), [Dims.vector([2, 3]), np.array(2)], [[4, 6]]),
    "without an operand": (
        node("Clip"),
        [np.float32([-9, 9]), None, np.array(1, np.float32)],
        [[-9, 1]],
    ),
    "several results": (
        node("Split", ["a", "b"], axis=0, num_outputs=2),
        [np.arange(4)],
        [[0, 1], [2, 3]],
    ),
    "an array as attribute": (
        node("ConstantOfShape", value=np.array([7], np.int64)),
        [np.array([3])],
        [[7, 7, 7]],
    ),
}


@pytest.mark.parametrize("case", COMPUTED)
def test_known_numbers(case):
    one, inputs, wanted = COMPUTED[case]
    if case == "several results":
        one = Node(one.op, "", "n", ("x",), one.outputs, one.attributes, 18)
    found = folded(one, inputs)
    assert [f.tolist() for f in found] == wanted


@pytest.mark.parametrize("kind", [10, 11, 16])
def test_halves_and_doubles_are_in_float32(kind):
    """FLOAT16, DOUBLE and BFLOAT16 of TensorProto."""
    (found,) = folded(node("Cast", to=kind), [np.array([0.5], np.float32)])
    assert (found.dtype, found.tolist()) == (np.float32, [0.5])


def test_a_result_that_is_left_out():
    found = folded(node("TopK", ["", "i"]), [np.float32([1, 5, 2]), np.array([2])])
    assert [f.tolist() for f in found] == [[], [1, 2]]


@pytest.mark.parametrize(
    "operand", [Value.of(tf.zeros([2])), Dims.vector([2, SIZE])], ids=["a tensor", "a size"]
)
def test_what_is_not_known(operand):
    assert folded(node("Add"), [operand, np.array(1)]) is None


def test_what_stays_a_node():
    body = Graph("body", (), (), ())
    one = np.array([1])
    assert folded(node("If", then_branch=body), [one]) is None
    assert folded(node("Constant", value=one), []) is None
    assert folded(node("Nonsense"), [one]) is None
    large = np.array([LARGEST, 4])
    assert folded(node("Expand"), [np.array(1, np.float32), large]) is None
    assert folded(node("ConstantOfShape"), [large]) is None
