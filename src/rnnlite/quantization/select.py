"""Choose between precisions by measured error.

What enters: a float model, the source's computation, samples. What leaves: the first `Candidate`,
from the cheapest on, that is good enough, else the best by a clear margin; and a record of every
trial.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from rnnlite.errors import UnsupportedError
from rnnlite.lite.ir import Model, Op, Value
from rnnlite.quantization.budget import largest_file
from rnnlite.quantization.calibration import Ranges, Samples, calibrate
from rnnlite.quantization.grid import Array
from rnnlite.quantization.measure.accuracy import MOST_SAMPLES, Reference, measure
from rnnlite.quantization.plan.front import scaling_ops
from rnnlite.quantization.plan.markers import marked_ranges
from rnnlite.quantization.plan.masks import binary_inputs, soften_masks
from rnnlite.quantization.plan.plan import Plan, Precision, make_plan
from rnnlite.quantization.prepare.codes import code_records
from rnnlite.quantization.prepare.conv3d import flatten_conv3d
from rnnlite.quantization.prepare.decompose import decompose, faint_results
from rnnlite.quantization.prepare.fills import separate_fills
from rnnlite.quantization.prepare.split import refine_tables, split_weights
from rnnlite.quantization.recipe import Order
from rnnlite.quantization.rewrite.integer import to_integers
from rnnlite.quantization.rewrite.weights import to_dynamic, to_float16
from rnnlite.report.quantization import TrialRecord, WeightRecord
from rnnlite.runtime.progress import Progress

Finish = Callable[[Model], bytes]
"""From a model to the finished, checked flatbuffer."""

ENOUGH = {"dynamic": 0.02, "int8": 0.02, "int16x8": 0.01}
"""A model whose error is below this is not refined further."""

ENOUGH_IF_LARGE = {"int8": 0.06, "int16x8": 0.01}
LARGE_STEP = 3 * 32**2
"""The same for models with loops that read so many weights at a step (GRU and LSTM from 32 units):
int16 costs them 4 to 6 times the time of int8, and more than float32 takes."""

LARGE_STEP_OF_CLASSIFIERS = 1 << 17
"""But where the outputs are probabilities, an error of 6 % turns up to 6 of 100 decisions (measured
on models of names): they are refined unless int16 costs 6 to 10 times the time (LSTM from 182
units)."""

GAIN = 0.8
"""A finer precision is taken if it brings the error below this share of the coarser one's."""

PRODUCTS = ("FULLY_CONNECTED", "CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV")


def all_int8(op: str, in_loop: bool) -> str:
    """Everything in int8."""
    return "int8"


def int16_states(op: str, in_loop: bool) -> str:
    """Products in int8; states and gates of the recurrences in int16."""
    return "int16" if in_loop and op not in PRODUCTS else "int8"


def all_int16(op: str, in_loop: bool) -> str:
    """Activations in int16 throughout; weights are int8 all the same."""
    return "int16"


@dataclass(frozen=True)
class Trial:
    """One way to quantize a model to integers.

    Attributes:
        name: for the report.
        precision: the type each op computes in.
        by_row: whether embeddings get a scale a row.
        split: what is kept in two int8 parts: "", "kernels", or "all", which is tables too.
    """

    name: str
    precision: Precision
    by_row: bool = False
    split: str = ""


TRIALS: dict[str, tuple[Trial, ...]] = {
    "int8": (
        Trial("int8", all_int8),
        Trial("products int8, states and gates int16", int16_states),
        Trial("int16", all_int16, by_row=True),
        Trial("int16, kernels in two int8 parts", all_int16, by_row=True, split="kernels"),
    ),
    "int16x8": (
        Trial("int16", all_int16, by_row=True),
        Trial("int16, kernels in two int8 parts", all_int16, by_row=True, split="all"),
    ),
}
"""By mode, cheapest first. What each gave is in ARCHITECTURE.md."""

DYNAMIC = {
    "float32": "int8",
    "float32, kernels in float16": "float16",
    "float32, all weights in float16": "",
}
"""Of the mode "dynamic": what is tried, and the type of the kernels of products."""


