"""Read the rows that a loop left in variables of the runtime, and join them.

What enters: a `VariableLayout`, which says where the rows are, and how many there are. What leaves:
ops that read the rows: all at once, or chunk by chunk into a buffer. A variable of level 0 holds
the K rows of one iteration, as the loop assigned them. `FAN` variables of a level are merged into
one of the next level. The name of a variable is the number of its first step, plus a number for its
level.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from rnnlite.errors import InternalError
from rnnlite.lite.ir import Array, Builder, Graph, Model, Quantization, Value
from rnnlite.lowering.merging import FAN, FEW

SHORT = -1
"""In place of a level: all rows are read at once."""

Merging = tuple[tuple[int, ...], tuple[int, ...]]
"""Shape of the variables that a loop merges, and the numbers of their sequence."""


@dataclass(frozen=True, eq=False)
class VariableLayout:
    """Where a loop leaves its rows.

    Attributes:
        shape: the shape of the rows of an iteration, (K, ...).
        dtype: the type of the rows.
        quantization: scale and zero point of the rows, or None.
        names: for each level, the name of the variable whose first step is 0.
        levels: how many levels may be used, 1 to `lowering.merging.MAX_LEVELS`.
        merging: the condition and body of each loop that merges variables.
    """

    shape: tuple[int, ...]
    dtype: str
    quantization: Quantization | None
    names: tuple[int, ...]
    levels: int
    merging: dict[Merging, tuple[Graph, Graph]]

    def chunk(self, level: int) -> tuple[int, ...]:
        """The shape of a variable of a level."""
        return (self.shape[0] * FAN**level, *self.shape[1:])

    def limit(self, level: int) -> int:
        """The most rows of a sequence that is made of variables of a level, or is read at once."""
        few = 1 if level == SHORT else FEW
        return few * self.chunk(max(level, 0) + 1)[0]

    def values(self, graph: Builder, shape: Sequence[int], *, free: bool = False) -> Value:
        """A value of rows."""
        return graph.value(shape, self.dtype, self.quantization, free=free)

    def argument(self, graph: Builder, shape: Sequence[int], *, free: bool = False) -> Value:
        """An argument of rows."""
        return graph.argument(shape, self.dtype, self.quantization, free=free)

    def make(
        self,
        graph: Builder,
        kind: str,
        inputs: Sequence[Value],
        shape: Sequence[int],
        *,
        free: bool = False,
    ) -> Value:
        """An op that makes rows."""
        made = self.values(graph, shape, free=free)
        graph.add(kind, inputs, [made])
        return made


def assign_zeros(graph: Builder, layout: VariableLayout) -> None:
    """Add ops that assign zeros to the variable of step 0, for loops that run no iteration."""
    zero = graph.constant(0, layout.dtype, layout.quantization)
    rows = layout.make(graph, "FILL", [graph.constant(layout.shape), zero], layout.shape)
    graph.add("ASSIGN_VARIABLE", [graph.constant(layout.names[0]), rows], [])


def _read_chunk(
    graph: Builder, layout: VariableLayout, level: int, names: Value, last: Value
) -> Value:
    """Read the variables of some names, joined.

    Beyond the last one that is read again; its rows are cut off in the end.
    """
    chosen = graph.make("MINIMUM", [names, last], [FAN])
    single = [graph.value([]) for _ in range(FAN)]
    graph.add("UNPACK", [chosen], single, num=FAN, axis=0)
    shape = layout.chunk(level)
    parts = [layout.make(graph, "READ_VARIABLE", [name], shape) for name in single]
    # The axis is not said: left out, it is 0.
    return layout.make(graph, "CONCATENATION", parts, layout.chunk(level + 1))


def _first_names(layout: VariableLayout, level: int) -> Array:
    return layout.names[level] + layout.chunk(level)[0] * np.arange(FAN)


def _add_last_name(graph: Builder, layout: VariableLayout, level: int, count: Value) -> Value:
    """Add the name of the last variable of a level, `FAN` times."""
    step = graph.constant(layout.chunk(level)[0])
    final = graph.make("SUB", [count, graph.constant(1)])
    final = graph.make("MAXIMUM", [final, graph.constant(0)])
    row = graph.make("MUL", [graph.make("FLOOR_DIV", [final, step]), step])
    return graph.make("ADD", [graph.constant(np.full(FAN, layout.names[level])), row], [FAN])


def read_at_once(graph: Builder, layout: VariableLayout, count: Value) -> Value:
    """Add ops that read `FAN` variables of level 0: all rows of a short sequence, and more rows."""
    names = graph.constant(_first_names(layout, 0))
    return _read_chunk(graph, layout, 0, names, _add_last_name(graph, layout, 0, count))


Use = Callable[[Builder, Value, Value, Value | None], Value | None]
"""Uses a chunk in the body of a loop over chunks. Arguments: the body, the chunk, the count of the
loop, the buffer that it carries. Result: the new buffer."""


def read_in_chunks(
    graph: Builder,
    layout: VariableLayout,
    count: Value,
    dims: Value,
    level: int,
    shape: tuple[int, ...],
    *,
    free: bool = False,
) -> Value:
    """Add ops that read all rows, chunk by chunk, from variables of one level into a buffer.

    Args:
        graph: the graph that gets the ops.
        layout: where the rows are.
        count: the number of rows.
        dims: the shape of the buffer, as a value.
        level: the level of the variables.
        shape: the shape of the buffer as far as it is known.
        free: whether the first axis of `shape` is free.
    """
    for lower in range(level):
        count = _merge_level(graph, layout, count, lower)
    # Any value will do: each row is written.
    zero = graph.constant(0, layout.dtype, layout.quantization)
    empty = layout.make(graph, "FILL", [dims, zero], shape, free=free)

    def write(body: Builder, joined: Value, place: Value, buffer: Value | None) -> Value:
        start = [place, *[body.constant(0)] * (len(shape) - 1)]
        begin = body.make("PACK", start, [len(shape)], valuesCount=len(shape), axis=0)
        if buffer is None:
            raise InternalError("a loop that writes without a buffer")
        inputs = [buffer, joined, begin]
        return layout.make(body, "DYNAMIC_UPDATE_SLICE", inputs, shape, free=free)

    result = layout.values(graph, shape, free=free)
    ends = (graph.constant(0), count)
    _add_loop_over_chunks(graph, layout, level, count, ends, write, (empty, result))
    return result


def _merge_level(graph: Builder, layout: VariableLayout, count: Value, level: int) -> Value:
    """Merge the variables of a level into those of the next.

    Returns:
        `count`, as a result of the loop that merges: ops that read it run after the loop.
    """
    base = graph.constant(layout.names[level + 1])

    def assign(body: Builder, joined: Value, name: Value, _: Value | None) -> None:
        body.add("ASSIGN_VARIABLE", [name, joined], [])

    ends = (base, graph.make("ADD", [count, base]))
    # What follows reads what this loop assigns: it takes the count from the loop.
    end = _add_loop_over_chunks(graph, layout, level, count, ends, assign, None)
    return graph.make("SUB", [end, base])


def _add_loop_over_chunks(
    graph: Builder,
    layout: VariableLayout,
    level: int,
    count: Value,
    ends: tuple[Value, Value],
    use: Use,
    buffer: tuple[Value, Value] | None,
) -> Value:
    """Add a loop over chunks of a level's variables.

    Args:
        graph: in which it stands.
        layout: where the rows are.
        level: of the variables that are read.
        count: the number of rows.
        ends: scalars from where to where it counts, by rows.
        use: what becomes of a chunk.
        buffer: one that it carries, before and after; or None.

    Returns:
        the second of `ends`, given back by the loop.
    """
    model = graph.graph.model
    if buffer is None:
        # All shapes are known: such loops can share a body.
        key = layout.chunk(level), layout.names
        if key not in layout.merging:
            layout.merging[key] = _make_subgraphs(model, layout, level, use, None)
        branches = layout.merging[key]
    else:
        branches = _make_subgraphs(model, layout, level, use, buffer[0])
    first = graph.constant(_first_names(layout, level))
    inputs = [*ends, first, _add_last_name(graph, layout, level, count), *(buffer or ())[:1]]
    outputs = [graph.value(shape) for shape in ([], [], [FAN], [FAN])]
    graph.add("WHILE", inputs, [*outputs, *(buffer or ())[1:]], branches=branches)
    return outputs[1]


def _make_subgraphs(
    model: Model, layout: VariableLayout, level: int, use: Use, buffer: Value | None
) -> tuple[Graph, Graph]:
    """Make condition and body of a loop over chunks; `buffer`: a value like the one it carries."""
    rows = layout.chunk(level + 1)[0]
    cond, body = Builder(model.graph("condition")), Builder(model.graph("body"))
    for side in (cond, body):
        for shape in ([], [], [FAN], [FAN]):
            side.argument(shape)
        if buffer is not None:
            layout.argument(side, buffer.shape, free=buffer.signature is not None)
    at, end = cond.graph.inputs[:2]
    cond.graph.outputs = [cond.make("LESS", [at, end], type="bool")]
    at, end, names, last, *old = body.graph.inputs
    new = use(body, _read_chunk(body, layout, level, names, last), at, old[0] if old else None)
    body.graph.outputs = [
        body.make("ADD", [at, body.constant(rows)]),
        end,
        body.make("ADD", [names, body.constant(np.full(FAN, rows))], [FAN]),
        last,
        *([] if new is None else [new]),
    ]
    return cond.graph, body.graph
