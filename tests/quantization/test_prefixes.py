"""The beginnings of samples, to calibrate on besides."""

import keras
import numpy as np

import rnnlite
from rnnlite.quantization.prefixes import prefixes
from rnnlite.specs import TensorSpec

FRAMES = TensorSpec("x", (1, None, 3), "float32")


def frames(length, seed=0):
    return np.random.default_rng(seed).normal(size=(length, 3)).astype(np.float32)


def test_first_steps_below_the_length():
    rows = [[frames(5)], [frames(20)]]
    found = prefixes(rows, [FRAMES])
    assert [len(x) for (x,) in found] == [1, 2, 4, 1, 2, 4, 8]
    for (x,), whole in zip(found, [*rows[:1] * 3, *rows[1:] * 4], strict=True):
        np.testing.assert_array_equal(x, whole[0][: len(x)])


def test_what_the_model_takes_least():
    spec = TensorSpec("x", (1, None, 3), "float32", least=(1, 6, 3))
    assert [len(x) for (x,) in prefixes([[frames(20)]], [spec])] == [6, 7, 9, 13]
    assert prefixes([[frames(6)]], [spec]) == []


def test_padding_is_no_beginning():
    x = np.concatenate([np.zeros((6, 3), np.float32), frames(6)])
    found = prefixes([[x]], [FRAMES])
    assert [len(y) for (y,) in found] == [1, 2, 4, 8]
    np.testing.assert_array_equal(found[2][0], x[-4:])
    np.testing.assert_array_equal(found[3][0], x[:8])


def test_inputs_are_cut_alike_and_counts_with_them():
    counts = TensorSpec("n", (1,), "int32", counts=True)
    state = TensorSpec("h", (1, 4), "float32")
    row = [frames(20), np.array(17, np.int32), np.ones(4, np.float32)]
    found = prefixes([row], [FRAMES, counts, state])
    assert [(len(x), int(n), len(h)) for x, n, h in found] == [(k, k, 4) for k in (1, 2, 4, 8)]


def test_nothing_to_cut():
    assert prefixes([[frames(5)]], [TensorSpec("x", (1, 5, 3), "float32")]) == []
    image = TensorSpec("x", (1, None, None, 3), "float32")
    assert prefixes([[np.zeros((9, 9, 3), np.float32)]], [image]) == []


def test_attention_over_few_steps_when_calibrated_on_many():
    """Weighted sums of few steps lie beyond those of many: here off by 60 % before."""
    keras.utils.set_random_seed(3)
    rng = np.random.default_rng(0)

    def wave(t):
        x = np.sin(np.arange(t)[:, None] * 0.3 + rng.uniform(0, 6, (1, 8)))
        return (x * rng.uniform(0.2, 3) + rng.normal(size=(t, 8)) * 0.3).astype(np.float32)

    x = keras.Input((None, 8))
    h = keras.layers.GRU(8, return_sequences=True)(x)
    w = keras.layers.Softmax(axis=1)(keras.layers.Dense(1, activation="tanh")(h))
    model = keras.Model(x, keras.layers.Dense(3)(keras.ops.sum(h * w, 1)))
    calibration = [wave(int(t)) for t in rng.integers(15, 50, 40)]
    for mode, limit in (("int16x8", 0.03), ("int8", 0.12)):
        loaded = rnnlite.load(rnnlite.convert(model, quantize=mode, calibration=calibration).tflite)
        for length in (2, 3, 5, 9):
            samples = [wave(length) for _ in range(4)]
            expected = model.predict(np.stack(samples), verbose=0)
            error = np.sqrt(np.mean((loaded.predict(samples) - expected) ** 2))
            assert error < limit * np.sqrt(np.mean(expected**2)), (mode, length)
