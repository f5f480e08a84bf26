"""What the lowering knows of a loop, carried on the loop itself; and of a step without a loop.

What enters: a `Mark`. What leaves: an attribute of the While op, or of each op of a step without a
loop, beside its name, so that no name of a source can be taken for one. `lite.passes.naming` reads
it when the official converter, which keeps nothing but names, has run.
"""

from __future__ import annotations

import itertools
import json
from dataclasses import asdict, dataclass

ATTRIBUTE = "_rnnlite_loop"
"""Of the op. Ops of a source keep the attributes that their kind declares alone, never this one."""

STEP = "_rnnlite_step"
"""The same of the ops of a step that stands in no loop."""

LOOPS = ("While", "StatelessWhile")
"""Ops that may have it."""


@dataclass(frozen=True)
class Mark:
    """A loop of a lowered Scan.

    Attributes:
        scan: number of the Scan, unique in this process.
        scope: name scope that the Scan was lowered in.
        level: 0 of a loop over steps, n of one over chunks of level n - 1.
        unroll: steps an iteration; 1 of loops over chunks.
        shared: whether there are loops over other parts of the sequence, which may share its body.
        variable_levels: levels of variables that its rows may be merged in, 0 where they stand in
            none.
        may_be_empty: whether it may take no step because others come last.
        steps: name scopes of the unrolled steps in its body.
    """

    scan: int
    scope: str
    level: int
    unroll: int
    shared: bool = False
    variable_levels: int = 0
    may_be_empty: bool = False
    steps: tuple[str, ...] = ()

    @property
    def family(self) -> tuple[int, int, int] | None:
        """Equal for loops that may share a body; None where there is one loop alone."""
        return (self.scan, self.level, self.unroll) if self.shared else None


def encode(mark: Mark) -> bytes:
    """The attribute's value."""
    return json.dumps(asdict(mark)).encode()


def decode(value: bytes) -> Mark:
    """What `encode` was given."""
    fields = json.loads(value)
    return Mark(**{**fields, "steps": tuple(fields["steps"])})


_numbers = itertools.count()


def next_number() -> int:
    """The number of one more Scan that is lowered."""
    return next(_numbers)
