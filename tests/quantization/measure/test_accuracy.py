"""The measures: relative RMS error, signal-to-noise ratio, classes, course over length."""

import math

import keras
import numpy as np
import pytest

import rnnlite
from graphs import Model
from rnnlite.errors import AbortError
from rnnlite.quantization.measure import accuracy
from rnnlite.quantization.measure.accuracy import (
    _at_length,
    _pairs,
    measure,
    measure_samples,
    remembering,
)
from rnnlite.specs import TensorSpec


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
    ((off,), _) = measure_samples(lambda a: [1.25 * model(a[0]).numpy()], data, samples)
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

    ((found,), _) = measure_samples(reference, data, samples)
    assert found.argmax_agreement == pytest.approx(2 / 3)


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


class Apart:
    """A model that doubles, of a batch of two."""

    inputs = (TensorSpec("x", (2, None, 1), "float32"),)
    outputs = (TensorSpec("y", (2, None, 1), "float32"),)

    def __init__(self):
        self.given = []

    def run(self, arrays, meanwhile):
        self.given.append(arrays[0].shape)
        meanwhile()
        return [2 * arrays[0]]


def test_samples_are_run_longest_first():
    """A runtime that has grown once is set up for all."""
    apart = Apart()
    samples = [[np.ones((n, 1), np.float32)] for n in (2, 9, 5)]
    pairs = list(_pairs(lambda a: [3 * a[0]], apart, samples))
    assert apart.given == [(2, 9, 1), (2, 5, 1), (2, 2, 1)]
    for found, expected in pairs:
        np.testing.assert_array_equal(3 * found[0], 2 * expected[0])


def test_the_error_at_a_length():
    samples = [[np.ones((2, 1), np.float32)]]
    assert _at_length(lambda a: [4 * a[0]], Apart(), samples, 7) == [pytest.approx(0.5)]


def test_sequences_of_a_length_are_one_batch_where_that_is_free():
    class Free(Apart):
        inputs = (TensorSpec("x", (None, None, 1), "float32"),)
        outputs = (TensorSpec("y", (None, None, 1), "float32"),)

    samples = [[np.full((n, 1), n, np.float32)] for n in (2, 3, 4, 5)]
    for apart, shapes in ((Free(), [(3, 7, 1)]), (Apart(), 3 * [(2, 7, 1)])):
        met = []

        def reference(arrays, met=met):
            met.append(arrays[0])
            return [4 * arrays[0]]

        assert _at_length(reference, apart, samples, 7) == [pytest.approx(0.5)]
        assert [a.shape for a in met] == apart.given == shapes
        # The first of them is of the first sample, then of the next.
        assert met[0][0, :, 0].tolist() == [2, 2, 3, 3, 3, 4, 4]


def test_a_length_that_the_source_refuses_is_left_out():
    def reference(arrays):
        raise ValueError("too long")

    assert _at_length(reference, Apart(), [[np.ones((2, 1), np.float32)]], 7) == [None]
    assert _at_length(reference, Apart(), [], 7) == [None]


def test_a_runtime_that_ends_its_process_is_told():
    def reference(arrays):
        raise AbortError("the runtime ended")

    with pytest.raises(AbortError, match="the runtime ended"):
        _at_length(reference, Apart(), [[np.ones((2, 1), np.float32)]], 7)


def doubled():
    model = Model()
    x, y = (model.main.tensor((1, -1, 2), name=n) for n in "xy")
    model.main.add("ADD", [x, x], [y], "AddOptions")
    model.main.ends([x], [y])
    return model.bytes()


def test_fifty_samples_are_measured_at_most():
    met = []

    def reference(arrays):
        met.append(arrays[0].shape)
        return [2 * arrays[0]]

    samples = [[np.ones((3, 2), np.float32)]] * 60
    ((found,), _) = measure_samples(reference, doubled(), samples)
    assert len(met) == 50
    assert (found.rms_error, found.by_length) == (0.0, {})
    met.clear()
    measure_samples(reference, doubled(), samples[:3], samples)
    assert len(met) == 50


def test_what_was_held_out_has_errors_of_its_own():
    held_out, others = ([[np.full((n, 2), v, np.float32)]] for n, v in ((3, 1.0), (4, 3.0)))

    def reference(arrays):
        # Right for what was held out, and half of what is found for the others.
        return [2 * arrays[0] if arrays[0].max() == 1.0 else arrays[0]]

    ((own,), (every,)) = measure_samples(reference, doubled(), held_out, others)
    assert own.rms_error == 0.0
    assert every.rms_error == pytest.approx(math.sqrt(8 * 9 / (6 * 4 + 8 * 9)))


def test_a_course_ends_where_it_would_take_long(monkeypatch):
    monkeypatch.setattr(accuracy, "PATIENCE", -1.0)
    samples = [[np.ones((3, 2), np.float32)]]
    (found,) = measure(lambda a: [2 * a[0]], doubled(), samples)
    assert found.by_length == {}
    monkeypatch.setattr(accuracy, "PATIENCE", math.inf)
    (found,) = measure(lambda a: [2 * a[0]], doubled(), samples)
    assert found.by_length == {10: 0.0, 100: 0.0, 1000: 0.0}


@pytest.mark.parametrize(("each_step", "runs"), [(True, [3, 3, 1]), (False, [3, 3, 3])])
def test_a_long_sequence_with_an_output_a_step_runs_once(each_step, runs, model):
    met = []
    data = doubled() if each_step else rnnlite.convert(model, batch_size=1, verify=False).tflite
    width = 2 if each_step else 3

    def reference(arrays):
        met.append(arrays[0].shape[1])
        return [2 * arrays[0] if each_step else np.zeros((1, width), np.float32)]

    samples = [[np.ones((n, 2), np.float32)] for n in (3, 4, 5, 6)]
    (found,) = measure(reference, data, samples)
    assert [met[len(samples) :].count(n) for n in (10, 100, 1000)] == runs
    assert sorted(found.by_length) == [10, 100, 1000]


def test_states_are_fed_back_on_both_sides():
    """h = x + 2 h beside x + h: each sample adds to what the ones before left."""
    model = Model()
    main = model.main
    x, h, y = (main.tensor((1, 2)) for _ in range(3))
    main.add("ADD", [x, h], [y], "AddOptions")
    main.ends([x, h], [y])
    rows = [[np.full(2, 1.0, np.float32), np.zeros(2, np.float32)] for _ in range(3)]

    def reference(arrays):
        return [arrays[0] + 2 * arrays[1]]

    (alone,) = measure(reference, model.bytes(), rows)
    assert (alone.rms_error, alone.fed_back) == (0.0, None)
    (found,) = measure(reference, model.bytes(), rows, states=((1, 0),))
    # The source gives 1, 3, 7, the model 1, 2, 3.
    assert found.fed_back == pytest.approx(math.sqrt((1 + 16) / (1 + 9 + 49)))
    # What was held out runs first, and has an error of its own.
    held, every = measure_samples(reference, model.bytes(), rows[:2], rows[2:], states=((1, 0),))
    assert held[0].fed_back == pytest.approx(math.sqrt(1 / (1 + 9)))
    assert every[0].fed_back == found.fed_back
