"""Put a sequence together from the rows that a loop left in variables of the runtime.

What enters: where the rows are (`VariableLayout`), and how many there are. What leaves: ops that
make the sequence, by the strategy that its length asks for:

- All variables are read at once, and joined, where the sequence is short.
- Chunks of `FAN` variables are written into a buffer as long as the sequence, which a loop carries
  and therefore copies twice a chunk.
- Where this would take long, variables are first merged, until the sequence has few chunks. Then
  fewer than about 16 rows are copied for each step, in sequences of up to 16,000 K rows; the number
  grows slowly above. (An iteration of the loop made K rows.)

An IF chooses the strategy at each run; where the length is fixed, it is chosen here. Sizes are
computed as in `lowering.buffers`, by ops that the runtime computes while it prepares a model.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from rnnlite.lite.ir import Builder, Value
from rnnlite.lite.passes.variables import SHORT, VariableLayout, read_at_once, read_in_chunks
from rnnlite.lite.schema import type_number


@dataclass(frozen=True)
class Arguments:
    """Values of one graph from which ops make a sequence.

    Attributes:
        count: a scalar that the loop gives: how many rows it made.
        length_vector: int32 ones, as many as the sequence has rows. Only the shape matters, which
            is known while the model is prepared.
        places: an int32 vector: the indices of the rows that are wanted.
    """

    count: Value
    length_vector: Value
    places: Value

    @classmethod
    def of(cls, graph: Builder) -> Arguments:
        """New arguments of a subgraph, of the types of these values."""
        return cls(*(graph.argument(shape, free=bool(shape)) for shape in ([], [1], [1])))

    def values(self) -> list[Value]:
        """In the order of the attributes."""
        return [self.count, self.length_vector, self.places]


def gather_rows(
    graph: Builder,
    layout: VariableLayout,
    count: Value,
    dims: Value,
    places: Value | None,
    result: Value,
) -> None:
    """Add ops that make a sequence of free length.

    Args:
        graph: of the subgraph in which the loop stands.
        layout: where its rows are.
        count: a scalar that the loop gives: how many rows it made.
        dims: a vector whose first element is the number of rows of the sequence. It is not less
            than `count`, and known while the model is prepared.
        places: a vector: the indices of the rows that are wanted; None for all rows.
        result: the tensor to make, (rows, ...).
    """
    first = graph.make("STRIDED_SLICE", _cut(graph, dims, [0], [1], [1]), [1])
    length_vector = graph.make("FILL", [first, graph.constant(1)], [1], free=True)
    if places is None:
        axis = graph.constant(0)
        places = graph.make("CUMSUM", [length_vector, axis], [1], free=True, exclusive=True)
    _add_by_length(graph, layout, Arguments(count, length_vector, places), dims, result)


def gather_fixed(
    graph: Builder, layout: VariableLayout, count: Value, length: int, result: Value
) -> None:
    """Add ops that make a sequence of a length that is known.

    Args:
        graph, layout, count: as in `gather_rows`.
        length: the number of rows.
        result: the tensor to make, (length, ...).
    """
    last = layout.levels - 1
    level = next((k for k in range(SHORT, last) if length <= layout.limit(k)), last)
    if level == SHORT:
        buffer = read_at_once(graph, layout, count)
    else:
        rows = layout.chunk(level + 1)[0]
        shape = (-(-length // rows) * rows, *layout.shape[1:])
        buffer = read_in_chunks(graph, layout, count, graph.constant(shape), level, shape)
    sizes = [0] * len(layout.shape), [length, *layout.shape[1:]]
    graph.add("SLICE", [buffer, *map(graph.constant, sizes)], [result])


Strategy = Callable[[Builder, VariableLayout, Arguments, Value], None]
"""Adds ops that make the sequence of its rows; the last argument is the value to make."""


def _add_by_length(
    graph: Builder, layout: VariableLayout, arguments: Arguments, dims: Value, result: Value
) -> None:
    """Add the sequence by the strategy that its length asks for.

    One IF for each strategy stands behind the other, those not taken handing on what is there: an
    IF within a branch would prepare all that it holds at each run. Long sequences share a branch.
    """
    strategies: list[Strategy] = [partial(_add_taken, level=SHORT), partial(_add_taken, level=0)]
    limits = [layout.limit(SHORT)]
    if layout.levels > 1:
        strategies.append(partial(_add_merged, level=1))
        limits.append(layout.limit(0))
    # Single steps at the end have rows of their own: there may be more rows than the loop made.
    first = _cut(graph, dims, [0], [1], [1])
    rows = graph.make("STRIDED_SLICE", first, shrinkAxisMask=1)
    found: Value | None = None
    for number, strategy in enumerate(strategies):
        bounds = []
        if number > 0:
            bounds.append([graph.constant(limits[number - 1]), rows])
        if number < len(limits):
            bounds.append([rows, graph.constant(limits[number] + 1)])
        conditions = [graph.make("LESS", ends, type="bool") for ends in bounds]
        condition = conditions[0]
        if len(conditions) > 1:
            condition = graph.make("LOGICAL_AND", conditions, type="bool")
        last = number + 1 == len(strategies)
        target = result if last else layout.values(graph, layout.shape, free=True)
        pair = strategy, _add_zeros if found is None else None
        _add_if(graph, layout, condition, pair, arguments, found, target)
        found = target


def _add_merged(
    graph: Builder, layout: VariableLayout, arguments: Arguments, result: Value, level: int
) -> None:
    """Add the sequence from variables of a level, or of the next ones where it has many chunks."""
    if level + 1 == layout.levels:
        _add_taken(graph, layout, arguments, result, level)
        return
    limit = graph.constant(layout.limit(level))
    many = graph.make("LESS", [limit, arguments.count], type="bool")
    strategies: tuple[Strategy, Strategy] = (
        partial(_add_merged, level=level + 1),
        partial(_add_taken, level=level),
    )
    _add_if(graph, layout, many, strategies, arguments, None, result)


def _add_if(
    graph: Builder,
    layout: VariableLayout,
    condition: Value,
    strategies: tuple[Strategy, Strategy | None],
    arguments: Arguments,
    found: Value | None,
    result: Value,
) -> None:
    """Add an IF between two strategies for the result; None: the result is what was found."""
    branches = []
    for strategy in strategies:
        branch = Builder(graph.graph.model.graph("branch"))
        own = Arguments.of(branch)
        if found is not None:
            layout.argument(branch, layout.shape, free=True)
        if strategy is None:
            branch.graph.outputs = branch.graph.inputs[-1:]
        else:
            branch.graph.outputs = [layout.values(branch, layout.shape, free=True)]
            strategy(branch, layout, own, branch.graph.outputs[0])
        branches.append(branch.graph)
    inputs = [condition, *arguments.values(), *([] if found is None else [found])]
    graph.add("IF", inputs, [result], branches=branches)


def _add_shape(graph: Builder, layout: VariableLayout, rows: Value) -> Value:
    """Add the shape of so many rows, which a vector of one element says."""
    rest = layout.shape[1:]
    if not rest:
        return rows
    parts = [rows, graph.constant(rest)]
    return graph.make("CONCATENATION", parts, [len(layout.shape)], axis=0)


def _add_zeros(graph: Builder, layout: VariableLayout, arguments: Arguments, result: Value) -> None:
    """Add as many zeros as the sequence has."""
    rows = graph.make("SHAPE", [arguments.places], [1], outType=type_number("int32"))
    graph.add(
        "FILL",
        [_add_shape(graph, layout, rows), graph.constant(0, layout.dtype, layout.quantization)],
        [result],
    )


def _cut(
    graph: Builder, value: Value, begin: list[int], end: list[int], stride: list[int]
) -> list[Value]:
    return [value, *map(graph.constant, (begin, end, stride))]


def _add_taken(
    graph: Builder, layout: VariableLayout, arguments: Arguments, result: Value, level: int
) -> None:
    """Add the wanted rows, all being read from variables of a level."""
    if level == SHORT:
        buffer = read_at_once(graph, layout, arguments.count)
    else:
        chunk = layout.chunk(level + 1)
        # The length of a vector taken at each s-th place is its own over s, rounded up.
        each = _cut(graph, arguments.length_vector, [0], [0], [chunk[0]])
        sparse = graph.make("STRIDED_SLICE", each, [1], free=True, endMask=1)
        chunks = graph.make("SHAPE", [sparse], [1], outType=type_number("int32"))
        rows = graph.make("MUL", [chunks, graph.constant([chunk[0]])], [1])
        dims = _add_shape(graph, layout, rows)
        buffer = read_in_chunks(graph, layout, arguments.count, dims, level, chunk, free=True)
    graph.add("GATHER", [buffer, arguments.places], [result], axis=0)
