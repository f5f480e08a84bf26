"""Let the loops over the parts of one sequence share a condition and a body.

What enters: a model whose loops have their marks (`lite.naming`). What leaves: the same with each
body once. The runtime packs the weights of each subgraph apart: several copies of a body would
drive each other out of the cache.

Only loops that `scan.loops` made for parts of one sequence are merged: a loop's tensors take the
shapes of the WHILE that was prepared last, so loops may share a body only if all their shapes
surely agree.
"""

from __future__ import annotations

from typing import Any

from rnnlite.lite import flatbuffer
from rnnlite.lite.passes.naming import mark_of

UNLIKE = ("name", "buffer", "origin", "derived")
"""What tensors of equal bodies may differ by."""

CALLED = ("condSubgraphIndex", "bodySubgraphIndex", "thenSubgraphIndex", "elseSubgraphIndex")


def share_bodies(model: Any) -> int:
    """Merge the bodies of such loops, in place.

    Returns:
        How many loops share one that was another's.
    """
    first: dict[Any, tuple[Any, Any]] = {}
    count = 0
    for _, op, cond, body in flatbuffer.loops(model):
        mark = mark_of(model.subgraphs[body])
        if mark is None or mark.family is None:
            continue
        content = _content(model, cond), _content(model, body)
        known, options = first.setdefault(mark.family, (content, op.builtinOptions))
        if options is not op.builtinOptions and known == content:
            op.builtinOptions = options
            count += 1
    if count:
        _drop_unreached(model)
    return count


def _drop_unreached(model: Any) -> None:
    """Remove subgraphs that neither the entry, nor a signature, nor an op of those calls."""
    reached: list[int] = []
    queue = [0, *(s.subgraphIndex for s in model.signatureDefs or [])]
    while queue:
        index = queue.pop()
        if index not in reached:
            reached.append(index)
            ops = model.subgraphs[index].operators or []
            queue += [getattr(op.builtinOptions, n) for op in ops for n in _called(op)]
    kept = sorted(reached)
    places = {old: new for new, old in enumerate(kept)}
    model.subgraphs = [model.subgraphs[index] for index in kept]
    done: set[int] = set()
    for _, op, _ in flatbuffer.operators(model):
        names = _called(op)
        # Loops that share a body share the table of options too.
        if names and id(op.builtinOptions) not in done:
            done.add(id(op.builtinOptions))
            for name in names:
                setattr(op.builtinOptions, name, places[getattr(op.builtinOptions, name)])
    for signature in model.signatureDefs or []:
        signature.subgraphIndex = places[signature.subgraphIndex]


def _called(op: Any) -> list[str]:
    """The options of an op that name a subgraph."""
    return [name for name in CALLED if hasattr(op.builtinOptions, name)]


def _content(model: Any, index: int) -> Any:
    """What a subgraph computes, with what it calls, in a form that can be compared: no names, and
    tensors numbered as they are met."""
    subgraph = model.subgraphs[index]
    met: dict[int, int] = {-1: -1}
    tensors: list[Any] = []

    def numbers(indices: Any) -> tuple[int, ...]:
        for t in map(int, indices):
            if t not in met:
                met[t] = len(tensors)
                tensor = subgraph.tensors[t]
                value = flatbuffer.plain(flatbuffer.content(model, tensor))
                tensors.append((flatbuffer.plain(tensor, without=UNLIKE), value))
        return tuple(met[int(t)] for t in indices)

    inputs = numbers(subgraph.inputs)
    ops = []
    for op in subgraph.operators or []:
        called = _called(op)
        options = flatbuffer.plain(op.builtinOptions, without=tuple(called))
        inner = tuple(_content(model, getattr(op.builtinOptions, name)) for name in called)
        places = numbers(op.inputs), numbers(op.outputs)
        others = flatbuffer.plain(op, without=("builtinOptions", "inputs", "outputs"))
        ops.append((others, places, options, inner))
    return inputs, tuple(ops), numbers(subgraph.outputs), tuple(tensors)
