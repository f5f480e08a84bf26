"""Rules for fused kernels that hold a whole loop: BlockLSTM, CudnnRNN.

What enters: a node with a fused kernel, and its inputs; the weights are constants. What leaves: the
results of the node, computed by a Scan that is lowered.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from rnnlite.errors import UnsupportedError
from rnnlite.frontends.tensorflow.arrays import Value
from rnnlite.frontends.tensorflow.emit import Emitter, rule
from rnnlite.frontends.tensorflow.nodes import Graph, name_of
from rnnlite.frontends.tensorflow.scans import lower_named
from rnnlite.scan import cells
from rnnlite.scan.block_lstm import RESULTS, BlockLSTM
from rnnlite.scan.cells import Activation
from rnnlite.scan.protos import NodeDef
from rnnlite.scan.scan import Cell, Recurrence, Scan, ScanResult
from rnnlite.scan.tensors import Array, Tensor


def _lowered(emitter: Emitter, scan: Scan, name: str) -> ScanResult:
    about = Recurrence(
        name=name,
        kind=scan.cell.kind,
        units=scan.cell.units,
        direction="backward" if scan.reverse else "forward",
        outputs="all",
        masked=False,
        hoisted=True,
    )
    return lower_named(emitter.emission, scan, (name, scan.reverse), about)


def _weights(emitter: Emitter, node: NodeDef, value: Tensor, what: str) -> Any:
    known = emitter.emission.static(value)
    if known is None:
        raise UnsupportedError(
            f"the {what} of {node.op} '{node.name}' is no constant",
            expected="weights that the graph holds",
            remedy="Freeze the graph with its variables as constants",
        )
    return np.asarray(known, np.float32)


@rule("BlockLSTM", "BlockLSTMV2")
def _block_lstm(emitter: Emitter, node: NodeDef, inputs: list[Tensor]) -> list[Value]:
    """An LSTM over a whole sequence (T, B, F), as a Scan.

    Gate order of the weights: i, g, f, o in BlockLSTM, i, f, g, o in BlockLSTMV2.
    """
    longest, x, c, h = inputs[:4]
    w, wci, wcf, wco, b = (
        _weights(emitter, node, v, what)
        for v, what in zip(
            inputs[4:], ("kernel", "peephole", "peephole", "peephole", "bias"), strict=True
        )
    )
    if node.op == "BlockLSTMV2":
        w, b = _swapped(w), _swapped(b)
    forget = node.attr["forget_bias"].f if "forget_bias" in node.attr else 0.0

    units = w.shape[1] // 4
    b = b.copy()
    b[2 * units : 3 * units] += forget
    read = {
        int(r.rsplit(":", 1)[1])
        for consumer in emitter.graph.consumers.get(node.name, [])
        for r in emitter.graph.inputs(consumer)
        if name_of(r) == node.name
    } or {6}
    features = w.shape[0] - units
    cell = BlockLSTM(
        w[:features],
        w[features:],
        b,
        (wci, wcf, wco) if node.attr["use_peephole"].b else None,
        node.attr["cell_clip"].f if "cell_clip" in node.attr else 0.0,
        tuple(RESULTS[k] for k in sorted(read)),
    )
    whole = _is_length(emitter.graph, emitter.graph.inputs(node)[0], emitter.graph.inputs(node)[1])
    count = None if whole else tf.cast(tf.reshape(longest, []), tf.int32)
    scan = Scan(
        cell=cell,
        inputs=(x if count is None else x[:count],),
        initial_states=(h, c),
        all_outputs=True,
        last_output=False,
        name=node.name,
    )
    result = _lowered(emitter, scan, node.name)
    # What nothing reads stays None.
    values: list[Any] = [None] * len(RESULTS)
    for k, y in zip(sorted(read), result.outputs or (), strict=True):
        if count is not None:
            # Beyond the longest sequence the kernel writes zeros.
            missing = tf.maximum(tf.shape(x)[0] - tf.shape(y)[0], 0)
            padded = tf.pad(y, tf.concat([[[0, missing]], tf.zeros([2, 2], tf.int32)], 0))
            padded.set_shape([x.shape[0], *y.shape[1:]])
            y = padded
        values[k] = y
    return values


def _swapped(weights: Array) -> Array:
    """Gates i, f, g, o -> i, g, f, o."""
    i, f, g, o = np.split(weights, 4, axis=-1)
    return np.concatenate([i, g, f, o], axis=-1)


def _is_length(graph: Graph, reference: str, x: str) -> bool:
    """Whether a tensor is the length of x: shape(x)[0]."""
    node = graph.node(graph.origin(reference))
    while node.op in ("Cast", "StridedSlice", "Squeeze", "Reshape"):
        node = graph.node(graph.origin(graph.inputs(node)[0]))
    return node.op == "Shape" and graph.origin(graph.inputs(node)[0]) == graph.origin(x)


MODES = {"lstm": 4, "gru": 3, "rnn_relu": 1, "rnn_tanh": 1}
SIGMOID, TANH = Activation(tf.sigmoid, elementwise=True), Activation(tf.tanh, elementwise=True)
RELU = Activation(tf.nn.relu, elementwise=True)


@rule("CudnnRNN", "CudnnRNNV2", "CudnnRNNV3")
def _cudnn(emitter: Emitter, node: NodeDef, inputs: list[Tensor]) -> list[Value]:
    """Layers and directions one after the other; weights as cuDNN packs them."""
    x, h, c, params = inputs[:4]
    if node.op == "CudnnRNNV3":
        h_axis = 0 if node.attr["time_major"].b else 1
        if not node.attr["time_major"].b:
            x = tf.transpose(x, [1, 0, 2])
            h, c = (tf.transpose(s, [1, 0, 2]) if h_axis else s for s in (h, c))
        _refuse_lengths(emitter, node, inputs)
    mode = node.attr["rnn_mode"].s.decode() or "lstm"
    both = node.attr["direction"].s.decode() == "bidirectional"
    directions = 2 if both else 1
    flat = _weights(emitter, node, params, "weights")
    layers, features, units = h.shape[0], x.shape[2], h.shape[2]
    skips = node.attr["input_mode"].s.decode() == "skip_input"
    if layers is None or features is None or units is None or mode not in MODES or skips:
        raise UnsupportedError(
            f"{node.op} '{node.name}' has a form that is not read",
            expected="known sizes, linear_input, and one of " + ", ".join(MODES),
            found=f"{layers} layers, {features} features, {units} units, {mode}, "
            f"{node.attr['input_mode'].s.decode()}",
            remedy="Build the model of plain layers and load the weights into it",
        )
    blocks = _unpacked(flat, layers // directions, directions, MODES[mode], features, units)
    last_h, last_c = [], []
    for layer in range(layers // directions):
        outputs = []
        for direction in range(directions):
            k = layer * directions + direction
            cell = _cudnn_cell(mode, *blocks[k])
            states = (h[k], c[k]) if mode == "lstm" else (h[k],)
            scan = Scan(
                cell=cell,
                inputs=(x,),
                initial_states=states,
                reverse=direction == 1,
                all_outputs=True,
                last_output=False,
                name=node.name,
            )
            result = _lowered(emitter, scan, f"{node.name}/layer_{layer}")
            (y,) = result.outputs or ()
            outputs.append(tf.reverse(y, [0]) if direction else y)
            last_h.append(result.states[0])
            last_c.append(result.states[-1] if mode == "lstm" else tf.zeros_like(result.states[0]))
        x = tf.concat(outputs, 2) if both else outputs[0]
    h, c = tf.stack(last_h), tf.stack(last_c)
    if node.op == "CudnnRNNV3" and not node.attr["time_major"].b:
        x, h, c = (tf.transpose(v, [1, 0, 2]) for v in (x, h, c))
    empty = tf.zeros([0])
    return [x, h, c, empty, empty]


def _refuse_lengths(emitter: Emitter, node: NodeDef, inputs: list[Tensor]) -> None:
    graph = emitter.graph
    if not _is_full(graph, graph.inputs(node)[4]):
        raise UnsupportedError(
            f"{node.op} '{node.name}' is given the length of each sequence",
            expected="sequences of one length",
            remedy="Run each sequence at its own length, without padding",
        )


def _is_full(graph: Graph, reference: str) -> bool:
    """Whether lengths are all the same: a Fill."""
    return bool(graph.node(graph.origin(reference)).op == "Fill")


def _unpacked(
    flat: Array, layers: int, directions: int, gates: int, features: int, units: int
) -> list[tuple[list[Any], list[Any], Any, Any]]:
    """For each layer and direction: input kernels, recurrent kernels (transposed), their biases."""
    blocks: list[Any] = []
    place = 0

    def take(rows: int, columns: int) -> Any:
        nonlocal place
        block = flat[place : place + rows * columns].reshape(rows, columns).T
        place += rows * columns
        return block

    for layer in range(layers):
        width = features if layer == 0 else units * directions
        for _ in range(directions):
            kernels = [take(units, width) for _ in range(gates)]
            blocks.append((kernels, [take(units, units) for _ in range(gates)]))
    biases = flat[place:].reshape(layers * directions, 2, gates, units)
    return [(*block, b[0], b[1]) for block, b in zip(blocks, biases, strict=True)]


def _cudnn_cell(
    mode: str,
    kernels: Sequence[Array],
    recurrent: Sequence[Array],
    bias: Array,
    recurrent_bias: Array,
) -> Cell:
    """The known cell; cuDNN's gates are i, f, g, o (LSTM) and r, z, n (GRU)."""
    if mode == "gru":
        order = [1, 0, 2]
        kernel, inner = (np.concatenate([w[k] for k in order], 1) for w in (kernels, recurrent))
        both = np.stack([b[order].reshape(-1) for b in (bias, recurrent_bias)])
        return cells.GRU(kernel, inner, both, TANH, SIGMOID, reset_after=True)
    kernel, inner = np.concatenate(kernels, 1), np.concatenate(recurrent, 1)
    total = (bias + recurrent_bias).reshape(-1)
    if mode == "lstm":
        return cells.LSTM(kernel, inner, total, TANH, SIGMOID)
    return cells.SimpleRNN(kernel, inner, total, RELU if mode == "rnn_relu" else TANH)
