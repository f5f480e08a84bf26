"""Find where the error of an integer model enters: compare its tensors with the float model's.

What enters: a model before it is rewritten to integers, the same model afterwards, samples. What
leaves: the tensors, in words, as they are in the sample that is furthest off; a mean over all
samples would hide a tensor that leaves its range in one of them.

While a model is rewritten, a value stays the same object, at its place in its graph. Only values of
the main graph are compared: the results of loops, but nothing within them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rnnlite.isolation.interpreter import ValuesApart
from rnnlite.lite import schema
from rnnlite.lite.ir import Model, Value
from rnnlite.lite.paths import layer_of
from rnnlite.quantization.calibration import Samples
from rnnlite.quantization.params import Array
from rnnlite.quantization.plan.plan import Plan
from rnnlite.report.quantization import OpError

MOST = 3
"""How many tensors are named."""

WATCHED = 50
"""How many samples are run at most, to find the one that is furthest off."""

FEW = 8
"""How many samples are run at most for a report."""

SLACK = 1 / 128
"""A value leaves its range if it is beyond the ends by this share of the range."""

SHARE = 0.5
"""An error enters at an op that has more than this share of the largest, its operands less."""


@dataclass(frozen=True)
class Culprit:
    """A tensor that is far off.

    Attributes:
        op: the op that makes it.
        name: the tensor, in words.
        error: its RMS error relative to its float RMS.
        operands: the largest error among the op's operands.
        leaves: the furthest float value and the range, in words, where values leave it; else "".
        path: the tensor's path in the source; "" where it has none.
    """

    op: str
    name: str
    error: float
    operands: float
    leaves: str = ""
    path: str = ""

    def __str__(self) -> str:
        figures = f"{100 * self.error:.4g} %, from {100 * self.operands:.2g} %"
        return f"{self.op} {self.name} ({figures}{self.leaves})"


@dataclass(frozen=True)
class _Made:
    """A value of the float model, with the op that makes it."""

    kind: str
    value: Value
    operands: tuple[Value, ...]

    def culprit(self, errors: Mapping[Value, _Error]) -> Culprit:
        """This value as a Culprit, from the errors of all values."""
        largest = max((errors[v].size for v in self.operands if v in errors), default=0.0)
        own = errors[self.value]
        path = self.value.name
        return Culprit(self.kind, self.value.label, own.size, largest, own.leaves, path)


@dataclass(frozen=True, eq=False)
class Rewriting:
    """A float model, and the integer model that it is rewritten to. Made by `before_rewriting`.

    Attributes:
        model: the model that is rewritten in place.
        floats: a copy of it in float.
        plan: its quantization parameters.
        watched: index -> value, for values of the main graph that have parameters.
        made_by: the op that makes each value of the main graph.
        results: the outputs that have parameters.
    """

    model: Model
    floats: Model
    plan: Plan
    watched: Mapping[int, Value]
    made_by: Sequence[_Made]
    results: Sequence[Value]


def before_rewriting(model: Model, plan: Plan) -> Rewriting:
    """Keep what is needed of a float model to compare it with its integers later."""
    main = model.main
    return Rewriting(
        model,
        model.copy()[0],
        plan,
        {k: value for k, value in enumerate(main.values) if plan.has(value)},
        [_Made(op.kind, value, op.operands) for op in main.ops for value in op.outputs],
        [v for v in main.outputs if plan.has(v)],
    )


def worst_tensors(rewriting: Rewriting, samples: Samples) -> list[str]:
    """The tensors of the main graph at which the error enters or is largest, in words.

    Args:
        rewriting, samples: see `tensor_errors`.
    """
    return [str(c) for c in _worst(tensor_errors(rewriting, samples, WATCHED))]


def op_errors(rewriting: Rewriting, samples: Samples) -> tuple[OpError, ...]:
    """How far the ops of the main graph are off, in the order of computation, for a report.

    Args:
        rewriting, samples: see `tensor_errors`.
    """
    return tuple(
        OpError(c.op, c.path, layer_of(c.path), c.error, c.operands)
        for c in tensor_errors(rewriting, samples, FEW)
    )


def tensor_errors(rewriting: Rewriting, samples: Samples, most: int) -> list[Culprit]:
    """The results of ops of the main graph and their errors, in the order of computation.

    Args:
        rewriting: the two models, one of them rewritten to integers by now.
        samples: the calibration data.
        most: how many held-out samples are run at most.
    """
    places, values = list(rewriting.watched), list(rewriting.watched.values())
    plain, quantized = (
        ValuesApart(schema.write(model), places, samples.axes)
        for model in (rewriting.floats, rewriting.model)
    )
    rows = samples.held_out[:most]
    errors = _worst_errors(values, plain, quantized, rewriting.plan, rows, rewriting.results)
    plain.close()
    quantized.close()
    return [m.culprit(errors) for m in rewriting.made_by if m.value in errors]


def _worst(found: Sequence[Culprit]) -> list[Culprit]:
    """The tensors at which the error enters, in the order of computation.

    If it grows a little at each op, it enters nowhere: then those with the largest errors are
    given.
    """
    largest = max((c.error for c in found), default=0.0)
    limit = SHARE * min(largest, 1.0)
    entering = [c for c in found if c.error > limit >= c.operands]
    return entering[:MOST] or sorted(found, key=lambda c: -c.error)[:MOST]


@dataclass(frozen=True)
class _Error:
    """The error of a value in one sample, relative to its float RMS; and `Culprit.leaves`."""

    size: float
    leaves: str


@dataclass(frozen=True)
class _Difference:
    """Mean squares of the difference and of the float values; and `Culprit.leaves`."""

    noise: float
    signal: float
    leaves: str


def _worst_errors(
    values: Sequence[Value],
    plain: ValuesApart,
    quantized: ValuesApart,
    plan: Plan,
    rows: Sequence[Sequence[Array]],
    results: Sequence[Value],
) -> dict[Value, _Error]:
    """The error of each value in the sample whose results are furthest off.

    An error is relative to the value's float RMS in that sample, or to the RMS in all samples if
    that is larger: a value that is nearly zero in one sample may have any error relative to itself.
    """
    worst: dict[Value, _Difference] = {}
    furthest = -1.0
    squares: dict[Value, list[float]] = {}
    for row in rows:
        found = _differences(values, plain.run(row), quantized.run(row), plan)
        for value, difference in found.items():
            squares.setdefault(value, []).append(difference.signal)
        off = sum(found[v].noise for v in results if v in found)
        if off > furthest:
            worst, furthest = found, off
    return {
        value: _Error((d.noise / total) ** 0.5, d.leaves)
        for value, d in worst.items()
        if (total := max(d.signal, float(np.mean(squares[value])))) > 0
    }


def _differences(
    values: Sequence[Value],
    plain: Sequence[Array | None],
    quantized: Sequence[Array | None],
    plan: Plan,
) -> dict[Value, _Difference]:
    """The difference of each value that both models computed."""
    found = {}
    for value, a, b in zip(values, plain, quantized, strict=True):
        if a is None or b is None or a.shape != b.shape:
            continue
        low, high = plan.params(value).range
        # It is no error where a plan cuts values off on purpose.
        cut = plan.narrowed(value)
        kept = np.clip(a, low, high) if cut else a
        finite = np.isfinite(kept)
        if not finite.any():
            continue
        kept, b = kept[finite], b[finite]
        furthest = float(kept[np.argmax(np.abs(kept))])
        beyond = not cut and (
            kept.min() < low - SLACK * (high - low) or kept.max() > high + SLACK * (high - low)
        )
        leaves = f", its value {furthest:.4g} is beyond {low:.4g} to {high:.4g}" if beyond else ""
        noise, signal = float(np.square(kept - b).mean()), float(np.square(kept).mean())
        found[value] = _Difference(noise, signal, leaves)
    return found
