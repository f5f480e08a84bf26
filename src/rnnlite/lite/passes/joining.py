"""Read the rows that a loop left in variables of the runtime, and join them.

What enters: a `Store`, which says where the rows are, and how many there are. What leaves: ops that
read them: all at once, or block by block into a buffer. Rows are named by the step they begin with:
level 0 holds K rows a variable, as the loop assigned them; `FAN` variables of a level are merged
into one of the next.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from rnnlite.lite.build import Builder

FAN = 16
"""Variables that are read and joined at once."""

MAX_LEVELS = 3
"""Levels of variables, that of the loop's own rows included."""

SHORT = -1
"""Stands for a level where all rows are read at once."""

FEW = 4
"""Blocks of a sequence up to which merging its variables does not pay."""


@dataclass(frozen=True, eq=False)
class Store:
    """Where a loop leaves its rows.

    Attributes:
        shape: of the rows of an iteration, (K, ...).
        dtype: of them.
        grid: their scale and zero point, or None.
        names: of the variable of step 0, for each level.
        levels: that may be used, 1 to `MAX_LEVELS`.
        merging: the condition and body of each loop that merges variables, by the shape and kind of
            these; stores of one model share them.
    """

    shape: tuple[int, ...]
    dtype: str
    grid: Any
    names: tuple[int, ...]
    levels: int
    merging: dict[Any, tuple[int, int]]

    def block(self, level: int) -> tuple[int, ...]:
        """The shape of a variable of a level."""
        return (self.shape[0] * FAN**level, *self.shape[1:])

    def limit(self, level: int) -> int:
        """The most rows that are put together from variables of a level, or read at once."""
        few = 1 if level == SHORT else FEW
        return few * self.block(max(level, 0) + 1)[0]

    @property
    def kind(self) -> dict[str, Any]:
        """What a tensor of rows is, but for its shape."""
        return {"dtype": self.dtype, "grid": self.grid}


def assign_zeros(graph: Builder, store: Store) -> None:
    """Add ops that assign the first variable."""
    zero = graph.constant(0, store.dtype, store.grid)
    rows = graph.make("FILL", [graph.constant(store.shape), zero], store.shape, **store.kind)
    graph.add("ASSIGN_VARIABLE", [graph.constant(store.names[0]), rows], [])


def _read(graph: Builder, store: Store, level: int, names: int, last: int) -> int:
    """The variables of some names, joined. Beyond the last one that is read again; its rows are
    cut off in the end."""
    chosen = graph.make("MINIMUM", [names, last], [FAN])
    single = [graph.tensor([]) for _ in range(FAN)]
    graph.add("UNPACK", [chosen], single, num=FAN, axis=0)
    shape = store.block(level)
    parts = [graph.make("READ_VARIABLE", [name], shape, **store.kind) for name in single]
    return graph.make("CONCATENATION", parts, store.block(level + 1), axis=0, **store.kind)


def _first_names(store: Store, level: int) -> Any:
    return store.names[level] + store.block(level)[0] * np.arange(FAN)


def _last(graph: Builder, store: Store, level: int, count: int) -> int:
    """The name of the last variable of a level, `FAN` times."""
    step = graph.constant(store.block(level)[0])
    final = graph.make("SUB", [count, graph.constant(1)])
    final = graph.make("MAXIMUM", [final, graph.constant(0)])
    row = graph.make("MUL", [graph.make("FLOOR_DIV", [final, step]), step])
    return graph.make("ADD", [graph.constant(np.full(FAN, store.names[level])), row], [FAN])


def at_once(graph: Builder, store: Store, count: int) -> int:
    """The rows of a short sequence, and some more."""
    names = graph.constant(_first_names(store, 0))
    return _read(graph, store, 0, names, _last(graph, store, 0, count))


Use = Callable[[Builder, int, int, int], int]
"""From a loop's body, a joined block, the loop's count and its buffer to a new buffer."""


