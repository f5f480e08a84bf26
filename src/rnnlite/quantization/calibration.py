"""Calibration: the range of every float tensor of a model over samples, loop bodies included.

What enters: a float model and samples as `predict` takes them. What leaves: the range of each
value, from its smallest to its largest number. LiteRT's calibrating interpreter watches every op of
every subgraph over all iterations. Unrolled steps and the loop of single steps compute the same
values, so these share one range: `lite.passes.naming` tells which they are.
"""

from __future__ import annotations

import contextlib
import hashlib
import math
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from rnnlite.datasets.opening import read_samples
from rnnlite.errors import AbortError, SampleError
from rnnlite.isolation.interpreter import WatchedApart
from rnnlite.lite import schema
from rnnlite.lite.ir import Model, Value
from rnnlite.quantization.ops import RULES, Kind
from rnnlite.quantization.params import Array, Range, union
from rnnlite.quantization.prefixes import prefixes
from rnnlite.quantization.watching import MANY
from rnnlite.runtime.samples import listed
from rnnlite.specs import TensorSpec

FEW_SAMPLES = 20
LARGEST = 1e9
"""Larger values of an input are taken for a mistake, with a warning."""
FURTHEST = 10_000
"""How many future values a range is to hold, where few were seen."""
HELD_OUT = 5
"""Every fifth sample is kept to measure the error on, where there are 20 or more."""


@dataclass(frozen=True)
class Samples:
    """Checked calibration data.

    Attributes:
        used: samples to calibrate on: for each, one array for each input, without batch axis.
        held_out: samples to measure the error on; the used ones where there are few.
        warnings: what is poor about the data.
        axes: the batch axis of each input; the first axis of all, if empty.
        short: the first steps of some samples, which are calibrated on too.
    """

    used: list[list[Array]]
    held_out: list[list[Array]]
    warnings: tuple[str, ...]
    axes: Sequence[int | None] = ()
    short: Sequence[list[Array]] = ()

    @property
    def lengths(self) -> tuple[int, ...]:
        """All lengths of the used samples, sorted."""
        return tuple(sorted({max((a.shape[0] for a in s if a.ndim), default=1) for s in self.used}))


@dataclass(eq=False)
class Ranges:
    """The ranges that calibration saw.

    Attributes:
        values: value -> the smallest and the largest number of it.
        constant: names of tensors that had one single value in all runs.
        unseen: names of tensors that no run computed.
        counts: how many values were seen of a tensor, where they are few.
    """

    values: dict[Value, Range]
    constant: list[str] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)
    counts: dict[Value, int] = field(default_factory=dict)

    def likely(self) -> dict[Value, Range]:
        """The ranges to plan for: wider where few numbers were seen."""
        return {
            value: likely_range(seen, self.counts[value]) if value in self.counts else seen
            for value, seen in self.values.items()
        }


def take_samples(
    calibration: Any, inputs: Sequence[TensorSpec], states: Collection[int] = ()
) -> Samples:
    """Read and check calibration data.

    Args:
        calibration: an iterable of samples, or the path of a data set.
        inputs: the float model's inputs.
        states: indices of inputs that come back as outputs, of which zeros are no reason to warn.

    Raises:
        SampleError: the data are empty, or a sample holds NaN or infinity, or does not fit the
            model.
    """
    if isinstance(calibration, (str,)) or hasattr(calibration, "__fspath__"):
        calibration = read_samples(calibration, inputs)
    rows = listed(calibration, inputs)
    warnings = []
    if len(rows) < FEW_SAMPLES:
        few = f"{len(rows)} calibration sample{'s are' if len(rows) > 1 else ' is'} few"
        warnings.append(f"{few}: ranges may be too narrow, give {FEW_SAMPLES} or more")
    warnings += _odd_values(rows, inputs, states)
    free = [k for k, spec in enumerate(inputs) if None in spec.sample_shape]
    lengths = {row[free[0]].shape[0] for row in rows} if free else set()
    if len(lengths) == 1:
        warnings.append(
            f"all calibration samples have length {next(iter(lengths))}: give the lengths that the "
            "model will see, states may grow with length"
        )
    axes = tuple(spec.batch_axis for spec in inputs)
    if len(rows) < FEW_SAMPLES:
        return Samples(rows, rows, tuple(warnings), axes, prefixes(rows, inputs))
    # Ranges grow with length: the longest sample is needed to calibrate on.
    longest = max(range(len(rows)), key=lambda k: sum(a.size for a in rows[k]))
    held = [k for k in range(HELD_OUT - 1, len(rows), HELD_OUT) if k != longest]
    used = [row for k, row in enumerate(rows) if k not in set(held)]
    short = prefixes(used, inputs)
    return Samples(used, [rows[k] for k in held], tuple(warnings), axes, short)