@dataclass(frozen=True)
class Candidate:
    """A quantized model.

    Attributes:
        data: the finished flatbuffer.
        weights: the type of each weight.
        kept: ops that stayed in float, and why.
        trial: the precision, in words.
        error: largest relative RMS error of its outputs.
        ranges: what calibration saw, of integer modes.
    """

    data: bytes
    weights: list[WeightRecord]
    kept: tuple[str, ...]
    trial: str
    error: float
    ranges: Ranges | None = None


class _Choice:
    """The best candidate so far, and what became of each trial."""

    def __init__(self, enough: float, max_error: float) -> None:
        self.enough = min(enough, max_error)
        self.max_error = max_error
        self.best: Candidate | None = None
        self.records: list[tuple[str, float | None, int | None, str]] = []

    @property
    def acceptable(self) -> bool:
        """Whether there is a candidate that would not be refused."""
        return self.best is not None and self.best.error <= self.max_error

    def offer(self, candidate: Candidate) -> None:
        """Take a finer candidate if it is better by a clear margin, or the first to be accepted."""
        best, verdict = self.best, ""
        if best is not None:
            saved = candidate.error <= self.max_error and not self.acceptable
            if not (candidate.error < GAIN * best.error or saved):
                verdict = f"not clearly better than {best.trial}"
        if not verdict:
            self.best = candidate
        self.records.append((candidate.trial, candidate.error, len(candidate.data), verdict))

    def reject(self, name: str, verdict: str, size: int | None = None) -> None:
        """Note a trial that gave no candidate."""
        self.records.append((name, None, size, verdict))

    @property
    def done(self) -> bool:
        """Whether the best is good enough."""
        return self.best is not None and self.best.error <= self.enough

    def result(self) -> tuple[Candidate, tuple[TrialRecord, ...]]:
        """The best, and all that were considered."""
        if self.best is None:
            raise AssertionError("no precision for the mode")
        chosen = self.best.trial
        return self.best, tuple(
            TrialRecord(
                name,
                error,
                size,
                "taken" if name == chosen else verdict or f"{chosen} is clearly better",
            )
            for name, error, size, verdict in self.records
        )


def with_light_weights(model: Model, mode: str, trial: str) -> None:
    """Rewrite the weights of another model of one source as a trial did, in place.

    Args:
        mode: "float16" or "dynamic".
        trial: its name, of `Candidate.trial`.
    """
    kernels = None
    if mode == "dynamic":
        flatten_conv3d(model)
        refine_tables(model, codes=True)
        kernels = DYNAMIC[trial]
    if kernels:
        to_dynamic(model, kernels=kernels)
    else:
        to_float16(model)


def dynamic(
    model: Model,
    order: Order,
    reference: Reference,
    finish: Finish,
    looked_at: Sequence[list[Array]],
) -> tuple[Candidate, tuple[TrialRecord, ...]]:
    """Kernels in int8; where that is not good enough and the file remains small, kernels in
    float16, then all weights.
    """
    largest = largest_file(model)
    flatten_conv3d(model)
    refine_tables(model, codes=True)
    choice = _Choice(ENOUGH["dynamic"], order.max_error)
    for name, kernels in DYNAMIC.items():
        plain, _ = model.copy()
        found = to_dynamic(plain, kernels=kernels) if kernels else to_float16(plain)
        weights = [*found, *code_records(plain)]
        data = finish(plain)
        if choice.acceptable and len(data) > largest:
            choice.reject(name, _too_large(largest), len(data))
            break
        choice.offer(Candidate(data, weights, (), name, _error(reference, data, looked_at)[0]))
        if choice.done:
            break
    return choice.result()


