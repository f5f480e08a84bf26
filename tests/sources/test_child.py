"""A Keras 3 model on the JAX backend, converted by a child process on TensorFlow."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

import rnnlite

PROGRAM = """
import json, sys
import numpy as np
import keras, rnnlite
assert keras.config.backend() == "jax"
keras.utils.set_random_seed(0)
model = keras.Sequential([keras.Input((9, 3)), keras.layers.Bidirectional(keras.layers.GRU(4))])
found = rnnlite.convert(model, batch_size=None)
x = np.random.default_rng(0).standard_normal((2, 9, 3)).astype("float32")
result = rnnlite.load(found.tflite).predict(list(x))
samples = [np.random.default_rng(k).standard_normal((9, 3)).astype("float32") for k in range(24)]
small = rnnlite.convert(model, quantize="int8", calibration=samples)
integers = rnnlite.load(small.tflite)
error = integers.predict(samples) - np.asarray(model(np.stack(samples)))
print(json.dumps({
    "quantized": integers.inputs[0].dtype,
    "held_out": small.report.quantization.held_out,
    "error": float(np.abs(error).max()),
    "difference": float(np.abs(result - np.asarray(model(x))).max()),
    "shape": found.report.inputs[0]["shape"],
    "within": found.report.parity.within,
    "tensorflow": "tensorflow" in sys.modules,
}))
lambda_model = keras.Sequential([keras.Input((3, 3)), keras.layers.Reshape((9,))])
try:
    rnnlite.convert(lambda_model, sequence_length=None)
except rnnlite.RnnliteError as e:
    print(type(e).__name__, e)
"""


@pytest.mark.long
def test_another_backend():
    environment = {**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True
    )
    lines = done.stdout.splitlines()
    assert lines, done.stderr
    found = json.loads(lines[0])
    assert found["difference"] < 1e-5
    assert found["shape"] == [None, None, 3]
    assert found["within"]
    assert (found["quantized"], found["held_out"]) == ("int8", 4)
    assert 0 < found["error"] < 0.05
    assert lines[1].startswith("ShapeError the length of input")


def test_custom_objects_that_no_other_process_can_import():
    from rnnlite.sources.keras.child import _by_reference

    class Local:
        pass

    with pytest.raises(rnnlite.SourceError, match="'Local' cannot be handed"):
        _by_reference({"Local": Local})
    assert _by_reference({"a": np.linalg.norm}) == {"a": ["numpy.linalg", "norm"]}