def _odd_values(
    rows: Sequence[Sequence[Array]], inputs: Sequence[TensorSpec], states: Collection[int]
) -> list[str]:
    """Warnings on inputs that hold only zeros, or numbers that are too large to be meant."""
    warnings = []
    for k, spec in enumerate(inputs):
        largest = max(float(np.abs(row[k]).max(initial=0)) for row in rows)
        if rows[0][k].dtype.kind != "f":
            continue
        if largest == 0 and k not in states:
            warnings.append(
                f"input '{spec.name}' is zero in all calibration samples: nothing is known of its "
                "range, give samples as the model sees them"
            )
        elif largest > LARGEST:
            warnings.append(
                f"input '{spec.name}' has values of {largest:.3g} in the calibration samples: one "
                "step of integers is a share of that, look for wrong units and marks of missing "
                "values"
            )
    return warnings


@dataclass(frozen=True)
class Seen:
    """What calibration saw of a file, by the names that `numbered` gives.

    Attributes:
        ranges: smallest and largest number of each tensor.
        counts: how many numbers of a tensor were seen, where they are few.
    """

    ranges: Mapping[str, Range]
    counts: Mapping[str, int]


def calibrate(
    model: Model,
    samples: Samples,
    *,
    advance: Callable[[], None] | None = None,
    known: dict[bytes, Seen] | None = None,
) -> Ranges:
    """Run the samples through the float model and watch every tensor.

    Args:
        model: the float model, whose values have their `Origin`s.
        samples: see `take_samples`.
        advance: called after each sample that is run.
        known: digest of a file -> what was seen of it with these samples; results are added.
            Recipes may prepare equal models, of which only one runs.

    Raises:
        AbortError: the LiteRT runtime ends its process on the model.
        SampleError: the model cannot run on a sample.
    """
    data, named = numbered(model)
    digest = hashlib.blake2b(data).digest()
    known = {} if known is None else known
    if digest not in known:
        inputs = [model.main.values.index(value) for value in model.main.inputs]
        known[digest] = _run(data, inputs, samples, advance)
    seen = known[digest]
    ranges = {named[name]: values for name, values in seen.ranges.items() if name in named}
    found = shared(model, ranges)
    found.counts.update({named[name]: count for name, count in seen.counts.items()})
    return found


def _run(
    data: bytes, inputs: Sequence[int], samples: Samples, advance: Callable[[], None] | None
) -> Seen:
    """Run the samples through a file in a worker."""
    watched = WatchedApart(data, inputs, samples.axes)
    try:
        for k, row in enumerate(samples.used):
            watched.run(row, f"calibration sample {k}")
            if advance is not None:
                advance()
        seen, counts = watched.ranges(), watched.counts()
        # It is not sure that the model takes these: it may need more steps.
        with contextlib.suppress(AbortError):
            for row in samples.short:
                with contextlib.suppress(SampleError):
                    watched.run(row, "the beginning of a calibration sample")
            seen = watched.ranges()
    finally:
        watched.close()
    return Seen(seen, counts)


def likely_range(seen: Range, count: int) -> Range:
    """The range that more values are likely to have, where `count` values had the range `seen`.

    The largest of n normal values lies about sqrt(2 log n) standard deviations out. A sign that no
    value had is not expected.
    """
    reach = math.sqrt(math.log(FURTHEST) / math.log(max(count, 2))) if count < MANY else 1.0
    more = (min(reach, 2.0) - 1) * (seen[1] - seen[0]) / 2
    low, high = seen[0] - more, seen[1] + more
    return (low if seen[0] < 0 else max(low, 0.0), high if seen[1] > 0 else min(high, 0.0))


def numbered(model: Model, beyond: float = math.inf) -> tuple[bytes, dict[str, Value]]:
    """A file of the model whose tensors are named "GRAPH:VALUE", by numbers; and name -> value.

    Args:
        model: a float model; it is not changed.
        beyond: larger numbers in constants are replaced by zeros.
    """
    twin, _ = model.copy()
    of_name: dict[str, Value] = {}
    for number, (graph, other) in enumerate(zip(model.graphs, twin.graphs, strict=True)):
        for k, (value, named) in enumerate(zip(graph.values, other.values, strict=True)):
            named.name = f"{number}:{k}"
            held = named.constant("float32")
            if held is not None and np.any(far := np.abs(held) > beyond):
                named.data = np.where(far, np.float32(0), held)
            of_name[named.name] = value
    return schema.write(twin), of_name


def shared(model: Model, ranges: dict[Value, Range]) -> Ranges:
    """Give values that are the same in other steps the union of their ranges."""
    # Unrolled steps, and the loop of single steps, have one `Origin.value` for the same value.
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
    """Float inputs, and results that ops compute (not those that they only move)."""
    values = list(model.main.inputs)
    for op in model.ops():
        rule = RULES.get(op.kind)
        if rule is not None and rule.kind in (Kind.FREE_SCALE, Kind.WEIGHTED):
            values += op.outputs
    return [value for value in values if value.type == "float32"]
