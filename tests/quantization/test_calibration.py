"""Calibration: which samples are taken, refused, warned of; which ranges are found."""

import numpy as np
import pytest

import rnnlite
from graphs import KERNEL, SHAPE, one_loop, run
from rnnlite.quantization.calibration import Samples, calibrate, take_samples
from rnnlite.quantization.names import neutral_name
from rnnlite.runtime.samples import Spec

FRAMES = [Spec("frames", (1, None, 2), "float32")]


def sequences(count, length=None):
    return [np.full((length or 3 + k, 2), k, np.float32) for k in range(count)]


def test_every_fifth_sample_is_held_out():
    samples = take_samples(sequences(25), FRAMES)
    # but for the longest, which is the last
    assert [int(s[0][0, 0]) for s in samples.held_out] == [4, 9, 14, 19]
    assert len(samples.used) == 21
    assert samples.warnings == ()
    assert samples.lengths[0] == 3


def test_poor_data_is_warned_of():
    few, one_length = take_samples(sequences(4, 7), FRAMES).warnings
    assert few == ("4 calibration samples are few: ranges may be too narrow, give 20 or more")
    assert one_length.startswith("all calibration samples have length 7")
    # too few to hold any out: the error is measured on the samples themselves
    samples = take_samples(sequences(4), FRAMES)
    assert samples.held_out is samples.used


@pytest.mark.parametrize(
    ("bad", "text"),
    [
        ([], "there are no samples"),
        ([np.ones((3, 2)), np.full((3, 2), np.nan)], "sample 1, input 'frames' holds NaN"),
        (
            [np.ones((3, 2)), np.full((3, 2), np.inf)],
            "calibration sample 1, input 'frames' holds infinity",
        ),
        ([np.ones((3, 3))], r"sample 0, input 'frames' has the wrong shape; expected \(T, 2\)"),
        ([np.ones(3)], "sample 0, input 'frames' has the wrong rank"),
    ],
)
def test_bad_samples_are_named(bad, text):
    with pytest.raises(rnnlite.SampleError, match=text):
        take_samples(bad, FRAMES)


def test_an_npz_is_read(tmp_path):
    np.savez(tmp_path / "some.npz", *sequences(6))
    assert len(take_samples(tmp_path / "some.npz", FRAMES).used) == 6
    assert len(take_samples(str(tmp_path / "some.npz"), FRAMES).used) == 6


def test_ranges_cover_all_iterations_of_a_body():
    model, _, _ = one_loop()
    rows = [np.full(SHAPE, v, np.float32) for v in (-0.4, 0.9)]
    states = []
    for x in rows:
        h = np.zeros(SHAPE)
        for _ in range(4):
            product = h @ KERNEL
            h = np.tanh(x + product)
            states.append((product, h))
    advanced = []
    ranges = calibrate(
        model.tree, Samples([[x[0]] for x in rows], [], ()), advance=lambda: advanced.append(1)
    )
    assert len(advanced) == 2
    product = ranges.values[2, 4]
    assert product == pytest.approx(
        (min(p.min() for p, _ in states), max(p.max() for p, _ in states)), abs=1e-5
    )
    assert ranges.values[2, 6] == pytest.approx(
        (min(h.min() for _, h in states), max(h.max() for _, h in states)), abs=1e-5
    )
    assert ranges.constant == []
    assert run(model.bytes(), rows[0])[0] == pytest.approx(states[3][1], abs=1e-5)


def test_a_tensor_that_never_varied_is_named():
    model, _, _ = one_loop()
    ranges = calibrate(model.tree, Samples([[np.zeros(3, np.float32)]], [], ()))
    assert "step/add" in ranges.constant


@pytest.mark.parametrize(
    ("name", "neutral"),
    [
        ("m/lstm/scan_8/step_3/MatMul12", "m/lstm/scan/step/MatMul"),
        ("m/lstm/scan_1/step_0/add_2", "m/lstm/scan/step/add_2"),
        ("a/scan_8/step_1/x3;b/y_1", "a/scan/step/x;b/y_1"),
        ("m/lstm/blocks_2/blocks_1/scan_4/step_3/add", "m/lstm/scan/step/add"),
    ],
)
def test_names_of_steps_are_one(name, neutral):
    assert neutral_name(name) == neutral
