"""Sequences of given lengths, and what is said where the error grows with length."""

import math

import keras
import numpy as np
import pytest

import rnnlite
from rnnlite.quantization.measure.course import course_warnings, sequences_of
from rnnlite.report.quantization import OutputAccuracy
from rnnlite.specs import TensorSpec

FRAMES = TensorSpec("x", (1, None, 1), "float32")


def rows(*lengths):
    return [[np.arange(n, dtype=np.float32)[:, None] + 100 * k] for k, n in enumerate(lengths)]


def test_samples_end_to_end():
    found = sequences_of([FRAMES], rows(2, 3), 6)
    assert [x[:, 0].tolist() for (x,) in found] == [
        [0, 1, 100, 101, 102, 0],
        [100, 101, 102, 0, 1, 100],
    ]
    assert (
        sequences_of([TensorSpec("x", (1, None, 1), "float32", least=(1, 7, 1))], rows(2), 6) == []
    )
    assert sequences_of([TensorSpec("x", (1, None, None), "float32")], rows(2), 6) == []


def test_what_is_said():
    def output(name, **by_length):
        course = {int(k[1:]): v for k, v in by_length.items()}
        return OutputAccuracy(name, 0.01, 0.0, None, course)

    accuracy = [output("a", t10=0.1, t100=0.25), output("b", t10=0.1, t100=0.3, t1000=0.5)]
    asked = []
    (words,) = course_warnings(accuracy, 0.25, (6, 50), lambda n: asked.append(n) or ["SUM 's'"])
    assert asked == [1000]
    assert words.startswith(
        "output 'b' is off by 30 % at 100 steps, 50 % at 1,000 steps; calibration saw 6 to 50 "
        "steps: the error enters at SUM 's'. Give calibration samples of such lengths"
    )
    assert course_warnings(accuracy, math.inf, None, lambda n: []) == []


def test_a_running_sum_is_noted_by_name():
    """It truly grows with length."""
    keras.utils.set_random_seed(0)
    x = keras.Input((None, 2))
    h = keras.layers.GRU(4, return_sequences=True, name="gru")(x)
    model = keras.Model(x, keras.layers.Dense(1)(keras.ops.sum(keras.ops.abs(h), 1)))
    rng = np.random.default_rng(0)
    data = [rng.normal(size=(int(t), 2)).astype(np.float32) for t in rng.integers(6, 30, 40)]
    report = rnnlite.convert(model, quantize="int16x8", calibration=data).report
    (words,) = [w for w in report.quantization.warnings if "steps; calibration saw" in w]
    for part in ("at 1,000 steps", "calibration saw 6 to 29 steps", "enters at SUM", "is beyond"):
        assert part in words


@pytest.mark.parametrize("length", [1, 2, 5, 100])
@pytest.mark.parametrize("samples", [1, 2, 5])
def test_as_many_sequences_as_there_are_samples_at_most(length, samples):
    found = sequences_of([FRAMES], rows(*range(2, 2 + samples)), length)
    assert len(found) == min(samples, 3)
    assert len(sequences_of([FRAMES], rows(*range(2, 2 + samples)), length, 1)) == 1
    assert all(x.shape == (length, 1) for (x,) in found)


def test_counts_of_steps_are_those_of_the_new_length():
    counts = TensorSpec("n", (1,), "int32", counts=True)
    given = [[np.zeros((4, 1), np.float32), np.array(4, np.int32)]]
    ((x, n),) = sequences_of([FRAMES, counts], given, 9)
    assert (x.shape, n.tolist(), n.dtype) == ((9, 1), 9, np.int32)


def test_inputs_of_fixed_size_stay():
    speaker = TensorSpec("s", (1, 2), "float32")
    given = [[r[0], np.full(2, k, np.float32)] for k, r in enumerate(rows(2, 3))]
    found = sequences_of([FRAMES, speaker], given, 4)
    assert [s.tolist() for _, s in found] == [[0, 0], [1, 1]]


def test_any_axis_may_be_the_free_one():
    turned = TensorSpec("x", (1, 2, None), "float32")
    given = [[np.arange(6, dtype=np.float32).reshape(2, 3)]]
    ((x,),) = sequences_of([turned], given, 5)
    assert x.tolist() == [[0, 1, 2, 0, 1], [3, 4, 5, 3, 4]]


def test_without_samples_there_are_none():
    assert sequences_of([FRAMES], [], 10) == []


def off(name, **by_length):
    course = {int(k[1:]): v for k, v in by_length.items()}
    return OutputAccuracy(name, 0.01, 0.0, None, course)


def test_places_are_looked_for_once_a_length():
    asked = []

    def worst(length):
        asked.append(length)
        return []

    accuracy = [off("a", t10=0.5, t100=0.4), off("b", t10=0.6), off("c", t100=0.9)]
    found = course_warnings(accuracy, 0.25, None, worst)
    assert asked == [10, 100]
    assert [w.split("'")[1] for w in found] == ["a", "b", "c"]


def test_without_a_place_and_without_calibration_less_is_said():
    (words,) = course_warnings([off("a", t10=0.5)], 0.25, None, lambda n: [])
    assert words == (
        "output 'a' is off by 50 % at 10 steps. Give calibration samples of such lengths, "
        "or keep to shorter ones"
    )


def test_an_error_that_is_no_number_is_too_large():
    (words,) = course_warnings([off("a", t10=math.nan)], 0.25, None, lambda n: ["EXP 'x'"])
    assert "nan % at 10 steps: the error enters at EXP 'x'" in words
    assert course_warnings([off("a", t10=0.25)], 0.25, None, lambda n: []) == []


def test_states_that_are_fed_back_too_far_off_are_noted():
    accuracy = [
        OutputAccuracy("y", 0.01, 40.0, None, fed_back=0.4),
        OutputAccuracy("h", 0.01, 40.0, None, fed_back=0.02),
    ]
    (words,) = course_warnings(accuracy, 0.25, None, lambda n: [])
    assert words == (
        "output 'y' is off by 40 % where samples run one after the other, each from the states "
        "that the one before gave back. Give calibration samples in the order of use, with the "
        "states that the model gives; or take a finer mode"
    )
