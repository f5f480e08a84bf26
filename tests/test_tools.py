"""Tools that people use on LiteRT files open ours, each skipped where it is not installed.

`ai-edge-quantizer` and `litert-quantizer` (which ask for one release of ai-edge-litert each) and
the adapter of Model Explorer (0.5 GB) are in no extra of ours: `pip install` them to run these.
"""

import importlib
import json
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

import keras
import numpy as np
import pytest

import rnnlite
import two_signatures

L = keras.layers
SCRIPT = Path(__file__).parent / "netron.mjs"


def tagger():
    keras.utils.set_random_seed(0)
    inner = L.Bidirectional(L.GRU(64, return_sequences=True), name="reader")
    return keras.Sequential([keras.Input((None, 6), name="x"), inner, L.Dense(64, name="head")])


def forward():
    keras.utils.set_random_seed(0)
    stack = [L.Conv1D(32, 3, padding="same"), L.LSTM(64, return_sequences=True), L.Dense(64)]
    return keras.Sequential([keras.Input((None, 6), name="x"), *stack])


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A file of each kind, by name."""
    folder = tmp_path_factory.mktemp("tools")
    rng = np.random.default_rng(0)
    samples = [rng.standard_normal((t, 6)).astype(np.float32) for t in (5, 9, 20, 40) * 3]
    made = {
        "float32": rnnlite.convert(tagger(), verify=False),
        "dynamic": rnnlite.convert(tagger(), verify=False, quantize="dynamic"),
        "int8": rnnlite.convert(tagger(), verify=False, quantize="int8", calibration=samples),
        "stream": rnnlite.convert(forward(), verify=False, streaming=True),
        "steps": rnnlite.convert(forward(), verify=False, streaming=1),
        "functions": rnnlite.convert(
            two_signatures.save(folder / "two"), verify=False, signature="all", batch_size=1
        ),
    }
    return {name: converted.save(folder / f"{name}.tflite") for name, converted in made.items()}


KINDS = ("float32", "dynamic", "int8", "stream", "steps", "functions")


@pytest.mark.parametrize("kind", KINDS)
def test_analyzer(files, kind, capfd):
    tf = pytest.importorskip("tensorflow")
    tf.lite.experimental.Analyzer.analyze(model_path=str(files[kind]))
    said = capfd.readouterr().out
    for signature in rnnlite.load(files[kind]).signatures:
        assert signature in said
    assert "WHILE" in said


@pytest.mark.parametrize("kind", KINDS)
def test_netron(files, kind):
    node, package = shutil.which("node"), find_spec("netron")
    if node is None or package is None or package.origin is None:
        pytest.skip("netron: Node or the package netron is not installed")
    command = [node, SCRIPT, Path(package.origin).parent, files[kind]]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["format"] == "TensorFlow Lite v3"
    model = rnnlite.load(files[kind])
    assert set(found["graphs"][0]["inputs"]) == {spec.name for spec in model.inputs}
    assert any("While" in graph["nodes"] for graph in found["graphs"])
    # What it shows of each tensor is its name, and a number.
    for graph in found["graphs"]:
        assert all(label.partition("\n")[0] for label in graph["tensors"])


@pytest.mark.parametrize("kind", KINDS)
def test_model_explorer(files, kind):
    adapter = pytest.importorskip("ai_edge_model_explorer_adapter")
    said = adapter.ConvertFlatbufferDirectlyToJson(adapter.VisualizeConfig(), str(files[kind]))
    (found,) = json.loads(said)
    labels = [node["label"] for graph in found["subgraphs"] for node in graph["nodes"]]
    assert "while" in labels
    assert len(found["subgraphs"]) > 1


@pytest.mark.parametrize("package", ["ai_edge_quantizer", "litert_quantizer"])
@pytest.mark.parametrize("kind", ["float32", "stream", "steps"])
def test_quantizers(files, kind, package):
    """What the official quantizers of files make of ours."""
    if find_spec(package) is None:
        pytest.skip(f"{package} is not installed")
    quantizer, recipe = (importlib.import_module(f"{package}.{n}") for n in ("quantizer", "recipe"))
    orders = recipe.dynamic_wi8_afp32()
    made = bytes(quantizer.Quantizer(str(files[kind]), orders).quantize().quantized_model)
    x = np.random.default_rng(0).standard_normal((20, 6)).astype(np.float32)
    plain, small = (rnnlite.load(data).predict([x])[0] for data in (files[kind], made))
    assert len(made) < 0.8 * files[kind].stat().st_size
    assert np.max(np.abs(plain - small)) < 0.02
