"""Ops that stay in float.

What enters: the values of the rewriting, and an op. What leaves: the op between DEQUANTIZE and
QUANTIZE.

    x (int8) -> op -> y (int8)    ->    x -> DEQUANTIZE -> op -> QUANTIZE -> y

Between two such ops nothing is quantized; integers that no op reads are not made.
"""

from __future__ import annotations

from rnnlite.lite.ir import Op, Value
from rnnlite.quantization.rewrite.operands import Operands


def keep_in_float(made: Operands, op: Op) -> None:
    """Give an op float32 operands and results, with conversions from and to integers around it."""
    op.inputs = [
        _in_float(made, v) if made.is_float(v) and v not in made.constants else v for v in op.inputs
    ]
    results = [v for v in op.outputs if v in made.floats]
    made.plain.update((v, made.new(v, None)) for v in results)
    op.outputs = [made.plain.get(v, v) for v in op.outputs]
    made.before = op.following
    for value in results:
        quantize_if_read(made, made.plain[value], value)


def _in_float(made: Operands, value: Value) -> Value:
    """A value in float32, dequantized once."""
    if value not in made.plain:
        made.plain[value] = made.new(value, None)
        made.dequantize(value, made.plain[value])
    return made.plain[value]


def quantize_if_read(made: Operands, plain: Value, value: Value) -> None:
    """Make the integers of a value that is in float32, if anything reads them."""
    kept = all(op in made.plan.kept for op in value.readers)
    places = [k for k, result in enumerate(value.graph.outputs) if result is value]
    ends = bool(places)
    if ends and value.graph is value.graph.model.main:
        # A caller who takes the output in float needs no integers of it.
        ends = any(made.io_params(value, k) is not None for k in places)
    if ends or not kept:
        made.requantize(plain, value)
