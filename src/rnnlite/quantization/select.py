"""Ways to quantize a model: types of products, states and weights, the cheapest first.

What enters: a float model and samples. What leaves: quantized models, one after the other, as they
are asked for. Which one is taken is decided by `choice`, once they are finished and measured.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rnnlite.errors import UnsupportedError
from rnnlite.lite.ir import Model, Op, Value
from rnnlite.quantization.calibration import Ranges, Samples, calibrate
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
from rnnlite.report.quantization import WeightRecord
from rnnlite.runtime.progress import Progress

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


@dataclass(frozen=True, eq=False)
class Candidate:
    """A quantized model, which is not finished yet.

    Attributes:
        trial: the precision, in words.
        model: the model.
        weights: the type of each weight.
        kept: ops that stayed in float, and why.
        ranges: what calibration saw, of integer modes.
        limited: whether it is given up where its file is larger than `largest_file`.
    """

    trial: str
    model: Model
    weights: list[WeightRecord]
    kept: tuple[str, ...] = ()
    ranges: Ranges | None = None
    limited: bool = False


@dataclass(frozen=True, eq=False)
class Refused:
    """A trial that gives no model.

    Attributes:
        trial: the precision, in words.
        refusal: an op that has no integer kernel.
    """

    trial: str
    refusal: UnsupportedError


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


def candidates(
    model: Model, order: Order, samples: Samples | None
) -> Iterator[Candidate | Refused]:
    """Ways to quantize a model, the cheapest first, each made when it is asked for.

    Args:
        model: the float model; it is changed.
        order: what is asked for.
        samples: the calibration data, which integer modes need.
    """
    if order.integer and samples is not None:
        yield from _integer(model, order, samples)
    elif order.mode == "dynamic":
        yield from _dynamic(model)
    else:
        yield Candidate("float32", model, to_float16(model))


def _dynamic(model: Model) -> Iterator[Candidate]:
    """Kernels in int8, kernels in float16, all weights in float16."""
    flatten_conv3d(model)
    refine_tables(model, codes=True)
    for number, (name, kernels) in enumerate(DYNAMIC.items()):
        plain, _ = model.copy()
        found = to_dynamic(plain, kernels=kernels) if kernels else to_float16(plain)
        weights = [*found, *code_records(plain)]
        yield Candidate(name, plain, weights, limited=number > 0)


def _integer(model: Model, order: Order, samples: Samples) -> Iterator[Candidate | Refused]:
    """The trials of the mode."""
    faint: frozenset[Value] = frozenset()
    for trial in TRIALS[order.mode]:
        try:
            made = prepared(model, order, trial, samples, faint)
        except UnsupportedError as e:
            yield Refused(trial.name, e)
            continue
        plain, faint = made.model, made.faint
        kept = _kept(made.plan.kept)
        weights = [*to_integers(plain, made.plan, order.io), *code_records(plain)]
        limited = order.mode == "int8" and bool(trial.split)
        yield Candidate(trial.name, plain, weights, kept, made.ranges, limited)


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


def weights_a_step(model: Model) -> int:
    """The most weights that a loop body reads, each constant once."""
    largest = 0
    for body in {op.branches[1] for op in model.loops()}:
        kernels = [op.input(1).data for op in body.ops if op.kind in PRODUCTS]
        held = {data.tobytes() for data in kernels if data is not None}
        largest = max(largest, sum(map(len, held)) // 4)
    return largest


def _kept(kept: Mapping[Op, str]) -> tuple[str, ...]:
    return tuple(f"{op.kind} '{op.output.name}': {reason}" for op, reason in kept.items())
