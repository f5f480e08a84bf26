"""Ways to run one layer. Each gives the file it needs, then a function that runs it once.

Every engine computes the same layer from the same weights; `latency.py` compares their results
before anything is timed.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from speed.cases import FEATURES, Case, calibration, layer

Run = Callable[[], Any]
MODES = ("float32", "dynamic", "int8", "int16x8")


def rnnlite_file(case: Case, mode: str, **options: Any) -> bytes:
    """rnnlite's file: free length, the batch of the case."""
    import rnnlite

    return rnnlite.convert(
        layer(case, batch=case.batch),
        quantize=None if mode == "float32" else mode,
        calibration=calibration(case) if mode in ("int8", "int16x8") else None,
        verify=False,
        **options,
    ).tflite


def tensorflow_file(case: Case, mode: str) -> bytes | None:
    """TensorFlow's converter on a SavedModel of fixed shape, its best recipe; None if it fails."""
    import tensorflow as tf

    if mode == "int8" and (case.cell != "LSTM" or case.batch != 1 or case.steps > 1000):
        # Any loop ends the quantizer with a crash: the fused LSTM alone can be quantized.
        return None
    with tempfile.TemporaryDirectory() as folder:
        layer(case, steps=case.steps, batch=case.batch).save(folder)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        if mode == "int8":
            rng = np.random.default_rng(1)
            shape = (1, case.steps, FEATURES)
            samples = [rng.standard_normal(shape).astype(np.float32) for _ in range(10)]
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
            converter.representative_dataset = lambda: ([x] for x in samples)
            converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
            converter.inference_input_type = converter.inference_output_type = tf.int8
        return converter.convert()


def litert(data: bytes, x: np.ndarray, threads: int) -> Run:
    """Run a LiteRT file in a plain interpreter, without the input's copy."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=data, num_threads=threads)
    detail = interpreter.get_input_details()[0]
    interpreter.resize_tensor_input(detail["index"], x.shape)
    interpreter.allocate_tensors()
    if detail["dtype"] is not np.float32:
        scale, zero_point = detail["quantization"]
        limits = np.iinfo(detail["dtype"])
        x = np.clip(np.rint(x / scale) + zero_point, limits.min, limits.max).astype(detail["dtype"])
    out = interpreter.get_output_details()[0]
    place, result = detail["index"], out["index"]

    def run() -> np.ndarray:
        interpreter.set_tensor(place, x)
        interpreter.invoke()
        return interpreter.get_tensor(result)

    if out["dtype"] is np.float32:
        return run
    out_scale, out_zero = out["quantization"]
    run.scale = lambda y: (y.astype(np.float32) - out_zero) * out_scale  # type: ignore[attr-defined]
    return run


def onnx_file(case: Case) -> bytes:
    """An ONNX model with one LSTM, GRU or RNN node, weights in ONNX's order of gates."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    weights = layer(case).get_weights()
    kernel, recurrent, bias = (w.astype(np.float32) for w in weights)
    # Keras: i f g o and z r n; ONNX: i o f g and z r n.
    order = {"LSTM": (0, 3, 1, 2), "GRU": (0, 1, 2), "SimpleRNN": (0,)}[case.cell]
    h = case.units

    def ordered(a: np.ndarray) -> np.ndarray:
        return np.concatenate([a[..., k * h : (k + 1) * h] for k in order], axis=-1)

    if case.cell == "GRU":
        both = np.concatenate([ordered(bias[0]), ordered(bias[1])])
        extra = {"linear_before_reset": 1}
    else:
        both, extra = np.concatenate([ordered(bias), np.zeros_like(bias)]), {}
    constants = {"W": ordered(kernel).T[None], "R": ordered(recurrent).T[None], "B": both[None]}
    node = helper.make_node(
        {"SimpleRNN": "RNN"}.get(case.cell, case.cell),
        ["xt", "W", "R", "B"],
        ["ys", "last"],
        hidden_size=h,
        **extra,
    )
    before = helper.make_node("Transpose", ["x"], ["xt"], perm=[1, 0, 2])
    after = (
        helper.make_node("Transpose", ["ys"], ["y"], perm=[2, 0, 1, 3])
        if case.sequence
        else helper.make_node("Transpose", ["last"], ["y"], perm=[1, 0, 2])
    )
    shape = [case.batch, None, 1, h] if case.sequence else [case.batch, 1, h]
    graph = helper.make_graph(
        [before, node, after],
        "layer",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [case.batch, None, FEATURES])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)],
        [numpy_helper.from_array(np.ascontiguousarray(v), k) for k, v in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 9
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def onnx_dynamic_file(data: bytes) -> bytes:
    """ONNX Runtime's dynamic quantization of a model."""
    import logging

    from onnxruntime.quantization import QuantType, quantize_dynamic

    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as folder:
        before, after = Path(folder, "a.onnx"), Path(folder, "b.onnx")
        before.write_bytes(data)
        quantize_dynamic(before, after, weight_type=QuantType.QInt8)
        return after.read_bytes()


def onnx_runtime(data: bytes, x: np.ndarray, threads: int) -> Run:
    """Run an ONNX model."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    return lambda: session.run(None, {"x": x})[0]


def torch_layer(case: Case, x: np.ndarray, threads: int) -> Run:
    """torch.nn's layer of the same weights, in inference mode."""
    import torch

    torch.set_num_threads(threads)
    kind = {"LSTM": torch.nn.LSTM, "GRU": torch.nn.GRU, "SimpleRNN": torch.nn.RNN}[case.cell]
    module = kind(FEATURES, case.units, batch_first=True).eval()
    kernel, recurrent, bias = layer(case).get_weights()
    h = case.units
    # Keras: z r n; torch: r z n. The LSTM's order is the same.
    order = {"LSTM": (0, 1, 2, 3), "GRU": (1, 0, 2), "SimpleRNN": (0,)}[case.cell]

    def ordered(a: np.ndarray) -> np.ndarray:
        return np.concatenate([a[..., k * h : (k + 1) * h] for k in order], axis=-1)

    biases = bias if case.cell == "GRU" else (bias, np.zeros_like(bias))
    with torch.no_grad():
        module.weight_ih_l0.copy_(torch.from_numpy(ordered(kernel).T.copy()))
        module.weight_hh_l0.copy_(torch.from_numpy(ordered(recurrent).T.copy()))
        module.bias_ih_l0.copy_(torch.from_numpy(ordered(biases[0])))
        module.bias_hh_l0.copy_(torch.from_numpy(ordered(biases[1])))
    tensor = torch.from_numpy(x)

    def run() -> np.ndarray:
        with torch.inference_mode():
            y, _ = module(tensor)
            return (y if case.sequence else y[:, -1]).numpy()

    return run


def keras_layer(case: Case, x: np.ndarray) -> Run:
    """Keras itself: the layer's compiled function. Threads are TensorFlow's, set at the start."""
    import tensorflow as tf

    model = layer(case, batch=case.batch)
    function = tf.function(lambda t: model(t, training=False))
    tensor = tf.constant(x)
    return lambda: function(tensor).numpy()
