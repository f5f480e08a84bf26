"""Samples: what fits, what is refused, and the .npz form."""

import numpy as np
import pytest

from rnnlite.errors import SampleError
from rnnlite.runtime.samples import check_sample, listed
from rnnlite.specs import TensorSpec

FRAMES = TensorSpec("frames", (1, None, 3), "float32")
IDS = TensorSpec("ids", (1, None), "int32", ids=(0, 9))
GATE = TensorSpec("valid", (None, None), "bool")
LEVEL = TensorSpec("level", (1, None, 2), "int8", quantization=(0.1, 3))


def one(value, spec=FRAMES):
    return check_sample(value, [spec], "sample 4")[0]


def test_floats_of_any_width_become_float32_and_the_callers_array_is_left_alone():
    mine = np.ones((5, 3))
    found = one(mine)
    assert found.dtype == np.float32
    assert mine.dtype == np.float64
    assert one(np.ones((5, 3), np.int16)).dtype == np.float32
    assert one([[1, 2, 3]]).shape == (1, 3)
    assert one(np.ones((5, 2)), LEVEL).dtype == np.float32


def test_integers_stay_integers():
    assert one(np.array([1, 2], np.int64), IDS).dtype == np.int32


@pytest.mark.parametrize(
    ("value", "spec", "message"),
    [
        (
            np.ones((1, 5, 3)),
            FRAMES,
            r"wrong rank; expected shape \(T, 3\).*found shape \(1, 5, 3\)",
        ),
        (np.ones((5, 4)), FRAMES, r"wrong shape; expected \(T, 3\); found \(5, 4\)"),
        (np.ones((0, 3)), FRAMES, "is empty; expected at least one time step"),
        (np.full((5, 3), np.nan), FRAMES, "holds NaN"),
        (np.full((5, 3), -np.inf), FRAMES, "holds infinity"),
        (np.array([["a"] * 3]), FRAMES, "wrong dtype; expected float32; found <U1"),
        (np.array(["a"] * 3), IDS, r"wrong dtype; expected integers \(int32\); found <U1"),
        (
            np.array([3.0, 7.5]),
            IDS,
            r"no whole numbers; expected integers \(int32\), or floats such as 7.0; found 7.5",
        ),
        (np.array([np.nan]), IDS, "no whole numbers; expected .* found nan"),
        (np.array([1e18]), IDS, "values out of range"),
        (np.array([3, 10]), IDS, "out of range; expected 0 to 9; found 3 to 10"),
        (np.array([-1]), IDS, "out of range"),
        (np.ones(3), GATE, "wrong dtype; expected bool"),
        ([[1, 2], [3]], FRAMES, "is no array"),
    ],
)
def test_what_does_not_fit_is_named(value, spec, message):
    with pytest.raises(SampleError, match=f"sample 4.*{message}"):
        one(value, spec)


def test_several_inputs_by_order_and_by_name():
    frames, ids = np.ones((2, 3)), np.array([1, 2, 3])
    by_order = check_sample((frames, ids), [FRAMES, IDS], "sample 0")
    by_name = check_sample({"ids": ids, "frames": frames}, [FRAMES, IDS], "sample 0")
    assert [a.shape for a in by_order] == [a.shape for a in by_name] == [(2, 3), (3,)]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.ones((2, 3)), "is one array, the model has 2 inputs"),
        ((np.ones((2, 3)),), "wrong number of arrays; expected 2"),
        ({"frames": np.ones((2, 3)), "id": 1}, "names other inputs.*expected frames, ids"),
    ],
)
def test_several_inputs_refused(value, message):
    with pytest.raises(SampleError, match=message):
        check_sample(value, [FRAMES, IDS], "sample 0")


@pytest.mark.parametrize("value", [[], iter([])])
def test_no_samples(value):
    with pytest.raises(SampleError, match="there are no samples"):
        listed(value, [FRAMES])


@pytest.mark.parametrize("value", [7, "abc", {"a": 1}])
def test_no_list_of_samples(value):
    with pytest.raises(SampleError, match="not a list of samples"):
        listed(value, [FRAMES])
