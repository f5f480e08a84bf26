"""Check a LiteRT model against its source, numerically, at several lengths.

What enters: an Entry (with the source's own function) and the flatbuffer. What leaves: a `Parity`.
Each case runs twice on one interpreter: the shortest, the longest, the shortest again, then the
others. This is done with the default delegates, and without.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from rnnlite.errors import ParityError, SampleError, ShapeError, SourceError
from rnnlite.frontends.program import Entry
from rnnlite.frontends.random_inputs import random_inputs
from rnnlite.isolation.interpreter import ModelApart
from rnnlite.lengths.compared import compared, longer, shown, unequal
from rnnlite.lengths.lengths import Lengths, Values
from rnnlite.report.parity import OutputParity, Parity
from rnnlite.specs import Array, TensorSpec, row

TOLERANCE = 1e-5
"""Largest difference allowed, relative to the output's scale, without further reason."""

BATCHES = (1, 3)

PERTURBATIONS = 3
CONFIDENCE = 8.0
"""The factor: source and LiteRT both err, each by up to 4 times the standard rounding error."""


@dataclass(frozen=True, eq=False)
class Case:
    """Inputs of some length, and the results of the source for them."""

    length: int
    batch: int
    inputs: list[Array]
    expected: list[Array]


def check(
    entry: Entry,
    data: bytes,
    samples: Sequence[list[Array]] | None = None,
    signature: str | None = None,
) -> Parity:
    """Compare the LiteRT model with the entry's reference.

    Args:
        entry: the Entry that the model was made from.
        data: the flatbuffer.
        samples: inputs to use besides the random ones, each a list of (B, ...) arrays.
        signature: the signature to run; the file's first if None.

    Raises:
        ShapeError: the source runs at no length that was tried.
        SampleError: the source refuses one of the samples.
        SourceError: the source gives no finite number as an output, so nothing would be compared.
        ParityError: the LiteRT model does not run where the source does.
        AbortError: the LiteRT runtime ends its process on the model.
    """
    cases, skipped = _cases(entry)
    cases += _sample_cases(entry, samples or [])
    _require_numbers(entry, cases)
    scale = [max(scale_of(c.expected[n]) for c in cases) for n in range(len(entry.outputs))]
    differences: dict[int, Array] = {c.length: np.zeros(len(entry.outputs)) for c in cases}
    runs = 0
    late: tuple[str, ...] = ()
    for delegates in (True, False):
        model = ModelApart(data, delegates=delegates, signature=signature)
        if not delegates and model.is_main:
            late = _late(entry, model, cases)
        for case in _ordered(cases):
            for _ in range(2):
                found = _results(entry, model, case)
                runs += 1
                worst = differences[case.length]
                for n, (a, b) in enumerate(zip(found, case.expected, strict=True)):
                    worst[n] = max(worst[n], difference(a, b))
        model.close()
    largest = np.max(list(differences.values()), axis=0)
    unit = [s if s > 0 else 1.0 for s in scale]
    relative = [d / u for d, u in zip(largest, unit, strict=True)]
    bounds = [TOLERANCE] * len(scale)
    if any(r > TOLERANCE for r in relative):
        bounds = derived_bounds(entry, cases, scale)
    free = any(None in p.sample_shape for p in entry.inputs)
    return Parity(
        outputs=tuple(
            OutputParity(
                spec.name,
                float(largest[n]),
                float(relative[n]),
                float(scale[n]),
                float(bounds[n]),
                {k: float(d[n] / unit[n]) for k, d in sorted(differences.items())} if free else {},
            )
            for n, spec in enumerate(entry.outputs)
        ),
        lengths=tuple(dict.fromkeys(c.length for c in cases)) if free else (),
        batches=tuple(dict.fromkeys(c.batch for c in cases)),
        runs=runs,
        skipped=skipped,
        late=late,
        undefined=tuple(
            spec.name
            for n, spec in enumerate(entry.outputs)
            if any(np.isnan(c.expected[n].astype(np.float64)).any() for c in cases)
        ),
        shapes=tuple(dict.fromkeys(tuple(a.shape for a in c.inputs) for c in cases)),
    )


