"""Check that the grids of a quantized model fit its ops, before it is written.

What enters: a model. What leaves: nothing, or a refusal that names the op. It states again, for the
finished file, what `ops` demands: values that are only moved share one grid, an op computes in one
type, prescribed grids are kept, and a bias has the scales of its input and weights.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnlite.errors import ModelError
from rnnlite.lite import flatbuffer
from rnnlite.lite.trees import grid, label
from rnnlite.quantization.ops import RULES, Kind, Rule

REAL = ("float32", "int8", "int16")


def check_grids(model: Any) -> None:
    """Refuse a model whose integers do not fit together.

    Raises:
        ModelError: with the first op at fault.
    """
    for index, op, name in flatbuffer.operators(model):
        rule = RULES.get(name)
        fault = _fault(model, index, op, name, rule) if rule is not None else ""
        if fault:
            raise ModelError(
                f"{name} of {label(model, index, int(op.outputs[0]))} does not fit its operands",
                found=fault,
                remedy="Please report it with the source model",
            )


def _fault(model: Any, index: int, op: Any, name: str, rule: Rule) -> str:
    tensors = model.subgraphs[index].tensors
    inputs = [tensors[int(t)] if int(t) >= 0 else None for t in op.inputs]
    outputs = [tensors[int(t)] for t in op.outputs]
    if not any(_is_quantized(t) for t in [*inputs, *outputs]):
        return ""
    if rule.kind is Kind.WEIGHTS:
        return _weights_fault(rule, inputs, outputs[0])
    values = [t for t in [*inputs, *outputs] if t is not None and _is_real(t)]
    if rule.kind is Kind.MOVES and len({_key(t) for t in values}) > 1:
        return f"different grids: {', '.join(_shown(t) for t in values)}"
    if rule.kind is Kind.COMPUTES and name not in ("QUANTIZE", "CAST"):
        types = {flatbuffer.dtype_name(t) for t in values}
        hybrid = name == "BATCH_MATMUL" and types == {"float32", "int8"}
        narrow = name == "BATCH_MATMUL" and types == {"int16", "int8"}
        if len(types) > 1 and not hybrid and not narrow:
            return f"different types: {', '.join(sorted(types))}"
        fixed = rule.fixed_grid(flatbuffer.dtype_name(outputs[0]))
        if fixed is not None and grid(outputs[0]) != ((fixed.scale,), (fixed.zero,)):
            return f"{_shown(outputs[0])} where the kernel prescribes {fixed}"
    return ""


def _weights_fault(rule: Rule, inputs: list[Any], output: Any) -> str:
    data, kernel = inputs[rule.data], inputs[rule.weights]
    bias = inputs[rule.bias] if len(inputs) > rule.bias else None
    types = [flatbuffer.dtype_name(t) for t in (data, kernel, output)]
    if types not in (["int8"] * 3, ["int16", "int8", "int16"], ["float32", "int8", "float32"]):
        return f"types {', '.join(types)}"
    scales, zeros = grid(kernel)
    channels = int(kernel.shape[rule.axis])
    if any(zeros) or len(scales) not in (1, channels):
        return f"{len(scales)} scales and zero points {set(zeros)} for {channels} channels"
    if types[0] == "float32" or bias is None:
        return ""
    if flatbuffer.dtype_name(bias) not in ("int32", "int64"):
        return f"a bias of {flatbuffer.dtype_name(bias)}"
    wanted = np.float64(grid(data)[0][0]) * np.asarray(scales, np.float64)
    if not np.allclose(grid(bias)[0], wanted, rtol=1e-5):
        return "a bias whose scales are not those of the input times those of the weights"
    return ""


def _is_quantized(tensor: Any) -> bool:
    return tensor is not None and bool(grid(tensor)[0])


def _is_real(tensor: Any) -> bool:
    """Whether a tensor stands for real numbers: in float, or in integers with a scale."""
    name = flatbuffer.dtype_name(tensor)
    return name == "float32" or (name in REAL and _is_quantized(tensor))


def _key(tensor: Any) -> Any:
    return flatbuffer.dtype_name(tensor), grid(tensor)


def _shown(tensor: Any) -> str:
    scales, zeros = grid(tensor)
    return f"{flatbuffer.dtype_name(tensor)} {scales[0]:.6g} {zeros[0]}" if scales else "float32"
