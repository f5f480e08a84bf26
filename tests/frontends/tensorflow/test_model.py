"""Programs of graphs: batch axes, numbers of time steps, ids as floats, quantization."""

import numpy as np
import pytest
import tensorflow as tf
from artefacts import FOLDER, runs

import field_graphs
import rnnlite
from rnnlite.errors import SampleError
from rnnlite.quantization.config import LIMITS


def test_time_major_samples_have_no_batch_axis():
    model = rnnlite.load(rnnlite.convert(FOLDER / "time_major.pb", verify=False).tflite)
    assert [s.batch_axis for s in (*model.inputs, *model.outputs)] == [1, 1, 0]
    samples, wanted = [], []
    for run in runs("time_major"):
        for k in range(run["in"]["x"].shape[1]):
            samples.append(run["in"]["x"][:, k])
            wanted.append((run["out"]["outputs"][:, k], run["out"]["state"][k]))
    found = model.predict(samples)
    for y, h, (outputs, state) in zip(found["outputs"], found["state"], wanted, strict=True):
        np.testing.assert_allclose(y, outputs, atol=1e-6)
        np.testing.assert_allclose(h, state, atol=1e-6)


def test_a_batch_of_time_major_samples():
    converted = rnnlite.convert(FOLDER / "time_major.pb", batch_size=None)
    model = rnnlite.load(converted.tflite)
    run = runs("time_major")[2]
    samples = [run["in"]["x"][:, k] for k in range(2)]
    found = model.predict(samples, batch_size=2)
    np.testing.assert_allclose(found["state"], run["out"]["state"], atol=1e-6)


@pytest.mark.parametrize("v2", [False, True], ids=["frames", "functions"])
def test_a_sequence_without_batch_beside_states_that_have_one(tmp_path, v2):
    """Axis 1 of what the loop reads is no batch, though the states' rows are."""
    tf1 = tf.compat.v1
    graph, rng = tf.Graph(), np.random.default_rng(0)
    with graph.as_default():
        (tf1.enable_control_flow_v2 if v2 else tf1.disable_control_flow_v2)()
        x = tf1.placeholder(tf.float32, [None, 3], name="x")
        rows = tf1.placeholder(tf.float32, [None, 3], name="rows")
        kernel = tf.constant(rng.standard_normal((3, 3)).astype(np.float32))
        count = tf.shape(rows)[0]
        read = tf.TensorArray(tf.float32, count).unstack(rows)

        def body(t, h, written):
            h = tf.tanh(tf.matmul(h, kernel) + read.read(t) + x)
            return t + 1, h, written.write(t, h * 2.0 + 1.0)

        start = [0, tf.zeros_like(x), tf.TensorArray(tf.float32, count)]
        _, last, written = tf1.while_loop(lambda t, *_: t < count, body, start)
        tf.identity(written.stack(), name="all")
        tf.identity(last, name="last")
    tf1.enable_control_flow_v2()
    (tmp_path / "graph.pb").write_bytes(graph.as_graph_def().SerializeToString())
    names = {"inputs": ["x:0", "rows:0"], "outputs": ["all:0", "last:0"]}
    converted = rnnlite.convert(tmp_path / "graph.pb", batch_size=None, **names)
    feeds = {n: rng.standard_normal((k, 3)).astype(np.float32) for n, k in (("x", 2), ("rows", 37))}
    found = rnnlite.load(converted.tflite).run([feeds["x"], feeds["rows"]])
    with tf1.Session(graph=graph) as session:
        wanted = session.run(names["outputs"], {f"{n}:0": a for n, a in feeds.items()})
    for a, b in zip(found, wanted, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


@pytest.mark.parametrize(("behind", "axis"), [("ctc", 1), ("sequence", 0), ("rows", None)])
@pytest.mark.parametrize("batch", [None, 1])
@pytest.mark.parametrize("loop", ["dynamic", "static"])
def test_the_batch_axis_of_outputs_of_batch_major_graphs(tmp_path, behind, axis, batch, loop):
    """Scores before CTC are time-major; logits may be rows of all time steps."""
    plain = {"cell": "rnn", "layers": 1, "front": None, "lengths": False, "bidirectional": False}
    draw = {"seed": 0, "loop": loop, "control_flow": 1, "batch": batch, "head": "logits", **plain}
    graph, inputs, outputs = field_graphs.build({**draw, "behind": behind})
    (tmp_path / "graph.pb").write_bytes(graph.as_graph_def().SerializeToString())
    model = rnnlite.load(rnnlite.convert(tmp_path / "graph.pb", verify=False).tflite)
    assert [s.batch_axis for s in model.outputs] == [axis]
    x = field_graphs.feeds(graph, inputs, 9, 0)["x:0"]
    with tf.compat.v1.Session(graph=graph) as session:
        (expected,) = session.run(outputs, {"x:0": x})
    wanted = expected if axis is None else expected.take(0, axis)
    np.testing.assert_allclose(model.predict([x[0]])[0], wanted, atol=1e-5)


def test_inputs_without_batch_axis():
    model = rnnlite.load(rnnlite.convert(FOLDER / "while_numbers.pb").tflite)
    assert [s.batch_axis for s in model.inputs] == [None, None]
    found = model.predict([(np.float32(8.5), np.float32(2.0)), (np.float32(11.0), np.float32(3.0))])
    np.testing.assert_allclose(found["a"], [10.5, 11.0])
    np.testing.assert_allclose(found["b"], [2.0 * 1.1**2, 3.0], rtol=1e-6)


@pytest.mark.parametrize("count", [8, -1])
def test_more_time_steps_than_there_are_are_refused(count):
    """TensorFlow's own kernel ends the process here."""
    model = rnnlite.load(
        rnnlite.convert(FOLDER / "lstm_block_fused_lengths.pb", verify=False).tflite
    )
    x = np.zeros((7, 3), np.float32)
    assert model.predict([(x, np.int32(7))])["outputs"].shape == (1, 7, 5)
    with pytest.raises(SampleError, match="'lengths' counts more time steps than the sequence has"):
        model.predict([(x, np.int32(count))])


def samples_for(model, count):
    rng = np.random.default_rng(0)
    found = []
    for k in range(count):
        row = []
        for spec in model.inputs:
            shape = [4 + k % 20 if d is None else d for d in spec.sample_shape]
            if spec.counts:
                row.append(np.int32(4 + k % 20))
            elif spec.dtype == "int32":
                row.append(rng.integers(0, 9, shape).astype(np.int32))
            else:
                row.append(rng.standard_normal(shape).astype(np.float32))
        found.append(tuple(row))
    return found


@pytest.mark.parametrize(
    ("name", "modes"),
    [
        ("lengths_given", ["int8"]),
        ("bidirectional_lengths", ["int16x8"]),
        ("time_major", ["int8"]),
        ("lstm_block_cell", ["dynamic", "int16x8"]),
        ("greedy_decoder", ["int8"]),
        ("keras_lstm", ["int8"]),
        ("keras_embedding_simple_rnn", ["dynamic", "int8"]),
    ],
)
def test_integers_of_every_source(name, modes):
    plain = rnnlite.convert(FOLDER / f"{name}.pb", verify=False)
    for mode in modes:
        source = FOLDER / f"{name}.pb"
        if name.startswith("keras_embedding"):
            # Ids declared as float become integers where activations do.
            samples = [(np.arange(k % 9 + 1) % 9,) for k in range(30)]
            if mode == "dynamic":
                samples = [(s.astype(np.float32),) for (s,) in samples]
        else:
            samples = samples_for(rnnlite.load(plain.tflite), 30)
        converted = rnnlite.convert(source, quantize=mode, calibration=samples, verify=False)
        told = [n for n in converted.report.notes if "takes token ids: int32 in place of" in n]
        assert len(told) == (name.startswith("keras_embedding") and mode != "dynamic")
        errors = [a.rms_error for a in converted.report.quantization.accuracy]
        assert max(errors) < LIMITS[mode], (mode, errors)
        if mode != "dynamic":
            types = rnnlite.inspect(converted.tflite).inputs
            assert all(t.dtype != "float32" for t in types)


def test_a_batch_that_the_graph_computes_with_is_kept(tmp_path):
    """An initial state of 4 rows, and a placeholder that leaves the batch free."""
    definition = tf.compat.v1.GraphDef()
    definition.ParseFromString((FOLDER / "initial_state_given.pb").read_bytes())
    for node in definition.node:
        if node.name == "h0":
            value = np.ones((4, 5), np.float32)
            node.op = "Const"
            del node.attr["shape"]
            node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(value))
    path = tmp_path / "graph.pb"
    path.write_bytes(definition.SerializeToString())
    converted = rnnlite.convert(path)
    assert "batch size 4 is kept: the graph computes with it" in converted.report.notes
    assert converted.report.inputs[0]["shape"] == (4, None, 3)


