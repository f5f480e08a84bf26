"""Quantize a model: the steps in order, and the record of what was done.

What enters: a float model as the converter gave it, an `Order`, the source's computation. What
leaves: the finished flatbuffer and a `Quantization` record.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

from rnnlite.errors import QuantizationError
from rnnlite.lite import schema
from rnnlite.lite.ir import Model
from rnnlite.lite.record import record as record_of
from rnnlite.quantization.calibration import Ranges, Samples, take_samples
from rnnlite.quantization.grid import Array
from rnnlite.quantization.measure.accuracy import Reference, measure
from rnnlite.quantization.measure.course import course_warnings, sequences_of
from rnnlite.quantization.measure.culprits import worst_tensors
from rnnlite.quantization.measure.features import unlike_features
from rnnlite.quantization.plan.front import REASON
from rnnlite.quantization.prepare.names import name_constants
from rnnlite.quantization.recipe import LIMITS, Order
from rnnlite.quantization.rewrite.weights import to_float16
from rnnlite.quantization.select import Candidate, Finish, dynamic, integer, trial_named
from rnnlite.report.acceptance import beyond, require_accuracy
from rnnlite.report.quantization import Quantization, TrialRecord
from rnnlite.specs import TensorSpec

SCALED = (
    "Normalise each feature before the model; or begin the model with a Normalization and give "
    "io='float32' (--io float32), which computes that in float"
)
"""What helps where features are of unlike scale."""


def quantize_model(
    model: Model,
    order: Order,
    *,
    inputs: Sequence[TensorSpec],
    reference: Reference,
    finish: Finish,
    probes: Callable[[], list[list[Array]]],
    size_before: int,
) -> tuple[bytes, Quantization]:
    """Quantize.

    Args:
        model: the float model with the converter's names; it is changed.
        order: what is asked for.
        inputs: the model's inputs.
        reference: the source's computation on batches.
        finish: names, compacts, checks and writes a model.
        probes: random samples to measure on where there is no calibration data.
        size_before: bytes of the float32 file.

    Raises:
        QuantizationError: the mode changes nothing.
        ParityError: the result is further from the source than `order.max_error`.
        SampleError: the calibration data does not fit.
        UnsupportedError: an op has no integer kernel.
    """
    name_constants(model)
    samples = take_samples(order.calibration, inputs) if order.calibration is not None else None
    warnings = list(samples.warnings) if samples is not None else []
    held_out = samples.held_out if samples is not None else probes()
    if order.integer and samples is not None:
        best, trials = integer(model, order, samples, reference, finish)
        if best.ranges is not None:
            warnings += _range_warnings(best.ranges)
    elif order.mode == "dynamic":
        best, trials = dynamic(model, order, reference, finish, held_out)
    else:
        weights = to_float16(model)
        best, trials = Candidate(finish(model), weights, (), "float32", 0.0), ()
    changed = [w for w in best.weights if w.dtype != "float32"]
    if not changed and not (order.integer and samples is not None):
        raise QuantizationError(
            f"quantize='{order.mode}' changes nothing in this model",
            found="no kernel of a matrix product, convolution or lookup"
            if not best.weights
            else "; ".join(f"'{w.name}' {list(w.shape)}: {w.how}" for w in best.weights[:3]),
            remedy="Convert it in float32",
        )
    accuracy = measure(reference, best.data, held_out)
    if not trials:
        error = max((a.rms_error for a in accuracy), default=0.0)
        trials = (TrialRecord(best.trial, error, len(best.data), "taken"),)
    if beyond(accuracy, order.max_error):
        worst: list[str] = []
        cause = ""
        if order.integer and samples is not None:
            worst = worst_tensors(model, order, trial_named(order.mode, best.trial), samples)
            if not any(REASON in kept for kept in best.kept):
                dtype = "int8" if order.mode == "int8" else "int16"
                cause = unlike_features(samples.used, inputs, dtype)
        require_accuracy(
            accuracy,
            order.max_error,
            mode=order.mode,
            origin="its source",
            worst=worst,
            cause=cause,
            remedy=SCALED if cause else "",
        )

    def worst_at(length: int) -> list[str]:
        if not order.integer or samples is None:
            return []
        rows = sequences_of(inputs, held_out, length)
        trial = trial_named(order.mode, best.trial)
        return worst_tensors(model, order, trial, replace(samples, held_out=rows))

    seen = (samples.lengths[0], samples.lengths[-1]) if samples is not None else None
    warnings += course_warnings(accuracy, order.max_error, seen, worst_at)
    limit = LIMITS[order.mode]
    warnings += [
        f"output '{a.name}' is off by {100 * a.rms_error:.1f} % of its RMS, more than the "
        f"{100 * limit:.0f} % that {order.mode} usually keeps within"
        for a in accuracy
        if a.rms_error > limit
    ]
    record = Quantization(
        mode=order.mode,
        io=order.io,
        inner=best.trial,
        size_before=size_before,
        weights=tuple(best.weights),
        ops=op_types(schema.read(best.data)),
        kept=best.kept,
        samples=len(samples.used) if samples is not None else 0,
        held_out=len(held_out),
        lengths=seen,
        accuracy=accuracy,
        measured_on=_measured_on(samples),
        warnings=tuple(warnings),
        max_error=order.max_error,
        trials=trials,
    )
    return best.data, record


def remeasure(
    reference: Reference,
    data: bytes,
    mode: str,
    samples: Sequence[list[Array]],
    *,
    given: bool,
    max_error: float,
) -> Quantization:
    """What can be said of a quantized file afterwards: its types and its error on samples.

    Args:
        reference: the source's computation on batches.
        data: the file.
        mode: the mode that its metadata states.
        samples: to measure on, without batch axis.
        given: whether they are the user's own, or random.
        max_error: the largest relative RMS error that an output may have.
    """
    model = schema.read(data)
    details = record_of(model)
    return Quantization(
        mode=mode,
        io=str(details.get("io", "float32")),
        inner="",
        size_before=0,
        weights=(),
        ops=op_types(model),
        held_out=len(samples),
        accuracy=measure(reference, data, samples),
        measured_on=f"{len(samples)} samples" if given else "random inputs",
        max_error=max_error,
    )


def _range_warnings(ranges: Ranges) -> list[str]:
    warnings = []
    for names, what in (
        (ranges.constant, "never varied over the calibration samples"),
        (ranges.unseen, "was never computed in calibration"),
    ):
        if names:
            more = f" and {len(names) - 3} more" if len(names) > 3 else ""
            shown = ", ".join(f"'{name}'" for name in names[:3])
            warnings.append(f"{shown}{more}: {what}")
    return warnings


def _measured_on(samples: Samples | None) -> str:
    if samples is None:
        return "random inputs"
    if samples.held_out is samples.used:
        return "the calibration samples themselves"
    return f"{len(samples.held_out)} held-out calibration samples"


def op_types(model: Model) -> dict[str, dict[str, int]]:
    """For each op of a model, how many run in which type."""
    found: dict[str, Counter[str]] = {}
    for op in model.ops():
        types = [value.type for value in (*op.outputs, *op.operands)]
        kind = types[0] if types else "none"
        if op.kind in ("WHILE", "IF"):
            kind = next((t for t in types if t in ("int8", "int16", "float32")), kind)
        if kind == "bool" and any(t in ("int8", "int16", "float32") for t in types):
            kind = next(t for t in types if t in ("int8", "int16", "float32"))
        if kind == "float32" and "int8" in types and op.kind != "DEQUANTIZE":
            kind = "float32, int8 weights"
        found.setdefault(op.kind, Counter())[kind] += 1
    return {name: dict(counts) for name, counts in sorted(found.items())}
