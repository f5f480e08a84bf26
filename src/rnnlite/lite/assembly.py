"""Put a sequence together from the rows that a loop left in variables of the runtime.

What enters: where the rows are (`Store`), and how many there are. What leaves: ops that make the
sequence. Rows are named by the step they begin with: level 0 holds K rows a variable, as the loop
assigned them.

`FAN` variables are read and joined at once: all that there are, where the sequence is short. Else
such blocks are written into a buffer as long as the sequence, which a loop carries and therefore
copies twice a block. Where that would take long, variables are first merged, `FAN` of a level into
one of the next, until a sequence has few blocks: so the number of rows that are copied for each
step stays below some 16 up to 16,000 K rows, and grows slowly above. Which way is taken is decided
by an IF at each run, or here where the length is fixed.

Sizes are computed as in `scan.blocks`, by ops that the runtime evaluates while it prepares a model.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
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


@dataclass(frozen=True)
class Given:
    """What a sequence is put together with, as tensors of one subgraph.

    Attributes:
        count: a scalar that the loop gives, how many rows it made.
        ruler: int32 ones, as many as the sequence has rows; its shape is known while the model is
            prepared.
        places: the rows that are wanted, an int32 vector.
    """

    count: int
    ruler: int
    places: int

    @classmethod
    def arguments(cls, graph: Builder) -> Given:
        """The same as arguments of a subgraph."""
        return cls(*(graph.argument(shape, free=bool(shape)) for shape in ([], [1], [1])))

    def tensors(self) -> list[int]:
        """In the order of `arguments`."""
        return [self.count, self.ruler, self.places]


def assemble(
    graph: Builder, store: Store, count: int, dims: int, places: int | None, result: int
) -> None:
    """Add ops that make a sequence of free length.

    Args:
        graph: of the subgraph in which the loop stands.
        store: where its rows are.
        count: a scalar that the loop gives, how many rows it made.
        dims: a vector whose first element is the number of rows of the sequence, no less than
            that, known while the model is prepared.
        places: the rows that are wanted, a vector; None for all.
        result: the tensor to make, (rows, ...).
    """
    first = graph.make("STRIDED_SLICE", _cut(graph, dims, [0], [1], [1]), [1])
    ruler = graph.make("FILL", [first, graph.constant(1)], [1], free=True)
    if places is None:
        axis = graph.constant(0)
        places = graph.make("CUMSUM", [ruler, axis], [1], free=True, exclusive=True)
    _in_its_way(graph, store, Given(count, ruler, places), dims, result)


def assemble_fixed(graph: Builder, store: Store, count: int, length: int, result: int) -> None:
    """Add ops that make a sequence of a length that is known.

    Args:
        graph, store, count: as in `assemble`.
        length: the number of rows.
        result: the tensor to make, (length, ...).
    """
    last = store.levels - 1
    level = next((k for k in range(SHORT, last) if length <= store.limit(k)), last)
    if level == SHORT:
        buffer = _at_once(graph, store, count)
    else:
        rows = store.block(level + 1)[0]
        shape = (-(-length // rows) * rows, *store.shape[1:])
        buffer = _in_blocks(graph, store, count, graph.constant(shape), level, shape)
    sizes = [0] * len(store.shape), [length, *store.shape[1:]]
    graph.add("SLICE", [buffer, *map(graph.constant, sizes)], [result])


def assign_zeros(graph: Builder, store: Store) -> None:
    """Add ops that assign the first variable."""
    zero = graph.constant(0, store.dtype, store.grid)
    rows = graph.make("FILL", [graph.constant(store.shape), zero], store.shape, **store.kind)
    graph.add("ASSIGN_VARIABLE", [graph.constant(store.names[0]), rows], [])


Way = Callable[[Builder, Store, Given, int], None]
"""Makes a tensor, the sequence, of what is given."""


def _in_its_way(graph: Builder, store: Store, given: Given, dims: int, result: int) -> None:
    """The sequence in the way that its length asks for.

    One IF for each way stands behind the other, those not taken handing on what is there: an IF
    within a branch would prepare all that it holds at each run. Long sequences share a branch.
    """
    ways: list[Way] = [partial(_taken, level=SHORT), partial(_taken, level=0)]
    limits = [store.limit(SHORT)]
    if store.levels > 1:
        ways.append(partial(_merged_first, level=1))
        limits.append(store.limit(0))
    # Single steps at the end have rows of their own: there may be more rows than the loop made.
    first = _cut(graph, dims, [0], [1], [1])
    rows = graph.make("STRIDED_SLICE", first, shrinkAxisMask=1)
    found: int | None = None
    for number, way in enumerate(ways):
        bounds = []
        if number > 0:
            bounds.append([graph.constant(limits[number - 1]), rows])
        if number < len(limits):
            bounds.append([rows, graph.constant(limits[number] + 1)])
        conditions = [graph.make("LESS", pair, dtype="bool") for pair in bounds]
        condition = conditions[0]
        if len(conditions) > 1:
            condition = graph.make("LOGICAL_AND", conditions, dtype="bool")
        last = number + 1 == len(ways)
        target = result if last else graph.tensor(store.shape, free=True, **store.kind)
        _if(graph, store, condition, (way, _zeros if found is None else None), given, found, target)
        found = target


def _merged_first(graph: Builder, store: Store, given: Given, result: int, level: int) -> None:
    """The sequence from variables of a level, or of the next ones where it has many blocks."""
    if level + 1 == store.levels:
        _taken(graph, store, given, result, level)
        return
    limit = graph.constant(store.limit(level))
    many = graph.make("LESS", [limit, given.count], dtype="bool")
    ways: tuple[Way, Way] = (partial(_merged_first, level=level + 1), partial(_taken, level=level))
    _if(graph, store, many, ways, given, None, result)


def _if(
    graph: Builder,
    store: Store,
    condition: int,
    ways: tuple[Way, Way | None],
    given: Given,
    found: int | None,
    result: int,
) -> None:
    """An op that makes the result in one of two ways; None: the result is what was found."""
    branches = []
    for way in ways:
        branch, index = Builder.new(graph.model, "branch")
        arguments = Given.arguments(branch)
        if found is not None:
            branch.argument(store.shape, free=True, **store.kind)
        if way is None:
            branch.content.outputs = branch.content.inputs[-1:]
        else:
            branch.content.outputs = [branch.tensor(store.shape, free=True, **store.kind)]
            way(branch, store, arguments, branch.content.outputs[0])
        branches.append(index)
    fields = dict(zip(("thenSubgraphIndex", "elseSubgraphIndex"), branches, strict=True))
    inputs = [condition, *given.tensors(), *([] if found is None else [found])]
    graph.add("IF", inputs, [result], **fields)


def _shape(graph: Builder, store: Store, rows: int) -> int:
    """The shape of so many rows, which a vector of one element says."""
    rest = store.shape[1:]
    if not rest:
        return rows
    parts = [rows, graph.constant(rest)]
    return graph.make("CONCATENATION", parts, [len(store.shape)], axis=0)


def _zeros(graph: Builder, store: Store, given: Given, result: int) -> None:
    """As many zeros as the sequence has."""
    rows = graph.make("SHAPE", [given.places], [1], outType=graph.dtype("int32"))
    graph.add(
        "FILL", [_shape(graph, store, rows), graph.constant(0, store.dtype, store.grid)], [result]
    )


def _cut(graph: Builder, tensor: int, begin: Any, end: Any, stride: Any) -> list[int]:
    return [tensor, *map(graph.constant, (begin, end, stride))]


def _taken(graph: Builder, store: Store, given: Given, result: int, level: int) -> None:
    """The wanted rows, all being read from variables of a level."""
    if level == SHORT:
        buffer = _at_once(graph, store, given.count)
    else:
        block = store.block(level + 1)
        # The length of a vector taken at each s-th place is its own over s, rounded up.
        each = _cut(graph, given.ruler, [0], [0], [block[0]])
        sparse = graph.make("STRIDED_SLICE", each, [1], free=True, endMask=1)
        blocks = graph.make("SHAPE", [sparse], [1], outType=graph.dtype("int32"))
        rows = graph.make("MUL", [blocks, graph.constant([block[0]])], [1])
        dims = _shape(graph, store, rows)
        buffer = _in_blocks(graph, store, given.count, dims, level, block, free=True)
    graph.add("GATHER", [buffer, given.places], [result], axis=0)


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


def _at_once(graph: Builder, store: Store, count: int) -> int:
    """The rows of a short sequence, and some more."""
    names = graph.constant(_first_names(store, 0))
    return _read(graph, store, 0, names, _last(graph, store, 0, count))


Use = Callable[[Builder, int, int, int], int]
"""From a loop's body, a joined block, the loop's count and its buffer to a new buffer."""


def _in_blocks(
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
