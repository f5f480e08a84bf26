"""Quantize a model: the steps in order, and the choice between precisions by measured error.

What enters: a float model as the converter gave it, an `Order`, the source's computation. What
leaves: the finished flatbuffer and a `Quantization` record.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from rnnlite.errors import QuantizationError
from rnnlite.lite import flatbuffer
from rnnlite.quantization.accuracy import MOST_SAMPLES, Reference, measure
from rnnlite.quantization.budget import largest_file
from rnnlite.quantization.calibration import Ranges, Samples, calibrate, take_samples
from rnnlite.quantization.conv3d import flatten_conv3d
from rnnlite.quantization.decompose import decompose
from rnnlite.quantization.grid import Array
from rnnlite.quantization.integer import to_integers
from rnnlite.quantization.modes import LIMITS, Order
from rnnlite.quantization.names import name_constants
from rnnlite.quantization.plan import Precision, make_plan
from rnnlite.quantization.record import Quantization, WeightRecord
from rnnlite.quantization.split import scale_rows, split_weights
from rnnlite.quantization.weights import to_dynamic, to_float16
from rnnlite.runtime.progress import Progress
from rnnlite.runtime.samples import Spec

Finish = Callable[[Any], bytes]
"""From an object tree to the finished, checked flatbuffer."""

ENOUGH = {"int8": 0.02, "int16x8": 0.01}
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


@dataclass(frozen=True)
class _Candidate:
    data: bytes
    weights: list[WeightRecord]
    kept: tuple[str, ...]
    trial: str
    error: float


def quantize_model(
    model: Any,
    order: Order,
    *,
    inputs: Sequence[Spec],
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
        SampleError: the calibration data does not fit.
        UnsupportedError: an op has no integer kernel.
    """
    name_constants(model)
    samples = take_samples(order.calibration, inputs) if order.calibration is not None else None
    warnings = list(samples.warnings) if samples is not None else []
    held_out = samples.held_out if samples is not None else probes()
    if order.integer and samples is not None:
        best, ranges = _integer(model, order, samples, reference, finish)
        warnings += _range_warnings(ranges)
    else:
        if order.mode == "dynamic":
            flatten_conv3d(model)
            scale_rows(model)
        weights = to_float16(model) if order.mode == "float16" else to_dynamic(model)
        best = _Candidate(finish(model), weights, (), "float32", 0.0)
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
        ops=op_types(flatbuffer.read(best.data)),
        kept=best.kept,
        samples=len(samples.used) if samples is not None else 0,
        held_out=len(held_out),
        lengths=(samples.lengths[0], samples.lengths[-1]) if samples is not None else None,
        accuracy=accuracy,
        measured_on=_measured_on(samples),
        warnings=tuple(warnings),
    )
    return best.data, record


def remeasure(
    reference: Reference, data: bytes, mode: str, samples: Sequence[list[Array]], given: bool
) -> Quantization:
    """What can be said of a quantized file afterwards: its types and its error on samples.

    Args:
        reference: the source's computation on batches.
        data: the file.
        mode: the mode that its metadata states.
        samples: to measure on, without batch axis.
        given: whether they are the user's own, or random.
    """
    model = flatbuffer.read(data)
    details = flatbuffer.record(model)
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
    )


def _integer(
    model: Any, order: Order, samples: Samples, reference: Reference, finish: Finish
) -> tuple[_Candidate, Ranges]:
    """The first precision that is good enough, else the best by a clear margin."""
    best: _Candidate | None = None
    largest = largest_file(model)
    weights_a_step = _weights_a_step(model)
    for trial in TRIALS[order.mode]:
        plain = deepcopy(model)
        flatten_conv3d(plain)
        if trial.by_row:
            scale_rows(plain)
        if trial.split:
            split_weights(plain, tables=trial.split == "all")
        decompose(plain, trial.precision)
        with Progress("calibrating", len(samples.used), order.progress) as bar:
            ranges = calibrate(plain, samples, advance=bar.add)
        plan = make_plan(plain, ranges.values, trial.precision, allow_float=order.allow_float)
        kept = _kept(plain, plan.kept)
        weights = to_integers(plain, plan, order.io)
        data = finish(plain)
        if order.mode == "int8" and trial.split and len(data) > largest:
            break
        # Few samples are held out as a rule: the choice looks at some of the others as well.
        looked_at = [*samples.held_out, *samples.used][:MOST_SAMPLES]
        found = measure(reference, data, looked_at, lengths=False)
        error = max((a.rms_error for a in found), default=0.0)
        if best is None or error < GAIN * best.error:
            best = _Candidate(data, weights, kept, trial.name, error)
        decides = any(a.argmax_agreement is not None for a in found)
        large = LARGE_STEP_OF_CLASSIFIERS if decides else LARGE_STEP
        if best.error <= (ENOUGH_IF_LARGE if weights_a_step >= large else ENOUGH)[order.mode]:
            break
    if best is None:
        raise AssertionError("no precision for the mode")
    return best, ranges


def _weights_a_step(model: Any) -> int:
    """The most weights that a loop body reads, each constant once."""
    largest = 0
    for body in {body for _, _, _, body in flatbuffer.loops(model)}:
        content = model.subgraphs[body]
        kernels = set()
        for op in content.operators or []:
            if flatbuffer.op_name(model, op) in PRODUCTS:
                data = flatbuffer.content(model, content.tensors[int(op.inputs[1])])
                kernels.add(b"" if data is None else bytes(data))
        largest = max(largest, sum(map(len, kernels)) // 4)
    return largest


def _kept(model: Any, kept: dict[tuple[int, int], str]) -> tuple[str, ...]:
    names = []
    for (subgraph, position), reason in kept.items():
        op = model.subgraphs[subgraph].operators[position]
        tensor = model.subgraphs[subgraph].tensors[int(op.outputs[0])]
        name = flatbuffer.op_name(model, op)
        names.append(f"{name} '{flatbuffer.text(tensor.name)}': {reason}")
    return tuple(names)


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


def op_types(model: Any) -> dict[str, dict[str, int]]:
    """For each op of a model, how many run in which type."""
    found: dict[str, Counter[str]] = {}
    for index, op, name in flatbuffer.operators(model):
        tensors = model.subgraphs[index].tensors
        types = [
            flatbuffer.dtype_name(tensors[int(t)]) for t in [*op.outputs, *op.inputs] if int(t) >= 0
        ]
        kind = types[0] if types else "none"
        if name in ("WHILE", "IF"):
            kind = next((t for t in types if t in ("int8", "int16", "float32")), kind)
        if kind == "bool" and any(t in ("int8", "int16", "float32") for t in types):
            kind = next(t for t in types if t in ("int8", "int16", "float32"))
        if kind == "float32" and "int8" in types and name != "DEQUANTIZE":
            kind = "float32, int8 weights"
        found.setdefault(name, Counter())[kind] += 1
    return {name: dict(counts) for name, counts in sorted(found.items())}
