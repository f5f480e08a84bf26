"""Time to convert one LSTM layer: rnnlite against TensorFlow's own converter, in one run.

TensorFlow's converter gets a SavedModel of the same tf_keras model with a fixed batch, its best
recipe; writing that SavedModel is not counted. rnnlite gets the live model. Both are warmed up,
then run in turn; imports are not counted. Prints medians and their ratio.
"""

import os
import statistics
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tensorflow as tf
import tf_keras

import rnnlite

ROUNDS = 7


def seconds(function):
    """Time of one call."""
    begin = time.perf_counter()
    function()
    return time.perf_counter() - begin


def main():
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

            laps = [(seconds(theirs), seconds(ours)) for _ in range(ROUNDS + 1)][1:]
        theirs_s, ours_s = (statistics.median(column) for column in zip(*laps, strict=True))
        check = statistics.median(checks[1:])
        print(
            f"{units:5}  {theirs_s:14.2f}  {ours_s:9.2f}  {check:17.2f}  {ours_s / theirs_s:5.2f}"
        )


if __name__ == "__main__":
    main()