def test_axes_that_take_one_size_alone_are_found_by_running(tmp_path):
    """Features of free width, and a state whose batch axis is not the first."""
    v1 = tf.compat.v1
    v1.disable_control_flow_v2()
    rng = np.random.default_rng(0)
    kernel, recurrent = (rng.normal(size=(n, 6)).astype(np.float32) * 0.4 for n in (7, 6))
    graph = tf.Graph()
    with graph.as_default():
        x = v1.placeholder(tf.float32, [None, None, None], name="x")
        state = v1.placeholder(tf.float32, [1, None, 6], name="state")
        count = tf.shape(x)[1]
        rows = tf.TensorArray(tf.float32, count).unstack(tf.transpose(x, [1, 0, 2]))

        def body(t, h):
            inputs = tf.concat([rows.read(t), h], 1)
            return t + 1, tf.tanh(inputs @ np.concatenate([kernel, recurrent]))

        _, h = v1.while_loop(lambda t, h: t < count, body, (0, state[0]))
        tf.identity(h, name="y")
    v1.enable_control_flow_v2()
    (tmp_path / "g.pb").write_bytes(graph.as_graph_def().SerializeToString())
    converted = rnnlite.convert(tmp_path / "g.pb")
    shapes = {i["name"]: i["shape"] for i in converted.report.inputs}
    assert shapes == {"x": (1, None, 7), "state": (1, 1, 6)}
    for text in ("axis 2 of input 'x' is 7", "axis 1 of input 'state' is 1"):
        assert any(text in note for note in converted.report.notes), converted.report.notes
    assert len(converted.report.parity.lengths) >= 4
