"""LSTM, GRU and RNN as Scans.

What enters: a node of ONNX, and its inputs as operands. What leaves: Y (T, D, B, H) and the final
states (D, B, H) for D directions; with `layout` 1, the batch is first. Weights of ONNX are (D, G H,
F), those of Scans (F, G H).

The equations and the order of gates are those of the ONNX operator documentation. A node that a
known cell computes becomes one. A node with peepholes, clipping, coupled gates or unequal
activations gets a traced step.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import tensorflow as tf

from rnnlite.frontends.onnx.emit import Argument, Emitter, as_value, constant, known, refuse, rule
from rnnlite.frontends.onnx.nodes import Node
from rnnlite.frontends.onnx.rules.activations import ACTIVATIONS, activation
from rnnlite.frontends.onnx.values import Operand, Value, reshaped, stack, with_last
from rnnlite.lowering.tensors import is_zero
from rnnlite.scan.cells import GRU, LSTM, Activation, SimpleRNN, TracedCell
from rnnlite.scan.products import dense_over_time
from rnnlite.scan.scan import Cell, Scan, ScanResult
from rnnlite.scan.tensors import Array, Tensor

DEFAULTS = {"LSTM": ("Sigmoid", "Tanh", "Tanh"), "GRU": ("Sigmoid", "Tanh"), "RNN": ("Tanh",)}
WITH_ALPHA = {
    "LeakyRelu": 0.01,
    "ThresholdedRelu": 1.0,
    "ScaledTanh": 1.0,
    "HardSigmoid": 0.2,
    "Elu": 1.0,
    "Affine": 1.0,
}
WITH_BETA = {"ScaledTanh": 1.0, "HardSigmoid": 0.5, "Affine": 0.0}


@dataclass(frozen=True)
class Function:
    """An activation of a recurrent op; equal ones compute the same."""

    name: str
    alpha: float | None = None
    beta: float | None = None

    def __call__(self, x: Tensor) -> Tensor:
        """The activation of each element."""
        return activation(self.name, x, self.alpha, self.beta)


@dataclass(frozen=True, eq=False)
class Weights:
    """The weights of one direction of a node.

    Attributes:
        kernel: (F, G*H), gates in the order of ONNX.
        recurrent: (H, G*H).
        bias, recurrent_bias: (G*H,).
        peepholes: (3H,) or None.
        functions: the activations.
        clip: the inputs of activations are clipped to -clip..clip; None for no clip.
    """

    kernel: Array
    recurrent: Array
    bias: Array
    recurrent_bias: Array
    peepholes: Array | None
    functions: tuple[Function, ...]
    clip: float | None

    @property
    def units(self) -> int:
        """The number of units H."""
        return int(self.recurrent.shape[0])

    def clipped(self, x: Tensor) -> Tensor:
        """The input of an activation, clipped."""
        return x if self.clip is None else tf.clip_by_value(x, -self.clip, self.clip)


@rule("LSTM", "GRU", "RNN")
def _recurrent(emitter: Emitter, node: Node, inputs: list[Argument]) -> Sequence[Operand]:
    return recurrence(emitter, node, inputs)


def recurrence(emitter: Emitter, node: Node, inputs: list[Argument]) -> list[Operand]:
    """Lower a recurrent node: its output sequence, then its final states."""
    inputs = [*inputs, *[None] * (8 - len(inputs))]
    batch_first = bool(node.get("layout", 0))
    x = as_value(inputs[0]).arranged([1, 0, 2] if batch_first else [0, 1, 2])
    weights = _weights(node, inputs)
    x = with_last(x, len(weights[0].kernel))
    mask = _mask(inputs[4], x)
    wanted = [name if emitter.is_read(name) else "" for name in (*node.outputs, "", "", "")[:3]]
    last = bool(wanted[0]) and mask is None and _is_forward(node) and emitter.only_last(wanted[0])
    results = []
    for k, one in enumerate(weights):
        states = [
            _initial(node, inputs[place], k, x, one.units, batch_first)
            for place in ((5, 6) if node.op == "LSTM" else (5,))
        ]
        reverse = node.get("direction", "forward") == "reverse" or k == 1
        scan = Scan(
            _cell(node, one),
            (_projected(node, one, x),),
            tuple(states),
            reverse=reverse,
            mask=mask,
            zero_output_for_mask=mask is not None,
            all_outputs=bool(wanted[0]) and not last,
            last_output=False,
            name=emitter.label(node, reverse, len(weights)),
        )
        results.append(_turned(emitter.recurrences.lower(scan), reverse))
    found: list[Operand] = [
        _sequence(results, last, batch_first) if wanted[0] else np.zeros(0, np.float32)
    ]
    for place in range(len(results[0].states)):
        found.append(_final([r.states[place] for r in results], batch_first))
    return found


@rule("com.microsoft.DynamicQuantizeLSTM")
def _dynamic_lstm(emitter: Emitter, node: Node, inputs: list[Argument]) -> Sequence[Operand]:
    """ONNX Runtime's LSTM with int8 weights, which are stored transposed."""
    inputs = [*inputs, *[None] * (12 - len(inputs))]
    plain = list(inputs[:8])
    for place, scale, zero_point in ((1, 8, 9), (2, 10, 11)):
        integers = constant(node, inputs[place], "weights").astype(np.float32)
        step, offset = (
            np.asarray(constant(node, inputs[k], "scale"), np.float32) for k in (scale, zero_point)
        )
        directions = integers.shape[0]
        real = (integers - offset.reshape(directions, 1, -1)) * step.reshape(directions, 1, -1)
        plain[place] = np.swapaxes(real, 1, 2)
    emitter.notes.append(f"node {node.label} is computed in float")
    return recurrence(emitter, replace(node, op="LSTM", domain=""), plain)