def in_blocks(
    graph: Builder,
    store: Store,
    count: int,
    dims: int,
    level: int,
    shape: tuple[int, ...],
    *,
    free: bool = False,
) -> int:
    """All rows, from variables of a level, in a buffer of a number of blocks.

    Args:
        dims: the shape of the buffer, as a tensor.
        shape: the same as far as it is known; `free`: its first axis is not.
    """
    for lower in range(level):
        count = _merged(graph, store, count, lower)
    # Any value will do: each row is written.
    zero = graph.constant(0, store.dtype, store.grid)
    empty = graph.make("FILL", [dims, zero], shape, free=free, **store.kind)

    def write(body: Builder, joined: int, place: int, buffer: int) -> int:
        start = [place, *[body.constant(0)] * (len(shape) - 1)]
        begin = body.make("PACK", start, [len(shape)], valuesCount=len(shape), axis=0)
        inputs = [buffer, joined, begin]
        return body.make("DYNAMIC_UPDATE_SLICE", inputs, shape, free=free, **store.kind)

    result = graph.tensor(shape, free=free, **store.kind)
    ends = (graph.constant(0), count)
    _over_blocks(graph, store, level, count, ends, write, (empty, result))
    return result


def _merged(graph: Builder, store: Store, count: int, level: int) -> int:
    """Merge the variables of a level into those of the next; gives the count, after that."""
    base = graph.constant(store.names[level + 1])

    def assign(body: Builder, joined: int, name: int, _: int) -> int:
        body.add("ASSIGN_VARIABLE", [name, joined], [])
        return -1

    ends = (base, graph.make("ADD", [count, base]))
    # What follows reads what this loop assigns: it takes the count from the loop.
    end = _over_blocks(graph, store, level, count, ends, assign, None)
    return graph.make("SUB", [end, base])


def _over_blocks(
    graph: Builder,
    store: Store,
    level: int,
    count: int,
    ends: tuple[int, int],
    use: Use,
    buffer: tuple[int, int] | None,
) -> int:
    """A loop over blocks of a level's variables.

    Args:
        graph: in which it stands.
        store: see there.
        level: of the variables that are read.
        count: the number of rows.
        ends: scalars from where to where it counts, by rows.
        use: what becomes of a block.
        buffer: one that it carries, before and after; or None.

    Returns:
        the second of `ends`, given back by the loop.
    """
    if buffer is None:
        # All shapes are known: such loops can share a body.
        key = store.block(level), store.dtype, id(store.grid)
        if key not in store.merging:
            store.merging[key] = _subgraphs(graph.model, store, level, use, None)
        cond, body = store.merging[key]
    else:
        tensor = graph.content.tensors[buffer[0]]
        cond, body = _subgraphs(graph.model, store, level, use, tensor)
    first = graph.constant(_first_names(store, level))
    inputs = [*ends, first, _last(graph, store, level, count), *(buffer or ())[:1]]
    outputs = [graph.tensor(shape) for shape in ([], [], [FAN], [FAN])]
    fields = {"condSubgraphIndex": cond, "bodySubgraphIndex": body}
    graph.add("WHILE", inputs, [*outputs, *(buffer or ())[1:]], **fields)
    return outputs[1]


def _subgraphs(model: Any, store: Store, level: int, use: Use, buffer: Any) -> tuple[int, int]:
    """Condition and body of a loop over blocks; `buffer`: a tensor like the one it carries."""
    rows = store.block(level + 1)[0]
    cond, cond_index = Builder.new(model, "condition")
    body, body_index = Builder.new(model, "body")
    for side in (cond, body):
        for shape in ([], [], [FAN], [FAN]):
            side.argument(shape)
        if buffer is not None:
            free = buffer.shapeSignature is not None
            side.argument(buffer.shape, free=free, **store.kind)
    at, end = cond.content.inputs[:2]
    cond.content.outputs = [cond.make("LESS", [at, end], dtype="bool")]
    at, end, names, last, *old = body.content.inputs
    new = use(body, _read(body, store, level, names, last), at, old[0] if old else -1)
    body.content.outputs = [
        body.make("ADD", [at, body.constant(rows)]),
        end,
        body.make("ADD", [names, body.constant(np.full(FAN, rows))], [FAN]),
        last,
        *([new] if old else []),
    ]
    return cond_index, body_index
