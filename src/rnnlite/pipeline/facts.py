"""Facts: what holds of a model between the passes, in words and as checks.

What enters: a model. What leaves: for each fact, the first thing that contradicts it; "" where the
fact holds.
"""

from __future__ import annotations

from collections import Counter

from rnnlite.lite.ir import Model, Value
from rnnlite.lite.record import record
from rnnlite.pipeline.passes import Fact


def _moved_arguments(model: Model) -> str:
    for loop in model.loops():
        body = loop.branches[1]
        for place, value in enumerate(body.outputs):
            if value in body.inputs and body.inputs[place] is not value:
                return f"{value.label} as result {place} of a body"
    return ""


def _repeated_results(model: Model) -> str:
    for branch in (g for op in model.ops() if op.kind == "IF" for g in op.branches):
        for value, times in Counter(branch.outputs).items():
            if times > 1 and value not in branch.inputs:
                return f"{value.label} as several results of a branch"
    return ""


def _borrowed_results(model: Model) -> str:
    for graph in model.called:
        for place, value in enumerate(graph.outputs):
            if value.producer is None:
                return f"{value.label}, which no op makes"
            if value.producer.kind == "IF":
                return f"{value.label}, which an IF gives"
            if value in graph.outputs[:place]:
                return f"{value.label}, given twice"
    return ""


def _cast_pairs(model: Model) -> str:
    sources: dict[Value, Value] = {}
    for op in model.ops():
        if op.kind == "CAST":
            source, result = op.input(0), op.output
            before = sources.get(source, source)
            if before.type == result.type != "float32" == source.type:
                return result.label
            sources[result] = source
    return ""


def _marked_loops(model: Model) -> str:
    for loop in model.loops():
        body = loop.branches[1]
        if body.mark is not None and body.mark.variable_levels:
            return f"the loop '{body.name}'"
    return ""


def _unsigned(model: Model) -> str:
    if not model.signatures:
        return "no signature"
    if not record(model):
        return "no record"
    for signature in model.signatures:
        graph = signature.graph
        for entries, values in (
            (signature.inputs, graph.inputs),
            (signature.outputs, graph.outputs),
        ):
            if tuple(value for _, value in entries) != values:
                return f"a signature of {len(entries)} tensors for {len(values)}"
    return ""


def _waste(model: Model) -> str:
    contents: dict[tuple[str, tuple[int, ...], bytes], int] = {}
    for graph in model.graphs:
        for value in graph.values:
            if value.data is not None:
                key = value.data.dtype.str, value.data.shape, value.data.tobytes()
                if contents.setdefault(key, id(value.data)) != id(value.data):
                    return "equal constants"
        used = {*graph.inputs, *graph.outputs}
        for op in graph.ops:
            used.update(op.operands, op.outputs)
            used.update(value for value in op.intermediates if value is not None)
        unused = next((value for value in graph.values if value not in used), None)
        if unused is not None:
            return f"{unused.label} is not used"
    return ""


def _unlabelled(model: Model) -> str:
    for number, graph in enumerate(model.graphs):
        for name, times in Counter(value.name for value in graph.values).items():
            # Within loops and branches a tensor may have no name: see `label_tensors`.
            if times > 1 if name else graph in model.called:
                return f"'{name}' {times} times in subgraph {number}"
    return ""


LOOPS_KEEP_PLACES = Fact("a body returns its arguments at their own places", _moved_arguments)
BRANCHES_DISTINCT = Fact("a branch returns what it makes once", _repeated_results)
RESULTS_OWN = Fact("results of the model are tensors of their own", _borrowed_results)
NO_CAST_PAIRS = Fact("no integer is cast to float and back", _cast_pairs)
SEQUENCES_KEPT = Fact("no loop is marked any longer", _marked_loops)
SIGNED = Fact("the signature names inputs and outputs, and there is a record", _unsigned)
PRUNED = Fact("each constant stands once, and every tensor is used", _waste)
LABELLED = Fact("tensors of a subgraph have names of their own", _unlabelled)
