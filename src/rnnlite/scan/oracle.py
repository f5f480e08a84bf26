"""The equations of the known cells in plain NumPy: the oracle.

What enters: weights, inputs and states as NumPy arrays. What leaves: outputs and states, float64.

Only tests use it: they compare the source, the lowering and the flatbuffer with it. So it is kept
free of tricks: one loop over time, in float64.

Gate order as in Keras: LSTM i, f, g, o; GRU z, r, n. Shapes: x (B, T, F), kernel (F, G H),
recurrent kernel (H, G H), states (B, H).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Function = Callable[[Array], Array]
Step = Callable[[Array, list[Array]], tuple[Array, list[Array]]]


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)) of each element, without overflow, in the same shape."""
    return np.asarray(0.5 * (1 + np.tanh(0.5 * x)))


def hard_sigmoid_keras2(x: Array) -> Array:
    """clip(0.2 x + 0.5, 0, 1) of each element, as Keras 2 and TensorFlow 1 have it."""
    return np.asarray(np.clip(0.2 * x + 0.5, 0, 1))


def hard_sigmoid_keras3(x: Array) -> Array:
    """relu6(x + 3) / 6 of each element, as Keras 3 has it."""
    return np.asarray(np.clip(x + 3, 0, 6) / 6)


def lstm_step(
    kernel: Array,
    recurrent_kernel: Array,
    bias: Array | None,
    activation: Function = np.tanh,
    recurrent_activation: Function = sigmoid,
) -> Step:
    """i, f, o = act_r(x W + h U + b);  g = act(x W + h U + b);  c' = f c + i g;  h' = o act(c').

    kernel (F, 4H), recurrent kernel (H, 4H), bias (4H,) or None; states h and c, each (B, H).
    """

    def step(x: Array, states: list[Array]) -> tuple[Array, list[Array]]:
        h, c = states
        z = x @ kernel + h @ recurrent_kernel + (0 if bias is None else bias)
        i, f, g, o = np.split(z, 4, axis=-1)
        c = recurrent_activation(f) * c + recurrent_activation(i) * activation(g)
        h = recurrent_activation(o) * activation(c)
        return h, [h, c]

    return step


def gru_step(
    kernel: Array,
    recurrent_kernel: Array,
    bias: Array | None,
    reset_after: bool,
    activation: Function = np.tanh,
    recurrent_activation: Function = sigmoid,
) -> Step:
    """z, r = act_r(x W + h U + b);  h' = z h + (1 - z) n, with

    n = act(x W + r (h U + b'))     reset_after, bias (2, 3H)
    n = act(x W + (r h) U + b)      else, bias (3H,)
    """
    wz, wr, wn = np.split(kernel, 3, axis=-1)
    uz, ur, un = np.split(recurrent_kernel, 3, axis=-1)
    zero = np.zeros(3 * un.shape[1])
    inner = zero if bias is None or not reset_after else bias[1]
    outer = zero if bias is None else (bias[0] if reset_after else bias)
    bz, br, bn = np.split(outer, 3)
    cz, cr, cn = np.split(inner, 3)

    def step(x: Array, states: list[Array]) -> tuple[Array, list[Array]]:
        (h,) = states
        z = recurrent_activation(x @ wz + bz + h @ uz + cz)
        r = recurrent_activation(x @ wr + br + h @ ur + cr)
        if reset_after:
            n = activation(x @ wn + bn + r * (h @ un + cn))
        else:
            n = activation(x @ wn + bn + (r * h) @ un)
        h = z * h + (1 - z) * n
        return h, [h]

    return step


def simple_rnn_step(
    kernel: Array, recurrent_kernel: Array, bias: Array | None, activation: Function = np.tanh
) -> Step:
    """h' = act(x W + h U + b).

    kernel (F, H), recurrent kernel (H, H), bias (H,) or None; the state h (B, H).
    """

    def step(x: Array, states: list[Array]) -> tuple[Array, list[Array]]:
        h = activation(x @ kernel + states[0] @ recurrent_kernel + (0 if bias is None else bias))
        return h, [h]

    return step


def scan(
    step: Step,
    x: Array,
    states: list[Array],
    *,
    reverse: bool = False,
    mask: Array | None = None,
    zero_output_for_mask: bool = False,
) -> tuple[Array, list[Array]]:
    """Run a step over time.

    Args:
        step: a function of x[t] (B, F) and states that gives an output and new states.
        x: (B, T, F).
        states: initial states, each (B, H).
        reverse: go from the last time step to the first; outputs stand in the order of computation.
        mask: bool (B, T). A masked step keeps the states; its output is the one before it (zero at
            first), or zero with `zero_output_for_mask`.

    Returns:
        outputs (B, T, H) and final states.
    """
    order = range(x.shape[1] - 1, -1, -1) if reverse else range(x.shape[1])
    outputs: list[Array] = []
    previous: Array | None = None
    for t in order:
        output, new_states = step(x[:, t].astype(np.float64), states)
        if mask is not None:
            keep = mask[:, t, None]
            if previous is None or zero_output_for_mask:
                previous = np.zeros_like(output)
            output = np.where(keep, output, previous)
            new_states = [np.where(keep, a, b) for a, b in zip(new_states, states, strict=True)]
        states, previous = new_states, output
        outputs.append(output)
    return np.stack(outputs, axis=1), states
