"""Copy results that WHILE, IF or a caller's own buffers would lose.

What enters: a model, changed in place. What leaves: an equal one whose results are distinct values,
and how many were copied.

    body(a, b): return b, f(a)      ->  body(a, b): return copy(b), f(a)
    branch(x):  y = f(x)            ->  branch(x):  y = f(x)
                return y, y                         return y, copy(y)
    main:       return IF(...)      ->  main:       return copy(IF(...))
    main(x):    return x, y, y      ->  main(x):    return copy(x), y, copy(y)

Three faults make the copies necessary:

- The WHILE kernel copies the results of a body into its arguments, one after the other. So a body
  that returns an argument at another place (a swap, a delay line) reads an overwritten argument.
- The IF kernel lets each result of a branch point to the memory of a result of the IF. Where a
  branch returns one value twice, only the last of the two is written.
- In LiteRT's CompiledModel the caller gives a buffer for each input and result of the model, and
  each tensor has one buffer. A result of a WHILE or IF that may change its size is allocated anew
  in each run, and misses the caller's buffer. A result that is also an input, or another result, is
  never written; and readers of this input read the buffer of the result.

A copy is a CONCATENATION of one operand, which keeps any type, rank and quantization; of a scalar,
which has no axis, a RESHAPE.
"""

from __future__ import annotations

from collections.abc import Iterable

from rnnlite.lite.ir import Graph, Model, Op, Value


def separate_loop_results(model: Model) -> int:
    """Copy each argument that a loop body returns at another place, in place; gives how many."""
    copies = 0
    for body in _in_order(model, (op.branches[1] for op in model.loops())):
        results = list(body.outputs)
        for place, value in enumerate(results):
            if value in body.inputs and body.inputs[place] is not value:
                results[place] = _add_copy(value)
                copies += 1
        body.outputs = results
    return copies


def separate_branch_results(model: Model) -> int:
    """Copy each value that a branch returns a second time, in place; gives how many.

    Arguments of the branch are left alone: the kernel copies these itself.
    """
    copies = 0
    for branch in _in_order(model, (g for o in model.ops() if o.kind == "IF" for g in o.branches)):
        results = list(branch.outputs)
        for place, value in enumerate(results):
            # The kernel copies an argument of the branch by itself.
            if results.index(value) < place and value not in branch.inputs:
                results[place] = _add_copy(value)
                copies += 1
        branch.outputs = results
    return copies


def separate_main_results(model: Model) -> int:
    """Copy results of the model, in place; gives how many.

    Copied is a result that is an input, a constant or an earlier result, or that a WHILE or IF
    makes whose values may change their size.
    """
    main = model.main
    resizing = {v for op in main.ops if _may_resize(op) for v in op.outputs}
    results = list(main.outputs)
    borrowed = [
        value in resizing or value.producer is None or value in results[:place]
        for place, value in enumerate(results)
    ]
    main.outputs = [_add_copy(v) if b else v for v, b in zip(results, borrowed, strict=True)]
    return sum(borrowed)


_SIZES = {
    "BROADCAST_TO": (1,),
    "FILL": (0,),
    "PAD": (1,),
    "PADV2": (1,),
    "RANGE": (0, 1, 2),
    "RESHAPE": (1,),
    "SLICE": (1, 2),
    "STRIDED_SLICE": (1, 2, 3),
    "TILE": (1,),
}
"""Ops whose operands at these places decide the size of their result."""


def _may_resize(op: Op) -> bool:
    """Whether the runtime may take results of a control flow op for such that change their size:
    any IF, and a WHILE in whose body a size is computed, or a value grows."""
    if op.kind != "WHILE":
        return op.kind == "IF"
    body = op.branches[1]
    grown = (
        result is not argument and result.is_free and not _keeps_size(result.producer)
        for argument, result in zip(body.inputs, body.outputs, strict=True)
    )
    return any(grown) or any(_may_resize(inner) or _computes_size(inner) for inner in body.ops)


def _keeps_size(op: Op | None) -> bool:
    return op is not None and op.kind == "DYNAMIC_UPDATE_SLICE"


def _computes_size(op: Op) -> bool:
    operands = [op.operand(k) for k in _SIZES.get(op.kind, ())]
    # The shape of a scalar is a constant without elements, and holds no bytes.
    return any(v is not None and not v.is_constant and 0 not in v.dims for v in operands)


def _in_order(model: Model, graphs: Iterable[Graph]) -> list[Graph]:
    chosen = set(graphs)
    return [graph for graph in model.graphs if graph in chosen]


def _add_copy(value: Value) -> Value:
    """Add a copy of a value, behind all ops of its graph."""
    graph = value.graph
    copy = graph.like(value, quantization=value.quantization)
    copy.name = f"{value.name}_copy"
    if value.rank == 0:
        graph.append(graph.op("RESHAPE", [value], [copy], options={"newShape": []}))
    else:
        graph.append(graph.op("CONCATENATION", [value], [copy], options={}))
    return copy
