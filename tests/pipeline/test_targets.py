"""Files for LiteRT for Microcontrollers: they run there, or are refused by name."""

import subprocess
import sys

import keras
import numpy as np
import pytest

import rnnlite
from rnnlite.errors import (
    OptionError,
    QuantizationError,
    ScheduleError,
    ShapeError,
    UnsupportedError,
)
from rnnlite.lite import schema
from rnnlite.runtime.quantized import dequantize, quantize
from two_signatures import save

STEPS = 200
"""More than variables are needed for, elsewhere."""

L = keras.layers

RUN = """
import sys, numpy as np
from tflite_micro.python.tflite_micro import runtime
content = open(sys.argv[1], "rb").read()
given = np.load(sys.argv[2])
interpreter = runtime.Interpreter.from_bytes(content, arena_size=4 << 20)
interpreter.set_input(given["x"], 0)
interpreter.invoke()
np.save(sys.argv[3], interpreter.get_output(0))
"""


def net(*layers, ids=False):
    keras.utils.set_random_seed(1)
    first = keras.Input((None,), dtype="int32") if ids else keras.Input((None, 4))
    return keras.Sequential([first, *layers])


NETS = {
    "sequence": lambda: net(L.LSTM(6, return_sequences=True), L.Dense(3)),
    "both directions": lambda: net(L.Bidirectional(L.GRU(5, return_sequences=True)), L.GRU(4)),
    "masked": lambda: net(L.Masking(), L.LSTM(6, return_sequences=True)),
    "ids": lambda: net(L.Embedding(20, 5), L.LSTM(6), L.Dense(3), ids=True),
    "repeated": lambda: net(L.LSTM(6), L.RepeatVector(7), L.GRU(4, return_sequences=True)),
    "convolution": lambda: net(L.Conv1D(8, 3, activation="relu"), L.MaxPooling1D(2), L.LSTM(6)),
}


def on_micro(data, x, folder):
    """What the interpreter for microcontrollers gives, in a process of its own."""
    pytest.importorskip("tflite_micro")
    model, given, found = (folder / name for name in ("m.tflite", "x.npz", "y.npy"))
    model.write_bytes(data)
    np.savez(given, x=x)
    command = [sys.executable, "-c", RUN, model, given, found]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-500:]
    return np.load(found)


@pytest.mark.parametrize("mode", [None, "int8", "int16x8"])
@pytest.mark.parametrize("name", NETS)
def test_it_runs_there(name, mode, tmp_path):
    rng = np.random.default_rng(0)
    if name == "ids":
        samples = [rng.integers(0, 20, STEPS).astype(np.int32) for _ in range(22)]
    else:
        samples = [rng.standard_normal((STEPS, 4)).astype(np.float32) for _ in range(22)]
    converted = rnnlite.convert(
        NETS[name](),
        sequence_length=STEPS,
        target="tflite-micro",
        quantize=mode,
        calibration=samples if mode else None,
    )
    model = rnnlite.load(converted.tflite)
    (spec,) = model.inputs
    x = samples[0][None]
    if spec.quantization is not None:
        limits = np.iinfo(spec.dtype)
        whole = np.round(x / spec.scale) + spec.zero_point
        x = np.clip(whole, limits.min, limits.max).astype(spec.dtype)
    (expected,) = model.run([x])
    found = on_micro(converted.tflite, x, tmp_path)
    gap = np.max(np.abs(found.astype(np.float64) - expected.astype(np.float64)))
    assert gap <= (1e-5 if mode is None else 4)


def test_a_file_for_any_runtime_is_the_default():
    model = NETS["sequence"]()
    plain = rnnlite.convert(model, sequence_length=STEPS, verify=False)
    assert (
        plain.tflite
        == rnnlite.convert(model, sequence_length=STEPS, verify=False, target="litert").tflite
    )
    assert "READ_VARIABLE" in plain.report.ops
    micro = rnnlite.convert(model, sequence_length=STEPS, verify=False, target="tflite-micro")
    assert "READ_VARIABLE" not in micro.report.ops
    assert "made for LiteRT for Microcontrollers" in str(rnnlite.inspect(micro.tflite))
    assert "made for" not in str(rnnlite.inspect(plain.tflite))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, r"takes no free shapes, and input '.*' has one; .* Give sequence_length=N"),
        (
            {"sequence_length": 9, "batch_size": None},
            r"found \[None, 9, 4\]\. Give batch_size=1",
        ),
    ],
)
def test_free_shapes_are_refused(options, message):
    with pytest.raises(ShapeError, match=message):
        rnnlite.convert(NETS["sequence"](), target="tflite-micro", **options)


