"""Measure a quantized model against its source on samples: errors, also by length; classes.

What enters: the source's computation, the quantized model, samples. What leaves: an
`OutputAccuracy` for each output. Errors are relative: the root mean square of the difference over
that of the source's output, both over all samples.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from rnnlite.errors import AbortError
from rnnlite.isolation.interpreter import ModelApart
from rnnlite.quantization.given_states import Places
from rnnlite.quantization.measure.course import SEQUENCES, sequences_of
from rnnlite.quantization.measure.error_sum import ErrorSum
from rnnlite.quantization.params import Array
from rnnlite.report.quantization import OutputAccuracy
from rnnlite.runtime.quantized import dequantize
from rnnlite.runtime.quantized import quantize as to_input
from rnnlite.specs import batched, stacked

LENGTHS = (10, 100, 1000)
LONG = 1000
"""One sequence of so many steps is enough, where each step has an output."""
MOST_SAMPLES = 50
PATIENCE = 6.0
"""A length that is likely to take more seconds is left out: sources that unroll are slow."""

Reference = Callable[[Sequence[Array]], list[Array]]


def remembering(reference: Reference) -> Reference:
    """The computation of the source, which runs once for each batch and keeps the results.

    Several candidates are measured on the same batches.
    """
    known: dict[tuple[tuple[str, tuple[int, ...], bytes], ...], list[Array]] = {}

    def run(arrays: Sequence[Array]) -> list[Array]:
        key = tuple((a.dtype.str, a.shape, a.tobytes()) for a in arrays)
        if key not in known:
            known[key] = reference(arrays)
        return known[key]

    return run


Accuracies = tuple[OutputAccuracy, ...]
"""The accuracy of each output of a file."""


def measure(
    reference: Reference,
    data: bytes,
    samples: Sequence[list[Array]],
    *,
    signature: str | None = None,
    states: Places = (),
) -> Accuracies:
    """Compare on samples, and on sequences of 10, 100 and 1000 steps put together from them.

    Args:
        reference: the source, from batches of inputs to batches of outputs, in float.
        data: the quantized model.
        samples: for each, one array for each input, without batch axis.
        signature: a signature of the file; its first if None.
        states: inputs that come back as outputs; their feeding back is measured too.
    """
    found, _ = measure_samples(reference, data, samples, signature=signature, states=states)
    return add_course(found, reference, data, samples, signature=signature)


def measure_samples(
    reference: Reference,
    data: bytes,
    held_out: Sequence[list[Array]],
    others: Sequence[list[Array]] = (),
    *,
    signature: str | None = None,
    states: Places = (),
) -> tuple[Accuracies, Accuracies]:
    """Compare on samples as they are, without further lengths.

    Args:
        held_out: for each sample, one array for each input, without batch axis.
        others: further samples, which the model was calibrated on.
        reference, data, signature, states: see `measure`.

    Returns:
        the errors on the held-out samples; and those on all samples. Each on at most
        `MOST_SAMPLES`.
    """
    held_out = list(held_out)[:MOST_SAMPLES]
    others = list(others)[: MOST_SAMPLES - len(held_out)]
    model = ModelApart(data, signature=signature)
    own, both = ([ErrorSum() for _ in model.outputs] for _ in range(2))
    for rows, sums in ((held_out, (own, both)), (others, (both,))):
        for found, expected in _pairs(reference, model, rows):
            for outputs in sums:
                for total, a, b in zip(outputs, found, expected, strict=True):
                    total.add(a, b)
    fed: tuple[Sequence[float | None], ...] = ([None] * len(both),) * 2
    if states:
        fed = _fed_back(reference, model, held_out, others, states)
    model.close()
    held, every = (
        tuple(
            OutputAccuracy(spec.name, s.error(), s.snr(), s.agreement(), {}, s.left_out(), back)
            for spec, s, back in zip(model.outputs, sums, backs, strict=True)
        )
        for sums, backs in zip((own, both), fed, strict=True)
    )
    return held, every


def add_course(
    found: Accuracies,
    reference: Reference,
    data: bytes,
    samples: Sequence[list[Array]],
    *,
    signature: str | None = None,
) -> Accuracies:
    """The accuracies with the errors at each of `LENGTHS`, unless a length takes too long.

    Args:
        found: the errors on the samples.
        samples: of the first `MOST_SAMPLES`, longer and shorter sequences are put together.
        reference, data, signature: see `measure`.
    """
    model = ModelApart(data, signature=signature)
    courses: list[dict[int, float]] = [{} for _ in found]
    if any(None in spec.sample_shape for spec in model.inputs):
        spent = 0.0
        for previous, length in zip((LENGTHS[0], *LENGTHS), LENGTHS, strict=False):
            if spent * length / previous > PATIENCE:
                break
            begin = time.perf_counter()
            chosen = list(samples)[:MOST_SAMPLES]
            for course, error in zip(
                courses, _at_length(reference, model, chosen, length), strict=True
            ):
                if error is not None:
                    course[length] = error
            spent = time.perf_counter() - begin
    model.close()
    return tuple(replace(a, by_length=c) for a, c in zip(found, courses, strict=True))


Pair = tuple[list[Array], list[Array]]
"""The results of the model and of the source for a batch, in float."""


def _pairs(
    reference: Reference, model: ModelApart, samples: Sequence[list[Array]]
) -> Iterator[Pair]:
    """The results of the model and of the source for each sample, the longest first."""
    batch = max((spec.batch or 1 for spec in model.inputs), default=1)
    for row in sorted(samples, key=lambda row: -max((a.size for a in row), default=0)):
        yield _pair(reference, model, _batch(model, row, batch))


def _batch(model: ModelApart, row: Sequence[Array], count: int) -> list[Array]:
    return [batched(a, spec.batch_axis, count) for a, spec in zip(row, model.inputs, strict=True)]


def _pair(
    reference: Reference,
    model: ModelApart,
    arrays: Sequence[Array],
    own: Sequence[Array] | None = None,
) -> Pair:
    """The results of the model and of the source for a batch; the model runs in a worker meanwhile.

    Args:
        arrays: the batch for the source.
        own: the batch for the model, if it is another one.
    """
    given = arrays if own is None else own
    inputs = [to_input(a, spec) for a, spec in zip(given, model.inputs, strict=True)]
    expected: list[Array] = []
    found = model.run(inputs, meanwhile=lambda: expected.extend(reference(arrays)))
    return [dequantize(y, spec) for y, spec in zip(found, model.outputs, strict=True)], expected


def _fed_back(
    reference: Reference,
    model: ModelApart,
    held_out: Sequence[list[Array]],
    others: Sequence[list[Array]],
    states: Places,
) -> tuple[list[float], list[float]]:
    """The errors where samples run one after the other, and each side gets its own states back.

    Returns:
        the errors over the held-out samples, which run first; and those over all.
    """
    batch = max((spec.batch or 1 for spec in model.inputs), default=1)
    sums = [ErrorSum() for _ in model.outputs]
    before: list[list[Array]] = []
    errors = []
    for samples in (held_out, others):
        for row in samples:
            theirs = _batch(model, row, batch)
            ours = list(theirs)
            for arrays, results in zip((theirs, ours), before, strict=False):
                for place, number in states:
                    arrays[place] = results[number].astype(np.float32)
            found, expected = _pair(reference, model, theirs, ours)
            before = [expected, found]
            for total, a, b in zip(sums, found, expected, strict=True):
                total.add(a, b)
        errors.append([s.error() for s in sums])
    held, every = errors
    return held, every


def _at_length(
    reference: Reference, model: ModelApart, samples: Sequence[list[Array]], length: int
) -> list[float | None]:
    """The errors on sequences of one length, which run as one batch where the batch is free.

    A long sequence with an output for each step gives enough values: then the source, by far the
    slower side, runs only one.
    """
    each_step = all(None in spec.sample_shape for spec in model.outputs)
    count = 1 if each_step and length >= LONG else SEQUENCES
    rows = sequences_of(model.inputs, samples, length, count)
    if not rows:
        return [None] * len(model.outputs)
    sums = [ErrorSum() for _ in model.outputs]
    try:
        if all(spec.batch is None for spec in model.inputs):
            columns = zip(model.inputs, zip(*rows, strict=True), strict=True)
            batch = [stacked(arrays, spec.batch_axis) for spec, arrays in columns]
            pairs = [_pair(reference, model, batch)]
        else:
            pairs = list(_pairs(reference, model, rows))
    except AbortError:
        raise
    except Exception:  # noqa: BLE001 - the source takes no sequences of this length
        return [None] * len(model.outputs)
    for found, expected in pairs:
        for total_sum, a, b in zip(sums, found, expected, strict=True):
            total_sum.add(a, b)
    return [s.error() for s in sums]
