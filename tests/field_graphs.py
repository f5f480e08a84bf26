"""Graphs as TensorFlow 1 code makes them: a Hypothesis strategy, and the builder of a draw.

Loops over TensorArrays as `dynamic_rnn` writes them, steps unrolled as by `static_rnn`, gates of a
BasicLSTMCell or a GRUCell, sequence lengths, convolutions in front, attention behind. Weights are
constants, as in a frozen graph.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from hypothesis import strategies as st

tf1 = tf.compat.v1
STEPS = 6
"""Of an unrolled graph."""

FEATURES, UNITS = 4, 6


def graph(choose: Callable[[Sequence[Any]], Any]) -> dict[str, Any]:
    """A draw of plain values; `choose` picks one of several."""
    return {
        "seed": choose(range(10_000)),
        "loop": choose(["dynamic", "dynamic", "static"]),
        "control_flow": choose([1, 2]),
        "batch": choose([None, 1]),
        "cell": choose(["lstm", "gru", "rnn"]),
        "layers": choose([1, 1, 2]),
        "front": choose([None, None, "conv", "conv_pool", "conv_2d", "embedding"]),
        "lengths": choose([False, False, True]),
        "bidirectional": choose([False, True]),
        "behind": choose(["last", "attention", "sequence", "mean", "ctc", "rows"]),
        "head": choose(["softmax", "logits", "l2"]),
    }


@st.composite
def graphs(draw: st.DrawFn) -> dict[str, Any]:
    """`graph`, drawn by Hypothesis."""
    return graph(lambda values: draw(st.sampled_from(values)))


def build(draw: dict[str, Any]) -> tuple[Any, list[str], list[str]]:
    """The graph of a draw, its inputs' names and its outputs'."""
    rng = np.random.default_rng(draw["seed"])

    def weight(*shape: int) -> Any:
        scale = 1.0 / np.sqrt(shape[0]) if len(shape) > 1 else 0.1
        return tf.constant((scale * rng.standard_normal(shape)).astype(np.float32))

    made = tf.Graph()
    with made.as_default():
        (tf1.enable_control_flow_v2 if draw["control_flow"] == 2 else tf1.disable_control_flow_v2)()
        try:
            inputs, x, lengths = _front(draw, weight)
            for _ in range(draw["layers"]):
                x = _layer(draw, weight, x, lengths)
            tf.identity(_head(draw, weight, x, lengths), name="scores")
        finally:
            tf1.enable_control_flow_v2()
    return made, inputs, ["scores:0"]


def _front(draw: dict[str, Any], weight: Any) -> tuple[list[str], Any, Any]:
    """Input names, the sequence (B, T, F), and the lengths (B,) or None."""
    steps = STEPS if draw["loop"] == "static" else None
    front = None if steps else draw["front"]
    lengths = None
    if front == "embedding":
        ids = tf1.placeholder(tf.int32, [draw["batch"], steps], name="ids")
        inputs, x = ["ids:0"], tf.nn.embedding_lookup(weight(20, FEATURES), ids)
    else:
        x = tf1.placeholder(tf.float32, [draw["batch"], steps, FEATURES], name="x")
        inputs = ["x:0"]
    if front in ("conv", "conv_pool"):
        x = tf.nn.relu(tf.nn.conv1d(x, weight(3, FEATURES, 5), 1, "SAME") + weight(5))
    if front == "conv_pool":
        x = tf.nn.max_pool1d(x, 2, 2, "SAME")
    if front == "conv_2d":
        y = tf.nn.conv2d(tf.expand_dims(x, -1), weight(3, 3, 1, 3), [1, 1, 2, 1], "SAME")
        x = tf.reshape(tf.nn.relu(y), [tf.shape(x)[0], -1, 2 * 3])
    if draw["lengths"] and front in (None, "embedding"):
        lengths = tf1.placeholder(tf.int32, [draw["batch"]], name="lengths")
        inputs.append("lengths:0")
    return inputs, x, lengths


def _cell(draw: dict[str, Any], weight: Any, features: int) -> Any:
    """step(x, states) -> states; the first state is the output."""
    n = UNITS
    kind = draw["cell"]
    if kind == "rnn":
        kernel, bias = weight(features + n, n), weight(n)
        return 1, lambda x, s: [tf.tanh(tf.matmul(tf.concat([x, s[0]], 1), kernel) + bias)]
    if kind == "gru":
        gates, candidate = weight(features + n, 2 * n), weight(features + n, n)
        bias = weight(2 * n) + 1.0

        def gru(x: Any, s: Any) -> Any:
            both = tf.sigmoid(tf.nn.bias_add(tf.matmul(tf.concat([x, s[0]], 1), gates), bias))
            r, u = tf.split(both, 2, 1)
            c = tf.tanh(tf.matmul(tf.concat([x, r * s[0]], 1), candidate))
            return [u * s[0] + (1 - u) * c]

        return 1, gru
    kernel, bias = weight(features + n, 4 * n), weight(4 * n)

    def lstm(x: Any, s: Any) -> Any:
        h, c = s
        product = tf.nn.bias_add(tf.matmul(tf.concat([x, h], 1), kernel), bias)
        i, j, f, o = tf.split(product, 4, 1)
        c = c * tf.sigmoid(f + 1.0) + tf.sigmoid(i) * tf.tanh(j)
        return [tf.tanh(c) * tf.sigmoid(o), c]

    return 2, lstm


def _layer(draw: dict[str, Any], weight: Any, x: Any, lengths: Any) -> Any:
    """One recurrent layer (B, T, F) -> (B, T, U), or both directions beside each other."""
    run = _unrolled if draw["loop"] == "static" else _looped
    forward = run(draw, _cell(draw, weight, x.shape[2]), x, lengths)
    if not draw["bidirectional"]:
        return forward

    def turned(v: Any) -> Any:
        return tf.reverse(v, [1]) if lengths is None else tf.reverse_sequence(v, lengths, 1, 0)

    backward = run(draw, _cell(draw, weight, x.shape[2]), turned(x), lengths)
    return tf.concat([forward, turned(backward)], 2)


def _unrolled(draw: dict[str, Any], cell: Any, x: Any, lengths: Any) -> Any:
    count, step = cell
    states = [tf.zeros([tf.shape(x)[0], UNITS])] * count
    outputs = []
    for t, row in enumerate(tf.unstack(x, axis=1)):
        new = step(row, states)
        states, output = _kept(new, states, t, lengths)
        outputs.append(output)
    return tf.stack(outputs, axis=1)


def _looped(draw: dict[str, Any], cell: Any, x: Any, lengths: Any) -> Any:
    count, step = cell
    rows = tf.transpose(x, [1, 0, 2])
    total = tf.shape(rows)[0]
    read = tf.TensorArray(tf.float32, total).unstack(rows)
    states = [tf.zeros([tf.shape(x)[0], UNITS])] * count

    def body(t: Any, written: Any, *old: Any) -> Any:
        row = read.read(t)
        row.set_shape([x.shape[0], x.shape[2]])
        new, output = _kept(step(row, list(old)), list(old), t, lengths)
        return [t + 1, written.write(t, output), *new]

    start = [0, tf.TensorArray(tf.float32, total), *states]
    _, written, *_ = tf1.while_loop(lambda t, *_: t < total, body, start)
    outputs = tf.transpose(written.stack(), [1, 0, 2])
    outputs.set_shape([x.shape[0], x.shape[1], UNITS])
    return outputs


def _kept(new: Any, old: Any, t: Any, lengths: Any) -> Any:
    """Past a sequence's length states stay and the output is zero, as in `dynamic_rnn`."""
    if lengths is None:
        return new, new[0]
    past = tf.greater_equal(t, lengths)[:, tf.newaxis]
    past = tf.logical_and(past, tf.ones_like(new[0], tf.bool))
    kept = [tf1.where(past, o, n) for o, n in zip(old, new, strict=True)]
    return kept, tf1.where(past, tf.zeros_like(new[0]), new[0])


