"""Random inputs: shapes, ranges, masks that leave something, the same for the same seed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnlite.frontends.random_inputs import random_inputs
from rnnlite.lengths.sizes import Axis
from rnnlite.specs import TensorSpec

FRAMES = TensorSpec("x", (None, None, 3), "float32")


def one(spec, length=9, batch=4, seed=0):
    (array,) = random_inputs([spec], length=length, batch=batch, seed=seed)
    assert array.dtype == spec.dtype
    return array


@pytest.mark.parametrize(
    ("spec", "shape"),
    [
        (FRAMES, (4, 9, 3)),
        (TensorSpec("x", (1, None, 3), "float32"), (1, 9, 3)),
        (TensorSpec("x", (None, None, 3), "float32", batch_axis=1), (9, 4, 3)),
        (TensorSpec("x", (None,), "float32", batch_axis=None), (9,)),
        (TensorSpec("x", (), "float32", batch_axis=None), ()),
    ],
)
def test_free_axes_are_filled_in(spec, shape):
    assert one(spec).shape == shape


def test_each_axis_may_have_a_length_of_its_own():
    lengths = {Axis(0, 1): 5, Axis(1, 1): 8}
    a, b = random_inputs([FRAMES, FRAMES], length=lengths, batch=2)
    assert (a.shape, b.shape) == ((2, 5, 3), (2, 8, 3))


def test_the_seed_decides():
    np.testing.assert_array_equal(one(FRAMES, seed=3), one(FRAMES, seed=3))
    assert not np.array_equal(one(FRAMES, seed=3), one(FRAMES, seed=4))


def test_floats_are_normal():
    found = one(FRAMES, length=400)
    assert abs(found.mean()) < 0.1
    assert 0.9 < found.std() < 1.1


@pytest.mark.parametrize("dtype", ["int32", "int64", "float32"])
def test_ids_are_all_that_are_valid(dtype):
    spec = TensorSpec("ids", (None, None), dtype, ids=(-1, 6))
    assert set(np.unique(one(spec, length=200))) == set(range(7))


def test_integers_of_which_nothing_is_known_are_flags():
    assert set(np.unique(one(TensorSpec("n", (None, None), "int32"), length=99))) == {0, 1}


def test_booleans_are_mostly_true():
    share = one(TensorSpec("m", (None, None), "bool"), length=400).mean()
    assert 0.6 < share < 0.9


def test_counts_reach_the_length_of_the_others():
    counts = TensorSpec("n", (None,), "int32", counts=True)
    _, found = random_inputs([FRAMES, counts], length=7, batch=50)
    assert found[0] == 7
    assert set(np.unique(found)) == set(range(1, 8))


def test_a_mask_has_holes_and_marks_whole_steps():
    found = one(TensorSpec("x", (None, None, 3), "float32", mask_value=-9.0), length=300)
    masked = (found == -9.0).all(-1)
    assert 0.1 < masked.mean() < 0.3
    np.testing.assert_array_equal((found == -9.0).any(-1), masked)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), length=st.integers(1, 4), batch=st.integers(1, 4))
def test_no_sequence_is_masked_throughout(seed, length, batch):
    specs = [
        TensorSpec("ids", (None, None), "int32", ids=(0, 2)),
        TensorSpec("mask", (None, None), "bool"),
        TensorSpec("x", (None, None, 2), "float32", mask_value=0.0),
    ]
    ids, mask, x = random_inputs(specs, length=length, batch=batch, seed=seed)
    assert ids.any(1).all()
    assert mask.any(1).all()
    assert (x != 0.0).any((1, 2)).all()


@pytest.mark.parametrize(
    ("domain", "low", "high"), [("real", -2.0, 2.0), ("positive", 0.0, 2.0), ("unit", 0.0, 1.0)]
)
def test_floats_lie_in_the_domain(domain, low, high):
    found = one(TensorSpec("x", (None, None, 3), "float32", domain=domain), length=400)
    inside = (found >= low) & (found <= high)
    assert inside.mean() > 0.95
    assert found.min() == pytest.approx(low, abs=0.01) or domain == "real"
