"""A Keras 3 model on the JAX or torch backend: a child process on TensorFlow does what is asked."""

import importlib.util
import json
import os
import pickle
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import fields, replace
from types import SimpleNamespace

import keras
import numpy as np
import pytest

import rnnlite
from rnnlite.frontends.opening import environment_of
from rnnlite.frontends.request import Request
from rnnlite.isolation.process import WorkerDied
from rnnlite.lowering.schedule import Options
from rnnlite.pipeline import remote
from rnnlite.pipeline.remote import Task, _by_reference, _samples, _shapes
from rnnlite.quantization.config import QuantizationConfig
from rnnlite.report.parity import Parity

PROGRAM = """
import json, sys
from pathlib import Path
import numpy as np
import keras, rnnlite
assert keras.config.backend() == sys.argv[2]
folder = Path(sys.argv[1])
keras.utils.set_random_seed(0)
model = keras.Sequential([keras.Input((9, 3)), keras.layers.Bidirectional(keras.layers.GRU(4))])
found = rnnlite.convert(model, batch_size=None)
x = np.random.default_rng(0).standard_normal((2, 9, 3)).astype("float32")
expected = keras.ops.convert_to_numpy(model(x))
result = rnnlite.load(found.tflite).predict(list(x))
samples = [np.random.default_rng(k).standard_normal((9, 3)).astype("float32") for k in range(24)]
small = rnnlite.convert(model, quantize="int8", calibration=samples, max_error=0.5)
integers = rnnlite.load(small.tflite)
error = integers.predict(samples) - keras.ops.convert_to_numpy(model(np.stack(samples)))
ends = rnnlite.freeze(model, folder / "frozen.pb")
refused = []
def refuse(call):
    try:
        call()
    except rnnlite.RnnliteError as e:
        refused.append([type(e).__name__, str(e)])
other = keras.models.clone_model(model)
flat = keras.Sequential([keras.Input((3, 3)), keras.layers.Reshape((9,))])
refuse(lambda: rnnlite.verify(other, found.tflite).require_parity())
refuse(lambda: rnnlite.convert(flat, sequence_length=None))
refuse(lambda: rnnlite.convert(model, signature="serve"))
refuse(lambda: rnnlite.verify(model, found.tflite, max_error=0.1))
np.save(folder / "x.npy", x)
np.save(folder / "y.npy", expected)
print(json.dumps({
    "quantized": integers.inputs[0].dtype,
    "held_out": small.report.quantization.held_out,
    "error": float(np.abs(error).max()),
    "difference": float(np.abs(result - expected).max()),
    "shape": found.report.inputs[0]["shape"],
    "within": found.report.parity.within,
    "verified": rnnlite.verify(model, found.tflite, samples[:2]).parity.within,
    "measured": rnnlite.verify(model, small.tflite, samples).quantization.accuracy[0].rms_error,
    "ends": [[t.name for t in part] for part in ends],
    "refused": refused,
    "tensorflow": "tensorflow" in sys.modules,
}))
"""


@pytest.mark.long
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_another_backend(backend, tmp_path):
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    environment = {**os.environ, "KERAS_BACKEND": backend, "JAX_PLATFORMS": "cpu"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path), backend],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.stdout, done.stderr
    found = json.loads(done.stdout)
    assert found["difference"] < 1e-5
    assert found["shape"] == [None, None, 3]
    assert found["within"]
    assert found["verified"]
    assert (found["quantized"], found["held_out"]) == ("int8", 4)
    assert 0 < found["error"] < 0.05
    assert 0 < found["measured"] < 0.05
    parity, shape, option, limit = found["refused"]
    assert parity[0] == "ParityError"
    assert shape[0] == "ShapeError"
    assert shape[1].startswith("the length of input")
    assert option == [
        "OptionError",
        "signature='serve' is given, but the source is a live Keras model; expected custom_objects "
        "or trust at most. Leave it out: what takes it is a SavedModel, a SavedModel of Keras that "
        "is read by its signature, a live tf.Module or tf.function.",
    ]
    assert limit[0] == "QuantizationError"
    x, expected = np.load(tmp_path / "x.npy"), np.load(tmp_path / "y.npy")
    frozen = rnnlite.load(rnnlite.convert(tmp_path / "frozen.pb").tflite)
    assert ([t.name for t in frozen.inputs], len(frozen.outputs)) == (found["ends"][0], 1)
    np.testing.assert_allclose(frozen.predict(list(x)), expected, atol=1e-5)


