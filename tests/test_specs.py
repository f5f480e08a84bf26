"""The one description of inputs and outputs."""

import json
import subprocess
import sys

import numpy as np
import pytest

from rnnlite.specs import TensorSpec, batched, row, stacked, with_values


@pytest.mark.parametrize(
    ("shape", "axis", "sample", "batch"),
    [
        ((None, None, 3), 0, (None, 3), None),
        ((7, 2, 3), 1, (7, 3), 2),
        ((4, 3), None, (4, 3), 1),
        ((), 0, (), 1),
    ],
)
def test_the_batch_axis(shape, axis, sample, batch):
    spec = TensorSpec("x", shape, "float32", batch_axis=axis)
    assert (spec.sample_shape, spec.batch) == (sample, batch)


def test_quantization_and_json():
    spec = TensorSpec("x", (1, None), "int8", quantization=(0.5, -3), least=(1, 4))
    assert (spec.scale, spec.zero_point) == (0.5, -3)
    assert spec.to_dict() == {
        "name": "x",
        "shape": (1, None),
        "dtype": "int8",
        "scale": 0.5,
        "zero_point": -3,
        "least": (1, 4),
    }
    plain = TensorSpec("y", (), "float32", ranked=False).to_dict()
    assert (plain["shape"], plain["scale"], plain["zero_point"]) == (None, None, None)


def test_what_values_mean():
    ids, frames = with_values(
        [TensorSpec("ids", (None,), "int32"), TensorSpec("frames", (None, 2), "float32")],
        {"ids": (0, 9)},
        {"frames": -1.0},
    )
    assert (ids.ids, ids.mask_value) == ((0, 9), None)
    assert (frames.ids, frames.mask_value) == (None, -1.0)


def test_samples_and_batches():
    a, b = np.arange(3.0), np.arange(3.0) + 10
    np.testing.assert_array_equal(stacked([a, b], 1), [[0, 10], [1, 11], [2, 12]])
    np.testing.assert_array_equal(stacked([a, b], None), a)
    np.testing.assert_array_equal(batched(a, 0, 2), [a, a])
    np.testing.assert_array_equal(batched(a, None, 2), a)
    np.testing.assert_array_equal(row(stacked([a, b], 1), 1, 1), b)
    np.testing.assert_array_equal(row(a, None, 1), a)
    assert row(np.float32(2.0), 0, 1) == 2


def test_imports_nothing_of_the_rooms():
    code = (
        "import runpy, sys; runpy.run_path(sys.argv[1]); "
        "print([n for n in sys.modules if n.startswith(('rnnlite', 'tensorflow', 'keras'))])"
    )
    import rnnlite.specs

    done = subprocess.run(
        [sys.executable, "-c", code, rnnlite.specs.__file__],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "[]\n"


def test_a_spec_without_options_is_a_float_with_its_batch_in_front():
    spec = TensorSpec("x", (None, 3), "float32")
    assert (spec.batch_axis, spec.time_axis, spec.counts, spec.least) == (0, None, False, ())
    assert (spec.scale, spec.zero_point, spec.ranked, spec.domain) == (None, None, True, "real")
    with pytest.raises(TypeError, match="positional"):
        TensorSpec("x", (None, 3), "float32", 0)


def test_values_of_no_name_change_nothing():
    specs = (TensorSpec("a", (None,), "int32"),)
    assert with_values(specs, {}, {}) == specs
    assert with_values(specs, {"b": (0, 1)}, {"c": 0.0}) == specs
    # What was known before is what is said now.
    known = with_values(specs, {"a": (0, 9)}, {})
    assert with_values(known, {}, {}) == specs


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("count", [1, 3])
def test_each_row_of_a_batch_is_the_sample(axis, count):
    sample = np.arange(6.0).reshape(2, 3)
    batch = batched(sample, axis, count)
    assert batch.shape[axis] == count
    for k in range(count):
        np.testing.assert_array_equal(row(batch, axis, k), sample)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_rows_of_what_was_stacked_are_the_samples(axis):
    samples = [np.full((2, 3), k) for k in range(4)]
    batch = stacked(samples, axis)
    assert batch.shape == tuple(np.insert((2, 3), axis, 4))
    for k, sample in enumerate(samples):
        np.testing.assert_array_equal(row(batch, axis, k), sample)


def test_a_spec_of_a_file_is_plain_data():
    """JSON takes it as it is."""
    spec = TensorSpec("x", (1, None), "int8", quantization=(0.5, -3))
    assert json.loads(json.dumps(spec.to_dict()))["shape"] == [1, None]
