"""Refuse random ops that a model would still run at inference.

What enters: a traced function. What leaves: nothing, or a refusal that names the op.

A random op gives other numbers in LiteRT than in the source, so no check could compare the two.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rnnlite.errors import UnsupportedError
from rnnlite.frontends.walking import ops_behind
from rnnlite.scan.tensors import ConcreteFunction

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
"""Prefixes of the types of ops that draw random numbers."""

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
        switches: names of scalar inputs, which may switch random ops off.
        fixed: names of inputs that are fixed to a value, perhaps a wrong one.
        place: name of an op -> what the refusal calls it.

    Raises:
        UnsupportedError: naming the op and what may switch it off.
    """
    behind = ops_behind(function.graph, function.outputs)
    op = next((op for op in behind if is_random(op.type)), None)
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
