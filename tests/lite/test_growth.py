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
from pathlib import Path

import ai_edge_litert
import keras
import numpy as np
import pytest
import tensorflow as tf
import tf_keras
from ai_edge_litert.interpreter import Interpreter

import rnnlite
import two_signatures
from rnnlite.frontends.opening import open_program
from rnnlite.frontends.request import Request
from rnnlite.lite import schema
from rnnlite.lite.passes.borders import crossings, guard_copies
from rnnlite.pipeline.pass_order import Part, finalize, translate
from rnnlite.quantization.rewrite.weights import compress_to_float16, compress_to_int8

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
FREE_BATCH = ("lstm_lstm", "gru_gru", "exits", "crnn")
INTEGERS = {"lstm_lstm": "int8", "rnn_rnn": "int8", "gru_gru": "int16x8"}


def files_of(name, model):
    """A model in the modes that need no calibration, and with a free batch."""
    for batch in (1, None) if name in FREE_BATCH else (1,):
        program = open_program(model, Request(batch_size=batch)).main
        tree = translate(program)
        for mode, change in (
            ("float32", None),
            ("float16", compress_to_float16),
            ("dynamic", compress_to_int8),
        ):
            copy, _ = tree.copy()
            if change is not None:
                change(copy)
            yield f"{name}_{batch}_{mode}", finalize([Part(program, copy)]).data


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
    assert {name for name in names if rnnlite.inspect(files[name]).late} == set()
    assert compiled({name: files[name] for name in names}, tmp_path) == {}


def streamed(*stack):
    """A stream besides the whole, with states that are fed back."""
    model = layers(keras, *stack)
    for steps, mode in ((True, None), (True, "dynamic"), (4, None)):
        done = rnnlite.convert(model, streaming=steps, quantize=mode, verify=False)
        yield f"{steps}_{mode}", done.tflite


@pytest.mark.long
def test_files_of_several_signatures_by_turns(collide, tmp_path):
    """One interpreter, whole sequences and chunks, an encoder and a decoder."""
    stacks = {
        "lstms": [K3.LSTM(6, return_sequences=True), K3.LSTM(5, return_sequences=True)],
        "ahead": [K3.Conv1D(6, 3, padding="same"), K3.GRU(5, return_sequences=True)],
        "masked": [K3.Masking(), K3.LSTM(6, return_sequences=True), K3.GRU(4)],
    }
    found = {f"{n}_{key}": d for n, s in stacks.items() for key, d in streamed(*s)}
    folder = two_signatures.save(tmp_path / "two")
    for batch in (1, None):
        done = rnnlite.convert(folder, signature="all", batch_size=batch, verify=False)
        found[f"two_{batch}"] = done.tflite
    # A stream of fixed shapes is not guarded: what its copies know of is never freed.
    rows = collide(found)
    assert rows.keys() == found.keys()
    assert all(row["growths"] > 0 for row in rows.values())
    assert sum(row["again"] for row in rows.values()) > 0
    assert {n: r for n, r in rows.items() if r["exposed"] or r["wrong"]} == {}
    # Of the last row of a stream one tensor is an output and a state; the end of a sequence is an
    # input handed on: CompiledModel has one buffer for a tensor.
    assert compiled(found, tmp_path) == {}


def split_along_time(x):
    """Two parts whose places move with time, and, behind them, what needs much of XNNPACK."""
    parts = [tf.cumsum(part, 1) for part in tf.split(x, 2, axis=1)]
    sums = tf.cumsum(parts[0], 2)
    bent = tf.tanh(sums) * tf.exp(-tf.abs(sums)) + tf.sigmoid(sums)
    return *parts, tf.cumsum(bent, 2), scan(bent, 4)[0]


def test_a_split_along_time_loses_no_copy():
    """Left to XNNPACK, it does so at these lengths, whatever malloc gives."""
    spec = tf.TensorSpec((1, None, 4), tf.float32, "x")
    function = tf.function(split_along_time, input_signature=[spec])
    converted = rnnlite.convert(function, verify=False)
    assert rnnlite.inspect(converted.tflite).late == ()
    rng = np.random.default_rng(0)
    for lengths in ((8, 16), (12, 24), (16, 32), (24, 48), (28, 56)):
        model = Interpreter(model_content=converted.tflite, num_threads=1)
        for length in lengths:
            x = rng.standard_normal((1, length, 4)).astype(np.float32)
            found = model.get_signature_runner()(x=x)
        expected = function(x)
        for name, value in zip(sorted(found), expected, strict=True):
            np.testing.assert_allclose(found[name], value, rtol=1e-5, atol=1e-5)


