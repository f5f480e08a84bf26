"""Of which inputs a source gives numbers: a logarithm gives NaN below zero, and with it the model.

What enters: an Entry. What leaves: the same, with a `domain` for its float inputs, so that whatever
is drawn at random for it lies where the source is defined.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from rnnlite.frontends.program import Entry
from rnnlite.frontends.random_inputs import random_inputs
from rnnlite.frontends.walking import ops_behind
from rnnlite.lengths.compared import compared
from rnnlite.specs import TensorSpec

PARTIAL = frozenset(("Acos", "Acosh", "Asin", "Atanh", "Log", "Log1p", "Pow", "Sqrt", "Xlogy"))
"""Types of ops that give NaN for some numbers."""

DOMAINS = ("positive", "unit")
"""What is tried in turn where the source is not defined of all numbers."""


def with_domain(entry: Entry) -> Entry:
    """The entry, its float inputs of the first domain of which the source gives numbers.

    All stays as it is where no op is partial, where the source gives numbers of all reals, or gives
    none of any domain.
    """
    behind = ops_behind(entry.function.graph, entry.function.outputs)
    if not any(op.type in PARTIAL for op in behind) or _is_defined(entry, entry.inputs):
        return entry
    for domain in DOMAINS:
        inputs = tuple(
            replace(p, domain=domain) if np.dtype(p.dtype).kind == "f" else p for p in entry.inputs
        )
        if _is_defined(entry, inputs):
            values = {"positive": "positive numbers", "unit": "numbers from 0 to 1"}[domain]
            note = f"checked on {values}: the source gives NaN of others"
            return replace(entry, inputs=inputs, notes=(*entry.notes, note))
    return entry


def _is_defined(entry: Entry, inputs: Sequence[TensorSpec]) -> bool:
    """Whether the source gives no NaN of random inputs at the first length that it takes."""
    for values in compared(entry.lengths) if entry.lengths.axes else [{}]:
        try:
            found = entry.reference(random_inputs(inputs, length=values, batch=1))
        except Exception:  # noqa: BLE001, S112 - the source's own refusal, of any kind
            continue
        return not any(np.isnan(y.astype(np.float64)).any() for y in found)
    return True
