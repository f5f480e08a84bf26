"""Random loops of graphs: plain values drawn, and the graph of TensorFlow that they stand for.

The input is x (1, T, 3). A draw says how the loop is written (`tf.while_loop` with the control flow
of TensorFlow 1 or 2, a for loop of autograph, `tf.scan`, `tf.map_fn`, `dynamic_rnn`, `raw_rnn`),
what its body reads, computes and writes, and what bounds it. The outputs are the states behind the
loop, and what it writes at each step.
"""

from __future__ import annotations

import contextlib

import numpy as np
import tensorflow as tf
from hypothesis import strategies as st
from tensorflow.python.ops import rnn

v1 = tf.compat.v1
FEATURES, UNITS = 3, 4
WHILES = ("while", "for")
"""Ways to write a loop whose body is ours alone: the others bring reads and bounds of their own."""


def loops(choose):
    """A draw; `choose` picks one of several."""
    return {
        "seed": choose(range(1000)),
        "written": choose(["while", "while", "for", "scan", "map", "dynamic_rnn", "raw_rnn"]),
        "control_flow": choose([1, 2]),
        "reads": choose(["t", "t - 1", "reversed", "both", "slice", "x[t]", "x[t - 1]"]),
        "states": choose([1, 2, 3]),
        "cell": choose(["product", "parts", "gated", "sum"]),
        "masked": choose([False, False, True]),
        "writes": choose(["state", "input", "two", "nothing"]),
        "bound": choose(["length", "least", "two counters", "at most"]),
        "start": choose([0, 0, 2]),
        "exit": choose([False, False, False, True]),
    }


@st.composite
def draws(draw):
    """`loops`, drawn by Hypothesis."""
    return loops(lambda values: draw(st.sampled_from(list(values))))


