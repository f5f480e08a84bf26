"""The layers of a model, read from the names of a float model's tensors.

What enters: a translated model, whose tensors have the source's paths. What leaves: its layers in
the order of computation, each with those that it takes values from. Sizes that are computed at run
time are no values; what changes the shape alone belongs to whoever made the values.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from rnnlite.lite.inspection import is_weight
from rnnlite.lite.ir import Graph, Model, Op, Value
from rnnlite.lite.paths import layer_of
from rnnlite.report.records import LayerRecord

MOVING = frozenset({"RESHAPE", "EXPAND_DIMS", "SQUEEZE", "CAST"})
"""Ops that give the values that they take."""


@dataclass
class _Layer:
    """What is known of a layer so far."""

    last: int = 0
    reads: dict[str, None] = field(default_factory=dict)
    ops: Counter[str] = field(default_factory=Counter)
    weights: dict[Value, None] = field(default_factory=dict)


def layers_of(
    model: Model, inputs: Sequence[str], outputs: Sequence[str]
) -> tuple[LayerRecord, ...]:
    """The layers of the main graph.

    Args:
        model: with the source's paths as names.
        inputs, outputs: what the signature calls them.
    """
    main = model.main
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
        name = _name(op) or next((s for s in sources if s not in inputs), "") or op.kind
        made_in.update(dict.fromkeys(op.outputs, name))
        layer = found.setdefault(name, _Layer())
        layer.last = place
        layer.ops[op.kind] += 1
        layer.reads.update(dict.fromkeys(s for s in sources if s != name))
        layer.weights.update(dict.fromkeys(_weights(op)))
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
        )
        for name, layer in sorted(found.items(), key=lambda item: item[1].last)
    )


def _values(graph: Graph) -> set[Value]:
    """What depends on the inputs' content, not on their sizes alone."""
    found = set(graph.inputs)
    for op in graph.ops:
        if op.kind != "SHAPE" and any(v in found for v in op.operands):
            found.update(op.outputs)
    return found


def _name(op: Op) -> str:
    """The layer that an op belongs to; "" where its names do not tell."""
    constants = [v.name for v in op.operands if v.is_constant and is_weight(v)]
    paths = [v.name for v in op.outputs] + constants
    return next((layer for layer in map(layer_of, paths) if layer), "")


def _weights(op: Op) -> Iterable[Value]:
    """The weights that an op reads, and those of the loops and branches that it runs."""
    yield from (v for v in op.operands if v.is_constant and is_weight(v))
    for branch in op.branches:
        for inner in branch.ops:
            yield from _weights(inner)
