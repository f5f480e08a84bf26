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
    _is_distribution,
    _pairs,
    _Sum,
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


def total_of(*pairs):
    total = _Sum()
    for found, expected in pairs:
        total.add(np.asarray(found), np.asarray(expected))
    return total


def test_an_error_is_over_all_samples_together():
    """Not a mean of errors: a sample of small values counts little."""
    total = total_of(([3.0], [4.0]), ([0.0], [3.0]))
    assert total.error() == pytest.approx(math.sqrt((1 + 9) / (16 + 9)))
    assert total.snr() == pytest.approx(-20 * math.log10(total.error()))


def test_no_error_has_no_end_of_decibels():
    assert total_of(([1.0], [1.0])).snr() == math.inf
    assert _Sum().error() == 0.0


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ([[0.25, 0.75], [1.0, 0.0]], True),
        ([0.2, 0.3, 0.5], True),
        ([[0.5, 0.6]], False),
        ([[1.5, -0.5]], False),
        ([[1.0]], False),
        (1.0, False),
        ([[0.5004, 0.5]], True),
    ],
)
def test_what_probabilities_of_classes_are(values, wanted):
    assert _is_distribution(np.array(values)) == wanted


def test_classes_agree_by_the_row():
    rows = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])
    total = total_of((rows[:, ::-1], rows), (rows[:1], rows[:1]))
    assert total.agreement() == pytest.approx(1 / 4)


def test_what_is_a_distribution_once_alone_is_no_classifier():
    total = total_of(([[0.5, 0.5]], [[0.5, 0.5]]), ([[3.0, 4.0]], [[3.0, 4.0]]))
    assert total.agreement() is None
    assert _Sum().agreement() is None


@pytest.mark.parametrize("dtype", [np.int32, np.int64, np.uint8, bool])
def test_whole_numbers_are_right_or_wrong(dtype):
    total = total_of((np.array([1, 0, 1, 1], dtype), np.array([1, 1, 1, 1], dtype)))
    assert (total.error(), total.agreement()) == (0.25, None)


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
