"""Files stay right at every change of length, by whatever interpreter.

Each file runs in a process in which each collision of addresses that may happen is made to happen
(`growth/collide.c`): nothing may depend on luck. And by CompiledModel, whose buffers for results
are made before a run.
"""

import json
import os
import platform
import shutil
import subprocess
import sys
from copy import deepcopy
from pathlib import Path

import ai_edge_litert
import keras
import numpy as np
import pytest
import tensorflow as tf
import tf_keras

import rnnlite
from rnnlite.frontends.opening import open_program
from rnnlite.frontends.request import Request
from rnnlite.lite import schema
from rnnlite.lite.passes.borders import crossings, guard_copies
from rnnlite.pipeline.steps import finish, translate
from rnnlite.quantization.rewrite.weights import to_dynamic, to_float16

HERE = Path(__file__).parent
SCRIPT = HERE / "growth" / "collide.py"
COMPILED = HERE / "growth" / "compiled.py"
KNOWN = "2.3.0"
"""The runtime whose operators `collide.c` knows."""


@pytest.fixture(scope="module")
def collide(tmp_path_factory):
    """Runs files with collisions; gives what is printed of each."""
    if platform.machine() != "x86_64" or sys.platform != "linux":
        pytest.skip("the probe is written for Linux on x86-64")
    if ai_edge_litert.__version__ != KNOWN:
        pytest.skip(f"the probe knows ai-edge-litert {KNOWN}, this is {ai_edge_litert.__version__}")
    if shutil.which("gcc") is None or shutil.which("nm") is None:
        pytest.skip("gcc and nm are needed to build the probe")
    folder = tmp_path_factory.mktemp("collide")
    library = folder / "collide.so"
    source = HERE / "growth" / "collide.c"
    command = ["gcc", "-O1", "-shared", "-fPIC", "-o", str(library), str(source)]
    subprocess.run(command, check=True)

    def examined(files):
        for name, data in files.items():
            (folder / name).write_bytes(data)
        done = subprocess.run(
            [sys.executable, str(SCRIPT), *files],
            cwd=folder,
            env={**os.environ, "LD_PRELOAD": str(library)},
            capture_output=True,
            text=True,
            timeout=600,
        )
        assert done.returncode == 0, done.stderr
        return {row["file"]: row for row in map(json.loads, done.stdout.splitlines())}

    return examined


def layers(kit, *stack):
    """A sequential model over (T, 5)."""
    return kit.Sequential([kit.Input((None, 5)), *stack])


def attention():
    x = keras.Input((None, 5))
    h = keras.layers.LSTM(6, return_sequences=True)(x)
    h = keras.layers.MultiHeadAttention(2, 4)(h, h)
    return keras.Model(x, keras.layers.GRU(4)(h))


def crnn():
    x = keras.Input((None, 8, 1))
    h = keras.layers.Conv2D(3, 3, padding="same", activation="relu")(x)
    h = keras.layers.MaxPooling2D((1, 2))(h)
    h = keras.layers.TimeDistributed(keras.layers.Flatten())(h)
    h = keras.layers.Bidirectional(keras.layers.GRU(4, return_sequences=True))(h)
    return keras.Model(x, keras.layers.Dense(5, activation="softmax")(h))


def exits():
    x = keras.Input((None, 5))
    h = keras.layers.LSTM(6, return_sequences=True)(x)
    return keras.Model(x, [keras.layers.Dense(3)(h), keras.layers.GRU(4)(h)])


def embedded():
    x = keras.Input((None,), dtype="int32")
    h = keras.layers.Embedding(30, 6, mask_zero=True)(x)
    h = keras.layers.GRU(5, return_sequences=True)(h)
    return keras.Model(x, keras.layers.LSTM(4)(h))


def two_inputs():
    a, b = keras.Input((None, 5)), keras.Input((None, 3))
    h = keras.layers.Concatenate()([keras.layers.LSTM(4)(a), keras.layers.GRU(4)(b)])
    return keras.Model([a, b], keras.layers.Dense(2)(h))


def conv_lstm():
    x = keras.Input((None, 5, 2))
    h = keras.layers.ConvLSTM1D(3, 3, padding="same", return_sequences=True)(x)
    h = keras.layers.TimeDistributed(keras.layers.Flatten())(h)
    return keras.Model(x, keras.layers.SimpleRNN(4)(h))


K2, K3 = tf_keras.layers, keras.layers
MODELS = {
    "rnn_rnn": lambda: layers(keras, K3.SimpleRNN(6, return_sequences=True), K3.SimpleRNN(5)),
    "lstm_lstm": lambda: layers(keras, K3.LSTM(6, return_sequences=True), K3.LSTM(5)),
    "gru_gru": lambda: layers(
        tf_keras, K2.GRU(6, return_sequences=True), K2.GRU(5, return_sequences=True)
    ),
    "stack": lambda: layers(
        keras,
        *[K3.LSTM(n, return_sequences=True) for n in (6, 5, 4)],
        K3.TimeDistributed(K3.Dense(3, activation="softmax")),
    ),
    "bidirectional": lambda: layers(
        tf_keras,
        K2.Bidirectional(K2.LSTM(5, return_sequences=True)),
        K2.Bidirectional(K2.GRU(4)),
        K2.Dense(3),
    ),
    "normalized": lambda: layers(
        keras, K3.LSTM(6, return_sequences=True), K3.LayerNormalization(), K3.LSTM(5)
    ),
    "masked": lambda: layers(tf_keras, K2.Masking(), K2.LSTM(6, return_sequences=True), K2.GRU(4)),
    "convolved": lambda: layers(
        keras, K3.Conv1D(6, 3, padding="same", activation="relu"), K3.GRU(5), K3.Dense(2)
    ),
    "dense_first": lambda: layers(
        keras, K3.Dense(8, activation="relu"), K3.LSTM(6, return_sequences=True), K3.Dense(3)
    ),
    "attention": attention,
    "crnn": crnn,
    "exits": exits,
    "embedded": embedded,
    "two_inputs": two_inputs,
    "conv_lstm": conv_lstm,
}
FREE_BATCH = ("lstm_lstm", "gru_gru", "exits")
INTEGERS = {"lstm_lstm": "int8", "rnn_rnn": "int8", "gru_gru": "int16x8"}


