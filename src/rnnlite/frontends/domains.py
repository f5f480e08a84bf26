"""Find the inputs for which a source gives numbers: a logarithm gives NaN below zero.

What enters: an Entry. What leaves: the same, with a `domain` for its float inputs, so that random
inputs are drawn where the source is defined. It is not enough to look at outputs: kernels differ in
what RELU or the maximum of a pool makes of NaN.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import numpy as np
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from rnnlite.frontends.functions import Runner, session_runner
from rnnlite.frontends.program import Entry
from rnnlite.frontends.random_inputs import random_inputs
from rnnlite.frontends.walking import ops_behind
from rnnlite.lengths.compared import compared
from rnnlite.scan.tensors import ConcreteFunction
from rnnlite.specs import Array, TensorSpec

PARTIAL = frozenset(("Acos", "Acosh", "Asin", "Atanh", "Log", "Log1p", "Pow", "Sqrt", "Xlogy"))
"""Types of ops that give NaN for some numbers."""

LOSES = frozenset(
    {
        *("Relu", "Relu6", "Maximum", "Minimum", "Max", "Min", "MaxPool", "MaxPool3D"),
        *("ArgMax", "ArgMin", "Cast", "Less", "LessEqual", "Greater", "GreaterEqual"),
        *("While", "StatelessWhile"),
    }
)
"""Types of ops that may make a number of NaN, and loops, which may hold such ops.

Selections are left out on purpose: the NaN that they leave out is meant to be left out.
"""

DOMAINS = ("positive", "unit")
"""The domains that are tried in turn where the source is not defined for all numbers."""


def with_domain(entry: Entry) -> Entry:
    """The entry with the first domain for which the source gives numbers, for its float inputs.

    The entry is unchanged where no op is partial, where the source gives numbers for all reals, or
    for no domain.
    """
    behind = ops_behind(entry.function.graph, entry.function.outputs)
    if not any(op.type in PARTIAL for op in behind):
        return entry

    @cache
    def inner() -> Runner:
        return _losing(entry.function)

    def defined(inputs: Sequence[TensorSpec]) -> bool:
        arrays = _first_taken(entry, inputs)
        return arrays is None or not (_has_nan(arrays[1]) or _has_nan(inner()(arrays[0])))

    if defined(entry.inputs):
        return entry
    for domain in DOMAINS:
        inputs = tuple(
            replace(p, domain=domain) if np.dtype(p.dtype).kind == "f" else p for p in entry.inputs
        )
        if defined(inputs):
            values = {"positive": "positive numbers", "unit": "numbers from 0 to 1"}[domain]
            note = f"checked on {values}: the source gives NaN of others"
            return replace(entry, inputs=inputs, notes=(*entry.notes, note))
    return entry


def _first_taken(
    entry: Entry, inputs: Sequence[TensorSpec]
) -> tuple[list[Array], list[Array]] | None:
    """Random inputs of the first length that the source takes, and its outputs."""
    for values in compared(entry.lengths) if entry.lengths.axes else [{}]:
        arrays = random_inputs(inputs, length=values, batch=1)
        try:
            return arrays, entry.reference(arrays)
        except Exception:  # noqa: BLE001, S112 - the source's own refusal, of any kind
            continue
    return None


def _losing(function: ConcreteFunction) -> Runner:
    """A function of the same inputs that gives the operands of all ops in which NaN may be lost."""
    frozen = convert_variables_to_constants_v2(function, lower_control_flow=False)
    taken = {
        tensor.name
        for op in frozen.graph.get_operations()
        if op.type in LOSES
        for tensor in op.inputs
        if tensor.dtype.is_floating and tensor.op.type != "Const"
    }
    inputs = [t.name for t in frozen.inputs]
    types = [t.dtype.name for t in frozen.inputs]
    return session_runner(frozen.graph.as_graph_def(), inputs, sorted(taken), types)


def _has_nan(arrays: Sequence[Array]) -> bool:
    return any(np.isnan(a.astype(np.float64)).any() for a in arrays)