def _is_forward(node: Node) -> bool:
    return bool(node.get("direction", "forward") == "forward")


def _weights(node: Node, inputs: list[Argument]) -> list[Weights]:
    """The weights of each direction."""
    kernel, recurrent = (
        constant(node, inputs[k], n).astype(np.float32) for k, n in ((1, "W"), (2, "R"))
    )
    gates = {"LSTM": 4, "GRU": 3, "RNN": 1}[node.op]
    directions, units = kernel.shape[0], recurrent.shape[2]
    if kernel.shape[1] != gates * units:
        refuse(node, f"weights of shape {kernel.shape}", f"(directions, {gates} * {units}, inputs)")
    bias = known(inputs[3]) if inputs[3] is not None else None
    if inputs[3] is not None and bias is None:
        constant(node, inputs[3], "B")
    if bias is None:
        bias = np.zeros((directions, 2 * gates * units))
    halves = np.split(bias.astype(np.float32), 2, axis=1)
    peepholes = None if inputs[7] is None else constant(node, inputs[7], "P").astype(np.float32)
    functions = _functions(node, directions)
    clip = node.get("clip")
    return [
        Weights(
            kernel[k].T,
            recurrent[k].T,
            halves[0][k],
            halves[1][k],
            None if peepholes is None else peepholes[k],
            functions[k],
            None if not clip else float(clip),
        )
        for k in range(directions)
    ]


def _functions(node: Node, directions: int) -> list[tuple[Function, ...]]:
    """The activations of each direction; alphas and betas go to those that have parameters."""
    names = node.get("activations") or list(DEFAULTS[node.op]) * directions
    by_name = {n.lower(): n for n in ACTIVATIONS}
    unknown = [n for n in names if n.lower() not in by_name]
    if unknown:
        refuse(node, f"the activation '{unknown[0]}'", ", ".join(sorted(ACTIVATIONS)))
    alphas, betas = (iter(node.get(f"activation_{k}") or []) for k in ("alpha", "beta"))
    found = []
    for given in names:
        name = by_name[given.lower()]
        alpha = next(alphas, WITH_ALPHA[name]) if name in WITH_ALPHA else None
        beta = next(betas, WITH_BETA[name]) if name in WITH_BETA else None
        found.append(Function(name, alpha, beta))
    count = len(DEFAULTS[node.op])
    return [tuple(found[k * count : (k + 1) * count]) for k in range(directions)]


def _mask(lengths: Argument, x: Tensor) -> Tensor | None:
    """The mask (T, B) of time steps within the lengths; None where all sequences are whole."""
    if lengths is None:
        return None
    numbers = known(lengths)
    if numbers is not None and x.shape[0] is not None and np.all(numbers == x.shape[0]):
        return None
    counts = tf.cast(as_value(lengths).plain(), tf.int32)
    return tf.expand_dims(tf.range(tf.shape(x)[0]), 1) < tf.expand_dims(counts, 0)


def _initial(
    node: Node, operand: Argument, direction: int, x: Tensor, units: int, batch_first: bool
) -> Tensor:
    """The initial state (B, H) of a direction."""
    batch = x.shape[1] if x.shape[1] is not None else tf.shape(x)[1]
    numbers = known(operand)
    is_none = operand is None or (numbers is not None and not numbers.any())
    if is_none or (isinstance(operand, Value) and is_zero(operand.base)):
        zeros = tf.zeros(stack([batch, units]))
        zeros.set_shape([x.shape[1], units])
        return zeros
    value = as_value(operand)
    axis = 1 if batch_first else 0
    state = value.arranged([1, 0, 2] if batch_first else [0, 1, 2])
    if value.shape[axis] == 1:
        return reshaped(state, [Value.of(state).size(1), units])
    return state[direction]


def _projected(node: Node, weights: Weights, x: Tensor) -> Tensor:
    """The inputs of a known cell; for a traced step, their projection."""
    if _is_known(node, weights):
        return x
    bias = weights.bias
    if node.op != "GRU":
        bias = bias + weights.recurrent_bias
    return dense_over_time(x, weights.kernel, bias)


def _is_known(node: Node, weights: Weights) -> bool:
    """Whether a known cell computes what the node does."""
    plain = weights.clip is None and weights.peepholes is None and not node.get("input_forget")
    return plain and (node.op != "LSTM" or weights.functions[1] == weights.functions[2])