def test_a_backend_that_keras_would_be_imported_with(monkeypatch, tmp_path):
    path = tmp_path / "model.keras"
    keras.Sequential([keras.Input((None, 2)), keras.layers.GRU(2)]).save(path)
    assert not environment_of(path)
    monkeypatch.delitem(sys.modules, "keras")
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    assert environment_of(path)
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    assert not environment_of(path)


def test_custom_objects_that_no_other_process_can_import():
    class Local:
        pass

    with pytest.raises(rnnlite.SourceError, match="'Local' cannot be handed"):
        _by_reference({"Local": Local})
    assert _by_reference({"a": np.linalg.norm}) == {"a": ["numpy.linalg", "norm"]}


@pytest.mark.parametrize("kind", [Request, QuantizationConfig, Options])
def test_every_option_reaches_the_child(kind):
    """Also one that is added later: each field gets a value of its own."""
    names = [field.name for field in fields(kind)]
    values = kind(**{name: f"value of {name}" for name in names})
    holder = {Request: "request", QuantizationConfig: "config", Options: "request"}[kind]
    request = Request(schedule=values) if kind is Options else Request()
    task = Task("convert", "model.keras", request)
    task = replace(task, **{holder: request if kind is Options else values})
    got = getattr(pickle.loads(pickle.dumps(task)), holder)
    got = got.schedule if kind is Options else got
    assert {name: getattr(got, name) for name in names} == {n: f"value of {n}" for n in names}


def test_the_live_comparison_takes_shapes_that_the_check_ran():
    source = SimpleNamespace(inputs=[np.empty((1, 9, 3)), SimpleNamespace(shape=(None, None, 2))])
    runs = (((1, 19, 3), (1, 19, 2)), ((1, 9, 3), (1, 4, 2)))
    parity = Parity(outputs=(), lengths=(19, 9), batches=(1,), runs=2, shapes=runs)
    assert _shapes(source, SimpleNamespace(parity=parity)) == [(1, 9, 3), (1, 4, 2)]
    parity = replace(parity, shapes=runs[:1])
    assert _shapes(source, SimpleNamespace(parity=parity)) == [(1, 9, 3), (1, 19, 2)]
    # A subclassed model states nothing.
    assert _shapes(object(), SimpleNamespace(parity=parity)) == [(1, 19, 3), (1, 19, 2)]


def test_a_worker_that_fails_is_a_refusal(monkeypatch, tmp_path):
    path = tmp_path / "model.keras"
    keras.Sequential([keras.Input((None, 2)), keras.layers.GRU(2)]).save(path)
    monkeypatch.setitem(remote.ON_TENSORFLOW, "KERAS_BACKEND", "none such")
    monkeypatch.setattr(remote, "KIND", "fails")
    with pytest.raises(rnnlite.SourceError, match=r"child process .* failed; found .*none such"):
        remote._answer(path, Task("convert", "", Request()))


def test_samples_are_handed_over_in_their_nesting(tmp_path):
    assert _samples(None) is None
    assert _samples(tmp_path / "a.npz") == tmp_path / "a.npz"
    one, pair, named = _samples(iter([np.ones(2), (np.ones(3), 4), {"x": [1.0]}]))
    assert one.tolist() == [1, 1]
    assert (pair[0].tolist(), pair[1].tolist()) == ([1, 1, 1], 4)
    assert named["x"].tolist() == [1.0]


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        (WorkerDied("signal 9", "Killed by the system\n"), "signal 9: Killed by the system"),
        (RuntimeError("no room"), "no room"),
    ],
)
def test_a_child_that_fails(monkeypatch, tmp_path, failure, said):
    class Failing:
        def call(self, *args, **options):
            raise failure

    @contextmanager
    def borrowed(kind, environment):
        yield Failing()

    monkeypatch.setattr(remote, "borrowed", borrowed)
    path = tmp_path / "m.keras"
    keras.Sequential([keras.Input((4, 2)), keras.layers.GRU(2)]).save(path)
    with pytest.raises(rnnlite.SourceError) as found:
        remote._answer(path, Task("freeze", "", Request()))
    assert str(found.value) == (
        "the child process that works with the TensorFlow backend failed; found " + said + "."
    )
