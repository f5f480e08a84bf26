"""Marks: what the lowering knows of a loop, or of a step without a loop, for later passes.

What enters: a `Mark`. What leaves: an attribute of the While op, or of each op of a step without a
loop. It is no part of a name, so no name of a source can be taken for a mark. The official
converter keeps nothing but names: `lite.passes.naming` reads the attributes before it runs, and
gives the marks to the loops afterwards.
"""

from __future__ import annotations

import itertools
import json
from dataclasses import asdict, dataclass

ATTRIBUTE = "_rnnlite_loop"
"""The attribute of a marked While op. Ops of a source never have it: they keep only the attributes
that their kind declares."""

STEP = "_rnnlite_step"
"""The attribute of the ops of a step that stands in no loop."""

LOOPS = ("While", "StatelessWhile")
"""Ops that may have a mark."""


@dataclass(frozen=True)
class Mark:
    """A loop of a lowered Scan.

    Attributes:
        scan: the number of the Scan, unique in this process.
        scope: name scope that the Scan was lowered in.
        level: 0 for a loop over steps, n for a loop over chunks of level n - 1.
        unroll: steps in an iteration; 1 for loops over chunks.
        shared: whether there are loops over other parts of the sequence, which may share its body.
        variable_levels: levels of resource variables in which its rows may be merged; 0 where the
            rows stand in none.
        may_be_empty: whether it may take no step, because single steps come last.
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
        """A key that is equal for loops that may share a body; None for a loop that shares none."""
        return (self.scan, self.level, self.unroll) if self.shared else None


def encode(mark: Mark) -> bytes:
    """The attribute's value."""
    return json.dumps(asdict(mark)).encode()


def decode(value: bytes) -> Mark:
    """The mark that `encode` was given."""
    fields = json.loads(value)
    return Mark(**{**fields, "steps": tuple(fields["steps"])})


_numbers = itertools.count()


def next_number() -> int:
    """A number for the next Scan that is lowered."""
    return next(_numbers)
