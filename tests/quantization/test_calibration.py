"""Calibration: which samples are taken, refused, warned of; which ranges are found."""

import numpy as np
import pytest

import rnnlite
from graphs import KERNEL, SHAPE, Model, one_loop, run
from rnnlite.lite.ir import Origin
from rnnlite.quantization.calibration import MANY, Samples, calibrate, likely_range, take_samples
from rnnlite.specs import TensorSpec

FRAMES = [TensorSpec("frames", (1, None, 2), "float32")]


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


def test_values_that_no_one_means_are_warned_of():
    (few, zeros) = take_samples([np.zeros((4, 2), np.float32)], FRAMES).warnings[:2]
    assert few.startswith("1 calibration sample is few")
    assert zeros.startswith("input 'frames' is zero in all calibration samples")
    # What a state's range is its output says.
    known = take_samples([np.zeros((4, 2), np.float32)], FRAMES, {0}).warnings
    assert not any("is zero" in w for w in known)
    huge = take_samples([1e30 * s for s in sequences(25)], FRAMES).warnings
    assert any("has values of 2.4e+31 in the calibration samples" in w for w in huge)


def test_a_function_is_to_be_called():
    """TFLite's representative_dataset is one, and gives samples with batch axis."""

    def representative_dataset():
        yield from sequences(3)

    message = r"a function.*representative_dataset\. Call it; .*x\[0\]"
    with pytest.raises(rnnlite.SampleError, match=message):
        take_samples(representative_dataset, FRAMES)
    assert len(take_samples(representative_dataset(), FRAMES).used) == 3


@pytest.mark.parametrize(
    ("bad", "text"),
    [
        ([], "there are no samples"),
        ([np.ones((3, 2)), np.full((3, 2), np.nan)], "sample 1, input 'frames' holds NaN"),
        (
            [np.ones((3, 2)), np.full((3, 2), np.inf)],
            "sample 1, input 'frames' holds infinity",
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
        model.ir, Samples([[x[0]] for x in rows], [], ()), advance=lambda: advanced.append(1)
    )
    assert len(advanced) == 2
    body = model.ir.graphs[2]
    product = ranges.values[body.values[4]]
    assert product == pytest.approx(
        (min(p.min() for p, _ in states), max(p.max() for p, _ in states)), abs=1e-5
    )
    assert ranges.values[body.outputs[1]] == pytest.approx(
        (min(h.min() for _, h in states), max(h.max() for _, h in states)), abs=1e-5
    )
    assert ranges.constant == []
    assert run(model.bytes(), rows[0])[0] == pytest.approx(states[3][1], abs=1e-5)


def test_a_tensor_that_never_varied_is_named():
    model, _, _ = one_loop()
    ranges = calibrate(model.ir, Samples([[np.zeros(3, np.float32)]], [], ()))
    assert "step_0/add" in ranges.constant


@pytest.mark.parametrize("other", [("step", 0), ("another step", 0)])
def test_one_value_has_one_range_wherever_it_is_computed(other):
    model = Model()
    main = model.main
    x = main.tensor([2])
    halves = [main.tensor([2], name=name) for name in ("h1", "h2")]
    for factor, half in zip((0.5, 2.0), halves, strict=True):
        main.add("MUL", [x, main.constant(np.full(2, factor))], [half], "MulOptions")
    main.ends([x], halves)
    for half, value in zip(halves, (("step", 0), other), strict=True):
        half.origin = Origin(("h",), value)
    samples = Samples([[np.array([1.0], np.float32)]], [], ())
    found = [calibrate(model.ir, samples).values[half] for half in halves]
    one = other == ("step", 0)
    assert found == ([(0.5, 2.0)] * 2 if one else [(0.5, 0.5), (2.0, 2.0)])


def test_few_values_are_given_room():
    # 24 values: sqrt(log 10,000 / log 24) = 1.70 times as wide.
    assert likely_range((-1.0, 1.0), 24) == pytest.approx((-1.702, 1.702), abs=1e-3)
    assert likely_range((0.0, 1.0), 24) == pytest.approx((0.0, 1.351), abs=1e-3)
    assert likely_range((-3.0, -1.0), 24) == pytest.approx((-3.702, -0.298), abs=1e-3)
    assert likely_range((-1.0, 1.0), 1) == (-2.0, 2.0)
    assert likely_range((-1.0, 1.0), MANY) == (-1.0, 1.0)


def test_values_of_outputs_are_counted():
    import keras

    model = keras.Sequential([keras.Input((None, 2)), keras.layers.LSTM(3), keras.layers.Dense(1)])
    rng = np.random.default_rng(0)
    rows = [rng.standard_normal((5 + k, 2)).astype(np.float32) for k in range(24)]
    data = rnnlite.convert(model, quantize="int8", io="int8", calibration=rows).tflite
    (output,) = rnnlite.load(data).outputs
    samples = take_samples(rows, FRAMES)
    runs = [*samples.used, *samples.short]
    seen = np.array([float(model(x[None])[0, 0]) for (x,) in runs])
    low, high = likely_range((seen.min(), seen.max()), len(samples.used))
    expected = 1.1 * (max(high, 0) - min(low, 0)) / 255
    assert output.quantization[0] == pytest.approx(expected, rel=0.05)


def test_equal_models_run_once():
    """Recipes that change nothing before calibration need no run of their own."""
    samples = Samples([[np.ones((3, 2), np.float32)]], [], ())
    known, runs = {}, []

    def model(factor):
        model = Model()
        x = model.main.tensor((1, -1, 2))
        y = model.main.tensor((1, -1, 2))
        number = model.main.constant(factor)
        model.main.add("MUL", [x, number], [y], "MulOptions")
        model.main.ends([x], [y])
        return model.ir

    for factor in (2.0, 2.0, 3.0):
        found = model(factor)
        ranges = calibrate(found, samples, advance=lambda: runs.append(1), known=known)
        assert ranges.values[found.main.outputs[0]] == (factor, factor)
    assert len(runs) == 2