def files_of(name, model):
    """A model in the modes that need no calibration, and with a free batch."""
    for batch in (1, None) if name in FREE_BATCH else (1,):
        program = open_program(model, Request(batch_size=batch))
        tree = translate(program)
        for mode, change in (("float32", None), ("float16", to_float16), ("dynamic", to_dynamic)):
            copy = deepcopy(tree)
            if change is not None:
                change(copy)
            yield f"{name}_{batch}_{mode}", finish(program, copy)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Many files of many kinds."""
    keras.utils.set_random_seed(0)
    found = {}
    for name, build in MODELS.items():
        model = build()
        found.update(files_of(name, model))
        if name in INTEGERS:
            rng = np.random.default_rng(0)
            samples = [rng.standard_normal((t, 5)).astype(np.float32) for t in (3, 9, 20, 40)]
            mode = INTEGERS[name]
            done = rnnlite.convert(model, quantize=mode, calibration=samples, verify=False)
            found[f"{name}_{mode}"] = done.tflite
    path = tmp_path_factory.mktemp("graph") / "graph.pb"
    path.write_bytes(graph().SerializeToString())
    found["graph_float32"] = rnnlite.convert(path, verify=False).tflite
    return found


def graph():
    """A graph of TensorFlow with two loops, frozen."""
    kernel = tf.constant(np.random.default_rng(0).standard_normal((9, 4)), tf.float32)

    def loop(x):
        start = tf.zeros((1, 4))
        step = lambda h, row: tf.tanh(tf.concat([row, h], 1) @ kernel[: row.shape[1] + 4])  # noqa: E731
        return tf.scan(step, tf.transpose(x, [1, 0, 2]), start)

    @tf.function(input_signature=[tf.TensorSpec((1, None, 5), tf.float32, "x")])
    def program(x):
        first = tf.transpose(loop(x), [1, 0, 2])
        return tf.identity(loop(first)[-1], "y")

    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    frozen = convert_variables_to_constants_v2(program.get_concrete_function())
    return frozen.graph.as_graph_def()


@pytest.mark.long
def test_no_copy_is_exposed_and_no_run_is_wrong(files, collide):
    assert len(files) >= 36
    for name, data in files.items():
        assert crossings(schema.read(data)) == [], name
    found = collide(files)
    assert found.keys() == files.keys()
    assert all(row["growths"] > 0 for row in found.values())
    bad = {name: row for name, row in found.items() if row["exposed"] or row["wrong"]}
    assert bad == {}


def test_the_probe_finds_what_the_guard_mends(collide):
    sys.path.insert(0, str(HERE.parents[1] / "docs" / "upstream"))
    try:
        from xnnpack_skipped_copy import build
    finally:
        sys.path.pop(0)
    plain = build()
    model = schema.read(plain)
    assert crossings(model)
    guard_copies(model)
    found = collide({"plain": plain, "guarded": schema.write(model)})
    assert found["plain"]["exposed"] > 0
    assert found["plain"]["wrong"] > 0
    assert (found["guarded"]["exposed"], found["guarded"]["wrong"]) == (0, 0)


@pytest.mark.long
def test_compiled_model_knows_every_size_before_it_runs(files, tmp_path):
    names = [name for name in files if name.endswith(("float32", "int8"))]
    assert len(names) >= 20
    assert compiled({name: files[name] for name in names}, tmp_path) == {}


def compiled(files, folder, *options):
    """What CompiledModel gets wrong of files, for those of which it does."""
    for name, data in files.items():
        (folder / name).write_bytes(data)
    command = [sys.executable, str(COMPILED), *options, *files]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    names = list(files)
    assert done.returncode == 0, f"ended by {names[len(rows)]}: {done.stderr[-500:]}"
    assert [row["file"] for row in rows] == names
    return {row["file"]: row["faults"] for row in rows if row["faults"]}


def test_where_data_decide_the_report_says_so_and_buffers_of_ones_own_serve(tmp_path):
    source = HERE.parent / "fixtures" / "tensorflow1" / "greedy_decoder.pb"
    converted = rnnlite.convert(source)
    late = converted.report.parity.late
    assert 1 <= len(late) < len(converted.report.outputs)
    named = ", ".join(f"'{name}'" for name in late)
    assert any(
        note.startswith(f"the size of {named} is known only after a run")
        and "TensorBuffer.create_from_host_memory" in note
        for note in converted.report.notes
    )
    assert compiled({"decoder": converted.tflite}, tmp_path, "--own") == {}
