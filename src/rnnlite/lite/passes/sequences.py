"""Output sequences leave their loops row by row, into variables of the runtime.

What enters: a model whose loops carry output sequences: a body writes rows into a buffer that it
takes and returns. What leaves: the same model, in which a loop that is marked for it (`Mark.kept`)
assigns each iteration's rows to a variable of its own, and the sequence is put together when
the loop has ended. A marked loop that does not look as below is refused.

A buffer that a loop carries is copied twice an iteration, so time would grow with the square of the
length. Assigning a variable copies its rows alone: the runtime finds variables by an int32, which a
loop can count. What an iteration assigns is read after the loop, by `lite.assembly`; variables
are written before they are read in each run, so nothing is left from the run before.

A marked loop has a counter w from 0, advanced by the number of rows K that an iteration makes, and
a buffer with a row for each step, as `scan.loops` made it. The pass asks of it:

1. rows of a shape that is known, written by a DYNAMIC_UPDATE_SLICE at row w;
2. a buffer that nothing else in body or condition reads, and that only zeros were filled in.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rnnlite.errors import ModelError
from rnnlite.lite import flatbuffer
from rnnlite.lite.build import Builder
from rnnlite.lite.passes.assembly import assemble, assemble_fixed
from rnnlite.lite.passes.joining import MAX_LEVELS, Store, assign_zeros
from rnnlite.lite.passes.naming import mark_of


@dataclass(frozen=True)
class Loop:
    """A marked loop.

    Attributes:
        index: of the subgraph it stands in.
        op: the WHILE.
        cond, body: its subgraphs.
        levels: that its rows may be merged in.
        may_be_empty: whether it may take no step.
    """

    index: int
    op: Any
    cond: Any
    body: Any
    levels: int
    may_be_empty: bool


@dataclass(frozen=True)
class Write:
    """A buffer that a loop carries.

    Attributes:
        place: among the values of the loop.
        op: the DYNAMIC_UPDATE_SLICE.
        start: the op that makes its start.
        counter: place of w.
    """

    place: int
    op: Any
    start: Any
    counter: int


def keep_sequences(model: Any) -> int:
    """Rewrite all marked loops, in place; gives how many sequences were taken out of them.

    Raises:
        ModelError: a marked loop is not as it is expected to be.
    """
    loops = list(_marked(model))
    writes = [_writes(model, loop) for loop in loops]
    count = sum(map(len, writes))
    # Each sequence has numbers of its own for the variables of each level.
    space = (2**31 - 1) // (MAX_LEVELS * max(count, 1))
    first, merging = 0, dict[Any, tuple[int, int]]()
    for loop, found in zip(loops, writes, strict=True):
        names = [_names(first + k, space) for k in range(len(found))]
        stores = [
            _rewritten(model, loop, *pair, merging) for pair in zip(found, names, strict=True)
        ]
        _put_together(model, loop, found, stores)
        first += len(found)
        loop.body.mark = None
    return count


def kept_levels(model: Any) -> list[int]:
    """For each sequence of a marked loop that is not rewritten yet, the levels it may use."""
    return [loop.levels for loop in _marked(model) for _ in _writes(model, loop)]


def _marked(model: Any) -> Iterator[Loop]:
    for index, op, cond, body in list(flatbuffer.loops(model)):
        content = model.subgraphs[body]
        mark = mark_of(content)
        if mark is not None and mark.kept:
            yield Loop(index, op, model.subgraphs[cond], content, mark.kept, mark.may_be_empty)


def _writes(model: Any, loop: Loop) -> list[Write]:
    found = [
        _write(model, loop, op)
        for op in loop.body.operators
        if flatbuffer.op_name(model, op) == "DYNAMIC_UPDATE_SLICE"
    ]
    if not found:
        raise _unexpected(loop, "it writes no rows")
    return found


def _write(model: Any, loop: Loop, op: Any) -> Write:
    body, cond = loop.body, loop.cond
    arguments, results = ([int(t) for t in ts] for ts in (body.inputs, body.outputs))
    buffer, rows, begin = map(int, op.inputs)
    result = int(op.outputs[0])
    place = results.index(result) if result in results else -1
    if place < 0 or arguments[place] != buffer:
        raise _unexpected(loop, "the buffer is no value of the loop")
    if _readers(body, buffer) != 1 or _readers(cond, int(cond.inputs[place])):
        raise _unexpected(loop, "the buffer is read elsewhere")
    if any(d < 0 for d in _signature(body.tensors[rows])):
        raise _unexpected(loop, "the rows have no fixed shape")
    for start in body.operators:
        name = flatbuffer.op_name(model, start)
        if begin in map(int, start.outputs) and name in ("PACK", "RESHAPE"):
            counter = int(start.inputs[0])
            if counter in arguments:
                return Write(place, op, start, arguments.index(counter))
    raise _unexpected(loop, "the place is not made of a counter")


def _signature(tensor: Any) -> list[int]:
    """The shape of a tensor, -1 where it is free."""
    shape = tensor.shape if tensor.shapeSignature is None else tensor.shapeSignature
    return [] if shape is None else [int(d) for d in shape]


def _unexpected(loop: Loop, what: str) -> ModelError:
    return ModelError(
        f"the loop '{flatbuffer.text(loop.body.name)}' cannot keep its rows in variables",
        found=what,
        remedy="Convert with schedule={'variables': 0}, and please report it with the source model",
    )


def _readers(content: Any, tensor: int) -> int:
    return sum(tensor in map(int, op.inputs) for op in content.operators or [])


def _names(number: int, space: int) -> tuple[int, ...]:
    return tuple((number * MAX_LEVELS + level) * space for level in range(MAX_LEVELS))


def _rewritten(
    model: Any,
    loop: Loop,
    write: Write,
    names: tuple[int, ...],
    merging: dict[Any, tuple[int, int]],
) -> Store:
    """Let the body assign its rows; where they are found is what leaves."""
    body = loop.body
    rows = int(write.op.inputs[1])
    tensor = body.tensors[rows]
    shape = tuple(int(d) for d in tensor.shape)
    store = Store(
        shape,
        flatbuffer.dtype_name(tensor),
        tensor.quantization,
        names,
        loop.levels,
        merging,
    )
    builder = Builder(model, body)
    name = int(body.inputs[write.counter])
    if store.names[0]:
        name = builder.make("ADD", [name, builder.constant(store.names[0])])
    builder.add("ASSIGN_VARIABLE", [name, rows], [])
    place = next(k for k, op in enumerate(body.operators) if op is write.op)
    body.operators = [*body.operators[:place], *builder.ops, *body.operators[place + 1 :]]
    if not _readers(body, int(write.start.outputs[0])):
        body.operators = [op for op in body.operators if op is not write.start]
    return store


def _put_together(model: Any, loop: Loop, writes: list[Write], stores: list[Store]) -> None:
    """Take the buffers out of the loop, and make what they were behind it."""
    content, op = model.subgraphs[loop.index], loop.op
    slots = [(int(op.inputs[w.place]), int(op.outputs[w.place])) for w in writes]
    counts = [int(op.outputs[w.counter]) for w in writes]
    places = {w.place for w in writes}
    for holder in (loop.body, loop.cond, op):
        holder.inputs = [int(t) for k, t in enumerate(holder.inputs) if k not in places]
    for holder in (loop.body, op):
        holder.outputs = [int(t) for k, t in enumerate(holder.outputs) if k not in places]
    makers = {int(t): o for o in content.operators for t in o.outputs}
    for count, store, (buffer, result) in zip(counts, stores, slots, strict=True):
        maker = makers.get(buffer)
        if loop.may_be_empty:
            # There is no row then, but one is read.
            first = Builder(model, content)
            assign_zeros(first, store)
            content.operators = [*first.ops, *content.operators]
        builder = Builder(model, content)
        rows = _signature(content.tensors[buffer])[0]
        if rows >= 0:
            assemble_fixed(builder, store, count, rows, result)
            _insert(content, builder.ops, behind=op)
        elif maker is None or flatbuffer.op_name(model, maker) != "FILL":
            raise _unexpected(loop, "its buffer of free length is not filled")
        else:
            gather = _only_gather(model, content, result)
            wanted, target = (None, result)
            if gather is not None:
                wanted, target = int(gather.inputs[1]), int(gather.outputs[0])
            assemble(builder, store, count, int(maker.inputs[0]), wanted, target)
            _insert(content, builder.ops, behind=gather or op)
            content.operators = [o for o in content.operators if o is not gather]
    unread = [makers[b] for b, _ in slots if b in makers and not _readers(content, b)]
    content.operators = [o for o in content.operators if not any(o is u for u in unread)]


def _insert(content: Any, ops: list[Any], *, behind: Any) -> None:
    place = next(k for k, op in enumerate(content.operators) if op is behind) + 1
    content.operators = [*content.operators[:place], *ops, *content.operators[place:]]


def _only_gather(model: Any, content: Any, tensor: int) -> Any:
    """The GATHER of rows that alone reads a tensor, if that is so."""
    readers = [op for op in content.operators if tensor in map(int, op.inputs)]
    if len(readers) != 1 or tensor in map(int, content.outputs):
        return None
    (op,) = readers
    rows = flatbuffer.op_name(model, op) == "GATHER" and int(op.inputs[0]) == tensor
    if not rows or op.builtinOptions.axis != 0 or op.builtinOptions.batchDims != 0:
        return None
    indexes = content.tensors[int(op.inputs[1])]
    vector = len(indexes.shape if indexes.shape is not None else []) == 1
    return op if vector and flatbuffer.dtype_name(indexes) == "int32" else None
