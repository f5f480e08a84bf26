"""Samples: check them against a model's inputs, read them from .npz, write results to .npz.

A sample is one sequence without batch axis: an array, or for several inputs a tuple in the inputs'
order or a dict by input name. The caller's arrays are never changed.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from rnnlite.errors import SampleError
from rnnlite.lite.files import write_whole
from rnnlite.specs import Array, TensorSpec

Sample = Any
"""An array (T, ...), a tuple of arrays, or a dict of arrays by input name."""


def check_sample(sample: Sample, inputs: Sequence[TensorSpec], label: str) -> list[Array]:
    """A sample as one array an input, checked.

    Args:
        sample: see `Sample`.
        inputs: the model's inputs.
        label: how to call the sample in an error, e.g. "sample 3".

    Returns:
        arrays of the inputs' shapes without batch axis: float32, or the input's integer dtype.

    Raises:
        SampleError: wrong number of arrays, rank, width, length, dtype, NaN or infinity.
    """
    values = _by_input(sample, inputs, label)
    arrays = [_checked(v, spec, label) for v, spec in zip(values, inputs, strict=True)]
    _check_counts(arrays, inputs, label)
    return arrays


def _check_counts(arrays: Sequence[Array], inputs: Sequence[TensorSpec], label: str) -> None:
    """Numbers of time steps lie within the sequences; kernels read beyond the end otherwise."""
    # Of fixed shape are states too, but where every input is.
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


def _by_input(sample: Sample, inputs: Sequence[TensorSpec], label: str) -> list[Any]:
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


def _checked(value: Any, spec: TensorSpec, label: str) -> Array:
    try:
        array = np.asarray(value)
    except ValueError as e:
        raise SampleError(f"{label} is no array", remedy="Give one array a sequence") from e
    where = f"{label}, input '{spec.name}'"
    wanted = spec.sample_shape
    shown = (
        "("
        + ", ".join("T" if d is None else str(d) for d in wanted)
        + ("," if len(wanted) == 1 else "")
        + ")"
    )
    if array.ndim != len(wanted):
        raise SampleError(
            f"{where} has the wrong rank",
            expected=f"shape {shown} without batch axis",
            found=f"shape {array.shape}",
        )
    if any(w is not None and w != d for w, d in zip(wanted, array.shape, strict=True)):
        raise SampleError(
            f"{where} has the wrong shape",
            expected=shown,
            found=str(array.shape),
        )
    if 0 in array.shape:
        raise SampleError(
            f"{where} is empty", expected="at least one time step", found=f"shape {array.shape}"
        )
    _check_least(array, spec, where)
    dtype = np.dtype(spec.dtype)
    if dtype.kind == "f" or spec.quantization is not None:
        if array.dtype.kind not in "fiub":
            raise SampleError(
                f"{where} has the wrong dtype", expected="float32", found=str(array.dtype)
            )
        array = array.astype(np.float32, copy=False)
        if np.isnan(array).any():
            raise SampleError(f"{where} holds NaN", remedy="Fill or drop the missing values")
        if np.isinf(array).any():
            raise SampleError(f"{where} holds infinity", remedy="Drop or clip such values")
        return array
    if dtype.kind == "b":
        if array.dtype.kind not in "b":
            raise SampleError(
                f"{where} has the wrong dtype", expected="bool", found=str(array.dtype)
            )
        return array
    if array.dtype.kind == "f":
        array = _whole(array, dtype, where)
    if array.dtype.kind not in "iu":
        raise SampleError(
            f"{where} has the wrong dtype", expected=f"integers ({dtype})", found=str(array.dtype)
        )
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


def _whole(array: Array, dtype: Any, where: str) -> Array:
    """Whole numbers that come as floats, as integers: token ids are often kept so."""
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
    """Behind strides and convolutions a shorter sequence leaves no time step."""
    axes = [axis for axis in range(len(spec.shape)) if axis != spec.batch_axis]
    free = sum(spec.shape[axis] is None for axis in axes)
    for place, (axis, size) in enumerate(zip(axes, array.shape, strict=True)):
        if spec.least and size < spec.least[axis]:
            what = "time steps" if free == 1 else f"places along axis {place}"
            raise SampleError(
                f"{where} is too short",
                expected=f"at least {spec.least[axis]} {what}",
                found=str(size),
            )


@contextmanager
def open_npz(path: str | Path) -> Iterator[Any]:
    """An .npz file of plain arrays, open.

    Raises:
        SampleError: no such file, no .npz, or pickled content, on opening or within.
    """
    try:
        file = np.load(path, allow_pickle=False)
        if not hasattr(file, "files"):
            raise SampleError(f"'{path}' is a single .npy array", expected="an .npz of samples")
        with file:
            yield file
    except OSError as e:
        raise SampleError(f"cannot read the samples '{path}': {e.strerror or e}") from e
    except (ValueError, EOFError, zipfile.BadZipFile) as e:
        raise SampleError(
            f"'{path}' is no .npz file of plain arrays",
            remedy="Write it with np.savez(path, *samples)",
        ) from e


def read_npz(path: str | Path, names: Sequence[str]) -> list[Sample]:
    """Samples as `np.savez(path, *samples)` writes them: arr_0, arr_1, ...

    Args:
        path: the .npz file. With several inputs its keys are NAME/0, NAME/1, ...
        names: the model's input names.

    Raises:
        SampleError: no such file, no .npz, pickled content, or keys with gaps.
    """
    with open_npz(path) as file:
        arrays = {key: file[key] for key in file.files}
    if not arrays:
        raise SampleError(f"'{path}' holds no samples")
    by_input = any("/" in key for key in arrays)
    if not by_input and len(names) == 1:
        prefixes = {names[0]: "arr_"}
    else:
        prefixes = {name: f"{name}/" for name in names}
    count = len(arrays) // len(prefixes)
    wanted = {name: [f"{prefix}{k}" for k in range(count)] for name, prefix in prefixes.items()}
    keys = {key for column in wanted.values() for key in column}
    if keys != set(arrays):
        odd = sorted(set(arrays) ^ keys)[:4]
        shape = (
            "arr_0, arr_1, ..."
            if len(names) == 1
            else ", ".join(f"{n}/0, {n}/1, ..." for n in names)
        )
        raise SampleError(
            f"the samples in '{path}' are not named as expected",
            expected=shape,
            found=f"missing or unexpected: {', '.join(odd)}",
        )
    if len(names) == 1:
        return [arrays[key] for key in wanted[names[0]]]
    return [{name: arrays[column[k]] for name, column in wanted.items()} for k in range(count)]


def write_npz(path: str | Path, results: Any) -> None:
    """Write results of `predict`: arr_0, arr_1, ... or NAME/0, NAME/1, ... for several outputs."""
    arrays: dict[str, Array] = {}
    if isinstance(results, Mapping):
        for name, rows in results.items():
            arrays.update({f"{name}/{k}": row for k, row in enumerate(rows)})
    else:
        arrays.update({f"arr_{k}": row for k, row in enumerate(results)})
    sink = io.BytesIO()
    np.savez(sink, **arrays)  # type: ignore[arg-type]
    write_whole(path, sink.getvalue())


def require_samples(samples: object) -> None:
    """Refuse what is no iterable of samples.

    Raises:
        SampleError: it is a function, a text, or no iterable.
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
    """All samples, checked, as lists of arrays.

    Raises:
        SampleError: `samples` is no iterable of samples, is empty, or a sample does not fit.
    """
    require_samples(samples)
    checked = [check_sample(s, inputs, f"sample {k}") for k, s in enumerate(samples)]
    if not checked:
        raise SampleError("there are no samples", expected="at least one")
    return checked
