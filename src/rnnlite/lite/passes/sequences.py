"""Take output sequences out of loops: keep their rows in variables of the runtime.

    WHILE (w, buffer, ...):                             WHILE (w, ...):
        buffer = UPDATE(buffer, rows, [w, 0])    ->         ASSIGN_VARIABLE(w, rows)
        return w + K, buffer, ...                           return w + K, ...
                                                        buffer = reads of the variables, joined

What enters: a model whose loops carry output sequences: a body writes rows into a buffer that it
takes and returns. What leaves: the same model, in which a loop that is marked for it
(`Mark.variable_levels`) assigns each iteration's rows to a variable of its own, and the sequence is
put together when the loop has ended. A marked loop that does not look as below is refused.

A buffer that a loop carries is copied twice an iteration, so time would grow with the square of the
length. To assign a variable copies the rows of one iteration alone. The runtime names variables by
an int32, which the loop counts. The variables are read after the loop (`gathering`). Each run
assigns a variable before it reads it, so nothing is left from the run before.

A marked loop has a counter w, which starts at 0 and grows by K, the number of rows of an iteration;
and a buffer with a row for each step, as `lowering.loops` made it. The pass requires:

1. The rows have a known shape, and a DYNAMIC_UPDATE_SLICE writes them at row w.
2. Nothing else in the body or the condition reads the buffer, and the buffer starts as zeros.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rnnlite.errors import ModelError
from rnnlite.lite.ir import FREE, Builder, Graph, Model, Op, Value
from rnnlite.lite.passes.gathering import gather_fixed, gather_rows
from rnnlite.lite.passes.variables import Merging, VariableLayout, assign_zeros
from rnnlite.lowering.merging import MAX_LEVELS


@dataclass(frozen=True)
class Loop:
    """A marked loop.

    Attributes:
        graph: the graph that holds the loop.
        op: the WHILE.
        levels: how many levels of variables its rows may be merged in (`variables`).
        may_be_empty: whether the loop may run no iteration.
    """

    graph: Graph
    op: Op
    levels: int
    may_be_empty: bool

    @property
    def cond(self) -> Graph:
        """Its condition."""
        return self.op.branches[0]

    @property
    def body(self) -> Graph:
        """Its body."""
        return self.op.branches[1]


@dataclass(frozen=True)
class Write:
    """A buffer that a loop carries, and what writes it.

    Attributes:
        place: index of the buffer among the values of the loop.
        op: the DYNAMIC_UPDATE_SLICE that writes the rows.
        start: the op that makes the buffer in front of the loop.
        counter: index of w among the values of the loop.
    """

    place: int
    op: Op
    start: Op
    counter: int


def keep_sequences(model: Model) -> int:
    """Rewrite all marked loops, in place; gives how many sequences were taken out of them.

    Raises:
        ModelError: a marked loop does not look as above.
    """
    loops = list(_marked(model))
    writes = [_writes(loop) for loop in loops]
    count = sum(map(len, writes))
    # Each sequence has numbers of its own for the variables of each level.
    space = (2**31 - 1) // (MAX_LEVELS * max(count, 1))
    first, merging = 0, dict[Merging, tuple[Graph, Graph]]()
    for loop, found in zip(loops, writes, strict=True):
        names = [_names(first + k, space) for k in range(len(found))]
        layouts = [_assign_rows(loop, *pair, merging) for pair in zip(found, names, strict=True)]
        _put_together(loop, found, layouts)
        first += len(found)
        loop.body.mark = None
    return count


def _marked(model: Model) -> Iterator[Loop]:
    for graph in list(model.graphs):
        for op in graph.ops:
            mark = op.branches[1].mark if op.kind == "WHILE" else None
            if mark is not None and mark.variable_levels:
                yield Loop(graph, op, mark.variable_levels, mark.may_be_empty)


def _writes(loop: Loop) -> list[Write]:
    found = [_write(loop, op) for op in loop.body.ops if op.kind == "DYNAMIC_UPDATE_SLICE"]
    if not found:
        raise _unexpected(loop, "it writes no rows")
    return found


def _write(loop: Loop, op: Op) -> Write:
    arguments, results = loop.body.inputs, loop.body.outputs
    buffer, rows, begin = (op.input(k) for k in range(3))
    place = results.index(op.output) if op.output.is_result else -1
    if place < 0 or arguments[place] is not buffer:
        raise _unexpected(loop, "the buffer is no value of the loop")
    if len(buffer.readers) != 1 or loop.cond.inputs[place].readers:
        raise _unexpected(loop, "the buffer is read elsewhere")
    if rows.is_free:
        raise _unexpected(loop, "the rows have no fixed shape")
    start = begin.producer
    if start is not None and start.kind in ("PACK", "RESHAPE"):
        counter = start.input(0)
        if counter in arguments:
            return Write(place, op, start, arguments.index(counter))
    raise _unexpected(loop, "the place is not made of a counter")


def _unexpected(loop: Loop, what: str) -> ModelError:
    return ModelError(
        f"the loop '{loop.body.name}' cannot keep its rows in variables",
        found=what,
        remedy="Convert with schedule={'variables': 0}, and please report it with the source model",
    )


def _names(number: int, space: int) -> tuple[int, ...]:
    return tuple((number * MAX_LEVELS + level) * space for level in range(MAX_LEVELS))


def _assign_rows(
    loop: Loop,
    write: Write,
    names: tuple[int, ...],
    merging: dict[Merging, tuple[Graph, Graph]],
) -> VariableLayout:
    """Let the body assign its rows; where they are found is what leaves."""
    body = loop.body
    rows = write.op.input(1)
    layout = VariableLayout(rows.shape, rows.type, rows.quantization, names, loop.levels, merging)
    builder = Builder(body, write.op)
    name = body.inputs[write.counter]
    if layout.names[0]:
        name = builder.make("ADD", [name, builder.constant(layout.names[0])])
    builder.add("ASSIGN_VARIABLE", [name, rows], [])
    body.remove(write.op)
    if not write.start.output.uses:
        body.remove(write.start)
    return layout


def _put_together(loop: Loop, writes: list[Write], layouts: list[VariableLayout]) -> None:
    """Take the buffers out of the loop, and make what they were behind it."""
    graph, op = loop.graph, loop.op
    slots = [(op.input(w.place), op.outputs[w.place]) for w in writes]
    counts = [op.outputs[w.counter] for w in writes]
    places = {w.place for w in writes}
    for end in (loop.body, loop.cond):
        end.inputs = [v for k, v in enumerate(end.inputs) if k not in places]
    loop.body.outputs = [v for k, v in enumerate(loop.body.outputs) if k not in places]
    op.inputs = [v for k, v in enumerate(op.inputs) if k not in places]
    op.outputs = [v for k, v in enumerate(op.outputs) if k not in places]
    for count, layout, (buffer, result) in zip(counts, layouts, slots, strict=True):
        if loop.may_be_empty:
            # Where the loop takes no step, its first variable is read all the same.
            assign_zeros(Builder(graph, graph.ops[0]), layout)
        maker, rows = buffer.producer, buffer.dims[0]
        if rows != FREE:
            gather_fixed(Builder(graph, op.following), layout, count, rows, result)
        elif maker is None or maker.kind != "FILL":
            raise _unexpected(loop, "its buffer of free length is not filled")
        else:
            gather = _only_gather(result)
            wanted, target = None, result
            if gather is not None:
                wanted, target = gather.input(1), gather.output
            builder = Builder(graph, (gather or op).following)
            gather_rows(builder, layout, count, maker.input(0), wanted, target)
            if gather is not None:
                graph.remove(gather)
    for buffer, _ in slots:
        if buffer.producer is not None and not buffer.uses:
            graph.remove(buffer.producer)


def _only_gather(value: Value) -> Op | None:
    """The GATHER of rows that alone reads a value, if that is so."""
    if len(value.readers) != 1 or value.is_result:
        return None
    (op,) = value.readers
    if op.kind != "GATHER" or op.input(0) is not value:
        return None
    if op.integer("axis") != 0 or op.integer("batchDims") != 0:
        return None
    return op if op.input(1).rank == 1 and op.input(1).type == "int32" else None