def integer(
    model: Model, order: Order, samples: Samples, reference: Reference, finish: Finish
) -> tuple[Candidate, tuple[TrialRecord, ...]]:
    """The first precision that is good enough, else the best by a clear margin.

    Raises:
        UnsupportedError: an op has no integer kernel, in whatever precision.
    """
    largest = largest_file(model)
    weights_a_step = _weights_a_step(model)
    choice = _Choice(ENOUGH[order.mode], order.max_error)
    refusal: UnsupportedError | None = None
    faint: frozenset[Value] = frozenset()
    # Few samples are held out as a rule: the choice looks at some of the others as well.
    looked_at = [*samples.held_out, *samples.used][:MOST_SAMPLES]
    for trial in TRIALS[order.mode]:
        try:
            made = prepared(model, order, trial, samples, faint)
        except UnsupportedError as e:
            refusal = refusal or e
            choice.reject(trial.name, e.what)
            continue
        plain, faint = made.model, made.faint
        kept = _kept(made.plan.kept)
        weights = [*to_integers(plain, made.plan, order.io), *code_records(plain)]
        data = finish(plain)
        if order.mode == "int8" and trial.split and choice.acceptable and len(data) > largest:
            choice.reject(trial.name, _too_large(largest), len(data))
            break
        error, decides = _error(reference, data, looked_at)
        choice.offer(Candidate(data, weights, kept, trial.name, error, made.ranges))
        large = LARGE_STEP_OF_CLASSIFIERS if decides else LARGE_STEP
        enough = (ENOUGH_IF_LARGE if weights_a_step >= large else ENOUGH)[order.mode]
        choice.enough = min(enough, order.max_error)
        if choice.done:
            break
    if choice.best is None and refusal is not None:
        raise refusal
    return choice.result()


@dataclass(frozen=True, eq=False)
class Prepared:
    """A float model that is ready to be rewritten to integers.

    Attributes:
        model: with the ops and constants that the trial quantizes.
        ranges: what calibration saw in it.
        plan: its grids.
        faint: results too small for prescribed steps, see `decompose`; values of the given model.
    """

    model: Model
    ranges: Ranges
    plan: Plan
    faint: frozenset[Value]


def prepared(
    model: Model,
    order: Order,
    trial: Trial,
    samples: Samples,
    faint: frozenset[Value] = frozenset(),
) -> Prepared:
    """Prepare a copy of a float model, calibrate it, plan its grids.

    Args:
        model: the float model.
        order: what is asked for.
        trial: the way to quantize it.
        samples: the calibration data.
        faint: what an earlier trial found too small for prescribed steps.

    Raises:
        UnsupportedError: an op has no integer kernel.
    """
    while True:
        plain, twins = model.copy()
        flatten_conv3d(plain)
        separate_fills(plain)
        if trial.by_row:
            refine_tables(plain, codes=order.mode == "int8")
        if trial.split:
            split_weights(plain, tables=trial.split == "all")
        wide = decompose(plain, trial.precision, frozenset(twins[v] for v in faint))
        with Progress("calibrating", len(samples.used), order.progress) as bar:
            ranges = calibrate(plain, samples, advance=bar.add)
        found = faint_results(plain, ranges.values)
        more = frozenset(v for v, twin in twins.items() if twin in found) - faint
        if not more:
            break
        faint |= more
    binary = binary_inputs(plain, [*samples.used, *samples.held_out])
    marked = marked_ranges(plain, samples.used)
    softened = soften_masks(plain, {**ranges.values, **marked}, trial.precision, binary)
    if softened.again:
        ranges = calibrate(plain, samples)
    plan = make_plan(
        plain,
        {**ranges.likely(), **marked, **softened.ranges},
        trial.precision,
        allow_float=order.allow_float,
        wide=softened.present(wide),
        marked=frozenset(marked),
        front=scaling_ops(plain, marked) if order.io == "float32" else frozenset(),
    )
    return Prepared(plain, ranges, plan, faint)


def trial_named(mode: str, name: str) -> Trial:
    """The trial of an integer mode by its name."""
    return next(trial for trial in TRIALS[mode] if trial.name == name)


def _error(reference: Reference, data: bytes, samples: Sequence[list[Array]]) -> tuple[float, bool]:
    """The largest error of a file by any output, and whether any of those gives classes."""
    found = measure(reference, data, samples, lengths=False)
    error = max((a.rms_error for a in found), default=0.0)
    return error, any(a.argmax_agreement is not None for a in found)


def _too_large(largest: float) -> str:
    return f"file larger than {largest:,.0f} bytes"


def _weights_a_step(model: Model) -> int:
    """The most weights that a loop body reads, each constant once."""
    largest = 0
    for body in {op.branches[1] for op in model.loops()}:
        kernels = [op.input(1).data for op in body.ops if op.kind in PRODUCTS]
        held = {data.tobytes() for data in kernels if data is not None}
        largest = max(largest, sum(map(len, held)) // 4)
    return largest


def _kept(kept: Mapping[Op, str]) -> tuple[str, ...]:
    return tuple(f"{op.kind} '{op.output.name}': {reason}" for op, reason in kept.items())
