"""How a signature of a file is called: its names and numbers, what it takes and gives.

What enters: a file's model. What leaves: a `Call` for each of its signatures, by which a runtime
runs it, and a `SignatureSpec`, by which people do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from rnnlite.errors import ModelError
from rnnlite.lite.ir import Graph, Model, Value
from rnnlite.lite.record import of_signature
from rnnlite.specs import SignatureSpec, TensorSpec

NamedValues = tuple[tuple[str, Value], ...]


@dataclass(frozen=True)
class Call:
    """How a runtime is told to run a function of a file.

    Attributes:
        key: the name of the signature; "" for a main graph that has no signature.
        is_main: whether it is the main graph, which an interpreter runs without a signature.
        inputs, outputs: name and number of each tensor, in the caller's order.
    """

    key: str
    is_main: bool
    inputs: tuple[tuple[str, int], ...]
    outputs: tuple[tuple[str, int], ...]


def require_builtin(model: Model) -> None:
    """Refuse a file with ops that the runtime does not have.

    Raises:
        ModelError: naming them.
    """
    custom = sorted({op.kind for op in model.ops() if op.kind.startswith("CUSTOM:")})
    if custom:
        raise ModelError(
            "the model needs ops that the LiteRT runtime does not have",
            found=", ".join(name.removeprefix("CUSTOM:") for name in custom),
            remedy="Convert its source with rnnlite, which uses builtin ops only",
        )


def calls_of(model: Model) -> dict[str, tuple[Call, Graph]]:
    """How each signature is called, and the graph that it runs, by the name of the signature.

    The first is the main graph, whether a signature names it or not. It runs where a caller names
    no signature.
    """
    found = {
        s.key: (_call(s.key, s.graph, s.graph is model.main, s.inputs, s.outputs), s.graph)
        for s in model.signatures
    }
    first = next(iter(found.values()), None)
    if first is None or not first[0].is_main:
        main = model.main
        named = (tuple((v.name, v) for v in end) for end in (main.inputs, main.outputs))
        found = {"": (_call("", main, True, *named), main), **found}
    return found


def _call(key: str, graph: Graph, is_main: bool, inputs: NamedValues, outputs: NamedValues) -> Call:
    numbers = {value: number for number, value in enumerate(graph.values)}
    places = (tuple((name, numbers[value]) for name, value in end) for end in (inputs, outputs))
    return Call(key, is_main, *places)


def signature_spec(call: Call, graph: Graph, record: Mapping[str, Any]) -> SignatureSpec:
    """The TensorSpecs of a signature, from the file's tensors and the record that rnnlite left."""
    own = of_signature(record, call.key)
    ids = id_ranges(own)
    masks = {name: float(value) for name, value in own.get("mask_values", {}).items()}
    axes, least = own.get("batch_axes", {}), own.get("least", {})
    inputs = tuple(
        replace(
            spec_of(name, graph.values[number]),
            ids=ids.get(name),
            mask_value=masks.get(name),
            batch_axis=axes.get(name, 0),
            counts=name in own.get("counts", []),
            least=tuple(least.get(name, ())),
        )
        for name, number in call.inputs
    )
    outputs = tuple(
        replace(spec_of(name, graph.values[number]), batch_axis=axes.get(name, 0))
        for name, number in call.outputs
    )
    return SignatureSpec(inputs, outputs)


def spec_of(name: str, value: Value) -> TensorSpec:
    """The TensorSpec of an input or output, from its tensor in the file."""
    shape = tuple(None if d < 0 else d for d in value.dims)
    known = value.quantization
    quantization = None
    if known is not None and len(known.scales) == 1 and value.type != "float32":
        quantization = known.scales[0], known.zero_points[0] if known.zero_points else 0
    return TensorSpec(name, shape, value.type, quantization=quantization)


def id_ranges(record: Mapping[str, Any]) -> dict[str, tuple[int, int]]:
    """Smallest and largest valid token id of each input that takes ids, from the file's record."""
    ranges = record.get("id_ranges", {})
    return {name: (int(low), int(high)) for name, (low, high) in ranges.items()}