@pytest.mark.parametrize("mode", ["float16", "dynamic"])
def test_modes_that_it_lacks_are_refused(mode):
    message = f"does not run quantize='{mode}'; expected float32, int8, int16x8; found {mode}"
    with pytest.raises(QuantizationError, match=message):
        rnnlite.convert("none", target="tflite-micro", quantize=mode)


def test_further_signatures_are_refused(tmp_path):
    folder = save(tmp_path / "m")
    with pytest.raises(OptionError, match="first signature of a file alone; found 'decode', 'enc"):
        rnnlite.convert(folder, target="tflite-micro", signature="all", sequence_length=9)


FEED = """
import sys, numpy as np
from tflite_micro.python.tflite_micro import runtime
content = open(sys.argv[1], "rb").read()
given = np.load(sys.argv[2])
interpreter = runtime.Interpreter.from_bytes(content, arena_size=1 << 20)
states = [given[f"state_{k}"] for k in range(len(given.files) - 1)]
found = []
for row in given["x"]:
    for k, array in enumerate([row[None, None], *states]):
        interpreter.set_input(array, k)
    interpreter.invoke()
    found.append(interpreter.get_output(0))
    states = [interpreter.get_output(1 + k) for k in range(len(states))]
np.save(sys.argv[3], np.concatenate(found, 1))
"""


@pytest.mark.parametrize("mode", [None, "int8", "int16x8"])
def test_single_steps_of_a_stream_run_on_its_interpreter(mode, tmp_path):
    pytest.importorskip("tflite_micro")
    model = net(
        L.Conv1D(6, 3, padding="causal", activation="relu"),
        L.LSTM(8, return_sequences=True),
        L.GRU(5, return_sequences=True),
        L.Dense(3, activation="softmax"),
    )
    rows = [np.random.default_rng(k).standard_normal((30, 4)).astype("f") for k in range(20)]
    given = {"calibration": rows} if mode else {}
    made = rnnlite.convert(model, target="tflite-micro", streaming=1, quantize=mode, **given)
    file = schema.read(made.tflite)
    assert [s.key for s in file.signatures] == ["stream"]
    assert len(file.graphs) == 1
    assert not any(op.branches for op in file.ops())
    assert not any(value.is_free for value in file.main.values)
    assert made.report.stream.outputs[0].within
    stream = rnnlite.load(made.tflite).stream()
    frames, output = stream.signature.inputs[0], stream.signature.outputs[0]
    states = [v for n, v in stream.state.items() if n.startswith("state/")]
    expected = np.concatenate([stream(rows[0][k : k + 1]) for k in range(30)])
    np.savez(
        tmp_path / "x.npz",
        x=quantize(rows[0], frames),
        **{f"state_{k}": a for k, a in enumerate(states)},
    )
    made.save(tmp_path / "m.tflite")
    names = [str(tmp_path / name) for name in ("m.tflite", "x.npz", "y.npy")]
    subprocess.run([sys.executable, "-c", FEED, *names], check=True, capture_output=True)
    found = dequantize(np.load(tmp_path / "y.npy")[0], output)
    step = output.quantization[0] if mode else 0
    # Kernels of its own: a rounding may differ.
    np.testing.assert_allclose(found, expected, atol=1.001 * step + 1e-6)


def test_chunks_of_any_length_are_refused():
    with pytest.raises(OptionError, match="no free shapes, and chunks of any length have one"):
        rnnlite.convert("none", target="tflite-micro", streaming=True)


def test_ops_that_it_lacks_are_refused():
    model = net(L.Dense(4, activation="gelu"), L.LSTM(3))
    with pytest.raises(UnsupportedError, match="Microcontrollers does not run GELU of float32"):
        rnnlite.convert(model, target="tflite-micro", sequence_length=5, verify=False)


def test_a_precision_that_it_lacks_is_passed_over():
    rng = np.random.default_rng(0)
    samples = [rng.standard_normal((9, 4)).astype(np.float32) for _ in range(24)]
    model = net(L.LSTM(6, return_sequences=True), L.GlobalMaxPooling1D())
    options = {"sequence_length": 9, "calibration": samples, "target": "tflite-micro"}
    found = rnnlite.convert(model, quantize="int8", **options).report.quantization
    verdicts = {t.name: t.verdict for t in found.trials}
    assert found.inner == "int8" or "REDUCE_MAX" not in str(verdicts)
    with pytest.raises(UnsupportedError, match="REDUCE_MAX of int16"):
        rnnlite.convert(model, quantize="int16x8", **options)


def test_variables_cannot_be_asked_for():
    with pytest.raises(ScheduleError, match="keeps no rows in variables; expected variables=0"):
        rnnlite.convert("none", target="tflite-micro", schedule="variables=1")


def test_unknown_targets_are_refused():
    with pytest.raises(OptionError, match="target names no runtime"):
        rnnlite.convert("none", target="gpu")
