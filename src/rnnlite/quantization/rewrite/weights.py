"""Compress the weights alone: float16 and dynamic range. Arithmetic between ops stays in float.

What enters: a float model, changed in place. What leaves: one record for each constant.

float16: kernels of products and tables in 16 bits behind a DEQUANTIZE, which the runtime folds when
it prepares. Other constants stay in float32: TFLite 2.13, 2.14 and LiteRT 1.0 read a constant of
float16 as what it is not where XNNPACK leaves its reader alone (`lite/requirements.py`). Biases of
convolutions go with their kernels: XNNPACK of LiteRT 1.1 to 1.3 reads them in the kernel's type.
dynamic: int8 kernels with a scale a channel where LiteRT has a kernel that quantizes its input on
the fly; tables of lookups in int8 with a DEQUANTIZE of the rows that were found.
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
"""Ops with a kernel for float inputs and int8 weights, and the version that has it."""

WITH_BIAS = ("CONV_2D", "DEPTHWISE_CONV_2D")
"""Ops whose bias XNNPACK reads in the type of the kernel (LiteRT 1.1 to 1.3)."""


def compress_to_float16(model: Model) -> list[WeightRecord]:
    """Keep every weight in float16, in place.

    A weight is a kernel of a product or a table of a lookup. Values beyond the largest float16
    number keep their tensor in float32.
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
    """Keep kernels and tables in int8, in place.

    Args:
        model: it is changed.
        kernels: "float16" keeps kernels so, and the arithmetic with them in float.
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
    """What became of each constant, by its content."""

    def __init__(self) -> None:
        self._known: dict[int, WeightRecord] = {}

    @property
    def listed(self) -> list[WeightRecord]:
        """In the order in which they were met."""
        return list(self._known.values())

    def note(self, value: Value, dtype: str, how: str) -> None:
        """Note that a constant is kept in a type."""
        self._known[id(value.data)] = WeightRecord(value.name, value.shape, dtype, how)

    def note_float32(self, value: Value, why: str) -> None:
        """Note that a value stays in float32, if it is a constant of several numbers."""
        values = constant(value)
        if values is not None and values.size > 1 and id(value.data) not in self._known:
            self.note(value, "float32", why)


def _largest(values: Array) -> float:
    return float(np.max(np.abs(values), initial=0.0))


def _halves(op: Op) -> set[int]:
    """The places of an op whose constants become float16: its weight, and the bias with it."""
    found = {
        k for k, v in enumerate(op.inputs) if constant(v) is not None and _is_weight(op.kind, k)
    }
    if found and op.kind in WITH_BIAS and len(op.inputs) > 2:
        found |= {2} if constant(op.inputs[2]) is not None else set()
    values = [constant(op.inputs[k]) for k in found]
    fits = all(_largest(v) <= LARGEST_FLOAT16 for v in values if v is not None)
    return found if fits else set()


def _add_half(op: Op, value: Value, values: Array, plain: dict[Value, Value]) -> Value:
    """Add a constant in float16; gives what a DEQUANTIZE, added once, makes of it."""
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
    """Let an op take a float input and an int8 kernel."""
    graph = op.output.graph
    graph.model.raise_version(op, HYBRID_VERSIONS[op.kind])
    if "asymmetricQuantizeInputs" in op.options:
        op.options["asymmetricQuantizeInputs"] = True


def _dequantize_rows(gather: Op) -> None:
    """Make the rows float32 that a lookup finds in an int8 table."""
    result = gather.output
    graph = result.graph
    rows = graph.like(result, "int8", gather.input(0).quantization)
    gather.outputs = [rows]
    graph.insert_behind(gather, graph.op("DEQUANTIZE", [rows], [result], version=2))
