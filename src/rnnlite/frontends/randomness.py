"""Random ops that a model would still run at inference: refused, by name.

A random op gives other numbers in LiteRT than in the source, so no check could compare the two.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from rnnlite.errors import UnsupportedError
from rnnlite.scan.tensors import ConcreteFunction, Graph, Operation, Tensor

RANDOM = (
    "Random",
    "StatelessRandom",
    "StatefulRandom",
    "StatefulUniform",
    "StatefulStandardNormal",
    "StatefulTruncatedNormal",
    "StatelessTruncatedNormal",
    "StatelessParameterizedTruncatedNormal",
    "StatelessMultinomial",
    "ParameterizedTruncatedNormal",
    "TruncatedNormal",
    "Multinomial",
)
"""How the types of ops that draw random numbers begin."""

SEEDS = ("StatelessRandomGet",)
"""Ops that only make seeds."""

REMEDY = "Take it out of the model, or switch it off at inference"


def refuse_random(
    function: ConcreteFunction,
    *,
    switches: Sequence[str] = (),
    fixed: Sequence[str] = (),
    place: Callable[[str], str] = repr,
) -> None:
    """Refuse a function whose results depend on random numbers.

    Args:
        function: a ConcreteFunction.
        switches: inputs of single numbers, which may switch random ops off.
        fixed: inputs that are fixed to a value, which may be the wrong one for that.
        place: what an op is called in the refusal, from its name.

    Raises:
        UnsupportedError: naming the op and what may switch it off.
    """
    op = next(_random_ops(function.graph, function.outputs), None)
    if op is None:
        return
    remedy = REMEDY
    if switches or fixed:
        name = (switches or fixed)[0]
        value = "a value" if switches else "another value"
        remedy = (
            f"If an input switches it off, fix that to {value}: "
            f"constants={{'{name}': VALUE}} (--constant {name}=VALUE)"
        )
    raise UnsupportedError(
        f"{op.type} {place(op.name)} draws random numbers at inference",
        expected="a model that gives the same results each time",
        remedy=remedy,
    )


def is_random(kind: str) -> bool:
    """Whether a type of ops draws random numbers."""
    return kind.startswith(RANDOM) and not kind.startswith(SEEDS)


def _random_ops(graph: Graph, outputs: Sequence[Tensor]) -> Iterator[Operation]:
    """The random ops that tensors are made of, those in functions too."""
    queue, seen = [t.op for t in outputs], set()
    while queue:
        op = queue.pop()
        if op.name in seen:
            continue
        seen.add(op.name)
        if is_random(op.type):
            yield op
        for name in _functions(op):
            inner = graph._get_function(name)
            if inner is not None:
                yield from _random_ops(inner.graph, inner.graph.outputs)
        queue += [t.op for t in op.inputs]


def _functions(op: Operation) -> Iterator[str]:
    """The names of the functions that an op calls."""
    for attr in op.node_def.attr.values():
        for value in (attr.func, *attr.list.func):
            if value.name:
                yield value.name
