"""Find where the error of an integer model enters: its tensors beside those of the float model.

What enters: the float model, a trial that quantized it, samples. What leaves: the tensors, in
words. Tensors keep their index while a model is quantized, so that each has its float counterpart.
Seen are those of the main graph, the results of loops among them.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np

from rnnlite.isolation.interpreter import ValuesApart
from rnnlite.lite import flatbuffer
from rnnlite.lite.trees import label
from rnnlite.quantization.calibration import Samples
from rnnlite.quantization.grid import Array
from rnnlite.quantization.plan.plan import Plan
from rnnlite.quantization.recipe import Order
from rnnlite.quantization.rewrite.integer import to_integers
from rnnlite.quantization.select import Trial, prepared

MOST = 3
"""How many tensors are named."""

WATCHED = 3
"""How many samples are looked at."""

SHARE = 0.5
"""An error enters where an op has more than this share of the largest one, its operands less."""


@dataclass(frozen=True)
class Culprit:
    """A tensor that is far off.

    Attributes:
        op: the op that makes it.
        name: the tensor, in words.
        error: its RMS error relative to its float RMS.
        operands: the largest error among the op's operands.
    """

    op: str
    name: str
    error: float
    operands: float

    def __str__(self) -> str:
        return f"{self.op} {self.name} ({100 * self.error:.4g} %, from {100 * self.operands:.2g} %)"


def worst_tensors(model: Any, order: Order, trial: Trial, samples: Samples) -> list[str]:
    """The tensors of the main graph at which the error enters or is largest, in words.

    Args:
        model: the float model that was quantized, with the converter's names.
        order: what was asked for.
        trial: how it was quantized.
        samples: the calibration data.
    """
    made = prepared(model, order, trial, samples)
    integers, plan = made.model, made.plan
    floats = deepcopy(integers)
    to_integers(integers, plan, order.io)
    rows = [*samples.held_out, *samples.used][:WATCHED]
    return [str(c) for c in _worst(_compared(floats, integers, plan, rows, samples.axes))]


def _worst(found: Sequence[Culprit]) -> list[Culprit]:
    """Where the error enters, in the order of computation; the largest where it creeps in."""
    largest = max((c.error for c in found), default=0.0)
    limit = SHARE * min(largest, 1.0)
    entering = [c for c in found if c.error > limit >= c.operands]
    return entering[:MOST] or sorted(found, key=lambda c: -c.error)[:MOST]


def _compared(
    floats: Any,
    integers: Any,
    plan: Plan,
    rows: Sequence[Sequence[Array]],
    axes: Sequence[int | None],
) -> list[Culprit]:
    """Each float result of the main graph, in order."""
    places = [t for t in range(len(floats.subgraphs[0].tensors)) if (0, t) in plan._parent]
    plain = ValuesApart(flatbuffer.write(floats), places, axes)
    quantized = ValuesApart(flatbuffer.write(integers), places, axes)
    noise: dict[int, float] = {}
    signal: dict[int, float] = {}
    for row in rows:
        for t, a, b in zip(places, plain.run(row), quantized.run(row), strict=True):
            if a is None or b is None or a.shape != b.shape:
                continue
            # What a grid cuts off on purpose is no error.
            kept = np.clip(a, *plan.grid((0, t)).span) if plan.narrowed((0, t)) else a
            finite = np.isfinite(kept)
            noise[t] = noise.get(t, 0.0) + float(np.sum(np.square((kept - b)[finite])))
            signal[t] = signal.get(t, 0.0) + float(np.sum(np.square(kept[finite])))
    plain.close()
    quantized.close()
    errors = {t: (noise[t] / signal[t]) ** 0.5 for t in noise if signal[t] > 0}
    return [
        Culprit(
            flatbuffer.op_name(floats, op),
            label(floats, 0, t),
            errors[t],
            max((errors.get(int(i), 0.0) for i in op.inputs), default=0.0),
        )
        for op in floats.subgraphs[0].operators or []
        for t in map(int, op.outputs)
        if t in errors
    ]
