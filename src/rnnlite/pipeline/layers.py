"""The layers of a model, read from the names of a float model's tensors.

What enters: a translated model, whose tensors have the source's paths, and its Scans. What leaves:
its layers in the order of computation, each with the layers that it takes values from, and the
recurrences that run in it. Ops on sizes alone belong to no layer. An op that only changes a shape
belongs to the layer that made the values.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import takewhile

from rnnlite.lite.inspection import is_weight
from rnnlite.lite.ir import Graph, Model, Op, Value
from rnnlite.lite.paths import layer_of
from rnnlite.report.records import LayerRecord

MOVING = frozenset({"RESHAPE", "EXPAND_DIMS", "SQUEEZE", "CAST"})
"""Kinds of ops that hand on the values that they take."""


@dataclass
class _Layer:
    """What is known of a layer so far."""

    last: int = 0
    reads: dict[str, None] = field(default_factory=dict)
    ops: Counter[str] = field(default_factory=Counter)
    weights: dict[Value, None] = field(default_factory=dict)
    scans: dict[int, None] = field(default_factory=dict)


def layers_of(
    model: Model,
    inputs: Sequence[str],
    outputs: Sequence[str],
    recurrences: Mapping[int, int] | None = None,
) -> tuple[LayerRecord, ...]:
    """The layers of the main graph.

    Args:
        model: its tensors have the source's paths as names.
        inputs, outputs: their names in the signature.
        recurrences: number of a Scan -> index of its recurrence in the report.
    """
    recurrences = recurrences or {}
    main = model.main
    scopes = _scopes(main)
    values = _values(main)
    # Where the converter dropped an input, the signature is refused later, with its reason.
    made_in = dict(zip(main.inputs, inputs, strict=False))
    found: dict[str, _Layer] = {}
    for place, op in enumerate(main.ops):
        if not any(v in values for v in op.outputs):
            continue
        sources = list(dict.fromkeys(made_in[v] for v in op.operands if v in made_in))
        if op.kind in MOVING and len(sources) == 1:
            made_in[op.output] = sources[0]
            continue
        name = _name(op, scopes) or _owner(op, sources, inputs)
        made_in.update(dict.fromkeys(op.outputs, name))
        layer = found.setdefault(name, _Layer())
        layer.last = place
        layer.ops[op.kind] += 1
        layer.reads.update(dict.fromkeys(s for s in sources if s != name))
        layer.weights.update(dict.fromkeys(_weights(op)))
        layer.scans.update(dict.fromkeys(_scans(op)))
    gives: dict[str, list[str]] = {}
    for value, output in zip(main.outputs, outputs, strict=False):
        gives.setdefault(made_in.get(value, ""), []).append(output)
    return tuple(
        LayerRecord(
            name,
            tuple(layer.reads),
            tuple(gives.get(name, ())),
            dict(layer.ops.most_common()),
            sum(v.size for v in layer.weights),
            tuple(sorted({recurrences[n] for n in layer.scans if n in recurrences})),
        )
        for name, layer in sorted(found.items(), key=lambda item: item[1].last)
    )


def _values(graph: Graph) -> set[Value]:
    """The values that depend on what the inputs hold, not on their sizes alone."""
    found = set(graph.inputs)
    for op in graph.ops:
        if op.kind != "SHAPE" and any(v in found for v in op.operands):
            found.update(op.outputs)
    return found


def _owner(op: Op, sources: Sequence[str], inputs: Sequence[str]) -> str:
    """The layer of an op whose names tell none: the one layer that it reads, else the op itself."""
    layers = [source for source in sources if source not in inputs]
    if len(layers) == 1:
        return layers[0]
    path = op.outputs[0].name.partition(";")[0]
    return path.rpartition("/")[2] if layers and path else op.kind


def _name(op: Op, scopes: Mapping[str, str]) -> str:
    """The layer that an op belongs to; "" where its names do not tell."""
    constants = [v.name for v in op.operands if v.is_constant and is_weight(v)]
    paths = [v.name.partition(";")[0] for v in op.outputs] + constants
    within = (scopes[s] for path in paths for s in scopes if path.startswith(f"{s}/"))
    return next(within, "") or next(filter(None, (_layer(path, scopes) for path in paths)), "")


def _layer(path: str, scopes: Mapping[str, str]) -> str:
    """The layer in a path; of several with one name, the one whose scope is nearest."""
    layer = layer_of(path)
    alike = [s for s, name in scopes.items() if name != layer and _called(s) == layer]
    if not layer or not alike:
        return layer
    parts = path.split("/")

    def shared(scope: str) -> int:
        pairs = zip(parts, scope.split("/"), strict=False)
        return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))

    return scopes[max(alike, key=shared)]


def _scopes(main: Graph) -> dict[str, str]:
    """The layer of each name scope in which a Scan was lowered, inner scopes first.

    Where scopes of several layers have the same last part, such as "encoder/rnn" and "decoder/rnn",
    a layer's name has as many parts as tell them apart.
    """
    marks = (b.mark for op in main.ops for b in op.branches)
    scopes = {mark.scope for mark in marks if mark is not None and mark.scope}
    found = {}
    for scope in sorted(scopes, key=lambda s: (-len(s), s)):
        layer = _called(scope)
        alike = [s for s in scopes if s != scope and _called(s) == layer]
        if alike:
            parts = scope.split("/")
            ends = ("/".join(parts[k:]) for k in reversed(range(len(parts))))
            layer = next(e for e in ends if not any(f"/{s}".endswith(f"/{e}") for s in alike))
        found[scope] = layer
    return found


def _called(scope: str) -> str:
    """The layer that a scope belongs to: the last part of the scope."""
    return layer_of(f"{scope}/scan") or scope


def _scans(op: Op) -> Iterable[int]:
    """The numbers of the Scans whose loops an op runs, or whose single step it belongs to."""
    for made in op.outputs:
        if made.origin is not None and made.origin.scan is not None:
            yield made.origin.scan
    for branch in op.branches:
        if branch.mark is not None:
            yield branch.mark.scan
        for inner in branch.ops:
            yield from _scans(inner)


def _weights(op: Op) -> Iterable[Value]:
    """The weights that an op reads, and those of the loops and branches that it runs."""
    yield from (v for v in op.operands if v.is_constant and is_weight(v))
    for branch in op.branches:
        for inner in branch.ops:
            yield from _weights(inner)
