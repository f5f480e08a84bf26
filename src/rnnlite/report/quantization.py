"""What a quantization did and how good it is: plain data for the report.

What enters: what `quantization` did and measured, or the JSON of records. What leaves: records.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rnnlite.report.plain import number


@dataclass(frozen=True)
class WeightRecord:
    """One constant and the type that it is stored in.

    Attributes:
        name: the tensor's name in the converted graph.
        shape: its shape.
        dtype: "int8", "uint8", "int16", "int32", "int64", "float16" or "float32".
        how: how its scales were chosen, or why it stayed in float.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    how: str


@dataclass(frozen=True)
class OutputAccuracy:
    """How far one output is from the source's, over the held-out samples.

    Attributes:
        name: the output.
        rms_error: root of the mean squared difference, relative to the source's root mean square;
            absolute where the source gives zeros alone. For an output of integers or bools, the
            share of elements that differ.
        snr_db: signal-to-noise ratio in decibels, -20 log10(rms_error).
        argmax_agreement: share of results with the same largest class, for classifiers, else None.
        by_length: length -> `rms_error` of sequences of that length, where the length is free.
        left_out: share of values that the source gives as NaN or infinity, which are not compared.
        fed_back: `rms_error` where samples run one after the other, each from the states that the
            one before gave back; None where the model gives back no states.
    """

    name: str
    rms_error: float
    snr_db: float
    argmax_agreement: float | None
    by_length: Mapping[int, float] = field(default_factory=dict)
    left_out: float = 0.0
    fed_back: float | None = None

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> OutputAccuracy:
        """From the plain data of a record, which may have been JSON."""
        error = number(values["rms_error"])
        # Without an error there is no noise: the ratio is infinite, which JSON does not have.
        figures = {
            "rms_error": error,
            "snr_db": number(values["snr_db"], math.nan if error else math.inf),
            "by_length": {int(k): number(v) for k, v in values.get("by_length", {}).items()},
        }
        return cls(**{**values, **figures})


@dataclass(frozen=True)
class TrialRecord:
    """One way to quantize the model that was considered.

    Attributes:
        name: the types that the model computes in.
        error: the largest relative RMS error of an output, on the samples by which trials are
            chosen; None where the trial was not made.
        size: bytes of the file; None where it was not made.
        verdict: "taken", or why the trial was not taken.
    """

    name: str
    error: float | None
    size: int | None
    verdict: str


@dataclass(frozen=True)
class OpError:
    """How far the result of one op is off, the integer model beside the float one.

    Attributes:
        op: the kind of op.
        name: the tensor that the op makes.
        layer: the layer that the op belongs to; "" where it belongs to none.
        error: RMS error of its result, relative to the result's RMS in float.
        operands: the largest such error among its operands.
        tensor: the name that this tensor has in the file; "" where the op was rewritten, or is not
            in the first graph.
    """

    op: str
    name: str
    layer: str
    error: float
    operands: float
    tensor: str = ""

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> OpError:
        """From the plain data of a record, which may have been JSON."""
        figures = {name: number(values[name]) for name in ("error", "operands")}
        return cls(**{**values, **figures})

    @property
    def own(self) -> float:
        """The error that the op adds: sqrt(error**2 - operands**2), as of independent errors."""
        return math.sqrt(max(self.error**2 - self.operands**2, 0.0))


@dataclass(frozen=True)
class Quantization:
    """What a quantization did, and how good its result is.

    Attributes:
        mode: "float16", "dynamic", "int8" or "int16x8".
        io: type of the float inputs and outputs: "float32", "int8" or "int16".
        inner: the type in which recurrences compute, and why.
        size_before: bytes of the float32 file that was quantized, with the same schedules.
        weights: one record for each constant.
        ops: kind of op -> type -> how many ops run in that type.
        kept: ops that stayed in float, with the reason.
        samples, held_out: number of samples used for calibration, and of those held out to measure
            on.
        lengths: the shortest and the longest sample used for calibration; None without calibration.
        accuracy: one record for each output.
        measured_on: what the accuracy was measured on, in words.
        warnings: what is poor about the calibration data or the result.
        max_error: the largest rms_error that an output may have.
        trials: all ways to quantize that were considered, in order.
        op_errors: in the integer modes, the error of each op of the main graph in the order of
            computation, a loop as one op. They are measured on the sample that is furthest off
            among the first held-out ones.
    """

    mode: str
    io: str
    inner: str
    size_before: int
    weights: tuple[WeightRecord, ...]
    ops: Mapping[str, Mapping[str, int]]
    kept: tuple[str, ...] = ()
    samples: int = 0
    held_out: int = 0
    lengths: tuple[int, int] | None = None
    accuracy: tuple[OutputAccuracy, ...] = ()
    measured_on: str = ""
    warnings: tuple[str, ...] = ()
    max_error: float = math.inf
    trials: tuple[TrialRecord, ...] = ()
    op_errors: tuple[OpError, ...] = ()

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Quantization:
        """From the plain data of a record, which may have been JSON."""
        values = dict(values)
        values["weights"] = tuple(
            WeightRecord(**{**w, "shape": tuple(w["shape"])}) for w in values["weights"]
        )
        values["accuracy"] = tuple(map(OutputAccuracy.from_dict, values["accuracy"]))
        values["trials"] = tuple(TrialRecord(**t) for t in values.get("trials", ()))
        values["op_errors"] = tuple(map(OpError.from_dict, values.get("op_errors", ())))
        values["max_error"] = number(values.get("max_error"), math.inf)
        lengths = values["lengths"]
        values["lengths"] = tuple(lengths) if lengths is not None else None
        values["kept"], values["warnings"] = tuple(values["kept"]), tuple(values["warnings"])
        return cls(**values)