def _head(draw: dict[str, Any], weight: Any, x: Any, lengths: Any) -> Any:
    width = x.shape[2]
    behind = draw["behind"]
    if behind == "last" and lengths is not None:
        places = tf.stack([tf.range(tf.shape(x)[0]), lengths - 1], 1)
        x = tf.gather_nd(x, places)
    elif behind == "last":
        x = x[:, -1]
    elif behind == "mean":
        x = tf.reduce_mean(x, 1)
    elif behind == "attention":
        flat = tf.tanh(tf.matmul(tf.reshape(x, [-1, width]), weight(width, 5)) + weight(5))
        scores = tf.reshape(tf.matmul(flat, weight(5, 1)), [-1, tf.shape(x)[1], 1])
        x = tf.reduce_sum(tf.nn.softmax(scores, 1) * x, 1)
    if behind in ("sequence", "ctc", "rows"):
        flat = tf.matmul(tf.reshape(x, [-1, width]), weight(width, 3)) + weight(3)
        if behind == "rows":
            return tf.nn.softmax(flat)
        x = tf.reshape(flat, [tf.shape(x)[0], -1, 3])
        return tf.nn.softmax(tf.transpose(x, [1, 0, 2]) if behind == "ctc" else x)
    if draw["head"] == "l2":
        return tf.math.l2_normalize(tf.matmul(x, weight(width, 4)), 1)
    x = tf.matmul(x, weight(width, 3)) + weight(3)
    return tf.nn.softmax(x) if draw["head"] == "softmax" else x


def feeds(made: Any, inputs: Sequence[str], length: int, seed: int) -> dict[str, Any]:
    """Random values for the inputs, batch 1."""
    rng = np.random.default_rng(seed)
    found: dict[str, Any] = {}
    for name in inputs:
        tensor = made.get_tensor_by_name(name)
        shape = [1, *(d or length for d in tensor.shape.as_list()[1:])]
        if name == "lengths:0":
            steps = next(iter(found.values())).shape[1]
            found[name] = np.array([max(1, steps - seed % 3)], np.int32)
        elif tensor.dtype == tf.int32:
            found[name] = rng.integers(0, 20, shape).astype(np.int32)
        else:
            found[name] = rng.standard_normal(shape).astype(np.float32)
    return found