def _ordered(array: Array, order: Sequence[int]) -> Array:
    parts = np.split(array, len(order), axis=-1)
    return np.concatenate([parts[k] for k in order], axis=-1)


def _cell(node: Node, weights: Weights) -> Cell:
    if not _is_known(node, weights):
        steps: dict[str, Callable[..., Any]] = {"LSTM": _lstm, "GRU": _gru, "RNN": _rnn}
        reset_after = bool(node.get("linear_before_reset"))
        coupled = bool(node.get("input_forget"))

        def step(rows: Sequence[Tensor], states: Sequence[Tensor]) -> Any:
            return steps[node.op](weights, rows[0], states, reset_after or coupled)

        kind = {"RNN": "SimpleRNN"}.get(node.op, node.op)
        return TracedCell(step, kind, units=weights.units)
    functions = [Activation(f, True) for f in weights.functions]
    kernel, recurrent = weights.kernel, weights.recurrent
    bias, recurrent_bias = weights.bias, weights.recurrent_bias
    if node.op == "RNN":
        return SimpleRNN(kernel, recurrent, bias + recurrent_bias, functions[0])
    if node.op == "LSTM":
        # i, o, f, c in ONNX; i, f, c, o in a known cell.
        order = [0, 2, 3, 1]
        return LSTM(
            _ordered(kernel, order),
            _ordered(recurrent, order),
            _ordered(bias + recurrent_bias, order),
            functions[1],
            functions[0],
        )
    reset_after = bool(node.get("linear_before_reset"))
    both = np.stack([bias, recurrent_bias]) if reset_after else bias + recurrent_bias
    return GRU(kernel, recurrent, both, functions[1], functions[0], reset_after)


def _lstm(w: Weights, row: Tensor, states: Sequence[Tensor], coupled: bool) -> Any:
    h, c = states
    f, g, out = w.functions
    zi, zo, zf, zc = tf.split(row + tf.matmul(h, tf.constant(w.recurrent)), 4, axis=-1)
    pi = po = pf = None
    if w.peepholes is not None:
        pi, po, pf = (tf.constant(p) for p in np.split(w.peepholes, 3))
    i = f(w.clipped(zi if pi is None else zi + pi * c))
    forget = 1 - i if coupled else f(w.clipped(zf if pf is None else zf + pf * c))
    new = forget * c + i * g(w.clipped(zc))
    o = f(w.clipped(zo if po is None else zo + po * new))
    h = o * out(new)
    return [h], [h, new]


def _gru(w: Weights, row: Tensor, states: Sequence[Tensor], reset_after: bool) -> Any:
    (h,) = states
    f, g = w.functions
    n = w.units
    recurrent, bias = w.recurrent, w.recurrent_bias
    gates = row[:, : 2 * n] + tf.matmul(h, tf.constant(recurrent[:, : 2 * n])) + bias[: 2 * n]
    z, r = (f(w.clipped(a)) for a in tf.split(gates, 2, axis=-1))
    kernel, offset = tf.constant(recurrent[:, 2 * n :]), tf.constant(bias[2 * n :])
    inner = (
        r * (tf.matmul(h, kernel) + offset) if reset_after else tf.matmul(r * h, kernel) + offset
    )
    candidate = g(w.clipped(row[:, 2 * n :] + inner))
    new = candidate + z * (h - candidate)
    return [new], [new]


def _rnn(w: Weights, row: Tensor, states: Sequence[Tensor], _: bool) -> Any:
    (h,) = states
    new = w.functions[0](w.clipped(row + tf.matmul(h, tf.constant(w.recurrent))))
    return [new], [new]


def _turned(result: ScanResult, reverse: bool) -> ScanResult:
    """A result with outputs in the order of time."""
    if not reverse or result.outputs is None:
        return result
    outputs = tuple(tf.reverse(y, [0]) for y in result.outputs)
    return ScanResult(result.last, outputs, result.states, result.step)


def _sequence(results: Sequence[ScanResult], last: bool, batch_first: bool) -> Value:
    """Y (T, D, B, H), or (B, T, D, H); with only the last step where no other is read."""
    if last:
        state = results[0].states[0]
        return Value(state, (0, None, None, 1) if batch_first else (None, None, 0, 1))
    parts = [r.outputs[0] for r in results if r.outputs is not None]
    if len(parts) == 1:
        return Value(parts[0], (1, 0, None, 2) if batch_first else (0, None, 1, 2))
    joined = tf.concat(parts, -1)
    t, b, _ = Value.of(joined).sizes()
    base = reshaped(joined, [t, b, len(parts), Value.of(parts[0]).known_size(-1)])
    return Value(base, (1, 0, 2, 3) if batch_first else (0, 2, 1, 3), joined)


def _final(states: Sequence[Tensor], batch_first: bool) -> Value:
    """A final state (D, B, H), or (B, D, H)."""
    if len(states) == 1:
        return Value(states[0], (0, None, 1) if batch_first else (None, 0, 1))
    return Value.of(tf.stack(list(states), axis=1 if batch_first else 0))
