"""Compress the weights alone: float16 and dynamic range. Arithmetic between ops stays in float.

What enters: a float model, changed in place. What leaves: one record for each constant.

float16: kernels of products and tables in 16 bits behind a DEQUANTIZE, which the runtime folds when
it prepares. Other constants stay in float32: TFLite 2.13, 2.14 and LiteRT 1.0 read a constant of
float16 as what it is not where XNNPACK leaves its reader alone (`lite/requirements.py`).
dynamic: int8 kernels with a scale a channel where LiteRT has a kernel that quantizes its input on
the fly; tables of lookups in int8 with a DEQUANTIZE of the rows that were found.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnlite.lite import flatbuffer
from rnnlite.lite.edit import at_version, new_constant, new_op, new_tensor, parameters
from rnnlite.lite.trees import Place
from rnnlite.quantization.grid import Array, channel_scales, quantize_weights, symmetric
from rnnlite.quantization.ops import RULES, Kind
from rnnlite.quantization.plan.plan import constant, range_of
from rnnlite.report.quantization import WeightRecord

LARGEST_FLOAT16 = 65504.0
HYBRID_VERSIONS = {
    "FULLY_CONNECTED": 12,
    "CONV_2D": 5,
    "DEPTHWISE_CONV_2D": 6,
    "BATCH_MATMUL": 4,
}
"""Ops with a kernel for float inputs and int8 weights, and the version that has it."""


def to_float16(model: Any) -> list[WeightRecord]:
    """Keep every weight in float16, in place.

    A weight is a kernel of a product or a table of a lookup. Values beyond the largest float16
    number keep their tensor in float32.
    """
    records: dict[int, WeightRecord] = {}
    for index, content in enumerate(model.subgraphs):
        plain: dict[int, int] = {}
        ops: list[Any] = []
        for op in content.operators or []:
            name = flatbuffer.op_name(model, op)
            inputs = [int(t) for t in op.inputs]
            for k, t in enumerate(inputs):
                values = constant(model, (index, t))
                if values is None or not _is_weight(name, k):
                    _stays(model, (index, t), records, "neither a kernel nor a table")
                elif float(np.max(np.abs(values), initial=0.0)) > LARGEST_FLOAT16:
                    _stays(model, (index, t), records, "exceeds the range of float16")
                else:
                    inputs[k] = _half(model, (index, t), values, plain, ops)
                    _note(model, (index, t), records, "float16", "")
            op.inputs = inputs
            ops.append(op)
        content.operators = ops
    return list(records.values())


def to_dynamic(model: Any, *, kernels: str = "int8") -> list[WeightRecord]:
    """Keep kernels and tables in int8, in place.

    Args:
        kernels: "float16" keeps kernels so, and the arithmetic with them in float.
    """
    records: dict[int, WeightRecord] = {}
    for index, content in enumerate(model.subgraphs):
        written: dict[tuple[int, str], int] = {}
        plain: dict[int, int] = {}
        after: list[Any] = []
        ops: list[Any] = []
        for op in content.operators or []:
            name = flatbuffer.op_name(model, op)
            rule = RULES.get(name)
            inputs = [int(t) for t in op.inputs]
            after.clear()
            for k, t in enumerate(inputs):
                values = constant(model, (index, t))
                if values is None:
                    continue
                kernel = name in HYBRID_VERSIONS and k == (rule.weights if rule is not None else 1)
                largest = float(np.max(np.abs(values), initial=0.0))
                if kernel and kernels == "float16" and largest <= LARGEST_FLOAT16:
                    inputs[k] = _half(model, (index, t), values, plain, ops)
                    _note(model, (index, t), records, "float16", "")
                elif kernel:
                    axis = rule.axis if rule is not None and rule.kind is Kind.WEIGHTS else None
                    inputs[k] = _kernel(model, (index, t), values, axis, written)
                    _hybrid(model, op, name)
                    how = "a scale a channel" if axis is not None else "one scale"
                    _note(model, (index, t), records, "int8", how)
                elif name == "GATHER" and k == 0:
                    inputs[k] = _kernel(model, (index, t), values, None, written)
                    _note(model, (index, t), records, "int8", "one scale, rows dequantized")
                    result = int(op.outputs[0])
                    grid = content.tensors[inputs[k]].quantization
                    found = new_tensor(content, result, "int8", grid)
                    op.outputs = [found]
                    after.append((found, result))
                else:
                    _stays(model, (index, t), records, _reason(name, values))
            op.inputs = inputs
            ops.append(op)
            for source, target in after:
                ops.append(new_op(model, "DEQUANTIZE", [source], [target], version=2))
        content.operators = ops
    return list(records.values())


def _half(model: Any, place: Place, values: Array, plain: dict[int, int], ops: list[Any]) -> int:
    """A constant in float16; gives what a DEQUANTIZE, added once, makes of it."""
    subgraph, t = place
    content = model.subgraphs[subgraph]
    if t not in plain:
        name = content.tensors[t].name
        half = new_constant(model, content, values.astype(np.float16), name=name)
        plain[t] = new_tensor(content, t, "float32")
        ops.append(new_op(model, "DEQUANTIZE", [half], [plain[t]], version=3))
    return plain[t]


def _is_weight(name: str, place: int) -> bool:
    rule = RULES.get(name)
    if rule is not None and rule.kind is Kind.WEIGHTS:
        return place == rule.weights
    return name in ("GATHER", "BATCH_MATMUL", "CONV_3D")


def _reason(name: str, values: Array) -> str:
    if values.ndim < 2 or min(values.shape) == 1:
        return "a bias or factor: a vector of little size"
    return f"{name} has no kernel for int8 weights and float inputs"


def _stays(model: Any, place: Place, records: dict[int, WeightRecord], why: str) -> None:
    values = constant(model, place)
    if values is not None and values.size > 1:
        tensor = model.subgraphs[place[0]].tensors[place[1]]
        if tensor.buffer not in records:
            _note(model, place, records, "float32", why)


def _note(model: Any, place: Place, records: dict[int, WeightRecord], dtype: str, how: str) -> None:
    tensor = model.subgraphs[place[0]].tensors[place[1]]
    shape = tuple(int(d) for d in (tensor.shape if tensor.shape is not None else []))
    records[tensor.buffer] = WeightRecord(flatbuffer.text(tensor.name), shape, dtype, how)


def _kernel(
    model: Any,
    place: Place,
    values: Array,
    axis: int | None,
    written: dict[tuple[int, str], int],
) -> int:
    key = (place[1], str(axis))
    if key not in written:
        if axis is None:
            scales = np.array([symmetric(range_of(values)).scale], np.float32)
        else:
            scales = channel_scales(values, axis)
        integers = quantize_weights(values, scales, axis)
        content = model.subgraphs[place[0]]
        name = content.tensors[place[1]].name
        grid = parameters(scales, 0, axis or 0)
        written[key] = new_constant(model, content, integers, name=name, grid=grid)
    return written[key]


def _hybrid(model: Any, op: Any, name: str) -> None:
    at_version(model, op, HYBRID_VERSIONS[name])
    if hasattr(op.builtinOptions, "asymmetricQuantizeInputs"):
        op.builtinOptions.asymmetricQuantizeInputs = True
