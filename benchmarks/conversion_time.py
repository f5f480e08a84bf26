"""Time to convert: five models in four modes, and one LSTM layer against TensorFlow's converter.

All in one process, warmed up, then in turn; imports are not counted. Prints medians, and ratios to
float32 of the same model. `python conversion_time.py 3` takes three rounds, in place of seven.

TensorFlow's converter gets a SavedModel of the same tf_keras model with a fixed batch, its best
recipe; writing that SavedModel is not counted. rnnlite gets the live model.
"""

import os
import statistics
import sys
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
import tf_keras
from speed.machine import _processor

import rnnlite

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 7
MODES = (None, "dynamic", "int8", "int16x8")
SAMPLES = 25
"""Calibration sequences, of 20 to 60 steps."""

L = keras.layers


def lstm():
    """One layer, its last output."""
    return keras.Sequential([keras.Input((None, 16)), L.LSTM(32), L.Dense(4)])


def lstm_sequence():
    """One layer, its output sequence."""
    return keras.Sequential([keras.Input((None, 64)), L.LSTM(128, return_sequences=True)])


def stack():
    """Two bidirectional layers and a third one."""
    return keras.Sequential(
        [
            keras.Input((None, 32)),
            L.Bidirectional(L.LSTM(64, return_sequences=True)),
            L.Bidirectional(L.LSTM(64, return_sequences=True)),
            L.GRU(64),
            L.Dense(10, activation="softmax"),
        ]
    )


def crnn():
    """A text line's columns: convolutions, then a bidirectional layer, classes a step."""
    image = keras.Input((None, 16, 1))
    x = L.Conv2D(16, 3, padding="same", activation="relu")(image)
    x = L.MaxPooling2D((2, 2))(x)
    x = L.Conv2D(32, 3, padding="same", activation="relu")(x)
    x = L.MaxPooling2D((1, 2))(x)
    x = L.Reshape((-1, 4 * 32))(x)
    x = L.Bidirectional(L.LSTM(48, return_sequences=True))(x)
    return keras.Model(image, L.Dense(20, activation="softmax")(x))


def attention():
    """Convolutions, a GRU, and a weighted mean over its steps."""
    x = keras.Input((None, 12))
    h = L.Conv1D(24, 5, padding="same", activation="relu")(x)
    h = L.MaxPooling1D(2)(h)
    h = L.GRU(48, return_sequences=True)(h)
    weights = L.Softmax(axis=1)(L.Dense(1)(h))
    h = L.GlobalAveragePooling1D()(L.Multiply()([h, weights]))
    return keras.Model(x, L.Dense(6, activation="softmax")(h))


MODELS = {
    "LSTM 32": lstm,
    "LSTM 128, sequence": lstm_sequence,
    "2 BiLSTM 64 + GRU": stack,
    "CRNN": crnn,
    "CNN + GRU, attention": attention,
}


def seconds(function, *args, **options):
    """Time of one call."""
    begin = time.perf_counter()
    function(*args, **options)
    return time.perf_counter() - begin


def by_mode():
    """Print one line a model: seconds in float32, and what the other modes take relative to it."""
    print(f"{'model':22} float32 s  " + "  ".join(f"{m:>7}" for m in MODES[1:]))
    rng = np.random.default_rng(0)
    for name, make in MODELS.items():
        keras.utils.set_random_seed(0)
        model = make()
        shape = model.input_shape[2:]
        samples = [
            rng.standard_normal((2 * int(t), *shape)).astype(np.float32)
            for t in rng.integers(10, 30, SAMPLES)
        ]
        timings = {mode: [] for mode in MODES}
        for _ in range(ROUNDS + 1):
            for mode, found in timings.items():
                options = {} if mode is None else {"calibration": samples, "max_error": 1.0}
                found.append(seconds(rnnlite.convert, model, quantize=mode, **options))
        medians = {mode: statistics.median(found[1:]) for mode, found in timings.items()}
        ratios = "  ".join(f"{medians[m] / medians[None]:7.2f}" for m in MODES[1:])
        print(f"{name:22} {medians[None]:9.2f}  {ratios}", flush=True)


def against_tensorflow():
    """Print one line a number of units."""
    print("units  TF converter s  rnnlite s  of it the check s  ratio")
    for units in (32, 128, 512):
        model = tf_keras.Sequential(
            [tf_keras.Input((None, 64), batch_size=1), tf_keras.layers.LSTM(units)]
        )
        with tempfile.TemporaryDirectory() as folder:
            model.save(folder)
            checks = []

            def ours(model=model, checks=checks):
                checks.append(rnnlite.convert(model).report.seconds["check"])

            def theirs(folder=folder):
                tf.lite.TFLiteConverter.from_saved_model(folder).convert()

            timings = [(seconds(theirs), seconds(ours)) for _ in range(ROUNDS + 1)][1:]
        theirs_s, ours_s = (statistics.median(column) for column in zip(*timings, strict=True))
        check = statistics.median(checks[1:])
        print(
            f"{units:5}  {theirs_s:14.2f}  {ours_s:9.2f}  {check:17.2f}  {ours_s / theirs_s:5.2f}"
        )


if __name__ == "__main__":
    print(f"{_processor()}, {os.cpu_count()} cores; medians of {ROUNDS} rounds")
    by_mode()
    print()
    against_tensorflow()
