"""Programs of graphs: numbers of time steps, ids as floats, sizes that are fixed, quantization."""

import numpy as np
import pytest
import tensorflow as tf
from artefacts import FOLDER

import rnnlite
from rnnlite.errors import SampleError
from rnnlite.quantization.config import LIMITS


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
