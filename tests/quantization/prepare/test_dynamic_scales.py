"""What a source quantizes at run time is given to the quantizer in floats."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import rnnlite
from graphs import run
from rnnlite.lite import schema
from rnnlite.quantization.prepare.dynamic_scales import drop_dynamic_scales

WEIGHTS = np.random.default_rng(0).integers(-90, 90, (4, 3, 3, 3)).astype(np.int8)
BIAS = np.array([0.5, -1.0, 2.0, 0.25], np.float32)
STEP = 0.01


def quantized_convolution():
    """conv(x, W) + b as ONNX Runtime's older quantizer writes it, the bias in integers."""
    nodes = [
        ("DynamicQuantizeLinear", ["x"], ["q", "m", "z"], {}),
        ("Mul", ["m", "w_scale"], ["scale"], {}),
        ("Div", ["b", "scale"], ["b_steps"], {}),
        ("Floor", ["b_steps"], ["b_whole"], {}),
        ("Cast", ["b_whole"], ["b_int"], {"to": TensorProto.INT32}),
        ("ConvInteger", ["q", "w", "z", "w_zero"], ["y_int"], {"pads": [1, 1, 1, 1]}),
        ("Reshape", ["b_int", "b_shape"], ["b_line"], {}),
        ("Add", ["y_int", "b_line"], ["y_both"], {}),
        ("Cast", ["y_both"], ["y_float"], {"to": TensorProto.FLOAT}),
        ("Mul", ["y_float", "scale"], ["y"], {}),
    ]
    constants = {
        "w": WEIGHTS,
        "w_zero": np.array(0, np.int8),
        "w_scale": np.array(STEP, np.float32),
        "b": BIAS,
        "b_shape": np.array([1, 4, 1, 1], np.int64),
    }
    graph = helper.make_graph(
        [helper.make_node(k, i, o, name=o[0], **a) for k, i, o, a in nodes],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 8, 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 4, 8, 8])],
        [numpy_helper.from_array(v, k) for k, v in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


@pytest.fixture(scope="module")
def converted():
    return rnnlite.convert(quantized_convolution())


def exact(x):
    """The convolution without any rounding of x."""
    padded = np.pad(x, [(0, 0), (0, 0), (1, 1), (1, 1)])
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))
    products = np.einsum("nchwij,ocij->nohw", windows, WEIGHTS * STEP)
    return products + BIAS.reshape(1, 4, 1, 1)


def test_floats_are_left(converted):
    tree = schema.read(converted.tflite)
    x = np.random.default_rng(1).normal(size=(1, 3, 8, 8)).astype(np.float32)
    (rounded,) = run(schema.write(tree), x)
    assert drop_dynamic_scales(tree) == 1
    assert {op.kind for op in tree.ops()} <= {
        *("CONV_2D", "ADD", "MUL", "TRANSPOSE", "RESHAPE", "PAD", "PADV2", "SHAPE")
    }
    (found,) = run(schema.write(tree), x)
    assert np.max(np.abs(found - exact(x))) < 1e-4
    assert 1e-3 < np.max(np.abs(rounded - exact(x))) < 0.1


def test_integers_of_another_kind_stay_integers(converted):
    """A bias beside integers that no product gives: they meet in one type."""
    tree = schema.read(converted.tflite)
    (added,) = [op for op in tree.main.ops if op.kind == "ADD" and op.output.type == "int32"]
    place = next(k for k, v in enumerate(added.operands) if v.shape == (1, 8, 8, 4))
    numbers = np.arange(256, dtype=np.int32).reshape(1, 8, 8, 4)
    added.set_input(place, tree.main.constant(numbers))
    drop_dynamic_scales(tree)
    assert {v.type for op in tree.main.ops if op.kind == "ADD" for v in op.operands} == {"int32"}
    (found,) = run(schema.write(tree), np.ones((1, 3, 8, 8), np.float32))
    expected = (numbers + np.floor(BIAS / np.float32(STEP))) * STEP
    np.testing.assert_allclose(found, expected.transpose(0, 3, 1, 2), rtol=1e-5, atol=1e-5)


def test_other_models_stay():
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 8])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 8])
    nodes = [helper.make_node("Round", ["x"], ["r"]), helper.make_node("Floor", ["r"], ["y"])]
    graph = helper.make_graph(nodes, "g", [x], [y])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    tree = schema.read(rnnlite.convert(model, verify=False).tflite)
    kinds = [op.kind for op in tree.ops()]
    assert drop_dynamic_scales(tree) == 0
    assert [op.kind for op in tree.ops()] == kinds


def test_such_a_model_computes_in_integers():
    rng = np.random.default_rng(2)
    samples = [rng.normal(size=(3, 8, 8)).astype(np.float32) for _ in range(24)]
    report = rnnlite.convert(
        quantized_convolution(), quantize="int8", calibration=samples, io="float32"
    ).report
    assert not report.quantization.kept
    assert report.quantization.accuracy[0].rms_error < 0.03
