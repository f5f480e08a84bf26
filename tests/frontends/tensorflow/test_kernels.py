"""Fused kernels of whole loops against the NumPy equations."""

import numpy as np
import pytest
import tensorflow as tf

import rnnlite
from rnnlite.errors import UnsupportedError
from rnnlite.scan import oracle

UNITS, FEATURES = 4, 3
RNG = np.random.default_rng(3)


def normal(*shape):
    return RNG.normal(0, 0.5, shape).astype(np.float32)


def packed(layers, directions, gates):
    """cuDNN's flat weights, and the same as matrices: all kernels, then all biases."""
    flat, blocks, biases = [], [], []
    for layer in range(layers):
        width = FEATURES if layer == 0 else UNITS * directions
        for _ in range(directions):
            kernels = [normal(UNITS, width) for _ in range(gates)]
            recurrent = [normal(UNITS, UNITS) for _ in range(gates)]
            flat += [w.ravel() for w in (*kernels, *recurrent)]
            blocks.append(([k.T for k in kernels], [k.T for k in recurrent]))
    for _ in blocks:
        both = [[normal(UNITS) for _ in range(gates)] for _ in range(2)]
        flat += [b for part in both for b in part]
        biases.append(both)
    return np.concatenate(flat), [(*w, *b) for w, b in zip(blocks, biases, strict=True)]


def step_of(mode, kernels, recurrent, bias, recurrent_bias):
    if mode == "gru":
        order = (1, 0, 2)
        both = np.stack([np.concatenate([b[k] for k in order]) for b in (bias, recurrent_bias)])
        return oracle.gru_step(
            np.concatenate([kernels[k] for k in order], 1),
            np.concatenate([recurrent[k] for k in order], 1),
            both,
            reset_after=True,
        )
    total = np.concatenate(bias) + np.concatenate(recurrent_bias)
    make = oracle.lstm_step if mode == "lstm" else oracle.simple_rnn_step
    return make(np.concatenate(kernels, 1), np.concatenate(recurrent, 1), total)


