"""The known cells: their equations as TensorFlow ops, input projection apart from the step.

Weights come in the layout of Keras: kernel (F, G*H), recurrent kernel (H, G*H), gates side by side.
Every cell here is checked against `rnnlite.scan.oracle`, which states the same equations in NumPy.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from rnnlite.scan.scan import Step, Tensor

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Activation:
    """A scalar function applied to gates.

    Attributes:
        function: from tensor to tensor of the same shape.
        elementwise: whether it may be applied to several gates side by side (softmax may not).
    """

    function: Callable[[Tensor], Tensor]
    elementwise: bool

    def __call__(self, x: Tensor) -> Tensor:
        return self.function(x)


def dense_over_time(x: Tensor, kernel: Array, bias: Array | None) -> Tensor:
    """(T, B, F) @ (F, G) + (G,) as one matrix product over all time steps -> (T, B, G)."""
    features, width = kernel.shape
    batch = x.shape[1]
    flat = tf.reshape(x, [-1, features])
    product = tf.matmul(flat, tf.constant(kernel))
    if bias is not None:
        product = tf.nn.bias_add(product, tf.constant(bias))
    if batch is not None:
        return tf.reshape(product, [-1, batch, width])
    shape = tf.shape(x)
    return tf.reshape(product, tf.concat([shape[:2], [width]], 0))


def matmul_apart(rows: Tensor, kernel: Tensor) -> Tensor:
    """rows @ kernel with the last row on its own; see `Schedule.apart`."""
    return tf.concat([tf.matmul(rows[:-1], kernel), tf.matmul(rows[-1:], kernel)], 0)


def zero_at_zero(*functions: Callable[[Tensor], Tensor]) -> bool:
    """Whether all of these scalar functions give exactly 0 at 0."""
    with tf.init_scope():
        zero = tf.zeros([1, 1])
        return all(not np.any(np.asarray(function(zero))) for function in functions)


def at_zero(function: Callable[[Tensor], Tensor]) -> float:
    """The value of a scalar function at 0."""
    with tf.init_scope():
        return float(np.asarray(function(tf.zeros([1, 1]))).item())


def _merged_bias(bias: Array | None) -> Array | None:
    return None if bias is None or not np.any(bias) else bias


@dataclass(frozen=True, eq=False)
class LSTM:
    """Long short-term memory, as Keras has it (Hochreiter and Schmidhuber 1997; Gers 2000).

    i, f, o = act_r(x W + h U + b);  g = act(x W + h U + b)
    c' = f c + i g;  h' = o act(c')

    Attributes:
        kernel: (F, 4H), gate order i, f, g, o.
        recurrent_kernel: (H, 4H), gate order i, f, g, o.
        bias: (4H,) or None.
    """

    kernel: Array
    recurrent_kernel: Array
    bias: Array | None
    activation: Activation
    recurrent_activation: Activation
    kind: str = "LSTM"
    product: Callable[[Tensor, Tensor], Tensor] = tf.matmul
    hoisted: bool = True
    output_is_state: int | None = 0

    @property
    def units(self) -> int:
        return int(self.recurrent_kernel.shape[0])

    @property
    def recurrent_weights(self) -> int:
        return int(self.recurrent_kernel.size)

    def _ordered(self, weights: Array) -> Array:
        """i, f, g, o -> i, f, o, g: the gates that share an activation stand together."""
        i, f, g, o = np.split(weights, 4, axis=-1)
        return np.concatenate([i, f, o, g], axis=-1)

    def project(self, inputs: Sequence[Tensor]) -> list[Tensor]:
        bias = _merged_bias(self.bias)
        ordered = None if bias is None else self._ordered(bias)
        return [dense_over_time(inputs[0], self._ordered(self.kernel), ordered)]

    def weights(self) -> list[Tensor]:
        return [tf.constant(self._ordered(self.recurrent_kernel))]

    def step(
        self, projected: Sequence[Tensor], states: Sequence[Tensor], weights: Sequence[Tensor]
    ) -> tuple[list[Tensor], list[Tensor]]:
        h, c = states
        z = projected[0] + self.product(h, weights[0])
        n = self.units
        if self.recurrent_activation.elementwise:
            # One op over all four gates costs less than a slice and an op over three.
            i, f, o, _ = tf.split(self.recurrent_activation(z), 4, axis=-1)
            g = self.activation(z[:, 3 * n :])
        else:
            zi, zf, zo, zg = tf.split(z, 4, axis=-1)
            i, f, o = (self.recurrent_activation(a) for a in (zi, zf, zo))
            g = self.activation(zg)
        c = f * c + i * g
        h = o * self.activation(c)
        return [h], [h, c]

    def neutral(self) -> list[Array] | None:
        # Zero gates and candidate: c' = f 0 + i act(0), h' = o act(0).
        if not zero_at_zero(self.activation):
            return None
        return [np.zeros(4 * self.units, np.float32)]


@dataclass(frozen=True, eq=False)
class GRU:
    """Gated recurrent unit, both forms of Keras (Cho et al. 2014).

    z, r = act_r(x W + h U + b)
    n = act(x W + r (h U + b'))     reset_after (the form of cuDNN)
    n = act(x W + (r h) U + b)      else
    h' = z h + (1 - z) n = n + z (h - n)

    Attributes:
        kernel: (F, 3H), gate order z, r, n.
        recurrent_kernel: (H, 3H), gate order z, r, n.
        bias: (2, 3H) with reset_after (input bias, recurrent bias), else (3H,); or None.
    """

    kernel: Array
    recurrent_kernel: Array
    bias: Array | None
    activation: Activation
    recurrent_activation: Activation
    reset_after: bool
    kind: str = "GRU"
    product: Callable[[Tensor, Tensor], Tensor] = tf.matmul
    hoisted: bool = True
    output_is_state: int | None = 0

    @property
    def units(self) -> int:
        return int(self.recurrent_kernel.shape[0])

    @property
    def recurrent_weights(self) -> int:
        return int(self.recurrent_kernel.size)

    def project(self, inputs: Sequence[Tensor]) -> list[Tensor]:
        bias = self.bias
        if bias is not None and self.reset_after:
            # The recurrent bias of z and r is not scaled by r: it can be added here.
            recurrent = bias[1].copy()
            recurrent[2 * self.units :] = 0
            bias = bias[0] + recurrent
        return [dense_over_time(inputs[0], self.kernel, _merged_bias(bias))]

    def weights(self) -> list[Tensor]:
        n = self.units
        kernels = [self.recurrent_kernel[:, : 2 * n], self.recurrent_kernel[:, 2 * n :]]
        if self.reset_after and self.bias is not None and np.any(self.bias[1][2 * n :]):
            kernels.append(self.bias[1][2 * n :])
        return [tf.constant(kernel) for kernel in kernels]

    def step(
        self, projected: Sequence[Tensor], states: Sequence[Tensor], weights: Sequence[Tensor]
    ) -> tuple[list[Tensor], list[Tensor]]:
        (h,) = states
        n = self.units
        p = projected[0]
        gates = p[:, : 2 * n] + self.product(h, weights[0])
        if self.recurrent_activation.elementwise:
            z, r = tf.split(self.recurrent_activation(gates), 2, axis=-1)
        else:
            z, r = (self.recurrent_activation(a) for a in tf.split(gates, 2, axis=-1))
        if self.reset_after:
            inner = self.product(h, weights[1])
            if len(weights) > 2:
                inner = tf.nn.bias_add(inner, weights[2])
            inner = r * inner
        else:
            inner = self.product(r * h, weights[1])
        candidate = self.activation(p[:, 2 * n :] + inner)
        h = candidate + z * (h - candidate)
        return [h], [h]

    def neutral(self) -> list[Array] | None:
        # The candidate's input takes back what the recurrent bias adds: act(0) = 0.
        if not zero_at_zero(self.activation):
            return None
        row = np.zeros(3 * self.units, np.float32)
        if self.reset_after and self.bias is not None:
            r = np.float32(at_zero(self.recurrent_activation))
            row[2 * self.units :] = -r * self.bias[1][2 * self.units :].astype(np.float32)
        return [row]


@dataclass(frozen=True, eq=False)
class SimpleRNN:
    """h' = act(x W + h U + b) (Elman 1990). kernel (F, H), recurrent kernel (H, H), bias (H,)."""

    kernel: Array
    recurrent_kernel: Array
    bias: Array | None
    activation: Activation
    kind: str = "SimpleRNN"
    product: Callable[[Tensor, Tensor], Tensor] = tf.matmul
    hoisted: bool = True
    output_is_state: int | None = 0

    @property
    def units(self) -> int:
        return int(self.recurrent_kernel.shape[0])

    @property
    def recurrent_weights(self) -> int:
        return int(self.recurrent_kernel.size)

    def project(self, inputs: Sequence[Tensor]) -> list[Tensor]:
        return [dense_over_time(inputs[0], self.kernel, _merged_bias(self.bias))]

    def weights(self) -> list[Tensor]:
        return [tf.constant(self.recurrent_kernel)]

    def step(
        self, projected: Sequence[Tensor], states: Sequence[Tensor], weights: Sequence[Tensor]
    ) -> tuple[list[Tensor], list[Tensor]]:
        (h,) = states
        h = self.activation(projected[0] + self.product(h, weights[0]))
        return [h], [h]

    def neutral(self) -> list[Array] | None:
        return [np.zeros(self.units, np.float32)] if zero_at_zero(self.activation) else None


@dataclass(frozen=True, eq=False)
class ConvLSTM:
    """LSTM whose products are convolutions, without peepholes (Shi et al. 2015, as Keras has it).

    Attributes:
        kernel: (*K, C, 4F), gate order i, f, g, o.
        recurrent_kernel: (*K, F, 4F), gate order i, f, g, o.
        bias: (4F,) or None.
        input_conv: (x, kernel) -> the input convolution with the layer's stride and padding.
        recurrent_conv: (h, kernel) -> the recurrent convolution, stride 1, same padding.
        channel_axis: axis of the channels in a state.
    """

    kernel: Array
    recurrent_kernel: Array
    bias: Array | None
    activation: Activation
    recurrent_activation: Activation
    input_conv: Callable[[Tensor, Tensor], Tensor]
    recurrent_conv: Callable[[Tensor, Tensor], Tensor]
    channel_axis: int
    kind: str = "ConvLSTM"
    hoisted: bool = True
    output_is_state: int | None = 0

    @property
    def units(self) -> int:
        return int(self.recurrent_kernel.shape[-2])

    @property
    def recurrent_weights(self) -> int:
        # A convolution reads its kernel once for each position: never worth unrolling.
        return 0

    def project(self, inputs: Sequence[Tensor]) -> list[Tensor]:
        x = inputs[0]
        frames = tf.reshape(x, tf.concat([[-1], tf.shape(x)[2:]], 0))
        frames.set_shape([None, *x.shape[2:]])
        projected = self.input_conv(frames, tf.constant(self.kernel))
        if self.bias is not None:
            axes = [1] * projected.shape.rank
            axes[self.channel_axis] = -1
            projected = projected + tf.constant(self.bias.reshape(axes))
        shape = tf.concat([tf.shape(x)[:2], tf.shape(projected)[1:]], 0)
        result = tf.reshape(projected, shape)
        result.set_shape([*x.shape[:2], *projected.shape[1:]])
        return [result]

    def weights(self) -> list[Tensor]:
        return [tf.constant(self.recurrent_kernel)]

    def step(
        self, projected: Sequence[Tensor], states: Sequence[Tensor], weights: Sequence[Tensor]
    ) -> tuple[list[Tensor], list[Tensor]]:
        h, c = states
        z = projected[0] + self.recurrent_conv(h, weights[0])
        i, f, g, o = tf.split(z, 4, axis=self.channel_axis)
        i, f, o = (self.recurrent_activation(a) for a in (i, f, o))
        c = f * c + i * self.activation(g)
        h = o * self.activation(c)
        return [h], [h, c]

    def neutral(self) -> list[Array] | None:
        return None  # It is never unrolled.


@dataclass(frozen=True, eq=False)
class TracedCell:
    """Any other cell: its own step is traced as it stands, nothing is hoisted."""

    function: Step
    kind: str
    units: int | None = None
    hoisted: bool = False
    output_is_state: int | None = None
    recurrent_weights: int = 0

    def project(self, inputs: Sequence[Tensor]) -> list[Tensor]:
        return list(inputs)

    def weights(self) -> list[Tensor]:
        return []

    def step(
        self, projected: Sequence[Tensor], states: Sequence[Tensor], weights: Sequence[Tensor]
    ) -> tuple[list[Tensor], list[Tensor]]:
        return self.function(projected, states)

    def neutral(self) -> list[Array] | None:
        return None  # It is never unrolled.
