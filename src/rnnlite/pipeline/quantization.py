"""Quantize the parts of a file: each trial is finalized and measured, until one is good enough.

quantization.select --Candidate--> finalize --bytes--> measure --error--> quantization.choice

What enters: the float parts of a file, and the quantization that is asked for. What leaves: the
parts of the trial that is taken, and a record for each signature.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from rnnlite.errors import UnsupportedError
from rnnlite.lite.ir import Model
from rnnlite.parity import sample_inputs
from rnnlite.pipeline.pass_order import File, Part, finalize
from rnnlite.quantization.budget import largest_file
from rnnlite.quantization.calibration import Samples, take_samples
from rnnlite.quantization.choice import Choice, Measured
from rnnlite.quantization.chunks import Chunk, with_params
from rnnlite.quantization.config import LIMITS, QuantizationConfig, calibration_of
from rnnlite.quantization.describing import describe, op_types, require_change
from rnnlite.quantization.given_states import Places, state_places
from rnnlite.quantization.measure.accuracy import (
    LENGTHS,
    Accuracies,
    Reference,
    add_course,
    measure_samples,
    remembering,
)
from rnnlite.quantization.measure.causes import Cause, cause_of
from rnnlite.quantization.measure.course import course_warnings, sequences_of
from rnnlite.quantization.measure.culprits import op_errors, worst_tensors
from rnnlite.quantization.measure.rounding import rounded_alone
from rnnlite.quantization.measure.saturation import saturation_warnings
from rnnlite.quantization.params import Array
from rnnlite.quantization.plan.front import REASON
from rnnlite.quantization.prepare.names import name_constants
from rnnlite.quantization.select import (
    Candidate,
    Refused,
    candidates,
    weights_a_step,
)
from rnnlite.report.acceptance import beyond, require_accuracy
from rnnlite.report.quantization import OpError, OutputAccuracy, Quantization, TrialRecord
from rnnlite.streaming.layout import RECORD, Layout
from rnnlite.target import LITERT, Target


@dataclass(frozen=True, eq=False)
class Quantized:
    """What was made of the float parts of a file.

    Attributes:
        parts: the quantized parts, not finalized, so that another signature may be added. In
            integer modes the last one is the function of a chunk, where there is a stream.
        file: the file of these parts.
        trial: the name of the recipe that was taken.
        records: what the report says of each part, by signature.
    """

    parts: tuple[Part, ...]
    file: File
    trial: str
    records: dict[str, Quantization]


@dataclass(frozen=True, eq=False)
class _Subject:
    """What a trial quantizes: a float part, and the data to quantize and measure it with.

    Attributes:
        part: a part whose tensors have the converter's names. Its model is changed.
        samples: the calibration data, if there is any.
        held_out: samples to measure the error on.
        reference: the source's computation.
        streamed: the part of the function of a chunk, and its `Chunk`, where the two are quantized
            together.
        states: places of the inputs that come back as outputs, and of these outputs.
    """

    part: Part
    samples: Samples | None
    held_out: Sequence[list[Array]]
    reference: Reference
    streamed: tuple[Part, Chunk] | None = None
    states: Places = ()

    @property
    def key(self) -> str:
        """The name of the signature."""
        return self.part.entry.signature

    def candidates(self, config: QuantizationConfig) -> Iterator[Candidate | Refused]:
        """The part quantized in one way after the other, the cheapest first."""
        chunk = None if self.streamed is None else self.streamed[1]
        return candidates(self.part.model, config, self.samples, chunk, self.states)


@dataclass(frozen=True, eq=False)
class _Content:
    """The file of one trial, and what it was made of.

    Attributes:
        candidates: one for each part.
        parts: the parts with the models of the candidates, not finalized.
        file: the file of these parts.
        accuracies: the errors of each candidate on the samples that were held out.
    """

    candidates: tuple[Candidate, ...]
    parts: tuple[Part, ...]
    file: File
    accuracies: tuple[Accuracies, ...]


def quantize(
    parts: Sequence[Part],
    config: QuantizationConfig,
    size_before: int,
    target: Target = LITERT,
    streamed: tuple[Part, Chunk] | None = None,
) -> Quantized:
    """Quantize the float parts of a file, in place, all by one recipe.

    So weights that parts share stay equal, and stand in the file once.

    Args:
        parts: parts whose tensors have the converter's names.
        config: the quantization that is asked for.
        size_before: bytes of the float32 file.
        target: what the file is made for.
        streamed: the part of the function of a chunk of the first part, and its `Chunk`, where the
            two are to have the same quantization parameters.

    Raises:
        QuantizationError: the mode changes nothing.
        ParityError: the result is further from the source than `config.max_error`.
        SampleError: the calibration data does not fit.
        UnsupportedError: an op has no integer kernel.
    """
    given = calibration_of(config, [part.entry.signature for part in parts])
    subjects = [_subject_of(part, given[part.entry.signature]) for part in parts]
    if streamed is not None:
        name_constants(streamed[0].model)
        streamed[1].make_alike(parts[0].model)
        subjects[0] = replace(subjects[0], streamed=streamed)
    used, best, trials = _best_of_ranges(subjects, config, target)
    content, data = best.content, best.content.file.data
    require_change(content.candidates, config)
    records = {}
    for one, candidate, found in zip(used, content.candidates, content.accuracies, strict=True):
        accuracy = add_course(found, one.reference, data, one.held_out, signature=one.key)
        cause = _cause(accuracy, candidate, one, config, data)
        _require_accuracy(accuracy, candidate, one, config, cause)
        records[one.key] = _record(
            one, candidate, content, config, accuracy, cause, trials, size_before
        )
    return Quantized(content.parts, content.file, best.trial, records)


def _best_of_ranges(
    subjects: Sequence[_Subject], config: QuantizationConfig, target: Target
) -> tuple[Sequence[_Subject], Measured[_Content], tuple[TrialRecord, ...]]:
    """The trial that is taken, the subjects that it was made of, and a record of every trial.

    Ranges cover the first steps of samples too. These may widen ranges so far that whole samples
    come out wrong, as where probabilities fall by orders of magnitude along a sequence. Where the
    result would be refused, ranges of whole samples alone are tried.
    """
    best, trials = _best(subjects, config, target)
    whole = [_on_whole_samples(one, best.error) for one in subjects]
    if best.error <= config.max_error or whole == list(subjects):
        return subjects, best, trials
    again, further = _best(whole, config, target)
    further = tuple(replace(t, name=f"{t.name}, ranges of whole samples") for t in further)
    if again.error > config.max_error:
        refused = f"off by more than {100 * config.max_error:.3g} % too"
        return subjects, best, (*trials, *(replace(t, verdict=refused) for t in further))
    refused = f"off by more than {100 * config.max_error:.3g} %"
    return whole, again, (*(replace(t, verdict=refused) for t in trials), *further)


def _on_whole_samples(one: _Subject, error: float) -> _Subject:
    """A subject calibrated on whole samples alone.

    It is the same one where it is streamed, or has no first steps of samples.

    Args:
        error: the error with the ranges of first steps, for the warning.
    """
    if one.samples is None or not one.samples.short or one.streamed is not None:
        return one
    warning = (
        "calibrated on whole samples alone, for with the ranges of their first steps the result "
        f"is off by {100 * error:.3g} %: shorter sequences than those of calibration may saturate, "
        "give samples of their lengths too"
    )
    samples = replace(one.samples, short=(), warnings=(*one.samples.warnings, warning))
    return replace(one, samples=samples)


def _subject_of(part: Part, calibration: Any) -> _Subject:
    """A part with the samples and the reference that it is quantized and measured with."""
    name_constants(part.model)
    entry = part.entry
    states = state_places(entry.inputs, part.model)
    given = {place for place, _ in states}
    samples = None if calibration is None else take_samples(calibration, entry.inputs, given)
    held_out = samples.held_out if samples is not None else sample_inputs(entry)
    return _Subject(part, samples, held_out, remembering(entry.reference), states=states)


def _record(
    one: _Subject,
    candidate: Candidate,
    content: _Content,
    config: QuantizationConfig,
    accuracy: tuple[OutputAccuracy, ...],
    cause: Cause | None,
    trials: tuple[TrialRecord, ...],
    size_before: int,
) -> Quantization:
    """What the report says of the quantization of a part."""
    samples, inputs = one.samples, one.part.entry.inputs

    def worst_at(length: int) -> list[str]:
        if candidate.rewriting is None or samples is None:
            return []
        rows = sequences_of(inputs, one.held_out, length)
        return worst_tensors(candidate.rewriting, replace(samples, held_out=rows))

    errors: tuple[OpError, ...] = ()
    if candidate.rewriting is not None and samples is not None:
        errors = op_errors(candidate.rewriting, samples)
    saturated: list[str] = []
    if one.streamed is not None and candidate.chunk is not None and samples is not None:
        rows = sequences_of(inputs, one.held_out, LENGTHS[-1], 1)
        chunk = one.streamed[1]
        saturated = saturation_warnings(chunk, _layout(chunk, candidate.chunk), samples, rows)
    seen = (samples.lengths[0], samples.lengths[-1]) if samples is not None else None
    return describe(
        candidate,
        config,
        samples,
        ops=op_types(content.file.model.ops_of(one.key)),
        accuracy=accuracy,
        held_out=len(one.held_out),
        course=[*course_warnings(accuracy, config.max_error, seen, worst_at), *saturated],
        trials=trials,
        size_before=size_before,
        errors=errors,
        cause=cause,
    )


def _cause(
    accuracy: Sequence[OutputAccuracy],
    candidate: Candidate,
    one: _Subject,
    config: QuantizationConfig,
    data: bytes,
) -> Cause | None:
    """The known cause of a result that is poor or refused; None where there is none."""
    enough = min(LIMITS[config.mode], config.max_error)
    if beyond(accuracy, config.max_error):
        enough = config.max_error
    poor = {a.name for a in beyond(accuracy, enough)}
    samples = one.samples
    if not poor or samples is None or candidate.rewriting is None:
        return None
    if any(REASON in kept for kept in candidate.kept):
        return None
    rounded = rounded_alone(one.reference, data, one.held_out, signature=one.key)
    off = [(a, r) for a, r in zip(accuracy, rounded, strict=True) if a.name in poor]
    states = {place for place, _ in candidate.states}
    inputs = one.part.entry.inputs
    return cause_of(off, one.part.model, samples.used, inputs, config, enough, states)


def _require_accuracy(
    accuracy: Sequence[OutputAccuracy],
    candidate: Candidate,
    one: _Subject,
    config: QuantizationConfig,
    cause: Cause | None,
) -> None:
    """Refuse a result beyond `max_error`; the refusal says where the error enters, and the remedy.

    Raises:
        ParityError: the result is further from the source than `config.max_error`.
    """
    if not beyond(accuracy, config.max_error):
        return
    worst: list[str] = []
    if candidate.rewriting is not None and one.samples is not None:
        worst = worst_tensors(candidate.rewriting, one.samples)
    require_accuracy(
        accuracy,
        config.max_error,
        mode=config.mode,
        origin="its source",
        worst=worst,
        cause=cause.words if cause else "",
        remedy=cause.remedy if cause else "",
    )


def _best(
    subjects: Sequence[_Subject], config: QuantizationConfig, target: Target = LITERT
) -> tuple[Measured[_Content], tuple[TrialRecord, ...]]:
    """Make and measure trials until one is good enough: the one taken, and a record of each.

    Raises:
        UnsupportedError: an op has no integer kernel, by any recipe.
    """
    models = [one.part.model for one in subjects]
    largest = largest_file(models)
    step = max(map(weights_a_step, models))
    choice = Choice[_Content](config.mode, config.max_error, step, target.costs)
    refused: list[Refused] = []
    details = {"quantize": config.mode, "io": config.io}
    trials = zip(*(one.candidates(config) for one in subjects), strict=True)
    for trial in trials:
        failed = next((found for found in trial if isinstance(found, Refused)), None)
        if failed is not None:
            refused.append(failed)
            choice.reject(failed.recipe, failed.refusal.what)
            continue
        found = tuple(c for c in trial if isinstance(c, Candidate))
        parts = tuple(
            Part(one.part.entry, c.model, {**one.part.details, **details})
            for one, c in zip(subjects, found, strict=True)
        )
        parts += tuple(
            _stream_part(*one.streamed, c.chunk, details)
            for one, c in zip(subjects, found, strict=True)
            if one.streamed is not None and c.chunk is not None
        )
        name = found[0].recipe
        further = parts[len(subjects) :] if not target.signatures else ()
        try:
            file = finalize([part.copy() for part in parts], LITERT if further else target)
            if further:
                # The target gets the function of the chunk alone: this shows whether it takes it.
                finalize([part.copy() for part in further], target)
        except UnsupportedError as e:
            refused.append(Refused(name, e))
            choice.reject(name, e.what)
            continue
        size = len(file.data)
        if any(c.limited for c in found) and choice.acceptable and size > largest:
            choice.reject(name, f"file larger than {largest:,.0f} bytes", size)
            break
        both = zip(subjects, found, strict=True)
        errors = [_measured(one, file.data, config, c.states) for one, c in both]
        held_out = tuple(own for own, _ in errors)
        accuracy = [a for _, outputs in errors for a in outputs]
        error = max((a.rms_error for a in accuracy), default=0.0)
        fed_back = max((a.fed_back or 0.0 for a in accuracy), default=0.0)
        content = _Content(found, parts, file, held_out)
        choice.offer(Measured(name, error, size, content, fed_back))
        if choice.done(classifies=any(a.argmax_agreement is not None for a in accuracy)):
            break
    if choice.best is None and refused:
        raise refused[0].refusal
    return choice.result()


def _stream_part(part: Part, chunk: Chunk, model: Model, details: Mapping[str, Any]) -> Part:
    """The quantized part of a chunk's function, with the scales of its states in the layout."""
    record = _layout(chunk, model).to_dict()
    return Part(part.entry, model, {**part.details, **details, RECORD: record})


def _layout(chunk: Chunk, model: Model) -> Layout:
    return with_params(chunk.signature.layout, [before for _, before, _ in chunk.states(model)])


def _measured(
    one: _Subject, data: bytes, config: QuantizationConfig, states: Places
) -> tuple[Accuracies, Accuracies]:
    """The errors of a part on the held out samples; and those by which a trial is chosen."""
    # Usually few samples are held out: the choice looks at some of the others as well.
    others = one.samples.used if config.integer and one.samples is not None else []
    return measure_samples(
        one.reference, data, one.held_out, others, signature=one.key, states=states
    )