def scan(x, features, units=5):
    """A plain loop over rows of x (B, T, F), as people write it: all states, and the last."""
    rng = np.random.default_rng(features)
    w = tf.constant(rng.standard_normal((features, units)) * 0.5, tf.float32)
    u = tf.constant(rng.standard_normal((units, units)) * 0.5, tf.float32)
    x = tf.transpose(x, [1, 0, 2])
    count = tf.shape(x)[0]
    start = (0, tf.zeros([tf.shape(x)[1], units]), tf.TensorArray(tf.float32, count))

    def step(t, h, ys):
        h = tf.tanh(x[t] @ w + h @ u)
        return t + 1, h, ys.write(t, h)

    _, h, ys = tf.while_loop(lambda t, *_: t < count, step, start)
    return tf.transpose(ys.stack(), [1, 0, 2]), h


def halves(x):
    count = tf.shape(x)[1]
    first, second = tf.split(x, [count // 2, count - count // 2], axis=1)
    return scan(second, 4)[0], scan(tf.concat([second, first], 1), 4)[0]


def spliced(x):
    padded = tf.pad(x, [[0, 0], [1, 1], [0, 0]])
    windows = tf.concat([padded[:, :-2], padded[:, 1:-1], padded[:, 2:]], -1)
    states = scan(windows, 12)[0]
    return tf.concat([states[:, -1:], states], 1)


def tiled(x):
    states, last = scan(x, 4)
    last = tf.tile(last[:, None], [1, tf.shape(x)[1], 1])
    states = scan(tf.concat([states, last], -1), 10)[0]
    return states, tf.cumsum(states, 1), tf.reduce_max(states, 1)


def stacked(x):
    states, back = scan(x, 4)[0], scan(tf.reverse(x, [1]), 4)[0]
    both = tf.stack([states, tf.reverse(back, [1])], axis=2)
    return scan(tf.reshape(both, [1, -1, 5]), 5)[0], tf.stack([states, back], axis=1)


def joined_batch(x):
    halves = tf.split(x, 2, axis=2)
    states, last = scan(tf.concat(halves, axis=0), 2)
    return tf.concat(tf.split(states, 2, axis=0), axis=1), last


def split_in_three(x):
    parts = tf.split(tf.repeat(scan(x, 4)[0], 3, axis=1), 3, axis=1)
    return scan(tf.concat(parts[::-1], axis=1), 5)[0], parts[0] * 2.0


FUNCTIONS = {
    "sequence": ((1, None, 4), lambda x: scan(x, 4)),
    "without a batch": ((None, 4), lambda x: tf.nn.softmax(scan(x[None], 4)[0][0])),
    "time first": ((None, 1, 4), lambda x: scan(tf.transpose(x, [1, 0, 2]), 4)),
    "gated": ((1, None, 4), lambda x: scan(x[..., :2] * tf.sigmoid(x[..., 2:]), 2)),
    "halves": ((1, None, 4), halves),
    "spliced": ((1, None, 4), spliced),
    "tiled": ((1, None, 4), tiled),
    "stacked": ((1, None, 4), stacked),
    "joined batch": ((None, None, 4), joined_batch),
    "split in three": ((1, None, 4), split_in_three),
}
"""Functions whose sizes are computed in all kinds of ways."""

LAYERS = {
    "dilated": lambda: layers(
        keras,
        *[K3.Conv1D(6, 3, dilation_rate=n, padding="causal") for n in (2, 4)],
        K3.GRU(5, return_sequences=True),
        K3.Dense(2),
    ),
    "transposed": lambda: layers(
        keras,
        K3.Conv1DTranspose(6, 4, strides=2, padding="same"),
        K3.GRU(5, return_sequences=True),
        K3.Dense(2),
    ),
}


@pytest.mark.long
def test_computed_sizes_are_known_before_a_run(tmp_path):
    found = {}
    for name, (shape, function) in FUNCTIONS.items():
        spec = tf.TensorSpec(shape, tf.float32, "x")
        converted = rnnlite.convert(tf.function(function, input_signature=[spec]))
        found[name.replace(" ", "_")] = converted.tflite
    for name, build in LAYERS.items():
        for mode in (None, "dynamic"):
            found[f"{name}_{mode}"] = rnnlite.convert(build(), quantize=mode).tflite
    for name, data in found.items():
        assert rnnlite.inspect(data).late == (), name
    assert compiled(found, tmp_path) == {}


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


@pytest.mark.parametrize("verify", [True, False])
def test_where_data_decide_the_report_says_so_and_buffers_of_ones_own_serve(tmp_path, verify):
    source = HERE.parent / "fixtures" / "tensorflow1" / "greedy_decoder.pb"
    converted = rnnlite.convert(source, verify=verify)
    late = rnnlite.inspect(converted.tflite).late
    if verify:
        assert set(converted.report.parity.late) <= set(late)
    assert 1 <= len(late) < len(converted.report.outputs)
    named = ", ".join(f"'{name}'" for name in late)
    assert any(
        note.startswith(f"the size of {named} is known only after a run")
        and "TensorBuffer.create_from_host_memory" in note
        for note in converted.report.notes
    )
    assert compiled({"decoder": converted.tflite}, tmp_path, "--own") == {}