def _results(entry: Entry, model: ModelApart, case: Case) -> list[Array]:
    """The results of the model for a case.

    Raises:
        ParityError: the model does not run.
    """
    try:
        return model.run(case.inputs)
    except SampleError as e:
        raise ParityError(
            f"the LiteRT model of {entry.origin} does not run on inputs that its source takes",
            found=str(e),
            remedy="Convert with verify off for a file to look at, and report what the model does",
        ) from e


def _require_numbers(entry: Entry, cases: list[Case]) -> None:
    """Refuse a source of which an output is NaN or infinite throughout."""
    for n, spec in enumerate(entry.outputs):
        values = [c.expected[n] for c in cases if c.expected[n].size]
        if values and not any(np.isfinite(v.astype(np.float64)).any() for v in values):
            raise SourceError(
                f"{entry.origin} gives no finite number as '{spec.name}'",
                expected="numbers to compare the LiteRT model with",
                found=f"{values[0].flat[0]} throughout, on random inputs",
                remedy="Look for NaN among its weights, or convert with verify=False",
            )


def _late(entry: Entry, model: ModelApart, cases: list[Case]) -> tuple[str, ...]:
    """The outputs whose shape the runtime does not know after allocating memory, before a run.

    Args:
        entry: the Entry that the model was made from.
        model: a model that has not run yet.
        cases: the cases of the check.
    """
    longest = max(cases, key=lambda c: c.length)
    known = model.shapes_before_run([a.shape for a in longest.inputs])
    pairs = zip(entry.outputs, known, longest.expected, strict=True)
    return tuple(spec.name for spec, shape, value in pairs if shape != value.shape)


SAMPLES = 8


def sample_inputs(entry: Entry) -> list[list[Array]]:
    """Random samples of several lengths, without batch axis, where the user gave none.

    Raises:
        ShapeError: the source runs at no length that was tried.
    """
    cases, _ = _cases(entry)
    shapes = list({tuple(a.shape for a in c.inputs): c for c in cases}.values())
    found = []
    for k in range(SAMPLES):
        inputs = random_inputs(
            _like(entry.inputs, shapes[k % len(shapes)]),
            length=1,
            batch=1,
            seed=k,
        )
        found.append([row(a, p.batch_axis, 0) for a, p in zip(inputs, entry.inputs, strict=True)])
    return found


def _like(specs: Sequence[TensorSpec], case: Case) -> list[TensorSpec]:
    """The specs with the shapes of a case, except that of the batch axis."""
    return [
        replace(
            p,
            shape=tuple(
                d if axis == p.batch_axis else size
                for axis, (d, size) in enumerate(zip(p.shape, a.shape, strict=True))
            ),
        )
        for p, a in zip(specs, case.inputs, strict=True)
    ]


def difference(found: Array, expected: Array) -> float:
    """Largest absolute difference; infinite if shapes or infinite values differ.

    Where NaN is expected, nothing is compared: some kernels of the runtime hand NaN on, some do
    not.
    """
    if found.shape != expected.shape:
        return float("inf")
    told = ~np.isnan(expected.astype(np.float64))
    a, b = found[told].astype(np.float64), expected[told].astype(np.float64)
    finite = np.isfinite(b)
    if not np.array_equal(finite, np.isfinite(a)):
        return float("inf")
    if not np.array_equal(a[~finite], b[~finite]):
        return float("inf")
    return float(np.max(np.abs(a[finite] - b[finite]), initial=0.0))


def scale_of(expected: Array) -> float:
    """The scale of an output, to which differences are relative: its largest finite |number|."""
    values = np.abs(expected.astype(np.float64))
    return float(np.max(values[np.isfinite(values)], initial=0.0))


