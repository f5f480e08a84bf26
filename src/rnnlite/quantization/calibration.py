"""Calibration: the range of every float tensor of a model over samples, loop bodies included.

What enters: a float flatbuffer and samples as `predict` takes them. What leaves: smallest and
largest value by place. LiteRT's calibrating interpreter watches every op of every subgraph over all
its iterations. Unrolled steps and the loop of single steps compute the same thing, so their tensors
share one range: `lite.naming` says which they are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from ai_edge_litert import _pywrap_tfl_calibration
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from rnnlite.errors import SampleError
from rnnlite.isolation.interpreter import WatchedApart
from rnnlite.lite import schema
from rnnlite.lite.ir import Model, Value
from rnnlite.quantization.grid import Array, Range, union
from rnnlite.quantization.ops import RULES, Kind
from rnnlite.runtime.samples import listed, read_npz
from rnnlite.specs import TensorSpec, batched

FEW_SAMPLES = 20
MANY = 2000
"""Values of a tensor whose smallest and largest say enough of those to come."""
FURTHEST = 10_000
"""Values to come whose range is made room for."""
HELD_OUT = 5
"""Every fifth sample is kept to measure the error on, where there are 20 or more."""


@dataclass(frozen=True)
class Samples:
    """Checked calibration data.

    Attributes:
        used: samples to calibrate on, each one array an input, without batch axis.
        held_out: samples to measure the error on; the used ones where there are few.
        warnings: what is poor about the data.
        axes: the batch axis of each input; all the first, if none are given.
    """

    used: list[list[Array]]
    held_out: list[list[Array]]
    warnings: tuple[str, ...]
    axes: Sequence[int | None] = ()

    @property
    def lengths(self) -> tuple[int, ...]:
        """All lengths of the used samples, sorted."""
        return tuple(sorted({max((a.shape[0] for a in s if a.ndim), default=1) for s in self.used}))


@dataclass(eq=False)
class Ranges:
    """Ranges by place.

    Attributes:
        values: smallest and largest value seen.
        constant: names of tensors that had one single value in all runs.
        unseen: names of tensors that no run computed.
        counts: how many values were seen of a tensor, where they are few.
    """

    values: dict[Value, Range]
    constant: list[str] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)
    counts: dict[Value, int] = field(default_factory=dict)

    def likely(self) -> dict[Value, Range]:
        """The ranges to plan for: wider where few values were seen."""
        return {
            place: likely_range(seen, self.counts[place]) if place in self.counts else seen
            for place, seen in self.values.items()
        }


def take_samples(calibration: Any, inputs: Sequence[TensorSpec]) -> Samples:
    """Read and check calibration data.

    Args:
        calibration: an iterable of samples, or the path of an .npz.
        inputs: the float model's inputs.

    Raises:
        SampleError: it is empty, or a sample holds NaN or infinity or does not fit the model.
    """
    if isinstance(calibration, (str,)) or hasattr(calibration, "__fspath__"):
        calibration = read_npz(calibration, [spec.name for spec in inputs])
    rows = listed(calibration, inputs)
    for k, row in enumerate(rows):
        for spec, array in zip(inputs, row, strict=True):
            if array.dtype.kind == "f" and not np.isfinite(array).all():
                raise SampleError(
                    f"calibration sample {k}, input '{spec.name}' holds infinity",
                    remedy="Drop or clip such values",
                )
    warnings = []
    if len(rows) < FEW_SAMPLES:
        warnings.append(
            f"{len(rows)} calibration samples are few: ranges may be too narrow, give "
            f"{FEW_SAMPLES} or more"
        )
    free = [k for k, spec in enumerate(inputs) if None in spec.sample_shape]
    lengths = {row[free[0]].shape[0] for row in rows} if free else set()
    if len(lengths) == 1:
        warnings.append(
            f"all calibration samples have length {next(iter(lengths))}: give the lengths that the "
            "model will see, states may grow with length"
        )
    axes = tuple(spec.batch_axis for spec in inputs)
    if len(rows) < FEW_SAMPLES:
        return Samples(rows, rows, tuple(warnings), axes)
    # Ranges grow with length: the longest sample is needed to calibrate on.
    longest = max(range(len(rows)), key=lambda k: sum(a.size for a in rows[k]))
    held = [k for k in range(HELD_OUT - 1, len(rows), HELD_OUT) if k != longest]
    used = [row for k, row in enumerate(rows) if k not in set(held)]
    return Samples(used, [rows[k] for k in held], tuple(warnings), axes)


def calibrate(
    model: Model, samples: Samples, *, advance: Callable[[], None] | None = None
) -> Ranges:
    """Run the samples through the float model and watch every tensor.

    Args:
        model: the float model, its values with their origins.
        samples: see `take_samples`.
        advance: called after each sample.

    Raises:
        AbortError: the LiteRT runtime ends its process on the model.
        SampleError: the model cannot run on a sample.
    """
    data, places = _numbered(model)
    inputs = [model.main.values.index(value) for value in model.main.inputs]
    watched = WatchedApart(data, inputs, samples.axes)
    try:
        for k, row in enumerate(samples.used):
            watched.run(row, f"calibration sample {k}")
            if advance is not None:
                advance()
        seen, counts = watched.ranges(), watched.counts()
    finally:
        watched.close()
    ranges = {places[name]: values for name, values in seen.items() if name in places}
    found = _shared(model, ranges)
    found.counts.update({places[name]: count for name, count in counts.items()})
    return found


def likely_range(seen: Range, count: int) -> Range:
    """The range that more values are likely to take, of `count` values seen.

    The largest of n normal values lies about sqrt(2 log n) standard deviations out. A sign that no
    value had is not expected.
    """
    reach = math.sqrt(math.log(FURTHEST) / math.log(max(count, 2))) if count < MANY else 1.0
    more = (min(reach, 2.0) - 1) * (seen[1] - seen[0]) / 2
    low, high = seen[0] - more, seen[1] + more
    return (low if seen[0] < 0 else max(low, 0.0), high if seen[1] > 0 else min(high, 0.0))


def _numbered(model: Model) -> tuple[bytes, dict[str, Value]]:
    """The model with its values called by number of graph and value, and what has each name."""
    twin, _ = model.copy()
    places: dict[str, Value] = {}
    for number, (graph, other) in enumerate(zip(model.graphs, twin.graphs, strict=True)):
        for k, (value, named) in enumerate(zip(graph.values, other.values, strict=True)):
            named.name = f"{number}:{k}"
            places[named.name] = value
    return schema.write(twin), places


class Watched:
    """An interpreter whose runs widen the ranges.

    Args:
        data: the float model, its tensors named by subgraph and number: "0:3".
        inputs: the numbers of the main graph's inputs.
        axes: the batch axis of each; all the first, if none are given.

    Attributes:
        ranges: smallest and largest value seen, by name.
        counts: how many values those tensors of the main graph had that had less than `MANY`.
    """

    def __init__(self, data: bytes, inputs: Sequence[int], axes: Sequence[int | None]) -> None:
        self.ranges: dict[str, Range] = {}
        self.counts: dict[str, int] | None = None
        # The delegate would hide the tensors that it fuses away.
        self.interpreter = Interpreter(
            model_content=data,
            experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        )
        self.inputs = list(inputs)
        fixed = [d["shape_signature"] for d in self.interpreter.get_input_details()]
        self.axes = axes or [0] * len(fixed)
        sizes = [
            int(s[a]) for s, a in zip(fixed, self.axes, strict=True) if a is not None and len(s)
        ]
        self.batch = max(sizes, default=1)

    def run(self, row: list[Array], label: str) -> None:
        """Run one sample.

        Raises:
            SampleError: the model cannot run on it.
        """
        batch = max(self.batch, 1)
        arrays = [batched(a, axis, batch) for a, axis in zip(row, self.axes, strict=True)]
        try:
            for index, array in zip(self.inputs, arrays, strict=True):
                self.interpreter.resize_tensor_input(index, array.shape)
            self.interpreter.allocate_tensors()
            for index, array in zip(self.inputs, arrays, strict=True):
                self.interpreter.set_tensor(index, np.asarray(array, order="C"))
            found = _pywrap_tfl_calibration.InvokeWithCalibration(
                self.interpreter._native_handle(), 0
            )
        except (ValueError, RuntimeError) as e:
            raise SampleError(
                f"the model cannot run on {label}", found=" ".join(str(e).split())[:200]
            ) from e
        for index, array in zip(self.inputs, arrays, strict=True):
            if array.dtype.kind == "f":
                self._widen(f"0:{index}", (float(array.min()), float(array.max())))
        self._count(found)
        for name, seen in found.items():
            self._widen(name, (float(seen.min), float(seen.max)))

    def _count(self, found: Collection[str]) -> None:
        """Count the values of the main graph's tensors, as long as they are few."""
        if self.counts is None:
            self.counts = {name: 0 for name in found if name.startswith("0:")}
        if not self.counts:
            return
        for detail in self.interpreter.get_tensor_details():
            name = f"0:{detail['index']}"
            if name in self.counts:
                self.counts[name] += int(np.prod(detail["shape"]))
                if self.counts[name] >= MANY:
                    del self.counts[name]

    def _widen(self, name: str, values: Range) -> None:
        if np.isfinite(values).all():
            known = self.ranges.get(name)
            self.ranges[name] = values if known is None else union(known, values)


def _shared(model: Model, ranges: dict[Value, Range]) -> Ranges:
    """Give values that are the same in other steps the union of their ranges."""
    # What unrolled steps and loops over steps have in common.
    common = {
        value: value.origin.value
        for graph in model.graphs
        for value in graph.values
        if value.origin is not None and value.origin.value is not None
    }
    unions: dict[Hashable, Range] = {}
    for value, seen in ranges.items():
        if value in common:
            key = common[value]
            unions[key] = union(unions[key], seen) if key in unions else seen
    result = Ranges({**ranges, **{v: unions[k] for v, k in common.items() if k in unions}})
    for value in _computed(model):
        label = value.name or value.label
        known = result.values.get(value)
        if known is None:
            result.unseen.append(label)
        elif known[0] == known[1]:
            result.constant.append(label)
    return result


def _computed(model: Model) -> list[Value]:
    """Float inputs, and what ops compute from floats (not what they only move)."""
    values = list(model.main.inputs)
    for op in model.ops():
        rule = RULES.get(op.kind)
        if rule is not None and rule.kind in (Kind.COMPUTES, Kind.WEIGHTS):
            values += op.outputs
    return [value for value in values if value.type == "float32"]
