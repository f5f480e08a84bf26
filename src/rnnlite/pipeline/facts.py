"""What holds of a model between the passes, in words and as checks.

What enters: a model. What leaves: the first thing that stands against a fact; "" where it holds.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rnnlite.lite import flatbuffer
from rnnlite.lite.passes.naming import mark_of
from rnnlite.lite.structure import label
from rnnlite.pipeline.passes import Fact


def _moved_arguments(model: Any) -> str:
    for _, _, _, index in flatbuffer.loops(model):
        body = model.subgraphs[index]
        arguments = [int(t) for t in body.inputs]
        for place, t in enumerate(map(int, body.outputs)):
            if t in arguments and arguments[place] != t:
                return f"{label(model, index, t)} as result {place} of a body"
    return ""


def _repeated_results(model: Any) -> str:
    for _, op, name in flatbuffer.operators(model):
        if name != "IF":
            continue
        for index in (op.builtinOptions.thenSubgraphIndex, op.builtinOptions.elseSubgraphIndex):
            branch = model.subgraphs[index]
            arguments = {int(t) for t in branch.inputs}
            made = [int(t) for t in branch.outputs if int(t) not in arguments]
            for t in made:
                if made.count(t) > 1:
                    return f"{label(model, index, t)} as several results of a branch"
    return ""


def _borrowed_results(model: Any) -> str:
    main = model.subgraphs[0]
    results = {int(t) for t in main.outputs}
    for op in main.operators or []:
        if flatbuffer.op_name(model, op) == "IF":
            for t in map(int, op.outputs):
                if t in results:
                    return f"{label(model, 0, t)}, which an IF gives"
    return ""


def _cast_pairs(model: Any) -> str:
    for index, content in enumerate(model.subgraphs):
        sources: dict[int, int] = {}
        for op in content.operators or []:
            if flatbuffer.op_name(model, op) == "CAST":
                source, result = int(op.inputs[0]), int(op.outputs[0])
                tensors = (sources.get(source, source), source, result)
                types = [flatbuffer.dtype_name(content.tensors[t]) for t in tensors]
                if types[0] == types[2] != "float32" == types[1]:
                    return f"{label(model, index, result)}"
                sources[result] = source
    return ""


def _marked_loops(model: Any) -> str:
    for _, _, _, body in flatbuffer.loops(model):
        mark = mark_of(model.subgraphs[body])
        if mark is not None and mark.kept:
            return f"the loop '{flatbuffer.text(model.subgraphs[body].name)}'"
    return ""


def _unsigned_ends(model: Any) -> str:
    if len(model.signatureDefs or []) == 0:
        return "no signature"
    if not flatbuffer.record(model):
        return "no record"
    main = model.subgraphs[0]
    for entries, tensors in (
        (model.signatureDefs[0].inputs, main.inputs),
        (model.signatureDefs[0].outputs, main.outputs),
    ):
        if [e.tensorIndex for e in entries] != [int(t) for t in tensors]:
            return f"a signature of {len(entries)} tensors for {len(tensors)}"
    return ""


def _waste(model: Any) -> str:
    contents = [bytes(bytearray(b.data)) for b in model.buffers[1:] if b.data is not None]
    if len(set(contents)) < len(model.buffers) - 1:
        return "empty or equal buffers"
    for index, content in enumerate(model.subgraphs):
        unused = set(range(len(content.tensors))) - set(_used(content))
        if unused:
            return f"{label(model, index, min(unused))} is not used"
    return ""


def _used(content: Any) -> Iterator[int]:
    yield from map(int, content.inputs)
    yield from map(int, content.outputs)
    for op in content.operators or []:
        for tensors in (op.inputs, op.outputs, op.intermediates):
            yield from map(int, tensors if tensors is not None else ())


def _unlabelled(model: Any) -> str:
    for index, content in enumerate(model.subgraphs):
        names = [flatbuffer.text(t.name) for t in content.tensors]
        for name in names:
            if not name or names.count(name) > 1:
                return f"'{name}' {names.count(name)} times in subgraph {index}"
    return ""


LOOPS_KEEP_PLACES = Fact("a body returns its arguments at their own places", _moved_arguments)
BRANCHES_DISTINCT = Fact("a branch returns what it makes once", _repeated_results)
RESULTS_OWN = Fact("no result of the model is one of a condition", _borrowed_results)
NO_CAST_PAIRS = Fact("no integer is cast to float and back", _cast_pairs)
SEQUENCES_KEPT = Fact("no loop is marked any longer", _marked_loops)
SIGNED = Fact("the signature names inputs and outputs, and there is a record", _unsigned_ends)
COMPACT = Fact("each constant stands once, and every tensor is used", _waste)
LABELLED = Fact("tensors of a subgraph have names of their own", _unlabelled)