class Weights:
    """Constants of a draw."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)

    def __call__(self, *shape):
        scale = 0.8 / np.sqrt(shape[0])
        return tf.constant((scale * self.rng.standard_normal(shape)).astype(np.float32))


def build(draw):
    """The graph, and the names of its outputs."""
    graph = tf.Graph()
    one = draw["control_flow"] == 1
    with graph.as_default():
        (v1.disable_control_flow_v2 if one else v1.enable_control_flow_v2)()
        try:
            x = v1.placeholder(tf.float32, [1, None, FEATURES], "x")
            results = BUILDERS[draw["written"]](draw, Weights(draw["seed"]), x)
        finally:
            v1.enable_control_flow_v2()
        names = [f"y_{k}" for k in range(len(results))]
        for name, result in zip(names, results, strict=True):
            tf.identity(result, name)
    return graph.as_graph_def(), [f"{n}:0" for n in names]


def cell_of(draw, weight):
    """A step: from a row (1, F) and states (1, U) to new states."""
    kind, count = draw["cell"], draw["states"]
    joined, gates = weight(FEATURES + UNITS, UNITS), weight(FEATURES + UNITS, 3 * UNITS)
    kernel, inner, bias = weight(FEATURES, UNITS), weight(UNITS, UNITS), weight(UNITS)

    def first(x, h):
        if kind == "product":
            return tf.tanh(tf.nn.bias_add(tf.matmul(tf.concat([x, h], 1), joined), bias))
        if kind == "parts":
            return tf.tanh(tf.matmul(x, kernel) + tf.matmul(h, inner) + bias)
        if kind == "gated":
            z, r, g = tf.split(tf.matmul(tf.concat([x, h], 1), gates), 3, axis=1)
            return tf.sigmoid(z) * h + (1.0 - tf.sigmoid(z)) * tf.tanh(g * tf.sigmoid(r))
        return 0.5 * h + tf.reduce_sum(x, axis=1, keepdims=True)

    def step(x, states):
        new = [first(x, states[0])]
        for k in range(1, count):
            # A delay line and a sum of what went before.
            new.append(states[k - 1] if k == 1 else 0.9 * states[k] + new[0])
        return new

    return step


def zeros(draw):
    return [tf.zeros([1, UNITS]) for _ in range(draw["states"])]


def reader_of(draw, x, length):
    """From the step to the row (1, F) that it reads."""
    turned = tf.transpose(x, [1, 0, 2])
    rows = tf.TensorArray(tf.float32, length, clear_after_read=False).unstack(turned)
    read = {
        "t": rows.read,
        "t - 1": lambda t: rows.read(tf.maximum(t - 1, 0)),
        "reversed": lambda t: rows.read(length - 1 - t),
        "both": lambda t: rows.read(t) * rows.read(length - 1 - t),
        "slice": lambda t: x[:, t],
        "x[t]": lambda t: turned[t],
        "x[t - 1]": lambda t: turned[t - 1],
    }
    return read[draw["reads"]]


def _while(draw, weight, x):
    length = tf.shape(x)[1]
    read, step = reader_of(draw, x, length), cell_of(draw, weight)
    arrays = {"state": 1, "input": 1, "two": 2, "nothing": 0}[draw["writes"]]
    count = draw["states"]
    other = draw["start"]

    def body(t, u, *carried):
        states, written = carried[:count], carried[count:]
        row = read(t)
        new = step(row, states)
        if draw["masked"]:
            keep = t < tf.maximum(length - 2, 1)
            new = [tf.where(keep, a, b) for a, b in zip(new, states, strict=True)]
        rows = [row if draw["writes"] == "input" else new[0], 2.0 * new[-1] + 1.0]
        written = [a.write(t, r) for a, r in zip(written, rows, strict=False)]
        return (t + 1, u + 1, *new, *written)

    def condition(t, u, *carried):
        go = {
            "length": lambda: t < length,
            "least": lambda: t < tf.minimum(length, 9),
            "two counters": lambda: tf.logical_and(t < length, u <= other + 8),
            "at most": lambda: length - 1 >= t,
        }[draw["bound"]]()
        return tf.logical_and(go, tf.reduce_sum(carried[0]) < 2.5) if draw["exit"] else go

    start = (0, other, *zeros(draw), *(tf.TensorArray(tf.float32, length) for _ in range(arrays)))
    if draw["written"] == "for":
        found = _for(body, start, length)
    else:
        found = v1.while_loop(condition, body, start, return_same_structure=True)
    return [*found[2 : 2 + count], *(a.stack() for a in found[2 + count :])]


def _for(body, start, length):
    """The same body in a for loop that autograph rewrites; it counts up to the length."""

    @tf.autograph.experimental.do_not_convert
    def once(t, carried):
        return list(body(t, carried[0], *carried[1:]))[1:]

    def run(*carried):
        for t in tf.range(length):
            carried = tuple(once(t, carried))
        return carried

    return (length, *tf.autograph.to_graph(run)(*start[1:]))


def _scan(draw, weight, x):
    step = cell_of(draw, weight)
    rows = tf.transpose(x, [1, 0, 2])
    found = tf.scan(
        lambda states, row: step(row, list(states)), rows, zeros(draw), reverse=draw["masked"]
    )
    return list(found)


def _map(draw, weight, x):
    step = cell_of(draw, weight)
    start = zeros(draw)
    rows = tf.transpose(x, [1, 0, 2])
    return [tf.map_fn(lambda row: step(row, start)[0], rows, fn_output_signature=tf.float32)]


class _Cell:
    """What `dynamic_rnn` and `raw_rnn` take for a cell."""

    def __init__(self, draw, weight):
        self.step = cell_of(draw, weight)
        self.state_size = tuple([UNITS] * draw["states"])
        self.output_size = UNITS

    def __call__(self, x, states, scope=None):
        new = self.step(x, list(states))
        return new[0], tuple(new)

    def zero_state(self, batch_size, dtype):
        return tuple(tf.zeros([batch_size, UNITS], dtype) for _ in self.state_size)


def _dynamic_rnn(draw, weight, x):
    lengths = tf.maximum(tf.shape(x)[1:2] - 2, 1) if draw["masked"] else None
    cell = _Cell(draw, weight)
    y, states = rnn.dynamic_rnn(cell, x, sequence_length=lengths, initial_state=tuple(zeros(draw)))
    return [y, *states]


def _raw_rnn(draw, weight, x):
    """As users write it: no time step before the first, zeros behind the last."""
    length = tf.shape(x)[1]
    rows = tf.TensorArray(tf.float32, length).unstack(tf.transpose(x, [1, 0, 2]))
    cell = _Cell(draw, weight)

    def loop(time, output, state, loop_state):
        done = time >= length
        state = tuple(zeros(draw)) if output is None else state
        row = tf.cond(done, lambda: tf.zeros([1, FEATURES]), lambda: rows.read(time))
        return tf.fill([1], done), row, state, output, None

    y, states, _ = rnn.raw_rnn(cell, loop)
    return [y.stack(), *states]


BUILDERS = {
    "while": _while,
    "for": _while,
    "scan": _scan,
    "map": _map,
    "dynamic_rnn": _dynamic_rnn,
    "raw_rnn": _raw_rnn,
}


@contextlib.contextmanager
def session(definition):
    """A graph as TensorFlow runs it: from outputs and x to arrays."""
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(definition, name="")
        with v1.Session(graph=graph) as running:
            yield lambda outputs, x: running.run(outputs, {"x:0": x})
