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
"""Integer inputs whose range nothing tells: 0 and 1 are safe for flags and one-hot codes."""


def random_inputs(
    specs: Sequence[TensorSpec],
    *,
    length: int | Mapping[Axis, int],
    batch: int,
    seed: int = 0,
) -> list[Array]:
    """One array for each input, free axes filled in.

    Args:
        specs: the inputs. Ids are drawn from the part of their range that is not negative; where
            there is a mask value, about a fifth of the time steps carry it, in front, behind and in
            between.
        length: size of every free axis that is not the batch, or of each of them.
        batch: size of the batch where it is free.
        seed: of the random generator.

    Returns:
        normal floats (of one sign, or uniform from 0 to 1, where the input's domain is less),
        numbers of time steps from 1 to the length, uniform ids below the stated
        number of values, booleans mostly true. No sequence is masked throughout: what a mean over
        no step is, sources leave undefined.
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
    """Numbers of a domain; see `TensorSpec`."""
    if domain == "unit":
        return rng.random(shape)
    normal = rng.standard_normal(shape)
    return np.abs(normal) if domain == "positive" else normal


def _unmasked(array: Array, mark: object, other: object) -> Array:
    """The array with another value in front of each sequence that holds nothing but the mark."""
    if array.ndim > 1 and array.size:
        array[(array == mark).reshape(len(array), -1).all(1), ..., 0] = other
    return array


def _sized(
    spec: TensorSpec, place: int, length: int | Mapping[Axis, int], batch: int
) -> tuple[int, ...]:
    """The shape of an input, its free axes filled in."""

    def size(axis: int) -> int:
        if axis == spec.batch_axis:
            return batch
        return length if isinstance(length, int) else length[Axis(place, axis)]

    return tuple(size(axis) if d is None else d for axis, d in enumerate(spec.shape))


def _steps(spec: TensorSpec, shape: tuple[int, ...]) -> int:
    """Number of time steps of an input: the first axis beside the batch."""
    return next((d for axis, d in enumerate(shape) if axis != spec.batch_axis), 1)
