"""Find where the error of an integer model enters: its tensors beside those of the float model.

What enters: a model before it is rewritten to integers, the same model afterwards, samples. What
leaves: the tensors, in words, as they are in the sample that is furthest off. In a mean over all
samples, a tensor that leaves its range in one of them would not show. A value stays the same
object, at its place in its graph, while a model is rewritten. Only values of the main graph
are compared: the results of loops, but nothing within them.
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
"""How many samples are looked at, to find the one that is furthest off."""

FEW = 8
"""How many are looked at for a report."""

SLACK = 1 / 128
"""Share of a range beyond which a value counts as beyond its ends."""

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
        leaves: how far its float values go, and its range, where they leave it; else "".
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
        """With the error of each value."""
        largest = max((errors[v].size for v in self.operands if v in errors), default=0.0)
        own = errors[self.value]
        path = self.value.name
        return Culprit(self.kind, self.value.label, own.size, largest, own.leaves, path)


@dataclass(frozen=True, eq=False)
class Rewriting:
    """A float model, and what it is rewritten to. Made by `before_rewriting`.

    Attributes:
        model: the model that is rewritten, in place.
        floats: a copy of it in float.
        plan: its quantization parameters.
        watched: values of the main graph that have parameters, by their places.
        made_by: what makes each value of the main graph.
        results: outputs that have parameters.
    """

    model: Model
    floats: Model
    plan: Plan
    watched: Mapping[int, Value]
    made_by: Sequence[_Made]
    results: Sequence[Value]


def before_rewriting(model: Model, plan: Plan) -> Rewriting:
    """Keep of a float model what its integers are compared with once it is rewritten."""
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
        rewriting, samples: as of `tensor_errors`.
    """
    return [str(c) for c in _worst(tensor_errors(rewriting, samples, WATCHED))]


def op_errors(rewriting: Rewriting, samples: Samples) -> tuple[OpError, ...]:
    """How far the ops of the main graph are off, in the order of computation, for a report.

    Args:
        rewriting, samples: as of `tensor_errors`.
    """
    return tuple(
        OpError(c.op, c.path, layer_of(c.path), c.error, c.operands)
        for c in tensor_errors(rewriting, samples, FEW)
    )


def tensor_errors(rewriting: Rewriting, samples: Samples, most: int) -> list[Culprit]:
    """What ops of the main graph make, and how far that is off, in the order of computation.

    Args:
        rewriting: with the model rewritten to integers.
        samples: the calibration data.
        most: how many of the held-out samples are looked at.
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

    Where it enters nowhere, for it grows a little at each op, those with the largest errors.
    """
    largest = max((c.error for c in found), default=0.0)
    limit = SHARE * min(largest, 1.0)
    entering = [c for c in found if c.error > limit >= c.operands]
    return entering[:MOST] or sorted(found, key=lambda c: -c.error)[:MOST]


@dataclass(frozen=True)
class _Error:
    """How far one value is off in one row: RMS relative to its float RMS; see `Culprit.leaves`."""

    size: float
    leaves: str


@dataclass(frozen=True)
class _Difference:
    """Mean squares of the difference and of the float values; see `Culprit.leaves`."""

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
    """The error of each value in the row whose results are furthest off.

    An error is relative to the value's float RMS in that row, or in all rows where that is larger:
    of what is nearly zero in one row no digit need be right.
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
    """Of each value that both computed."""
    found = {}
    for value, a, b in zip(values, plain, quantized, strict=True):
        if a is None or b is None or a.shape != b.shape:
            continue
        low, high = plan.params(value).range
        # Values that a plan cuts off on purpose are no error.
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
