"""The LSTM of TensorFlow's block kernels: peepholes, a forget bias, a clip of the cell state.

What enters: kernels of TensorFlow 1, gates i, g, f, o side by side. What leaves: a `Cell`.

Equations as the documentation of BlockLSTM has them, after Zaremba, Sutskever and Vinyals (2014)
and, for the peepholes, Sak, Senior and Beaufays (2014).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from rnnlite.scan.products import dense_over_time
from rnnlite.scan.scan import Cuts, OfKernel
from rnnlite.scan.tensors import Array, Tensor

RESULTS = ("i", "cs", "f", "o", "ci", "co", "h")
"""The results of a step, in the order of the kernel's outputs."""


@dataclass(frozen=True, eq=False)
class BlockLSTM(OfKernel):
    """i, f, o = sigmoid(x W + h U + b [+ c p]);  g = tanh(x W + h U + b)
    c' = clip(f c + i g);  h' = o tanh(c')

    Attributes:
        kernel: (F, 4H), gate order i, g, f, o.
        recurrent_kernel: (H, 4H), in the same order.
        bias: (4H,), with the forget bias added in.
        peepholes: the weights p, each (H,), of i and f (on the old cell state) and of o (on the new
            one); or None.
        clip: the cell state is clipped to -clip..clip; 0 or less for no clip.
        wanted: which of `RESULTS` are outputs.
    """

    bias: Array
    peepholes: tuple[Array, Array, Array] | None
    clip: float
    wanted: tuple[str, ...]
    kind: str = "LSTM"
    hoisted: bool = True
    output_is_state: int | None = None
    cuts: Cuts | None = None

    def project(self, inputs: Sequence[Tensor]) -> list[Tensor]:
        """x W + b for all time steps."""
        return [dense_over_time(inputs[0], self.kernel, self.bias)]

    def weights(self) -> list[Tensor]:
        """The recurrent kernel, then the peepholes."""
        return [tf.constant(self.recurrent_kernel), *map(tf.constant, self.peepholes or ())]

    def step(
        self, projected: Sequence[Tensor], states: Sequence[Tensor], weights: Sequence[Tensor]
    ) -> tuple[list[Tensor], list[Tensor]]:
        """One step; the states are h and c."""
        h, c = states
        i, g, f, o = tf.split(projected[0] + tf.matmul(h, weights[0]), 4, axis=-1)
        if self.peepholes is not None:
            i, f = i + c * weights[1], f + c * weights[2]
        i, f, g = tf.sigmoid(i), tf.sigmoid(f), tf.tanh(g)
        c = f * c + i * g
        if self.clip > 0:
            c = tf.maximum(tf.minimum(c, self.clip), -self.clip)
        if self.peepholes is not None:
            o = o + c * weights[3]
        o, squashed = tf.sigmoid(o), tf.tanh(c)
        h = o * squashed
        results = dict(zip(RESULTS, (i, c, f, o, g, squashed, h), strict=True))
        return [results[name] for name in self.wanted], [h, c]

    def identity_padding(self) -> list[Array] | None:
        """A row of zeros: it keeps c = 0 and h = 0, with peepholes and clip too."""
        return [np.zeros(4 * self.units, np.float32)]
