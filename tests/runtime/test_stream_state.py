"""What a stream keeps: told of the end, saved and restored."""

from dataclasses import replace

import numpy as np
import pytest

from rnnlite.errors import SampleError
from rnnlite.runtime.stream_state import END, HALFWAY, STEPS, Kept
from rnnlite.specs import TensorSpec

SPECS = tuple(
    TensorSpec(name, shape, dtype, batch_axis=None)
    for name, shape, dtype in (("h", (1, 3), "int8"), (STEPS, (), "int32"), (END, (), "int32"))
)


BESIDE = {
    "input/rate": TensorSpec("rate", (), "float32", batch_axis=None),
    "output/mean": TensorSpec("mean", (None, 2), "float64", batch_axis=0),
}


def kept(steps=7, **more):
    states = [np.array([[1, 2, 3]], np.int8), np.int32(steps), np.int32(2**31 - 1)]
    return Kept([np.asarray(s) for s in states], steps, **more)


@pytest.mark.parametrize(("steps", "told"), [(7, 7), (HALFWAY + 5, HALFWAY)])
def test_the_states_that_count_are_told_of_the_end(steps, told):
    h, count, end = kept(steps).ending(SPECS).states
    assert (h.tolist(), int(count), int(end)) == ([[1, 2, 3]], told, told)
    assert (count.dtype, end.dtype) == (np.int32, np.int32)


def test_all_of_it_is_saved_and_restored():
    before = kept(static={"rate": np.float32(0.5)}, so_far={"mean": np.ones((1, 2))})
    saved = before.saved(SPECS)
    assert list(saved) == ["h", STEPS, END, "steps", "input/rate", "output/mean"]
    again = kept(0).restored(saved, SPECS, BESIDE)
    assert again.steps == 7
    for one, other in zip(again.states, before.states, strict=True):
        np.testing.assert_array_equal(one, other)
    assert (float(again.static["rate"]), again.so_far["mean"].tolist()) == (0.5, [[1.0, 1.0]])
    # What is saved is a copy.
    before.states[0][:] = 0
    assert saved["h"].tolist() == [[1, 2, 3]]


@pytest.mark.parametrize(
    "change",
    [
        lambda s: s | {"more": np.zeros(1)},
        lambda s: s | {"output/peak": np.zeros((1, 2))},
        lambda s: {name: a for name, a in s.items() if name != "h"},
        lambda s: None,
    ],
    ids=["more", "another output", "less", "nothing"],
)
def test_what_another_model_keeps(change):
    with pytest.raises(SampleError, match="this is the state of another model; expected h, state"):
        kept().restored(change(kept().saved(SPECS)), SPECS, BESIDE)


@pytest.mark.parametrize("h", [np.zeros((2, 3), np.int8), np.zeros((1, 3), np.float32)])
def test_a_state_of_another_batch_or_mode(h):
    message = "state 'h' is of another model, mode or batch; expected int8"
    with pytest.raises(SampleError, match=message):
        kept().restored(kept().saved(SPECS) | {"h": h}, SPECS, BESIDE)


def test_integers_of_a_state_stand_for_the_same_numbers():
    def specs(scale):
        return (replace(SPECS[0], quantization=(scale, 3)), *SPECS[1:])

    saved = kept().saved(specs(0.5))
    assert saved["grids"].tolist() == [[0.5, 3.0]]
    kept().restored(saved, specs(0.5), BESIDE)
    with pytest.raises(SampleError, match=r"stand for other numbers; .* found \[\[0.5, 3.0\]\]"):
        kept().restored(saved, specs(0.25), BESIDE)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("output/mean", np.zeros((1, 3)), r"'output/mean' .* expected float64 \(None, 2\)"),
        ("output/mean", np.zeros((1, 2), np.float32), r"found float32 \(1, 2\)"),
        ("input/rate", np.zeros(1, np.float32), r"'input/rate' is of another model"),
        ("steps", np.array([3, 4]), r"'steps' .* found int64 \(2,\)"),
        ("steps", np.array(-5), r"a whole one of rank 0; found -5"),
        ("steps", np.array("x"), r"found <U1 \(\)"),
        ("steps", 2.5, r"found float64 \(\)"),
    ],
)
def test_what_stands_beside_the_states_fits_as_well(name, value, message):
    with pytest.raises(SampleError, match=message):
        kept().restored(kept().saved(SPECS) | {name: value}, SPECS, BESIDE)
