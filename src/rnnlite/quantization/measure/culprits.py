"""Find where the error of an integer model enters: its tensors beside those of the float model.

What enters: the float model, a trial that quantized it, samples. What leaves: the tensors, in
words. A value stays the same object, at its place in its graph, while a model is quantized.
Seen are those of the main graph, the results of loops among them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rnnlite.isolation.interpreter import ValuesApart
from rnnlite.lite import schema
from rnnlite.lite.ir import Model, Value
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


def worst_tensors(model: Model, order: Order, trial: Trial, samples: Samples) -> list[str]:
    """The tensors of the main graph at which the error enters or is largest, in words.

    Args:
        model: the float model that was quantized, with the converter's names.
        order: what was asked for.
        trial: how it was quantized.
        samples: the calibration data.
    """
    made = prepared(model, order, trial, samples)
    main = made.model.main
    watched = [(k, value) for k, value in enumerate(main.values) if made.plan.has(value)]
    made_by = [_Made(op.kind, value, op.operands) for op in main.ops for value in op.outputs]
    floats = schema.write(made.model)
    to_integers(made.model, made.plan, order.io)
    rows = [*samples.held_out, *samples.used][:WATCHED]
    places = [number for number, _ in watched]
    plain = ValuesApart(floats, places, samples.axes)
    quantized = ValuesApart(schema.write(made.model), places, samples.axes)
    errors = _errors([value for _, value in watched], plain, quantized, made.plan, rows)
    plain.close()
    quantized.close()
    return [str(c) for c in _worst([m.culprit(errors) for m in made_by if m.value in errors])]


@dataclass(frozen=True)
class _Made:
    """A value of the float model, with the op that makes it."""

    kind: str
    value: Value
    operands: tuple[Value, ...]

    def culprit(self, errors: Mapping[Value, float]) -> Culprit:
        """With the error of each value."""
        largest = max((errors.get(v, 0.0) for v in self.operands), default=0.0)
        return Culprit(self.kind, self.value.label, errors[self.value], largest)


def _worst(found: Sequence[Culprit]) -> list[Culprit]:
    """Where the error enters, in the order of computation; the largest where it creeps in."""
    largest = max((c.error for c in found), default=0.0)
    limit = SHARE * min(largest, 1.0)
    entering = [c for c in found if c.error > limit >= c.operands]
    return entering[:MOST] or sorted(found, key=lambda c: -c.error)[:MOST]


def _errors(
    values: Sequence[Value],
    plain: ValuesApart,
    quantized: ValuesApart,
    plan: Plan,
    rows: Sequence[Sequence[Array]],
) -> dict[Value, float]:
    """The RMS error of each value relative to its float RMS, where it has one."""
    noise: dict[Value, float] = {}
    signal: dict[Value, float] = {}
    for row in rows:
        for value, a, b in zip(values, plain.run(row), quantized.run(row), strict=True):
            if a is None or b is None or a.shape != b.shape:
                continue
            # What a grid cuts off on purpose is no error.
            kept = np.clip(a, *plan.grid(value).span) if plan.narrowed(value) else a
            finite = np.isfinite(kept)
            noise[value] = noise.get(value, 0.0) + float(np.sum(np.square((kept - b)[finite])))
            signal[value] = signal.get(value, 0.0) + float(np.sum(np.square(kept[finite])))
    return {v: (noise[v] / signal[v]) ** 0.5 for v in noise if signal[v] > 0}
