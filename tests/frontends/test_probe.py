"""Random inputs: in the range of ids, with holes where there is a mask, never masked throughout."""

import numpy as np
import pytest

from rnnlite.frontends.probe import random_inputs
from rnnlite.lengths.sizes import Axis
from rnnlite.specs import TensorSpec


def draw(*specs, length=50, batch=4, seed=0):
    return random_inputs(specs, length=length, batch=batch, seed=seed)


def test_shapes_and_types():
    specs = [
        TensorSpec("a", (None, None, 3), "float32"),
        TensorSpec("b", (None, 7), "int32"),
        TensorSpec("c", (2, None), "bool"),
        TensorSpec("d", (None, None, 3), "float32", batch_axis=1),
    ]
    found = draw(*specs, length=5, batch=2)
    assert [x.shape for x in found] == [(2, 5, 3), (2, 7), (2, 5), (5, 2, 3)]
    assert [x.dtype.name for x in found] == ["float32", "int32", "bool", "float32"]
    again = draw(*specs, length=5, batch=2)
    assert all(np.array_equal(a, b) for a, b in zip(found, again, strict=True))


def test_a_length_for_each_axis():
    specs = [TensorSpec(n, (None, None), "float32") for n in "ab"]
    found = draw(*specs, length={Axis(0, 1): 3, Axis(1, 1): 8}, batch=2)
    assert [x.shape for x in found] == [(2, 3), (2, 8)]


@pytest.mark.parametrize("dtype", ["int32", "float32"])
def test_ids_fill_their_range(dtype):
    (ids,) = draw(TensorSpec("ids", (None, None), dtype, ids=(-6, 5)))
    assert set(np.unique(ids)) == set(range(6))


def test_integers_of_unknown_meaning_are_0_and_1():
    (codes,) = draw(TensorSpec("codes", (None, None), "int64"))
    assert set(np.unique(codes)) == {0, 1}


def test_masks_have_holes_and_no_sequence_is_masked_throughout():
    frames = TensorSpec("frames", (None, None, 3), "float32", mask_value=-1.0)
    (x,) = draw(frames)
    share = (x == -1).all(-1).mean()
    assert 0.1 < share < 0.3
    for seed in range(200):
        (x,) = draw(frames, length=1, batch=2, seed=seed)
        assert not (x == -1).all((1, 2)).any()


def test_numbers_of_time_steps():
    frames = TensorSpec("frames", (None, None, 3), "float32")
    counts = TensorSpec("counts", (None,), "int32", counts=True)
    _, found = draw(frames, counts, length=9, batch=20)
    assert (found.min() >= 1, found.max(), found[0]) == (True, 9, 9)
