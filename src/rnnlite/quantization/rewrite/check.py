"""Check that the scales and zero points of a quantized model fit its ops, before it is written.

What enters: a model. What leaves: nothing, or a refusal that names the op. It checks on the
finished file what `ops` demands: values that are only moved share one scale and zero point; an op
computes in one type; a result has the parameters that its kernel prescribes; the scales of a bias
are those of the input times those of the weights.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np

from rnnlite.errors import ModelError
from rnnlite.lite.ir import Model, Op, Value
from rnnlite.lite.structure import scales_and_zero_points
from rnnlite.quantization.ops import RULES, Kind, Rule

REAL = ("float32", "int8", "int16")


def check_quantization(model: Model) -> None:
    """Refuse a model whose integers do not fit together.

    Raises:
        ModelError: with the first op at fault.
    """
    for op in model.ops():
        rule = RULES.get(op.kind)
        fault = _fault(op, rule) if rule is not None else ""
        if fault:
            raise ModelError(
                f"{op.kind} of {op.output.label} does not fit its operands",
                found=fault,
                remedy="Please report it with the source model",
            )


def _fault(op: Op, rule: Rule) -> str:
    values = [*op.operands, *op.outputs]
    if not any(_is_quantized(v) for v in values):
        return ""
    if rule.kind is Kind.WEIGHTED:
        return _weights_fault(rule, op.inputs, op.output)
    reals = [v for v in values if _is_real(v)]
    if rule.kind is Kind.SAME_SCALE and len({_key(v) for v in reals}) > 1:
        return f"different scales or zero points: {', '.join(_shown(v) for v in reals)}"
    if rule.kind is Kind.FREE_SCALE and op.kind not in ("QUANTIZE", "CAST"):
        types = {v.type for v in reals}
        hybrid = op.kind == "BATCH_MATMUL" and types == {"float32", "int8"}
        narrow = op.kind == "BATCH_MATMUL" and types == {"int16", "int8"}
        if len(types) > 1 and not hybrid and not narrow:
            return f"different types: {', '.join(sorted(types))}"
        fixed = rule.fixed_params(op.output.type)
        if fixed is not None and scales_and_zero_points(op.output) != (
            (fixed.scale,),
            (fixed.zero_point,),
        ):
            return f"{_shown(op.output)} where the kernel prescribes {fixed}"
    return ""


def _weights_fault(rule: Rule, inputs: Sequence[Value | None], output: Value) -> str:
    data, kernel = inputs[rule.data], inputs[rule.weights]
    if data is None or kernel is None:
        return "no data or no kernel"
    bias = inputs[rule.bias] if len(inputs) > rule.bias else None
    types = [v.type for v in (data, kernel, output)]
    if types not in (["int8"] * 3, ["int16", "int8", "int16"], ["float32", "int8", "float32"]):
        return f"types {', '.join(types)}"
    scales, zero_points = scales_and_zero_points(kernel)
    channels = kernel.shape[rule.axis]
    if any(zero_points) or len(scales) not in (1, channels):
        return f"{len(scales)} scales and zero points {set(zero_points)} for {channels} channels"
    if types[0] == "float32" or bias is None:
        return ""
    if bias.type not in ("int32", "int64"):
        return f"a bias of {bias.type}"
    wanted = np.float64(scales_and_zero_points(data)[0][0]) * np.asarray(scales, np.float64)
    if not np.allclose(scales_and_zero_points(bias)[0], wanted, rtol=1e-5):
        return "a bias whose scales are not those of the input times those of the weights"
    return ""


def _is_quantized(value: Value) -> bool:
    return bool(scales_and_zero_points(value)[0])


def _is_real(value: Value) -> bool:
    """Whether a value stands for real numbers: in float, or in integers with a scale."""
    return value.type == "float32" or (value.type in REAL and _is_quantized(value))


def _key(value: Value) -> Hashable:
    return value.type, scales_and_zero_points(value)


def _shown(value: Value) -> str:
    scales, zero_points = scales_and_zero_points(value)
    return f"{value.type} {scales[0]:.6g} {zero_points[0]}" if scales else "float32"
