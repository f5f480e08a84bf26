"""Sequences of given lengths, and what is said where the error grows with length."""

import math

import keras
import numpy as np

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
