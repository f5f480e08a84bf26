"""What a LiteRT file holds: inputs, outputs, ops, weights, loops. For files of any converter.

What enters: a path, or the content of a file. What leaves: an `Inspection`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from rnnlite.lite import schema
from rnnlite.lite.at_allocation import late_results
from rnnlite.lite.files import ModelSource, read_model
from rnnlite.lite.ir import FREE, Model, Value
from rnnlite.lite.record import of_signature, record
from rnnlite.lite.requirements import least_release
from rnnlite.report.records import TensorSize
from rnnlite.report.showing import Shown
from rnnlite.specs import SignatureSpec, TensorSpec

if TYPE_CHECKING:
    from rich.console import RenderableType


@dataclass(frozen=True, repr=False)
class Inspection(Shown):
    """The content of one LiteRT file.

    Attributes:
        size: bytes of the file.
        inputs, outputs: those of the first signature, or of the main subgraph where there is none.
        ops: kind of op -> how many there are in all subgraphs.
        custom_ops: names of the ops that the standard runtime does not have (Flex, custom).
        weights: number of weights: elements of constants of 16 or more elements that stand for real
            numbers; equal constants count once.
        weight_bytes: dtype -> bytes that the weights take.
        loops: number of WHILE ops.
        min_runtime: the first release of the runtime that loads the file, "TFLite 2.11" or "LiteRT
            1.0"; "" where no known release does.
        late: the outputs whose size is known only after a run. A buffer made before the run has the
            size of the run before.
        signatures: name of a signature -> its inputs and outputs; empty where the file has none.
        record: what rnnlite stored when it converted: version, origin, recurrences, notes; else
            None.
        tensors: the weights, each once, the largest first.
    """

    size: int
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    ops: dict[str, int]
    custom_ops: tuple[str, ...]
    weights: int
    weight_bytes: dict[str, int]
    loops: int
    min_runtime: str
    late: tuple[str, ...]
    signatures: dict[str, SignatureSpec]
    record: dict[str, Any] | None
    tensors: tuple[TensorSize, ...] = ()

    def __repr__(self) -> str:
        kinds = ", ".join(f"{n} {count}" for n, count in list(self.ops.items())[:3])
        return f"Inspection({self.size:,} bytes, {self.weights:,} weights, {kinds} ...)"

    def __rich__(self) -> RenderableType:
        """As tables."""
        from rnnlite.report.tables import inspection_tables

        return inspection_tables(self)

    def to_dict(self) -> dict[str, Any]:
        """As plain data, for JSON."""
        values = dict(vars(self))
        values["inputs"] = [t.to_dict() for t in self.inputs]
        values["outputs"] = [t.to_dict() for t in self.outputs]
        values["signatures"] = {
            key: {name: [t.to_dict() for t in end] for name, end in vars(found).items()}
            for key, found in self.signatures.items()
        }
        values["tensors"] = [vars(t) for t in self.tensors]
        return values

    def __str__(self) -> str:
        from rnnlite.report.tables import inspection_text

        return inspection_text(self)


MIN_WEIGHTS = 16
"""Constants of fewer elements are factors and limits, not weights."""


def inspect(source: ModelSource) -> Inspection:
    """Look into a LiteRT file without running it.

    Args:
        source: path or content.

    Raises:
        ModelError: the source is no LiteRT model.
    """
    data = read_model(source)
    model = schema.read(data)
    stored = record(model)
    signatures = {s.key: _taken(s.inputs, s.outputs, stored, s.key) for s in model.signatures}
    names = {value: name for s in model.signatures for name, value in s.outputs}
    inputs, outputs = ([(v.name, v) for v in e] for e in (model.main.inputs, model.main.outputs))
    first = next(iter(signatures.values()), _taken(inputs, outputs, stored))
    weights = _weights(model)
    weight_bytes: Counter[str] = Counter()
    for value in weights:
        weight_bytes[value.type] += 0 if value.data is None else value.data.nbytes
    runtime = least_release(model)
    late = late_results(model)
    ops = Counter(op.kind for op in model.ops())
    return Inspection(
        size=len(data),
        inputs=first.inputs,
        outputs=first.outputs,
        ops=dict(ops.most_common()),
        custom_ops=tuple(sorted(n.removeprefix("CUSTOM:") for n in ops if n.startswith("CUSTOM:"))),
        weights=sum(value.size for value in weights),
        weight_bytes=dict(weight_bytes),
        loops=ops["WHILE"],
        min_runtime=runtime.name if runtime is not None else "",
        late=tuple(dict.fromkeys(names.get(value, value.name) for value in late)),
        signatures=signatures,
        record=stored or None,
        tensors=tuple(sorted(map(_size, weights), key=lambda t: (-t.size, t.name))),
    )


def _size(value: Value) -> TensorSize:
    size = 0 if value.data is None else value.data.nbytes
    return TensorSize(value.name, tuple(value.dims), value.type, size)


def _taken(
    inputs: Sequence[tuple[str, Value]],
    outputs: Sequence[tuple[str, Value]],
    stored: dict[str, Any],
    key: str = "",
) -> SignatureSpec:
    """The inputs and outputs of a signature, with least sizes from the record."""
    least = of_signature(stored, key).get("least", {})
    return SignatureSpec(
        tuple(replace(_info(v, n), least=tuple(least.get(n, ()))) for n, v in inputs),
        tuple(_info(v, n) for n, v in outputs),
    )


def _weights(model: Model) -> list[Value]:
    """The weights; of equal ones, the first."""
    found: dict[bytes, Value] = {}
    for graph in model.graphs:
        for value in graph.values:
            if value.data is not None and is_weight(value):
                found.setdefault(value.data.tobytes(), value)
    return list(found.values())


def is_weight(value: Value) -> bool:
    """Whether a constant is a weight: floats or quantized integers, not shapes and axes."""
    quantized = value.quantization is not None and bool(value.quantization.scales)
    return (value.type.startswith("float") or quantized) and value.size >= MIN_WEIGHTS


def _info(value: Value, name: str) -> TensorSpec:
    shape = tuple(None if d == FREE else d for d in value.dims)
    known = value.quantization
    quantization = (
        None if known is None or len(known.scales) != 1 else (value.scale, value.zero_point)
    )
    return TensorSpec(name, shape, value.type, quantization=quantization)
