"""int8 LSTM layers: speed against TensorFlow's own int8 conversion, and what each precision gives.

One run, one thread, batch 1, 100 time steps, 64 inputs; the models run in turn, medians. TensorFlow
gets a SavedModel of the same tf_keras layer with fixed batch and length, and the same calibration
data. Errors are relative RMS errors against the layer itself on samples that calibration did not
see.
"""

import os
import statistics
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf
import tf_keras

import rnnlite
from rnnlite.frontends.opening import open_program
from rnnlite.frontends.request import Request
from rnnlite.pipeline.pass_order import Part, finalize, translate
from rnnlite.quantization.calibration import calibrate, take_samples
from rnnlite.quantization.measure.accuracy import measure_samples
from rnnlite.quantization.plan.plan import make_plan
from rnnlite.quantization.prepare.decompose import decompose
from rnnlite.quantization.prepare.two_terms import refine_tables, split_weights
from rnnlite.quantization.recipes import RECIPES
from rnnlite.quantization.rewrite.integer import rewrite_to_integers
from rnnlite.specs import TensorSpec

STEPS, FEATURES, ROUNDS = 100, 64, 60
RNG = np.random.default_rng(0)
CALIBRATION = [RNG.standard_normal((STEPS, FEATURES)).astype(np.float32) for _ in range(25)]
TEST = [[RNG.standard_normal((STEPS, FEATURES)).astype(np.float32)] for _ in range(10)]


def theirs(model):
    """TensorFlow's int8 model of the layer."""
    with tempfile.TemporaryDirectory() as folder:
        model.save(folder)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: ([x[None]] for x in CALIBRATION)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.int8
        return converter.convert()


def precision(entry, model, trial):
    """The model of one trial of the int8 mode."""
    tree, _ = model.copy()
    if trial.by_row:
        refine_tables(tree, palettize=True)
    if trial.split:
        split_weights(tree, tables=trial.split == "all")
    wide = decompose(tree, trial.precision)
    specs = [TensorSpec(p.name, p.shape, p.dtype) for p in entry.inputs]
    ranges = calibrate(tree, take_samples(CALIBRATION, specs))
    plan = make_plan(tree, ranges.likely(), trial.precision, allow_float=False, wide=wide)
    rewrite_to_integers(tree, plan, "int8")
    return finalize([Part(entry, tree)]).data


def microseconds(files):
    """Median time a step of each file, run in turn."""
    models = {name: rnnlite.load(data) for name, data in files.items()}
    inputs = {
        name: np.zeros((1, STEPS, FEATURES), model.inputs[0].dtype)
        for name, model in models.items()
    }
    timings = {name: [] for name in models}
    for _ in range(ROUNDS):
        for name, model in models.items():
            begin = time.perf_counter()
            model.run([inputs[name]])
            timings[name].append(time.perf_counter() - begin)
    return {name: 1e6 * statistics.median(values[3:]) / STEPS for name, values in timings.items()}


def main():
    """Print one block a number of units."""
    for units in (64, 128, 256):
        tf_keras.utils.set_random_seed(0)
        model = tf_keras.Sequential(
            [tf_keras.Input((STEPS, FEATURES), batch_size=1), tf_keras.layers.LSTM(units)]
        )
        entry = open_program(model, Request()).main
        tree = translate(entry)
        files = {"TensorFlow int8": theirs(model)}
        chosen = rnnlite.convert(model, quantize="int8", calibration=CALIBRATION, verify=False)
        files["rnnlite int8, as chosen"] = chosen.tflite
        for mode in ("dynamic", "int16x8"):
            files[f"rnnlite {mode}"] = rnnlite.convert(
                model, quantize=mode, calibration=CALIBRATION, verify=False
            ).tflite
        for trial in RECIPES["int8"]:
            files[f"  int8 with {trial.name}"] = precision(entry, tree, trial)
        files["rnnlite float32"] = finalize([Part(entry, tree.copy()[0])]).data
        times = microseconds(files)
        print(f"\nLSTM, {units} units; int8 chose: {chosen.report.quantization.inner}")
        print(f"{'':44}us a step  ratio to TensorFlow int8  error %")
        for name, data in files.items():
            ((found,), _) = measure_samples(entry.reference, data, TEST)
            ratio = times[name] / times["TensorFlow int8"]
            error = 100 * found.rms_error
            print(f"{name:44}{times[name]:9.2f}  {ratio:24.3f}  {error:7.2f}", flush=True)


if __name__ == "__main__":
    main()
