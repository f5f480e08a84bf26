"""The measures: relative RMS error, signal-to-noise ratio, classes, course over length."""

import math

import keras
import numpy as np
import pytest

import rnnlite
from rnnlite.quantization.measure.accuracy import _Sum, measure, remembering


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    layers = [keras.Input((None, 2)), keras.layers.GRU(4), keras.layers.Dense(3)]
    return keras.Sequential(layers)


@pytest.fixture(scope="module")
def samples():
    rng = np.random.default_rng(0)
    return [[rng.standard_normal((t, 2)).astype(np.float32)] for t in (3, 8, 5)]


def test_a_known_error_is_measured(model, samples):
    data = rnnlite.convert(model).tflite
    (exact,) = measure(rnnlite.load(data).run, data, samples)
    assert exact.rms_error < 1e-6
    assert exact.argmax_agreement is None
    assert sorted(exact.by_length) == [10, 100, 1000]
    (off,) = measure(lambda a: [1.25 * model(a[0]).numpy()], data, samples, lengths=False)
    assert off.rms_error == pytest.approx(0.2, abs=1e-5)
    assert off.snr_db == pytest.approx(-20 * math.log10(0.2), abs=1e-3)
    assert off.by_length == {}


def test_classes_are_counted(samples):
    keras.utils.set_random_seed(0)
    layers = [keras.Input((None, 2)), keras.layers.GRU(4), keras.layers.Dense(2, "softmax")]
    model = keras.Sequential(layers)
    data = rnnlite.convert(model).tflite
    turns = iter([False, True, False])

    def reference(arrays):
        y = model(arrays[0]).numpy()
        return [y[:, ::-1] if next(turns) else y]

    (found,) = measure(reference, data, samples, lengths=False)
    assert found.argmax_agreement == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("found", "expected", "error"),
    [
        ([3.0, 4.0], [3.0, 5.0], 1 / math.sqrt(34)),
        # There is nothing that an error could be relative to.
        ([0.03, 0.04], [0.0, 0.0], math.sqrt(0.00125)),
        ([0.0, 0.0], [0.0, 0.0], 0.0),
        ([math.nan, 1.0], [1.0, 1.0], math.inf),
        ([math.inf, 1.0], [1.0, 1.0], math.inf),
        # What the source itself gives as infinity is not compared.
        ([-9.0, 1.0], [-math.inf, 1.0], 0.0),
    ],
)
def test_relative_error(found, expected, error):
    total = _Sum()
    total.add(np.array(found, np.float32), np.array(expected, np.float32))
    assert total.error() == pytest.approx(error, rel=1e-6)


def test_of_classes_the_share_that_differs_counts():
    total = _Sum()
    total.add(np.array([7, 1, 0, 3], np.int32), np.array([6, 1, 0, 3], np.int32))
    assert total.error() == 0.25


def test_a_reference_that_remembers_computes_each_batch_once():
    calls = []

    def reference(arrays):
        calls.append(arrays[0].shape)
        return [2 * a for a in arrays]

    run = remembering(reference)
    ones = np.ones((1, 3), np.float32)
    assert run([ones])[0].sum() == run([ones.copy()])[0].sum() == 6
    # The same bytes in another shape or type are another batch.
    assert run([ones.reshape(3, 1)])[0].shape == (3, 1)
    assert run([ones.view(np.int32)])[0].dtype == np.int32
    assert calls == [(1, 3), (3, 1), (1, 3)]


def test_what_is_not_compared_is_counted():
    total = _Sum()
    expected = np.array([1.0, -np.inf, np.nan, 2.0], np.float32)
    total.add(np.ones(4, np.float32), expected)
    assert total.left_out() == 0.5
    assert _Sum().left_out() == 0.0
