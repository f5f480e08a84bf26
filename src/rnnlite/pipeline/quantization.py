"""Quantize a model: each candidate is finished and measured, until one is good enough.

quantization.select --Candidate--> finish --bytes--> measure --error--> quantization.choice
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rnnlite.frontends.program import Program
from rnnlite.lite.ir import Model
from rnnlite.parity import probes
from rnnlite.pipeline.steps import finish
from rnnlite.quantization.budget import largest_file
from rnnlite.quantization.calibration import Samples, take_samples
from rnnlite.quantization.choice import Choice, Measured
from rnnlite.quantization.grid import Array
from rnnlite.quantization.measure.accuracy import MOST_SAMPLES, Reference, measure, remembering
from rnnlite.quantization.measure.course import course_warnings, sequences_of
from rnnlite.quantization.measure.culprits import worst_tensors
from rnnlite.quantization.measure.features import unlike_features
from rnnlite.quantization.plan.front import REASON
from rnnlite.quantization.prepare.names import name_constants
from rnnlite.quantization.quantize import describe, require_change
from rnnlite.quantization.recipe import Order
from rnnlite.quantization.select import (
    Candidate,
    Refused,
    candidates,
    trial_named,
    weights_a_step,
)
from rnnlite.report.acceptance import beyond, require_accuracy
from rnnlite.report.quantization import OutputAccuracy, Quantization, TrialRecord

SCALED = (
    "Normalise each feature before the model; or begin the model with a Normalization and give "
    "io='float32' (--io float32), which computes that in float"
)
"""What helps where features are of unlike scale."""

Found = Measured[tuple[Candidate, bytes]]


def quantize(
    program: Program, model: Model, order: Order, size_before: int
) -> tuple[bytes, Quantization]:
    """Quantize the float model of a Program, which is changed.

    Args:
        program: what the model was made from.
        model: the float model with the converter's names.
        order: what is asked for.
        size_before: bytes of the float32 file.

    Raises:
        QuantizationError: the mode changes nothing.
        ParityError: the result is further from the source than `order.max_error`.
        SampleError: the calibration data does not fit.
        UnsupportedError: an op has no integer kernel.
    """
    name_constants(model)
    given = order.calibration is not None
    samples = take_samples(order.calibration, program.inputs) if given else None
    held_out = samples.held_out if samples is not None else probes(program)
    reference = remembering(program.reference)
    best, trials = _best(program, model, order, samples, held_out, reference)
    candidate, data = best.content
    require_change(candidate, order)
    accuracy = measure(reference, data, held_out)
    _require_accuracy(accuracy, candidate, model, order, samples, program)

    def worst_at(length: int) -> list[str]:
        if not order.integer or samples is None:
            return []
        rows = sequences_of(program.inputs, held_out, length)
        trial = trial_named(order.mode, candidate.trial)
        return worst_tensors(model, order, trial, replace(samples, held_out=rows))

    seen = (samples.lengths[0], samples.lengths[-1]) if samples is not None else None
    record = describe(
        candidate,
        order,
        samples,
        accuracy=accuracy,
        held_out=len(held_out),
        course=course_warnings(accuracy, order.max_error, seen, worst_at),
        trials=trials,
        size_before=size_before,
    )
    return data, record


def _require_accuracy(
    accuracy: Sequence[OutputAccuracy],
    candidate: Candidate,
    model: Model,
    order: Order,
    samples: Samples | None,
    program: Program,
) -> None:
    """Refuse a result beyond the largest error, with where the error enters and what helps.

    Raises:
        ParityError: the result is further from the source than `order.max_error`.
    """
    if not beyond(accuracy, order.max_error):
        return
    worst: list[str] = []
    cause = ""
    if order.integer and samples is not None:
        worst = worst_tensors(model, order, trial_named(order.mode, candidate.trial), samples)
        if not any(REASON in kept for kept in candidate.kept):
            dtype = "int8" if order.mode == "int8" else "int16"
            cause = unlike_features(samples.used, program.inputs, dtype)
    require_accuracy(
        accuracy,
        order.max_error,
        mode=order.mode,
        origin="its source",
        worst=worst,
        cause=cause,
        remedy=SCALED if cause else "",
    )


def _best(
    program: Program,
    model: Model,
    order: Order,
    samples: Samples | None,
    held_out: Sequence[list[Array]],
    reference: Reference,
) -> tuple[Found, tuple[TrialRecord, ...]]:
    """The candidate that is taken, and what became of all.

    Raises:
        UnsupportedError: an op has no integer kernel, in whatever precision.
    """
    # Few samples are held out as a rule: the choice looks at some of the others as well.
    others = samples.used if order.integer and samples is not None else []
    looked_at = [*held_out, *others][:MOST_SAMPLES]
    largest = largest_file(model)
    choice = Choice[tuple[Candidate, bytes]](order.mode, order.max_error, weights_a_step(model))
    refused: list[Refused] = []
    for found in candidates(model, order, samples):
        if isinstance(found, Refused):
            refused.append(found)
            choice.reject(found.trial, found.refusal.what)
            continue
        data = finish(program, found.model, {"quantize": order.mode, "io": order.io})
        if found.limited and choice.acceptable and len(data) > largest:
            choice.reject(found.trial, f"file larger than {largest:,.0f} bytes", len(data))
            break
        accuracy = measure(reference, data, looked_at, lengths=False)
        error = max((a.rms_error for a in accuracy), default=0.0)
        choice.offer(Measured(found.trial, error, len(data), (found, data)))
        if choice.done(classifies=any(a.argmax_agreement is not None for a in accuracy)):
            break
    if choice.best is None and refused:
        raise refused[0].refusal
    return choice.result()
