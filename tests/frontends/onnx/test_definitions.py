"""Ops that ONNX defines by other ops stand as these; `test_emit` has what they give."""

import numpy as np
import onnx
import pytest
from onnx import helper

from onnx_nodes import check_model, floats, model, node
from rnnlite.errors import UnsupportedError
from rnnlite.frontends.onnx.definitions import DOMAIN, with_definitions
from rnnlite.frontends.onnx.reading import read
from rnnlite.frontends.onnx.rules import RULES

X, SCALE = floats(2, 5, 8), floats(8)


def made(*nodes, opset=23, constants=None, outputs=("y",)):
    return model(list(nodes), {"x": X}, constants or {"s": SCALE}, outputs, opset, ("x",))


def ops(graph):
    return {n.op for n in graph.walk()}


def test_a_definition_takes_the_place_of_its_op():
    proto = made(node("RMSNormalization", "x", "s"))
    source = read(proto)
    assert ops(source.graph) <= set(RULES)
    assert {n.op_type for n in source.proto.graph.node} == {"RMSNormalization"}
    check_model(proto, {"x": X}, ("x",))


def test_attributes_that_are_left_out_have_their_defaults():
    image = floats(2, 3, 4, 5)
    proto = model([node("MeanVarianceNormalization", "x")], {"x": image}, opset=17)
    check_model(proto, {"x": image})


def test_inputs_that_are_left_out():
    q, past = floats(1, 2, 3, 4), floats(1, 2, 6, 4)
    nodes = [node("Attention", "q", "q", "q", None, "past", "past", outputs=("y", "k", "v"))]
    data = {"q": q, "past": past}
    proto = model(nodes, data, outputs=("y", "k", "v"), opset=23)
    by_definition = onnx.reference.ReferenceEvaluator(proto).run(None, data)
    check_model(proto, data, ("q", "past"), wanted=by_definition)


def test_definitions_within_definitions_and_bodies():
    def branch(name, *nodes):
        end = helper.make_tensor_value_info(f"{name}_y", 1, [])
        return helper.make_graph([*nodes], name, [], [end])

    loss = node("SoftmaxCrossEntropyLoss", "x", "t", outputs=("one_y",))
    other = node("ReduceSum", "x", outputs=("two_y",), keepdims=0)
    chosen = node("If", "c", then_branch=branch("one", loss), else_branch=branch("two", other))
    x, target = floats(3, 5), np.asarray([0, 4, 2])
    for condition in (True, False):
        constants = {"c": np.asarray(condition), "t": target}
        proto = model([chosen], {"x": x}, constants, opset=17)
        assert "SoftmaxCrossEntropyLoss" not in ops(read(proto).graph)
        check_model(proto, {"x": x})


def test_what_has_no_definition_is_left_and_refused_by_name():
    proto = made(node("Hardmax", "x"), opset=17)
    assert with_definitions(proto, RULES, 17) is proto
    with pytest.raises(UnsupportedError, match=r"have no rule: Hardmax \(node 'y'\)"):
        read(proto)


def test_a_definition_of_a_newer_operator_set_is_none():
    proto = made(node("Shrink", "x"), opset=17)
    with pytest.raises(UnsupportedError, match="have no rule: Shrink"):
        read(proto)


def test_a_model_whose_ops_have_rules_is_left_as_it_is():
    proto = made(node("Relu", "x"))
    assert with_definitions(proto, RULES, 23) is proto
    assert not any(o.domain == DOMAIN for o in proto.opset_import)
