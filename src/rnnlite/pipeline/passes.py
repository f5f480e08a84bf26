"""Passes as data, and who runs them.

What enters: passes in order and a model. What leaves: the same model, rewritten; the time of each
pass in the log. A pass states the facts that it needs and those that it ensures. Where the
environment variable `CHECK` is set, as in tests, facts are checked: before a pass those that it
needs, after it all that have been ensured so far. So a pass that breaks what an earlier one ensured
is found, and named.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rnnlite.errors import InternalError
from rnnlite.lite.ir import Model

LOG = logging.getLogger(__name__)

CHECK = "RNNLITE_CHECK_PASSES"
"""The environment variable that has facts checked."""


@dataclass(frozen=True)
class Fact:
    """Something that holds of a model.

    Attributes:
        name: the fact in words.
        fault: gives the first thing in a model that contradicts the fact; "" where it holds.
    """

    name: str
    fault: Callable[[Model], str]


@dataclass(frozen=True)
class Pass:
    """One step that rewrites a model in place.

    Attributes:
        name: for the log.
        run: rewrites a model. If it gives an int, the number of changes, that is logged.
        needs: facts that have to hold before.
        ensures: facts that hold afterwards, until a later pass ends them.
        ends: facts that need not hold any longer afterwards.
    """

    name: str
    run: Callable[[Model], object]
    needs: tuple[Fact, ...] = ()
    ensures: tuple[Fact, ...] = ()
    ends: tuple[Fact, ...] = ()


def run_passes(passes: Sequence[Pass], model: Model) -> None:
    """Run passes in order, on a model that they change.

    Raises:
        RnnliteError: what a pass refuses.
        InternalError: where facts are checked, one that a pass needs does not hold, or a pass broke
            one.
    """
    checked = bool(os.environ.get(CHECK))
    facts: dict[Fact, Pass] = {}
    for step in passes:
        if checked:
            _require(model, step.needs, f"{step.name} needs")
        begin = time.perf_counter()
        found = step.run(model)
        seconds = time.perf_counter() - begin
        count = f", {found} changes" if isinstance(found, int) and found else ""
        LOG.debug("pass %s: %.3f s%s", step.name, seconds, count)
        facts = {fact: by for fact, by in facts.items() if fact not in step.ends}
        facts |= dict.fromkeys(step.ensures, step)
        if checked:
            for fact, by in facts.items():
                _require(model, (fact,), f"after {step.name}, {by.name} has ensured")


def _require(model: Model, facts: Sequence[Fact], why: str) -> None:
    for fact in facts:
        fault = fact.fault(model)
        if fault:
            raise InternalError(f"{why}: {fact.name}; found {fault}")
