"""The one description of inputs and outputs."""

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
