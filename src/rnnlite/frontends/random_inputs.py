"""Random inputs that exercise a model: features, token ids, masks with holes.

What enters: the TensorSpecs of inputs, the sizes of their free axes, a seed. What leaves: a NumPy
array for each input, the same for the same seed. NumPy alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from rnnlite.lengths.sizes import Axis
from rnnlite.specs import Array, TensorSpec

DEFAULT_LARGEST = 1
"""Largest value of integer inputs of unknown range: flags and one-hot codes take 0 and 1."""


def random_inputs(
    specs: Sequence[TensorSpec],
    *,
    length: int | Mapping[Axis, int],
    batch: int,
    seed: int = 0,
) -> list[Array]:
    """One random array for each input.

    Args:
        specs: the inputs. Ids are drawn from the part of their range that is not negative. If an
            input has a mask value, about a fifth of the time steps get it, anywhere in the
            sequence.
        length: size of every free axis that is not the batch, or of each of them.
        batch: size of the batch where it is free.
        seed: the seed of the random generator.

    Returns:
        normal floats (positive, or uniform from 0 to 1, where the input's domain asks for it);
        counts of time steps from 1 to the length; uniform ids of the valid range; bools that are
        mostly True. No sequence is masked throughout, for a mean over no steps is undefined.
    """
    rng = np.random.default_rng(seed)
    shapes = [_sized(p, k, length, batch) for k, p in enumerate(specs)]
    # Beside an input of free length, one of fixed shape is a state and tells no number of steps.
    free = [None in p.sample_shape for p in specs]
    steps = min(
        (
            _steps(p, shape)
            for p, shape, is_free in zip(specs, shapes, free, strict=True)
            if is_free or (not any(free) and len(p.sample_shape) > 1)
        ),
        default=1,
    )
    arrays = []
    for spec, shape in zip(specs, shapes, strict=True):
        dtype = np.dtype(spec.dtype)
        if spec.counts:
            counts = rng.integers(1, steps + 1, shape)
            counts.flat[0] = steps
            arrays.append(counts.astype(dtype))
        elif dtype.kind in "iu":
            largest = DEFAULT_LARGEST if spec.ids is None else spec.ids[1]
            arrays.append(_unmasked(rng.integers(0, largest + 1, shape), 0, largest).astype(dtype))
        elif dtype.kind == "b":
            arrays.append(_unmasked(rng.random(shape) < 0.75, False, True))
        elif spec.ids is not None:
            # Ids that are declared as float.
            largest = spec.ids[1]
            arrays.append(_unmasked(rng.integers(0, largest + 1, shape), 0, largest).astype(dtype))
        else:
            array = _floats(rng, shape, spec.domain).astype(dtype)
            if spec.mask_value is not None and len(shape) >= 3:
                masked = _unmasked(rng.random(shape[:2]) < 0.2, True, False)
                array[masked] = spec.mask_value
            arrays.append(array)
    return arrays


def _floats(rng: np.random.Generator, shape: tuple[int, ...], domain: str) -> Array:
    """Random floats of a domain; see `TensorSpec`."""
    if domain == "unit":
        return rng.random(shape)
    normal = rng.standard_normal(shape)
    return np.abs(normal) if domain == "positive" else normal


def _unmasked(array: Array, mark: object, other: object) -> Array:
    """The array; a sequence that holds only `mark` gets `other` as its first value."""
    if array.ndim > 1 and array.size:
        array[(array == mark).reshape(len(array), -1).all(1), ..., 0] = other
    return array


def _sized(
    spec: TensorSpec, place: int, length: int | Mapping[Axis, int], batch: int
) -> tuple[int, ...]:
    """The shape of an input with sizes for its free axes."""

    def size(axis: int) -> int:
        if axis == spec.batch_axis:
            return batch
        return length if isinstance(length, int) else length[Axis(place, axis)]

    return tuple(size(axis) if d is None else d for axis, d in enumerate(spec.shape))


def _steps(spec: TensorSpec, shape: tuple[int, ...]) -> int:
    """Number of time steps of an input: the first axis beside the batch."""
    return next((d for axis, d in enumerate(shape) if axis != spec.batch_axis), 1)
