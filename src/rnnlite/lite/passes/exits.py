"""Cut a model with several results into pieces that run one after the other: exits.

What enters: a model whose main graph gives several results. What leaves: a model for each result,
the cheapest first. It holds the ops that its result needs and that no piece before it has run. A
value that an earlier piece computes and a later one reads is a *boundary* value: a result of the
earlier piece, an input of the later one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from rnnlite.lite.ir import Model, Op, Value
from rnnlite.lite.passes.results import separate_main_results

LARGEST = 16
"""A vector of integers with so many elements at most, such as a shape, is no boundary value: the
later piece computes it again."""


@dataclass(frozen=True, eq=False)
class Piece:
    """The piece of a model that one exit runs.

    Attributes:
        output: index of its result among the results of the whole model.
        model: its ops as a model. The inputs are those of `inputs`, then the boundary values taken;
            the outputs are its result, then the boundary values given.
        inputs: indices of its inputs among the inputs of the whole model.
        taken, given: numbers of the boundary values that it takes and gives.
        ops: the number of its ops, those of loops and branches included.
    """

    output: int
    model: Model
    inputs: tuple[int, ...]
    taken: tuple[int, ...]
    given: tuple[int, ...]
    ops: int


def cut(model: Model) -> tuple[list[Piece], list[Value]]:
    """The pieces of a model, cheapest first, and the boundary values by number.

    The model is not changed, and the boundary values are values of this model.
    """
    main = model.main
    needed = [_needed([value]) for value in main.outputs]
    order = sorted(range(len(needed)), key=lambda k: _cost(needed[k]))
    done: set[Op] = set()
    plans: list[tuple[int, set[Op], list[Value]]] = []
    for k in order:
        ops, boundary = _remaining(needed[k] - done, done, main.outputs[k])
        plans.append((k, ops, boundary))
        done |= needed[k]
    handed = {value for _, _, boundary in plans for value in boundary}
    made_in_order = [v for op in main.ops for v in op.outputs if v in handed]
    numbers = {value: k for k, value in enumerate(made_in_order)}
    pieces, made = [], set[Value]()
    for k, ops, boundary in plans:
        given = [v for v in numbers if v not in made and v.producer in ops]
        made |= set(given)
        taken = [v for v in numbers if v in boundary and v.producer not in ops]
        pieces.append(_cut_piece(model, k, ops, taken, given, numbers))
    return pieces, list(numbers)


def _needed(values: Iterable[Value]) -> set[Op]:
    """The ops that values are made of."""
    found: set[Op] = set()
    queue = list(values)
    while queue:
        producer = queue.pop().producer
        if producer is not None and producer not in found:
            found.add(producer)
            queue += producer.operands
    return found


def _cost(ops: set[Op]) -> tuple[int, int]:
    """Elements of the constants that ops read, loops included; and how many ops there are."""
    weights = {v: v.size for op in _all(ops) for v in op.operands if v.data is not None}
    return sum(weights.values()), _count(ops)


def _all(ops: Iterable[Op]) -> Iterable[Op]:
    for op in ops:
        yield op
        for branch in op.branches:
            yield from _all(branch.ops)


def _count(ops: Iterable[Op]) -> int:
    return sum(1 for _ in _all(ops))


def _remaining(new: set[Op], done: set[Op], result: Value) -> tuple[set[Op], list[Value]]:
    """The ops of an exit, and what it reads of those before it.

    Shapes, and what is computed of them, are computed again: a runtime knows sizes beforehand only
    where they are.
    """
    ops, boundary = set(new), dict[Value, None]()
    queue = [v for op in sorted(new, key=_place) for v in op.operands]
    if result.producer not in new:
        queue.append(result)
    while queue:
        value = queue.pop()
        producer = value.producer
        if producer is None or producer in ops:
            continue
        if _is_small(value):
            ops.add(producer)
            queue += producer.operands
        elif producer in done:
            boundary[value] = None
    return ops, list(boundary)


def _place(op: Op) -> int:
    return next(k for k, other in enumerate(op.graph.ops) if other is op) if op.graph else 0


def _is_small(value: Value) -> bool:
    fixed = all(d >= 0 for d in value.dims)
    return fixed and np.dtype(value.type).kind in "ib" and int(np.prod(value.dims)) <= LARGEST


def _cut_piece(
    model: Model,
    output: int,
    ops: set[Op],
    taken: list[Value],
    given: list[Value],
    numbers: dict[Value, int],
) -> Piece:
    main = model.main
    read = {v for op in ops for v in op.operands}
    inputs = [k for k, v in enumerate(main.inputs) if v in read]
    copied, own = model.copy()
    kept = {place for place, op in enumerate(main.ops) if op in ops}
    graph = copied.main
    results = [own[main.outputs[output]], *(own[v] for v in given)]
    graph.outputs = []
    gone = [op for place, op in enumerate(graph.ops) if place not in kept]
    for op in reversed(gone):
        graph.remove(op)
    graph.inputs = [*(own[main.inputs[k]] for k in inputs), *(own[v] for v in taken)]
    graph.outputs = results
    separate_main_results(copied)
    graph.drop_unused_values()
    return Piece(
        output,
        copied,
        tuple(inputs),
        tuple(numbers[v] for v in taken),
        tuple(numbers[v] for v in given),
        _count(graph.ops),
    )