def _cases(entry: Entry) -> tuple[list[Case], dict[int, str]]:
    lengths = _lengths(entry)
    free_batch = any(p.batch is None for p in entry.inputs)
    fixed = max((p.batch or 1 for p in entry.inputs), default=1)
    batches = BATCHES if free_batch else (fixed,)
    chosen = compared(lengths) if lengths.axes else [{}]
    wanted = len(chosen)
    cases: list[Case] = []
    skipped: dict[int, str] = {}
    accepted = 0
    for values in itertools.chain(chosen, longer(lengths) if lengths.axes else ()):
        if accepted == wanted:
            break
        length = shown(values, lengths)
        found = []
        try:
            for batch in batches:
                inputs = _inputs(entry, values, batch)
                found.append(Case(length, batch, inputs, entry.reference(inputs)))
        except Exception as e:  # noqa: BLE001 - the source's own refusal, of any kind
            skipped[length] = " ".join(str(e).split())[:200]
            continue
        cases += found
        accepted += 1
    if not cases:
        raise ShapeError(
            f"{entry.origin} runs at none of the lengths {list(skipped)}",
            found=next(iter(skipped.values()), "no length that its ops take"),
            remedy="Convert with a sequence_length that the model takes, or with verify off",
        )
    return cases + _unequal_lengths(entry, batches[0]), skipped


def _lengths(entry: Entry) -> Lengths:
    """The entry's lengths, with the axes fixed that its inputs pin by now."""
    lengths = entry.lengths
    pinned = {
        axis: size
        for axis in lengths.axes
        if (size := entry.inputs[axis.input].shape[axis.axis]) is not None
    }
    return lengths.fixed(pinned) if pinned else lengths


def _unequal_lengths(entry: Entry, batch: int) -> list[Case]:
    """A case whose inputs have different lengths, where the source takes that.

    A mask is as long as its sequence: where an input is a mask, lengths stay equal.
    """
    free = [p for p in entry.inputs if None in p.sample_shape]
    if len(free) < 2 or any(p.dtype == "bool" for p in free):
        return []
    values = unequal(_lengths(entry))
    if values is None:
        return []
    try:
        inputs = _inputs(entry, values, batch)
        return [Case(max(values.values()), batch, inputs, entry.reference(inputs))]
    except Exception:  # noqa: BLE001 - the source wants equal lengths
        return []


def _inputs(entry: Entry, values: Values, batch: int) -> list[Array]:
    return random_inputs(
        entry.inputs,
        length=values,
        batch=batch,
        seed=1000 * shown(values, _lengths(entry)) + batch,
    )


def _sample_cases(entry: Entry, samples: Sequence[list[Array]]) -> list[Case]:
    cases = []
    for k, inputs in enumerate(samples):
        try:
            expected = entry.reference(inputs)
        except Exception as e:
            raise SampleError(
                f"{entry.origin} refuses sample {k}", found=" ".join(str(e).split())[:200]
            ) from e
        length = max((a.shape[1] for a in inputs if a.ndim > 1), default=1)
        cases.append(Case(length, len(inputs[0]), list(inputs), expected))
    return cases


def _ordered(cases: list[Case]) -> list[Case]:
    """Short, long, short, then the others."""
    longest = max(cases, key=lambda c: c.length)
    shortest = min(cases, key=lambda c: c.length)
    if longest is shortest:
        return cases
    return [
        shortest,
        longest,
        shortest,
        *(c for c in cases if c is not longest and c is not shortest),
    ]


def derived_bounds(entry: Entry, cases: list[Case], scale: list[float]) -> list[float]:
    """The largest difference that rounding may make in each output, relative to its scale.

    A computation in float32 gives the exact result for weights moved by about sqrt(n) u, n being
    the length of the inner products and u = 2**-24 (Higham and Mary 2019, a probabilistic backward
    error bound). An exponential linear unit adds an absolute error of u: TensorFlow subtracts 1
    from rounded numbers near 1. So the source runs several times with its weights moved by that
    much at random. The bound is the largest change of an output, times `CONFIDENCE`.
    """
    change = np.zeros(len(scale))
    for seed in range(PERTURBATIONS):
        moved: Callable[[Sequence[Array]], list[Array]] = entry.perturbed(2.0**-24, seed)
        for case in cases:
            for n, (a, b) in enumerate(zip(moved(case.inputs), case.expected, strict=True)):
                d = difference(a, b)
                if np.isfinite(d):
                    change[n] = max(change[n], d)
    return [
        max(TOLERANCE, CONFIDENCE * float(c) / s) if s > 0 else TOLERANCE
        for c, s in zip(change, scale, strict=True)
    ]