def expected(mode, blocks, x, directions):
    states = 2 if mode == "lstm" else 1
    for layer in range(len(blocks) // directions):
        outputs = []
        for d in range(directions):
            step = step_of(mode, *blocks[layer * directions + d])
            zeros = [np.zeros((x.shape[1], UNITS), np.float32)] * states
            y, _ = oracle.scan(step, np.swapaxes(x, 0, 1), zeros, reverse=bool(d))
            y = np.swapaxes(y, 0, 1)
            outputs.append(y[::-1] if d else y)
        x = np.concatenate(outputs, 2)
    return x


@pytest.mark.parametrize("directions", [1, 2])
@pytest.mark.parametrize(("mode", "gates"), [("lstm", 4), ("gru", 3), ("rnn_tanh", 1)])
def test_cudnn(tmp_path, mode, gates, directions):
    flat, blocks = packed(2, directions, gates)
    with tf.Graph().as_default() as graph:
        x = tf.compat.v1.placeholder(tf.float32, [None, None, FEATURES], "x")
        zeros = tf.zeros([2 * directions, tf.shape(x)[1], UNITS])
        y, *_ = tf.raw_ops.CudnnRNN(
            input=x,
            input_h=zeros,
            input_c=zeros,
            params=tf.constant(flat),
            rnn_mode=mode,
            direction="bidirectional" if directions == 2 else "unidirectional",
            is_training=False,
        )
        tf.identity(y, "y")
    path = tmp_path / "cudnn.pb"
    path.write_bytes(graph.as_graph_def().SerializeToString())
    converted = rnnlite.convert(path)
    assert any("runs no CudnnRNN without a GPU" in n for n in converted.report.notes)
    array = normal(6, 1, FEATURES)
    (found,) = rnnlite.load(converted.tflite).run([array])
    np.testing.assert_allclose(found, expected(mode, blocks, array, directions), atol=1e-5)


def test_weights_that_the_graph_does_not_hold_are_refused(tmp_path):
    with tf.Graph().as_default() as graph:
        x = tf.compat.v1.placeholder(tf.float32, [None, 1, FEATURES], "x")
        params = tf.compat.v1.placeholder(tf.float32, [128], "params")
        zeros = tf.zeros([1, 1, UNITS])
        y, *_ = tf.raw_ops.CudnnRNN(input=x, input_h=zeros, input_c=zeros, params=params)
        tf.identity(y, "y")
    path = tmp_path / "cudnn.pb"
    path.write_bytes(graph.as_graph_def().SerializeToString())
    with pytest.raises(UnsupportedError, match="the weights of CudnnRNN 'CudnnRNN' is no constant"):
        rnnlite.convert(path)


def test_gate_order_of_the_second_version(tmp_path):
    """BlockLSTM has i, g, f, o; BlockLSTMV2 has i, f, g, o and no forget bias."""
    w, b = normal(FEATURES + UNITS, 4 * UNITS), normal(4 * UNITS)
    with tf.Graph().as_default() as graph:
        x = tf.compat.v1.placeholder(tf.float32, [None, 1, FEATURES], "x")
        zeros, peephole = tf.zeros([1, UNITS]), tf.zeros([UNITS])
        results = tf.raw_ops.BlockLSTMV2(
            seq_len_max=tf.cast(tf.shape(x)[0], tf.int64),
            x=x,
            cs_prev=zeros,
            h_prev=zeros,
            w=w,
            wci=peephole,
            wcf=peephole,
            wco=peephole,
            b=b,
        )
        tf.identity(results.h, "h")
    path = tmp_path / "block.pb"
    path.write_bytes(graph.as_graph_def().SerializeToString())
    array = normal(7, 1, FEATURES)
    (found,) = rnnlite.load(rnnlite.convert(path).tflite).run([array])
    step = oracle.lstm_step(w[:FEATURES], w[FEATURES:], b)
    states = [np.zeros((1, UNITS), np.float32)] * 2
    y, _ = oracle.scan(step, np.swapaxes(array, 0, 1), states)
    np.testing.assert_allclose(found, np.swapaxes(y, 0, 1), atol=1e-6)


def cudnn(tmp_path, op, **options):
    """A graph of one CudnnRNN op, written."""
    flat, _ = packed(1, 1, 4)
    with tf.Graph().as_default() as graph:
        x = tf.compat.v1.placeholder(tf.float32, [None, 1, FEATURES], "x")
        zeros = tf.zeros([1, 1, UNITS])
        given = {"input": x, "input_h": zeros, "input_c": zeros, "params": tf.constant(flat)}
        if "sequence_lengths" in options:
            lengths = tf.compat.v1.placeholder(tf.int32, [1], "lengths")
            options = {**options, "sequence_lengths": lengths}
        y, *_ = getattr(tf.raw_ops, op)(**given, **options)
        tf.identity(y, "y")
    path = tmp_path / "cudnn.pb"
    path.write_bytes(graph.as_graph_def().SerializeToString())
    return path


def test_forms_of_cudnn_that_are_not_read(tmp_path):
    path = cudnn(tmp_path, "CudnnRNN", input_mode="skip_input")
    message = "CudnnRNN 'CudnnRNN' has a form that is not read; expected known sizes, "
    with pytest.raises(
        UnsupportedError, match=message + r".*found 1 layers, 3 features, 4 units, lstm, skip_input"
    ):
        rnnlite.convert(path)


def test_the_length_of_each_sequence_in_cudnn_is_refused(tmp_path):
    path = cudnn(tmp_path, "CudnnRNNV3", sequence_lengths=True)
    message = "CudnnRNNV3 'CudnnRNNV3' is given the length of each sequence; expected sequences of"
    with pytest.raises(UnsupportedError, match=message):
        rnnlite.convert(path, outputs=["y:0"])
