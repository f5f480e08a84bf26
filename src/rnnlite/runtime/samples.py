"""Samples: check them against a model's inputs.

What enters: a sample, and the `TensorSpec`s of the inputs. What leaves: one array for each input,
in their order; or a refusal that names the sample. A sample is one sequence without batch axis: an
array, or for several inputs a tuple in the inputs' order or a dict by input name. The caller's
arrays are never changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from rnnlite.errors import SampleError
from rnnlite.specs import Array, TensorSpec

Sample = Any
"""An array (T, ...), a tuple of arrays, or a dict of arrays by input name."""


def check_sample(sample: Sample, inputs: Sequence[TensorSpec], label: str) -> list[Array]:
    """A sample as one array for each input, checked.

    Args:
        sample: see `Sample`.
        inputs: the model's inputs.
        label: how to call the sample in an error, e.g. "sample 3".

    Returns:
        arrays of the inputs' shapes without batch axis: float32, or the input's integer dtype.

    Raises:
        SampleError: wrong number of arrays, rank, width, length, dtype, NaN or infinity.
    """
    values = by_input(sample, inputs, label)
    arrays = [_checked(v, spec, label) for v, spec in zip(values, inputs, strict=True)]
    _check_counts(arrays, inputs, label)
    return arrays


class RepeatedCheck:
    """`check_sample` for many samples of one model, faster for samples of the same shape.

    If the model takes one array of floats, and an array has the shape of the one before and is
    float32, only its values are checked. That takes a tenth of the time, which counts for chunks.

    Args:
        inputs, label: see `check_sample`.
    """

    def __init__(self, inputs: Sequence[TensorSpec], label: str) -> None:
        self._inputs, self._label = inputs, label
        self._floats = len(inputs) == 1 and _takes_floats(inputs[0])
        self._shape: tuple[int, ...] | None = None

    def passes(self, sample: Sample) -> bool:
        """Whether `__call__` would return the sample itself, without a full check."""
        return (
            type(sample) is np.ndarray
            and sample.shape == self._shape
            and sample.dtype == np.float32
            and np.count_nonzero(np.isfinite(sample)) == sample.size
        )

    def __call__(self, sample: Sample) -> list[Array]:
        """See `check_sample`."""
        if self.passes(sample):
            return [sample]
        arrays = check_sample(sample, self._inputs, self._label)
        self._shape = arrays[0].shape if self._floats else None
        return arrays


def _takes_floats(spec: TensorSpec) -> bool:
    return np.dtype(spec.dtype).kind == "f" or spec.quantization is not None


def _check_counts(arrays: Sequence[Array], inputs: Sequence[TensorSpec], label: str) -> None:
    """Refuse counts of time steps beyond the sequence: kernels would read beyond its end."""
    if not any(spec.counts for spec in inputs):
        return
    # Beside an input of free length, one of fixed shape is a state and tells no number of steps.
    free = [None in spec.sample_shape for spec in inputs]
    steps = [
        a.shape[0]
        for a, spec, is_free in zip(arrays, inputs, free, strict=True)
        if is_free or (not any(free) and len(spec.sample_shape) > 1)
    ]
    for array, spec in zip(arrays, inputs, strict=True):
        if spec.counts and steps and (array.min() < 0 or array.max() > min(steps)):
            raise SampleError(
                f"{label}, input '{spec.name}' counts more time steps than the sequence has",
                expected=f"0 to {min(steps)}",
                found=f"{array.min()} to {array.max()}",
            )


def by_input(sample: Sample, inputs: Sequence[TensorSpec], label: str) -> list[Any]:
    """The value that a sample has for each input, in the order of the inputs; unchecked.

    Raises:
        SampleError: the sample names other inputs, or has another number of arrays.
    """
    names = [spec.name for spec in inputs]
    if isinstance(sample, Mapping):
        if set(sample) != set(names):
            raise SampleError(
                f"{label} names other inputs than the model has",
                expected=", ".join(names),
                found=", ".join(map(str, sample)) or "none",
            )
        return [sample[name] for name in names]
    if isinstance(sample, tuple) or (isinstance(sample, list) and len(inputs) > 1):
        if len(sample) != len(inputs):
            raise SampleError(
                f"{label} has the wrong number of arrays",
                expected=f"{len(inputs)} ({', '.join(names)})",
                found=str(len(sample)),
            )
        return list(sample)
    if len(inputs) > 1:
        raise SampleError(
            f"{label} is one array, the model has {len(inputs)} inputs",
            expected=f"a tuple or dict with {', '.join(names)}",
        )
    return [sample]


def as_array(value: Any, label: str) -> Array:
    """A value as the array that NumPy makes of it.

    Raises:
        SampleError: its rows are of different lengths.
    """
    try:
        return np.asarray(value)
    except ValueError as e:
        raise SampleError(f"{label} is no array", remedy="Give one array a sequence") from e


def _checked(value: Any, spec: TensorSpec, label: str) -> Array:
    array = as_array(value, label)
    where = f"{label}, input '{spec.name}'"
    _require_shape(array, spec, where)
    _check_least(array, spec, where)
    if _takes_floats(spec):
        return _as_floats(array, where)
    if np.dtype(spec.dtype).kind == "b":
        if array.dtype.kind != "b":
            raise _wrong_dtype(where, "bool", array)
        return array
    return _as_integers(array, spec, where)


def _require_shape(array: Array, spec: TensorSpec, where: str) -> None:
    """Refuse a sample of another rank or shape, and an empty one.

    Raises:
        SampleError: with the shape that is expected.
    """
    wanted = spec.sample_shape
    if array.ndim != len(wanted):
        raise SampleError(
            f"{where} has the wrong rank",
            expected=f"shape {_shown(wanted)} without batch axis",
            found=f"shape {array.shape}",
        )
    if any(w is not None and w != d for w, d in zip(wanted, array.shape, strict=True)):
        raise SampleError(
            f"{where} has the wrong shape",
            expected=_shown(wanted),
            found=str(array.shape),
        )
    if 0 in array.shape:
        raise SampleError(
            f"{where} is empty", expected="at least one time step", found=f"shape {array.shape}"
        )


def require_arrays(arrays: Sequence[Array], inputs: Sequence[TensorSpec]) -> None:
    """Refuse whole batches that do not fit: the runtime takes sizes that a file does not allow.

    Args:
        arrays: one (B, ...) array for each input.
        inputs: the inputs of the model, in order.

    Raises:
        SampleError: there are more or fewer arrays, or a fixed axis has another size.
    """
    if len(arrays) != len(inputs):
        names = ", ".join(spec.name for spec in inputs)
        raise SampleError(
            "the model takes another number of arrays",
            expected=f"{len(inputs)}: {names}",
            found=str(len(arrays)),
        )
    for array, spec in zip(arrays, inputs, strict=True):
        wanted, shape = spec.shape, array.shape
        if spec.ranked and (
            len(shape) != len(wanted)
            or any(w is not None and w != d for w, d in zip(wanted, shape, strict=True))
        ):
            raise SampleError(
                f"the array of input '{spec.name}' has the wrong shape",
                expected=_shown(wanted, free="any"),
                found=str(shape),
            )


def _as_floats(array: Array, where: str) -> Array:
    """Numbers as float32.

    Raises:
        SampleError: the values are no numbers, or some are not finite.
    """
    if array.dtype.kind not in "fiub":
        raise _wrong_dtype(where, "float32", array)
    with np.errstate(over="ignore"):  # What is too large is refused below.
        array = array.astype(np.float32, copy=False)
    if not np.isfinite(array).all():
        if np.isnan(array).any():
            raise SampleError(f"{where} holds NaN", remedy="Fill or drop the missing values")
        raise SampleError(f"{where} holds infinity", remedy="Drop or clip such values")
    return array


def _as_integers(array: Array, spec: TensorSpec, where: str) -> Array:
    """Whole numbers in the dtype of an input.

    Raises:
        SampleError: the values are no whole numbers, or out of the range of the dtype or of token
            ids.
    """
    dtype = np.dtype(spec.dtype)
    if array.dtype.kind == "f":
        array = _whole(array, dtype, where)
    if array.dtype.kind not in "iu":
        raise _wrong_dtype(where, f"integers ({dtype})", array)
    low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
    if spec.ids is not None:
        # The runtime does not check all of these: a bad id reads another row, or other memory.
        low, high = spec.ids
    if array.min() < low or array.max() > high:
        raise SampleError(
            f"{where} has values out of range",
            expected=f"{low} to {high}",
            found=f"{array.min()} to {array.max()}",
        )
    return array.astype(dtype, copy=False)


def _wrong_dtype(where: str, expected: str, array: Array) -> SampleError:
    return SampleError(f"{where} has the wrong dtype", expected=expected, found=str(array.dtype))


def _shown(shape: Sequence[int | None], free: str = "T") -> str:
    """A shape as text, with the word `free` for an axis of any size."""
    sizes = ", ".join(free if d is None else str(d) for d in shape)
    return f"({sizes},)" if len(shape) == 1 else f"({sizes})"


def _whole(array: Array, dtype: Any, where: str) -> Array:
    """Floats that hold whole numbers, as int64: token ids are often stored so."""
    whole = np.isfinite(array) & (array == np.floor(array))
    if not whole.all():
        raise SampleError(
            f"{where} has values that are no whole numbers",
            expected=f"integers ({dtype}), or floats such as 7.0",
            found=str(array[~whole].flat[0]),
        )
    if np.abs(array).max() >= 2.0**53:
        raise SampleError(
            f"{where} has values out of range",
            expected=f"{np.iinfo(dtype).min} to {np.iinfo(dtype).max}",
            found=f"{array.min()} to {array.max()}",
        )
    return array.astype(np.int64)


def _check_least(array: Array, spec: TensorSpec, where: str) -> None:
    """Refuse a sequence so short that strides and convolutions leave no time step of it."""
    if not spec.least:
        return
    axes = [axis for axis in range(len(spec.shape)) if axis != spec.batch_axis]
    free = sum(spec.shape[axis] is None for axis in axes)
    for place, (axis, size) in enumerate(zip(axes, array.shape, strict=True)):
        if size < spec.least[axis]:
            what = "time steps" if free == 1 else f"places along axis {place}"
            raise SampleError(
                f"{where} is too short",
                expected=f"at least {spec.least[axis]} {what}",
                found=str(size),
            )


def require_samples(samples: object) -> None:
    """Refuse what is no iterable of samples.

    Raises:
        SampleError: it is a function, a text, a mapping, or no iterable.
    """
    if callable(samples) and not isinstance(samples, Iterable):
        raise SampleError(
            "samples is a function, not what it gives",
            expected="an iterable of sequences",
            found=getattr(samples, "__name__", type(samples).__name__),
            remedy="Call it; and let it give each sample without batch axis, x[0] and not [x]",
        )
    if isinstance(samples, (str, bytes, Mapping)) or not isinstance(samples, Iterable):
        raise SampleError(
            "samples is not a list of samples",
            expected="an iterable of sequences",
            found=type(samples).__name__,
        )


def listed(samples: Iterable[Sample], inputs: Sequence[TensorSpec]) -> list[list[Array]]:
    """All samples, checked: for each sample, one array for each input, without batch axis.

    Raises:
        SampleError: `samples` is no iterable of samples, is empty, or a sample does not fit.
    """
    require_samples(samples)
    checked = [check_sample(s, inputs, f"sample {k}") for k, s in enumerate(samples)]
    if not checked:
        raise SampleError("there are no samples", expected="at least one")
    return checked
