"""Compress the weights alone: float16 and dynamic range. Arithmetic between ops stays in float.

What enters: a float model, changed in place. What leaves: one record for each constant.

float16: kernels of products, and tables, are stored in 16 bits behind a DEQUANTIZE, which the
runtime folds when it prepares a model. Other constants stay in float32: TFLite 2.13, 2.14 and
LiteRT 1.0 misread a constant of float16 if XNNPACK does not take the op that reads it
(`lite/requirements.py`). Biases of convolutions have the type of their kernels, for XNNPACK of
LiteRT 1.1 to 1.3 reads them so.

dynamic: kernels are stored in int8, with a scale for each channel, where LiteRT has a kernel that
quantizes its input on the fly. Tables of lookups are stored in int8, with a DEQUANTIZE of the rows
that were found.
"""

from __future__ import annotations

import numpy as np

from rnnlite.lite.ir import Model, Op, Quantization, Value
from rnnlite.quantization.ops import RULES, Kind
from rnnlite.quantization.params import Array, channel_scales, quantize_weights, range_of, symmetric
from rnnlite.quantization.plan.plan import constant
from rnnlite.report.quantization import WeightRecord

LARGEST_FLOAT16 = 65504.0
HYBRID_VERSIONS = {
    "FULLY_CONNECTED": 12,
    "CONV_2D": 5,
    "DEPTHWISE_CONV_2D": 6,
    "BATCH_MATMUL": 4,
}
"""Kind of op -> the version with a kernel for float inputs and int8 weights."""

WITH_BIAS = ("CONV_2D", "DEPTHWISE_CONV_2D")
"""Ops whose bias XNNPACK reads in the type of the kernel (LiteRT 1.1 to 1.3)."""


def compress_to_float16(model: Model) -> list[WeightRecord]:
    """Store weights in float16, in place: kernels of products, and tables of lookups.

    A tensor with a number beyond the largest float16 stays in float32.
    """
    records = _Records()
    for graph in model.graphs:
        plain: dict[Value, Value] = {}
        for op in graph.ops:
            halves = _halves(op)
            for k, value in enumerate(op.inputs):
                if value is None:
                    continue
                values = constant(value)
                if values is not None and k in halves:
                    op.set_input(k, _add_half(op, value, values, plain))
                    records.note(value, "float16", "")
                elif values is None or not _is_weight(op.kind, k):
                    records.note_float32(value, "neither a kernel nor a table")
                else:
                    records.note_float32(value, "exceeds the range of float16")
    return records.listed


def compress_to_int8(model: Model, *, kernels: str = "int8") -> list[WeightRecord]:
    """Store kernels and tables in int8, in place.

    Args:
        model: the float model; it is changed.
        kernels: "float16" stores kernels in float16, so that arithmetic with them is in float.
    """
    records = _Records()
    for graph in model.graphs:
        written: dict[tuple[Value, int | None], Value] = {}
        plain: dict[Value, Value] = {}
        for op in graph.ops:
            rule = RULES.get(op.kind)
            halves = _halves(op) if kernels == "float16" and op.kind in HYBRID_VERSIONS else set()
            for k, value in enumerate(op.inputs):
                values = constant(value)
                if value is None or values is None:
                    continue
                place = rule.weights if rule is not None else 1
                kernel = op.kind in HYBRID_VERSIONS and k == place
                if k in halves:
                    op.set_input(k, _add_half(op, value, values, plain))
                    records.note(value, "float16", "")
                elif kernel:
                    axis = rule.axis if rule is not None and rule.kind is Kind.WEIGHTED else None
                    op.set_input(k, _add_kernel(value, values, axis, written))
                    _use_hybrid(op)
                    how = "a scale a channel" if axis is not None else "one scale"
                    records.note(value, "int8", how)
                elif op.kind == "GATHER" and k == 0:
                    op.set_input(0, _add_kernel(value, values, None, written))
                    _dequantize_rows(op)
                    records.note(value, "int8", "one scale, rows dequantized")
                else:
                    records.note_float32(value, _reason(op.kind, values))
    return records.listed


class _Records:
    """The records of constants, one for each content."""

    def __init__(self) -> None:
        self._known: dict[int, WeightRecord] = {}

    @property
    def listed(self) -> list[WeightRecord]:
        """The records, in the order in which constants were met."""
        return list(self._known.values())

    def note(self, value: Value, dtype: str, how: str) -> None:
        """Record the type in which a constant is stored."""
        self._known[id(value.data)] = WeightRecord(value.name, value.shape, dtype, how)

    def note_float32(self, value: Value, why: str) -> None:
        """Record that a value stays in float32, if it is a constant of several numbers."""
        values = constant(value)
        if values is not None and values.size > 1 and id(value.data) not in self._known:
            self.note(value, "float32", why)


def _largest(values: Array) -> float:
    return float(np.max(np.abs(values), initial=0.0))


def _halves(op: Op) -> set[int]:
    """Indices of operands that become float16: the weight, and the bias of a convolution."""
    found = {
        k for k, v in enumerate(op.inputs) if constant(v) is not None and _is_weight(op.kind, k)
    }
    if found and op.kind in WITH_BIAS and len(op.inputs) > 2:
        found |= {2} if constant(op.inputs[2]) is not None else set()
    values = [constant(op.inputs[k]) for k in found]
    fits = all(_largest(v) <= LARGEST_FLOAT16 for v in values if v is not None)
    return found if fits else set()


def _add_half(op: Op, value: Value, values: Array, plain: dict[Value, Value]) -> Value:
    """Add, once, a constant in float16 and a DEQUANTIZE of it, whose result is given."""
    if value not in plain:
        graph = value.graph
        half = graph.constant(values.astype(np.float16), name=value.name)
        plain[value] = graph.like(value, "float32")
        graph.insert(op, graph.op("DEQUANTIZE", [half], [plain[value]], version=3))
    return plain[value]


def _is_weight(kind: str, place: int) -> bool:
    rule = RULES.get(kind)
    if rule is not None and rule.kind is Kind.WEIGHTED:
        return place == rule.weights
    return kind in ("GATHER", "BATCH_MATMUL", "CONV_3D")


def _reason(kind: str, values: Array) -> str:
    if values.ndim < 2 or min(values.shape) == 1:
        return "a bias or factor: a vector of little size"
    return f"{kind} has no kernel for int8 weights and float inputs"


def _add_kernel(
    value: Value,
    values: Array,
    axis: int | None,
    written: dict[tuple[Value, int | None], Value],
) -> Value:
    """Add a constant in int8, once."""
    key = value, axis
    if key not in written:
        if axis is None:
            scales = np.array([symmetric(range_of(values)).scale], np.float32)
        else:
            scales = channel_scales(values, axis)
        integers = quantize_weights(values, scales, axis)
        known = Quantization.of(scales, 0, axis or 0)
        written[key] = value.graph.constant(integers, name=value.name, quantization=known)
    return written[key]


def _use_hybrid(op: Op) -> None:
    """Make an op take a float input and an int8 kernel."""
    graph = op.output.graph
    graph.model.raise_version(op, HYBRID_VERSIONS[op.kind])
    if "asymmetricQuantizeInputs" in op.options:
        op.options["asymmetricQuantizeInputs"] = True


def _dequantize_rows(gather: Op) -> None:
    """Add a DEQUANTIZE of the rows that a lookup finds in an int8 table."""
    result = gather.output
    graph = result.graph
    rows = graph.like(result, "int8", gather.input(0).quantization)
    gather.outputs = [rows]
    graph.insert_behind(gather, graph.op("DEQUANTIZE", [rows], [result], version=2))
