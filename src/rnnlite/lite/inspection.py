"""What a LiteRT file holds: inputs, outputs, ops, weights, loops. For any file, ours or not."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rnnlite.lite import flatbuffer
from rnnlite.lite.files import read_model
from rnnlite.lite.requirements import least_release


@dataclass(frozen=True)
class TensorInfo:
    """An input or output: name, shape (None where free), dtype, scale and zero point.

    The shape is None where not even the rank is known, as behind a loop of a frozen graph.
    `least` is the least size of each axis that the model takes; () where any size does.
    """

    name: str
    shape: tuple[int | None, ...] | None
    dtype: str
    scale: float | None = None
    zero_point: int | None = None
    least: tuple[int, ...] = ()


@dataclass(frozen=True)
class Inspection:
    """The content of one LiteRT file.

    Attributes:
        size: bytes of the file.
        inputs, outputs: of the signature, or of the main subgraph where there is none.
        ops: number of each op over all subgraphs.
        custom_ops: names of the ops that the standard runtime does not have (Flex, custom).
        weights: number of weights (elements of constants of 16 or more that stand for real
            numbers), each once.
        weight_bytes: bytes they take, by dtype.
        loops: number of WHILE ops.
        min_runtime: the first release of the runtime that loads it, "TFLite 2.11" or "LiteRT 1.0";
            "" where no known one does.
        record: what rnnlite stored on converting, if it did: version, origin, recurrences, notes.
    """

    size: int
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    ops: dict[str, int]
    custom_ops: tuple[str, ...]
    weights: int
    weight_bytes: dict[str, int]
    loops: int
    min_runtime: str
    record: dict[str, Any] | None

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        values = dict(vars(self))
        values["inputs"] = [vars(t) for t in self.inputs]
        values["outputs"] = [vars(t) for t in self.outputs]
        return values

    def __str__(self) -> str:
        from rnnlite.report.tables import inspection_text

        return inspection_text(self)


MIN_WEIGHTS = 16
"""Smaller constants are factors and limits, not weights."""


def inspect(source: str | Path | bytes) -> Inspection:
    """Look into a LiteRT file without running it.

    Args:
        source: path or content.

    Raises:
        ModelError: it is no LiteRT model.
    """
    data = read_model(source)
    model = flatbuffer.read(data)
    main = model.subgraphs[0]
    signature = model.signatureDefs[0] if model.signatureDefs else None

    def infos(indices: Any, maps: Any) -> tuple[TensorInfo, ...]:
        if maps:
            return tuple(_info(main.tensors[m.tensorIndex], flatbuffer.text(m.name)) for m in maps)
        return tuple(
            _info(main.tensors[int(k)], flatbuffer.text(main.tensors[int(k)].name)) for k in indices
        )

    record = flatbuffer.record(model)
    least = record.get("least", {})
    sizes = flatbuffer.buffer_sizes(model)
    types: dict[int, str] = {}
    elements = 0
    for subgraph in model.subgraphs:
        for tensor in subgraph.tensors:
            if sizes[tensor.buffer] and tensor.buffer not in types and is_weight(tensor):
                types[tensor.buffer] = flatbuffer.dtype_name(tensor)
                elements += _elements(tensor)
    weight_bytes: Counter[str] = Counter()
    for buffer, dtype in types.items():
        weight_bytes[dtype] += sizes[buffer]
    runtime = least_release(model)
    ops = Counter(name for _, _, name in flatbuffer.operators(model))
    return Inspection(
        size=len(data),
        inputs=tuple(
            replace(t, least=tuple(least.get(t.name, ())))
            for t in infos(main.inputs, signature.inputs if signature else None)
        ),
        outputs=infos(main.outputs, signature.outputs if signature else None),
        ops=dict(ops.most_common()),
        custom_ops=tuple(sorted(n.removeprefix("CUSTOM:") for n in ops if n.startswith("CUSTOM:"))),
        weights=elements,
        weight_bytes=dict(weight_bytes),
        loops=sum(1 for _ in flatbuffer.loops(model)),
        min_runtime=runtime.name if runtime is not None else "",
        record=record or None,
    )


def is_weight(tensor: Any) -> bool:
    """Whether a constant is a weight: floats or quantized integers, not shapes and axes."""
    grid = tensor.quantization
    quantized = grid is not None and grid.scale is not None and len(grid.scale) > 0
    real = flatbuffer.dtype_name(tensor).startswith("float") or quantized
    return real and _elements(tensor) >= MIN_WEIGHTS


def _elements(tensor: Any) -> int:
    count = 1
    for d in tensor.shape if tensor.shape is not None else []:
        count *= int(d)
    return count


def _info(tensor: Any, name: str) -> TensorInfo:
    signature = tensor.shapeSignature if tensor.shapeSignature is not None else tensor.shape
    shape = [] if signature is None else [int(d) for d in signature]
    quantization = tensor.quantization
    scale = zero = None
    if quantization is not None and quantization.scale is not None and len(quantization.scale) == 1:
        scale, zero = float(quantization.scale[0]), int(quantization.zeroPoint[0])
    return TensorInfo(
        name, tuple(None if d < 0 else d for d in shape), flatbuffer.dtype_name(tensor), scale, zero
    )
