"""Repair what the official converter leaves: bodies, branches, results, counters, casts of ids.

The WHILE kernel copies a body's results into its arguments one after the other. A body that returns
another of its own arguments (a swap, a delay line) is therefore corrupted, and a real op in between
is needed. The pass enters such an op; it ensures that every result of a body is the argument at the
same place or is made by an op.

The IF kernel lets each result of a branch point to the memory of its own, one after the other. A
branch that returns a tensor twice leaves all but the last of them unwritten, and a copy is needed.

TensorFlow's loops count their turns beside what the program counts. Nothing reads that counter, and
it costs a tenth of what an iteration costs: it is taken out.

Keras 2 declares token ids as float and casts them to integers in the Embedding. Converted with an
integer input this is CAST to float, CAST back; the pair is taken out.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from rnnlite.lite import flatbuffer
from rnnlite.lite.edit import new_op
from rnnlite.lite.passes.naming import derive
from rnnlite.lite.sizes import shape_of


def separate_loop_results(model: Any) -> int:
    """Copy each argument that a loop body returns at another place; gives how many were copied.

    The copy is a CONCATENATION of one tensor, which keeps any type, rank and quantization.
    """
    copies = 0
    for body_index in sorted({body for _, _, _, body in flatbuffer.loops(model)}):
        body = model.subgraphs[body_index]
        arguments = [int(t) for t in body.inputs]
        results = [int(t) for t in body.outputs]
        for place, tensor in enumerate(results):
            if tensor in arguments and arguments[place] != tensor:
                results[place] = _copied(model, body, tensor)
                copies += 1
        body.outputs = results
    return copies


def separate_branch_results(model: Any) -> int:
    """Copy each tensor that a branch returns once more; gives how many were copied."""
    copies = 0
    branches = {
        branch
        for _, op, name in flatbuffer.operators(model)
        if name == "IF"
        for branch in (op.builtinOptions.thenSubgraphIndex, op.builtinOptions.elseSubgraphIndex)
    }
    for index in sorted(branches):
        branch = model.subgraphs[index]
        # What comes from outside is copied by the kernel.
        arguments = [int(t) for t in branch.inputs]
        results = [int(t) for t in branch.outputs]
        for place, tensor in enumerate(results):
            if results.index(tensor) < place and tensor not in arguments:
                results[place] = _copied(model, branch, tensor)
                copies += 1
        branch.outputs = results
    return copies


def separate_main_results(model: Any) -> int:
    """Copy results of the model that come straight from a loop or condition whose values may change
    their size; gives how many were copied.

    The runtime allocates all results of such an op anew in each run, where a caller's own buffer
    for a result of the model is not asked for (LiteRT's CompiledModel).
    """
    main = model.subgraphs[0]
    resizing = {int(t) for op in main.operators or [] if _may_resize(model, op) for t in op.outputs}
    results = [int(t) for t in main.outputs]
    main.outputs = [_copied(model, main, t) if t in resizing else t for t in results]
    return sum(t in resizing for t in results)


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


def _may_resize(model: Any, op: Any) -> bool:
    """Whether the runtime may take results of a control flow op for such that change their size:
    any IF, and a WHILE in whose body a size is computed, or a value grows."""
    name = flatbuffer.op_name(model, op)
    if name != "WHILE":
        return name == "IF"
    body = model.subgraphs[op.builtinOptions.bodySubgraphIndex]
    makers = {int(t): o for o in body.operators or [] for t in o.outputs}
    grown = (
        int(result) != int(argument)
        and -1 in shape_of(body.tensors[int(result)])
        and not _keeps_size(model, makers.get(int(result)))
        for argument, result in zip(body.inputs, body.outputs, strict=True)
    )
    return any(grown) or any(
        _may_resize(model, inner) or _computes_size(model, body, inner)
        for inner in body.operators or []
    )


def _keeps_size(model: Any, op: Any) -> bool:
    return op is not None and flatbuffer.op_name(model, op) == "DYNAMIC_UPDATE_SLICE"


def _computes_size(model: Any, content: Any, op: Any) -> bool:
    places = _SIZES.get(flatbuffer.op_name(model, op), ())
    return any(
        not _is_constant(model, content.tensors[int(op.inputs[k])])
        for k in places
        if k < len(op.inputs)
    )


def _is_constant(model: Any, tensor: Any) -> bool:
    # The shape of a scalar is a constant without elements, and holds no bytes.
    return flatbuffer.content(model, tensor) is not None or 0 in shape_of(tensor)


def drop_idle_counters(model: Any) -> int:
    """Take out what loops carry for nobody, in place; gives how many values that were.

    A value is idle if the condition does not read it, the body reads it in one op alone, whose
    result becomes the value, and no one reads the loop's result.
    """
    groups: dict[tuple[int, int], list[tuple[int, Any]]] = {}
    for index, op, cond, body in flatbuffer.loops(model):
        groups.setdefault((cond, body), []).append((index, op))
    dropped = 0
    for (cond_index, body_index), users in groups.items():
        cond, body = model.subgraphs[cond_index], model.subgraphs[body_index]
        for place in reversed(range(len(body.inputs))):
            update = _idle_update(model, cond, body, place)
            if update is None or any(
                _is_read(model.subgraphs[index], int(op.outputs[place])) for index, op in users
            ):
                continue
            body.operators = [op for op in body.operators if op is not update]
            for holder in (cond, body, *(op for _, op in users)):
                holder.inputs = _without(holder.inputs, place)
            for holder in (body, *(op for _, op in users)):
                holder.outputs = _without(holder.outputs, place)
            dropped += 1
    return dropped


def _idle_update(model: Any, cond: Any, body: Any, place: int) -> Any:
    """The one op that makes a carried value from itself and constants, if nothing else reads it."""
    argument, result = int(body.inputs[place]), int(body.outputs[place])
    if _is_read(cond, int(cond.inputs[place])):
        return None
    readers = [op for op in body.operators or [] if argument in map(int, op.inputs)]
    if len(readers) != 1 or [int(t) for t in readers[0].outputs] != [result]:
        return None
    others = [int(t) for t in readers[0].inputs if int(t) not in (argument, -1)]
    if any(flatbuffer.content(model, body.tensors[t]) is None for t in others):
        return None
    outputs = [int(t) for t in body.outputs]
    if _reads(body, result) or outputs.count(result) + outputs.count(argument) != 1:
        return None
    return readers[0]


def _reads(content: Any, tensor: int) -> bool:
    return any(tensor in map(int, op.inputs) for op in content.operators or [])


def _is_read(content: Any, tensor: int) -> bool:
    return _reads(content, tensor) or tensor in map(int, content.outputs)


def _without(places: Any, place: int) -> list[int]:
    return [int(t) for k, t in enumerate(places) if k != place]


def drop_cast_pairs(model: Any) -> None:
    """Read integers straight where they were cast to float and back, in place."""
    for content in model.subgraphs:
        casts: dict[int, int] = {}
        for op in content.operators or []:
            if flatbuffer.op_name(model, op) == "CAST":
                source, result = int(op.inputs[0]), int(op.outputs[0])
                origin = casts.get(source, source)
                types = [
                    flatbuffer.dtype_name(content.tensors[t]) for t in (origin, source, result)
                ]
                if types == [types[2], "float32", types[2]] and types[2].startswith("int"):
                    _read_instead(content, result, origin)
                casts[result] = origin if types[0].startswith("int") else result
        _drop_dead_casts(model, content)


def _read_instead(content: Any, old: int, new: int) -> None:
    for op in content.operators:
        op.inputs = [new if int(t) == old else int(t) for t in op.inputs]


def _drop_dead_casts(model: Any, content: Any) -> None:
    operators = list(content.operators or [])
    while True:
        used = {int(t) for op in operators for t in op.inputs} | {int(t) for t in content.outputs}
        kept = [
            op
            for op in operators
            if flatbuffer.op_name(model, op) != "CAST" or int(op.outputs[0]) in used
        ]
        if len(kept) == len(operators):
            break
        operators = kept
    content.operators = operators


def _copied(model: Any, subgraph: Any, tensor: int) -> int:
    source = subgraph.tensors[tensor]
    copy = deepcopy(source)
    copy.name = flatbuffer.text(source.name) + "_copy"
    derive(copy, source)
    subgraph.tensors.append(copy)
    result = len(subgraph.tensors) - 1
    if len(source.shape if source.shape is not None else []) == 0:
        # A scalar has no axis to concatenate along.
        op = new_op(model, "RESHAPE", [tensor], [result], options="ReshapeOptions", newShape=[])
    else:
        op = new_op(model, "CONCATENATION", [tensor], [result], options="ConcatenationOptions")
    subgraph.operators = [*(subgraph.operators or []), op]
    return result
