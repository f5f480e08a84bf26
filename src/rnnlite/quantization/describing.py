"""The record of a quantization: what was done, and how far the result is off.

What enters: a quantized model, and what was measured. What leaves: a `Quantization` record, or the
refusal of a model in which nothing could be quantized.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from rnnlite.errors import QuantizationError
from rnnlite.lite import schema
from rnnlite.lite.ir import Op
from rnnlite.lite.record import record as record_of
from rnnlite.quantization.calibration import Ranges, Samples
from rnnlite.quantization.config import LIMITS, QuantizationConfig
from rnnlite.quantization.measure.accuracy import Reference, measure
from rnnlite.quantization.measure.causes import Cause
from rnnlite.quantization.params import Array
from rnnlite.quantization.select import Candidate
from rnnlite.report.quantization import OpError, OutputAccuracy, Quantization, TrialRecord


def require_change(candidates: Sequence[Candidate], config: QuantizationConfig) -> None:
    """Refuse models in which nothing could be quantized.

    Raises:
        QuantizationError: nothing was quantized.
    """
    weights = [w for candidate in candidates for w in candidate.weights]
    if config.integer or any(w.dtype != "float32" for w in weights):
        return
    raise QuantizationError(
        f"quantize='{config.mode}' changes nothing in this model",
        found="no kernel of a matrix product, convolution or lookup"
        if not weights
        else "; ".join(f"'{w.name}' {list(w.shape)}: {w.how}" for w in weights[:3]),
        remedy="Convert it in float32",
    )


def describe(
    candidate: Candidate,
    config: QuantizationConfig,
    samples: Samples | None,
    *,
    ops: dict[str, dict[str, int]],
    accuracy: tuple[OutputAccuracy, ...],
    held_out: int,
    course: Sequence[str],
    trials: tuple[TrialRecord, ...],
    size_before: int,
    errors: tuple[OpError, ...] = (),
    cause: Cause | None = None,
) -> Quantization:
    """The record of a quantization, with its warnings.

    Args:
        candidate: the quantized model that was taken.
        config: the quantization that was asked for.
        samples: the calibration data, if there were any.
        ops: kind of op -> type -> how many ops run in that type.
        accuracy: the error of each output, on samples that were held out.
        held_out: how many samples were held out.
        course: warnings on other lengths.
        trials: the records of all trials.
        size_before: bytes of the float32 file.
        errors: the errors of ops.
        cause: the known cause of an error above the usual one of the mode.
    """
    limit = LIMITS[config.mode]
    warnings = list(samples.warnings) if samples is not None else []
    warnings += _range_warnings(candidate.ranges) if candidate.ranges is not None else []
    warnings += course
    warnings += [
        f"output '{a.name}': {100 * a.left_out:.3g} % of what the source gives is NaN or infinity, "
        "and is not compared"
        for a in accuracy
        if a.left_out > 0
    ]
    known = f": {cause.words}. {cause.remedy}" if cause else ""
    warnings += [
        f"output '{a.name}' is off by {100 * a.rms_error:.1f} % of its RMS, more than the "
        f"{100 * limit:.0f} % that {config.mode} usually keeps within{known}"
        for a in accuracy
        if a.rms_error > limit
    ]
    return Quantization(
        mode=config.mode,
        io=config.io,
        inner=candidate.recipe,
        size_before=size_before,
        weights=tuple(candidate.weights),
        ops=ops,
        kept=candidate.kept,
        samples=len(samples.used) if samples is not None else 0,
        held_out=held_out,
        lengths=(samples.lengths[0], samples.lengths[-1]) if samples is not None else None,
        accuracy=accuracy,
        measured_on=_measured_on(samples),
        warnings=tuple(warnings),
        max_error=config.max_error,
        trials=trials,
        op_errors=errors,
    )


def remeasure(
    reference: Reference,
    data: bytes,
    mode: str,
    samples: Sequence[list[Array]],
    *,
    given: bool,
    max_error: float,
    signature: str | None = None,
) -> Quantization:
    """What can be said of a quantized file afterwards: its types and its error on samples.

    Args:
        reference: the source's computation on batches.
        data: the file.
        mode: the mode that its metadata states.
        samples: samples to measure on, without batch axis.
        given: whether they are the user's, not random.
        max_error: the largest relative RMS error that an output may have.
        signature: a signature of the file; its first if None.
    """
    model = schema.read(data)
    details = record_of(model)
    return Quantization(
        mode=mode,
        io=str(details.get("io", "float32")),
        inner="",
        size_before=0,
        weights=(),
        ops=op_types(model.ops() if signature is None else model.ops_of(signature)),
        held_out=len(samples),
        accuracy=measure(reference, data, samples, signature=signature),
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


def op_types(ops: Iterable[Op]) -> dict[str, dict[str, int]]:
    """Kind of op -> type -> how many ops run in that type."""
    found: dict[str, Counter[str]] = {}
    for op in ops:
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
