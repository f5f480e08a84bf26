"""The known cells: their equations as TensorFlow ops, with the input projection apart.

What enters: weights as NumPy arrays. What leaves: a `Cell`, which makes tensors of the current
graph.

Weights come in the layout of Keras: kernel (F, G*H), recurrent kernel (H, G*H), gates side by side.
LSTM, GRU and SimpleRNN can also project their inputs in the step (`Projection`).
Every cell here is checked against `rnnlite.scan.oracle`, which states the same equations in NumPy.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from rnnlite.scan.products import COUNTS, dense_over_time, gates, projected_row, step_weights
from rnnlite.scan.projection import Projection
from rnnlite.scan.scan import Cuts, OfKernel, Step
from rnnlite.scan.tensors import Array, Tensor


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


def at_zero(function: Callable[[Tensor], Tensor], units: int) -> Array:
    """The values (units,) of an activation at zeros."""
    with tf.init_scope():
        return np.asarray(function(tf.zeros([1, units])))[0]


def _merged_bias(bias: Array | None) -> Array | None:
    return None if bias is None or not np.any(bias) else bias


@dataclass(frozen=True, eq=False)
class LSTM(OfKernel):
    """Long short-term memory, as Keras has it (Hochreiter and Schmidhuber 1997; Gers 2000).

    i, f, o = act_r(x W + h U + b);  g = act(x W + h U + b)
    c' = f c + i g;  h' = o act(c')

    Attributes:
        kernel: (F, 4H), gate order i, f, g, o.
        recurrent_kernel: (H, 4H), gate order i, f, g, o.
        bias: (4H,) or None.
    """

    bias: Array | None
    activation: Activation
    recurrent_activation: Activation
    kind: str = "LSTM"
    product: Callable[[Tensor, Tensor], Tensor] = tf.matmul
    projection: Projection = Projection.HOISTED
    output_is_state: int | None = 0
    cuts: Cuts | None = None

    @property
    def hoisted(self) -> bool:
        return self.projection is Projection.HOISTED

    def _ordered(self, weights: Array) -> Array:
        """i, f, g, o -> i, f, o, g: the gates that share an activation stand together."""
        i, f, g, o = np.split(weights, 4, axis=-1)
        return np.concatenate([i, f, o, g], axis=-1)

    def _ordered_bias(self) -> Array | None:
        bias = _merged_bias(self.bias)
        return None if bias is None else self._ordered(bias)

    def project(self, inputs: Sequence[Tensor]) -> list[Tensor]:
        if self.projection is not Projection.HOISTED:
            return list(inputs)
        return [dense_over_time(inputs[0], self._ordered(self.kernel), self._ordered_bias())]

    def weights(self) -> list[Tensor]:
        kernels = self._ordered(self.kernel), self._ordered(self.recurrent_kernel)
        return step_weights(self.projection, *kernels, self._ordered_bias())

    def step(
        self, projected: Sequence[Tensor], states: Sequence[Tensor], weights: Sequence[Tensor]
    ) -> tuple[list[Tensor], list[Tensor]]:
        h, c = states
        z = gates(self.projection, self.product, projected[0], h, weights)
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

    def identity_padding(self) -> list[Array] | None:
        # Zero gates and candidate: c' = f 0 + i act(0), h' = o act(0).
        if not self.hoisted or np.any(at_zero(self.activation, self.units)):
            return None
        return [np.zeros(4 * self.units, np.float32)]


@dataclass(frozen=True, eq=False)
class GRU(OfKernel):
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

    bias: Array | None
    activation: Activation
    recurrent_activation: Activation
    reset_after: bool
    kind: str = "GRU"
    product: Callable[[Tensor, Tensor], Tensor] = tf.matmul
    projection: Projection = Projection.HOISTED
    output_is_state: int | None = 0

    @property
    def hoisted(self) -> bool:
        return self.projection is Projection.HOISTED

    @property
    def cuts(self) -> Cuts | None:
        """The parts of a projected row for the gates z and r, and for the candidate.

        None where rows are not projected: the step then takes them whole.
        """
        n = self.units
        return ((0, 2 * n), (2 * n, 3 * n)) if self.hoisted else None

    def _input_bias(self) -> Array | None:
        """The bias added to x W; with reset_after it has the recurrent bias of z and r in it."""
        bias = self.bias
        if bias is not None and self.reset_after:
            # The recurrent bias of the candidate is scaled by r, and stays apart.
            recurrent = bias[1].copy()
            recurrent[2 * self.units :] = 0
            bias = bias[0] + recurrent
        return _merged_bias(bias)

    def project(self, inputs: Sequence[Tensor]) -> list[Tensor]:
        if self.projection is not Projection.HOISTED:
            return list(inputs)
        return [dense_over_time(inputs[0], self.kernel, self._input_bias())]

    def weights(self) -> list[Tensor]:
        """The weights of the gates z and r, then those of the candidate and its recurrent bias."""
        n, bias = self.units, self._input_bias()
        found = []
        for part, projection in (
            (np.s_[..., : 2 * n], self.projection),
            (np.s_[..., 2 * n :], self._projection_of_candidate()),
        ):
            kernels = self.kernel[part], self.recurrent_kernel[part]
            found += step_weights(projection, *kernels, None if bias is None else bias[part])
        if self.reset_after and self.bias is not None and np.any(self.bias[1][2 * n :]):
            found.append(tf.constant(self.bias[1][2 * n :]))
        return found

    def _projection_of_candidate(self) -> Projection:
        # With reset_after, r scales h U alone: its product cannot be joined.
        joined = self.projection is Projection.FUSED and self.reset_after
        return Projection.IN_LOOP if joined else self.projection

    def step(
        self, projected: Sequence[Tensor], states: Sequence[Tensor], weights: Sequence[Tensor]
    ) -> tuple[list[Tensor], list[Tensor]]:
        (h,), rows = states, projected
        count = COUNTS[self.projection]
        total = gates(self.projection, self.product, rows[0], h, weights[:count])
        if self.recurrent_activation.elementwise:
            z, r = tf.split(self.recurrent_activation(total), 2, axis=-1)
        else:
            z, r = (self.recurrent_activation(a) for a in tf.split(total, 2, axis=-1))
        candidate = self.activation(self._candidate(rows[-1], h, r, weights[count:]))
        h = candidate + z * (h - candidate)
        return [h], [h]

    def _candidate(self, row: Tensor, h: Tensor, r: Tensor, weights: Sequence[Tensor]) -> Tensor:
        projection = self._projection_of_candidate()
        count = COUNTS[projection]
        if not self.reset_after:
            return gates(projection, self.product, row, r * h, weights[:count])
        recurrent_kernel, *rest = weights[:count]
        inner = self.product(h, recurrent_kernel)
        if len(weights) > count:
            inner = tf.nn.bias_add(inner, weights[count])
        return projected_row(self.product, row, rest) + r * inner

    def identity_padding(self) -> list[Array] | None:
        # The candidate's input cancels what the recurrent bias adds: act(0) = 0.
        if not self.hoisted or np.any(at_zero(self.activation, self.units)):
            return None
        row = np.zeros(3 * self.units, np.float32)
        if self.reset_after and self.bias is not None:
            r = at_zero(self.recurrent_activation, self.units)
            row[2 * self.units :] = -r * self.bias[1][2 * self.units :].astype(np.float32)
        return [row]


@dataclass(frozen=True, eq=False)
class SimpleRNN(OfKernel):
    """h' = act(x W + h U + b) (Elman 1990). kernel (F, H), recurrent kernel (H, H), bias (H,)."""

    bias: Array | None
    activation: Activation
    kind: str = "SimpleRNN"
    product: Callable[[Tensor, Tensor], Tensor] = tf.matmul
    projection: Projection = Projection.HOISTED
    output_is_state: int | None = 0
    cuts: Cuts | None = None

    @property
    def hoisted(self) -> bool:
        return self.projection is Projection.HOISTED

    def project(self, inputs: Sequence[Tensor]) -> list[Tensor]:
        if self.projection is not Projection.HOISTED:
            return list(inputs)
        return [dense_over_time(inputs[0], self.kernel, _merged_bias(self.bias))]

    def weights(self) -> list[Tensor]:
        bias = _merged_bias(self.bias)
        return step_weights(self.projection, self.kernel, self.recurrent_kernel, bias)

    def step(
        self, projected: Sequence[Tensor], states: Sequence[Tensor], weights: Sequence[Tensor]
    ) -> tuple[list[Tensor], list[Tensor]]:
        (h,) = states
        h = self.activation(gates(self.projection, self.product, projected[0], h, weights))
        return [h], [h]

    def identity_padding(self) -> list[Array] | None:
        if not self.hoisted or np.any(at_zero(self.activation, self.units)):
            return None
        return [np.zeros(self.units, np.float32)]


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
    cuts: Cuts | None = None

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
            axes = [1] * len(projected.shape)
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

    def identity_padding(self) -> list[Array] | None:
        return None  # It is never unrolled.


@dataclass(frozen=True, eq=False)
class TracedCell:
    """Any other cell: its own step is traced, and nothing is hoisted."""

    function: Step
    kind: str
    units: int | None = None
    hoisted: bool = False
    output_is_state: int | None = None
    cuts: Cuts | None = None
    recurrent_weights: int = 0

    def project(self, inputs: Sequence[Tensor]) -> list[Tensor]:
        return list(inputs)

    def weights(self) -> list[Tensor]:
        return []

    def step(
        self, projected: Sequence[Tensor], states: Sequence[Tensor], weights: Sequence[Tensor]
    ) -> tuple[list[Tensor], list[Tensor]]:
        return self.function(projected, states)

    def identity_padding(self) -> list[Array] | None:
        return None  # It is never unrolled.
