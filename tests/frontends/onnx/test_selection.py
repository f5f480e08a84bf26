"""Outputs and fixed inputs that the user names."""

from types import SimpleNamespace

import numpy as np
import pytest

from rnnlite.errors import SourceError
from rnnlite.frontends.onnx.nodes import ValueInfo
from rnnlite.frontends.onnx.reading import Source
from rnnlite.frontends.onnx.selection import (
    as_declared,
    fixed_inputs,
    output_names,
    with_outputs,
)

onnx = pytest.importorskip("onnx")

INPUTS = (ValueInfo("x", "float16", (1, None, 2)), ValueInfo("keep", "bool", ()))
SOURCE = Source(
    None,
    SimpleNamespace(
        inputs=INPUTS,
        outputs=(ValueInfo("y", "float32", (1, 2)),),
        nodes=(SimpleNamespace(outputs=("hidden", "y")),),
    ),
    "ONNX model 'net.onnx'",
)


def test_outputs():
    assert output_names(SOURCE, None) == ["y"]
    assert output_names(SOURCE, ["hidden", "y:0"]) == ["hidden", "y"]
    with pytest.raises(SourceError, match="has no tensor 'nothing'"):
        output_names(SOURCE, ["nothing"])


def test_a_model_with_other_outputs():
    proto = onnx.ModelProto()
    proto.graph.output.add(name="y")
    assert with_outputs(proto, ["y"]) is proto
    changed = with_outputs(proto, ["hidden", "y"])
    assert [v.name for v in changed.graph.output] == ["y", "hidden"]
    assert [v.name for v in proto.graph.output] == ["y"]


def test_fixed_inputs_are_of_the_rank_and_in_the_type_that_is_computed_in():
    found = fixed_inputs(SOURCE, {"x:0": 0.5, "keep": True})
    assert (found["x"].shape, found["x"].dtype, found["x"].item()) == ((1, 1, 1), np.float32, 0.5)
    assert (found["keep"].shape, found["keep"].dtype) == ((), np.bool_)
    # What runs the model itself gives it its own types.
    assert as_declared(SOURCE, found)["x"].dtype == np.float16


@pytest.mark.parametrize("value", ["text", np.zeros(0), np.zeros((2, 2)), [[1.0, 2.0]]])
def test_values_that_do_not_fit(value):
    message = "the constant 'x' does not fit the input 'x'; expected float32 of rank 3"
    with pytest.raises(SourceError, match=message):
        fixed_inputs(SOURCE, {"x": value})


def test_a_constant_that_is_no_input():
    message = "the constant 'rate' is no input of ONNX model 'net.onnx'; expected 'x', 'keep'"
    with pytest.raises(SourceError, match=message):
        fixed_inputs(SOURCE, {"rate": 1})
