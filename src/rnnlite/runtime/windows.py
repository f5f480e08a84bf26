"""Cut any number of samples into windows: lists that are short enough to be held at a time.

What enters: an iterator of samples. What leaves: lists of checked samples, in order. Within a
window, samples of equal shape run together.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence

from rnnlite.runtime.samples import Sample, check_sample, require_samples
from rnnlite.specs import Array, TensorSpec

WINDOW_SAMPLES = 4096
WINDOW_BYTES = 64 << 20
"""Bytes of the inputs and results of a window, about."""


def windows(
    samples: Iterable[Sample],
    inputs: Sequence[TensorSpec],
    outputs: Sequence[TensorSpec],
    *,
    first: int = 0,
    most: int = WINDOW_SAMPLES,
    bound: int = WINDOW_BYTES,
    place: Callable[[int], str] = "sample {}".format,
) -> Iterator[list[list[Array]]]:
    """Checked samples, a list at a time.

    Args:
        samples: see `Model.predict`; taken as they are needed.
        inputs, outputs: of the model.
        first: number of the first sample, for errors.
        most: samples in a window at most.
        place: what to call a sample by its number, in errors.
        bound: bytes of a window's inputs and results, about; one sample always fits.

    Raises:
        SampleError: `samples` is no iterable of samples, or a sample does not fit; it is named by
            its place.
    """
    require_samples(samples)
    held: list[list[Array]] = []
    size = 0
    for number, sample in enumerate(samples, first):
        checked = check_sample(sample, inputs, place(number))
        more = bytes_of(checked, inputs, outputs)
        if held and (len(held) >= most or size + more > bound):
            yield held
            held, size = [], 0
        held.append(checked)
        size += more
    if held:
        yield held


def bytes_of(
    sample: Sequence[Array], inputs: Sequence[TensorSpec], outputs: Sequence[TensorSpec]
) -> int:
    """Bytes of a sample and its results, with the free axes of results as long as the sample."""
    sizes = [
        size
        for array, spec in zip(sample, inputs, strict=True)
        for size, wanted in zip(array.shape, spec.sample_shape, strict=True)
        if wanted is None
    ]
    steps = max(sizes, default=1)
    results = sum(math.prod(d or steps for d in spec.sample_shape) for spec in outputs)
    return sum(a.nbytes for a in sample) + 4 * results
