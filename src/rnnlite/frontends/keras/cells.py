"""Recognise the known cells among the cells of Keras recurrent layers.

What enters: the `cell` of a Keras RNN layer. What leaves: a cell of `scan.cells`, with the weights
as float32 arrays; None for any other cell, whose step `capture` traces.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from rnnlite.frontends.keras.flavour import Flavour
from rnnlite.frontends.keras.types import RecurrentCell, Variable
from rnnlite.scan import cells
from rnnlite.scan.cells import Activation
from rnnlite.scan.scan import Cell
from rnnlite.scan.tensors import Array, Tensor

ELEMENTWISE = frozenset(
    [
        "celu",
        "elu",
        "exponential",
        "gelu",
        "hard_shrink",
        "hard_sigmoid",
        "hard_silu",
        "hard_swish",
        "hard_tanh",
        "leaky_relu",
        "linear",
        "log_sigmoid",
        "mish",
        "relu",
        "relu6",
        "selu",
        "sigmoid",
        "silu",
        "soft_shrink",
        "softplus",
        "softsign",
        "sparse_plus",
        "sparse_sigmoid",
        "squareplus",
        "swish",
        "tanh",
        "tanh_shrink",
        "threshold",
    ]
)
"""Activation functions of Keras that work element by element."""

HARMLESS = frozenset(
    [
        "__init__",
        "__module__",
        "__doc__",
        "__qualname__",
        "__annotations__",
        "__firstlineno__",
        "__static_attributes__",
        "build",
        "get_config",
        "from_config",
    ]
)
"""Attributes that a subclass may define and still compute what its base class computes."""


def activation_of(function: Callable[[Tensor], Tensor]) -> Activation:
    """An activation of Keras (a function, layer or any callable) as an `Activation`."""
    module = getattr(function, "__module__", "") or ""
    name = getattr(function, "__name__", "")
    own = module.split(".")[0] in ("keras", "tf_keras", "tensorflow")
    return Activation(function, elementwise=own and name in ELEMENTWISE)


def known_class(cell: object, known: tuple[type, ...]) -> bool:
    """Whether the cell computes exactly what a known class computes.

    True for the class itself and for subclasses that override nothing of the computation.
    """
    for base in type(cell).__mro__:
        if base in known:
            return True
        if any(hasattr(k, name) for k in known for name in vars(base) if name not in HARMLESS):
            return False
    return False


def known_cell(flavour: Flavour, cell: RecurrentCell) -> Cell | None:
    """A Keras cell as a known cell, with its weights; None if it is not known.

    Args:
        flavour: the Keras package of the cell.
        cell: the `cell` of a Keras RNN layer.
    """
    layers = flavour.layers
    if known_class(cell, (layers.LSTMCell,)):
        kernel, recurrent, bias = _weights(cell)
        act, gate = activation_of(cell.activation), activation_of(cell.recurrent_activation)
        return cells.LSTM(kernel, recurrent, bias, act, gate)
    if known_class(cell, (layers.GRUCell,)):
        kernel, recurrent, bias = _weights(cell)
        act, gate = activation_of(cell.activation), activation_of(cell.recurrent_activation)
        return cells.GRU(kernel, recurrent, bias, act, gate, bool(cell.reset_after))
    if known_class(cell, (layers.SimpleRNNCell,)):
        return cells.SimpleRNN(*_weights(cell), activation_of(cell.activation))
    if known_class(cell, (flavour.hooks.conv_lstm_cell,)):
        return cells.ConvLSTM(
            *_weights(cell),
            activation_of(cell.activation),
            activation_of(cell.recurrent_activation),
            input_conv=lambda x, w: cell.input_conv(x, w, padding=cell.padding),
            recurrent_conv=cell.recurrent_conv,
            channel_axis=1 if cell.data_format == "channels_first" else -1,
        )
    return None


def _weights(cell: RecurrentCell) -> tuple[Array, Array, Array | None]:
    bias = cell.bias if cell.use_bias else None
    with tf.init_scope():
        return (
            numpy_of(cell.kernel),
            numpy_of(cell.recurrent_kernel),
            None if bias is None else numpy_of(bias),
        )


def numpy_of(variable: Variable | Array) -> Array:
    """The value of a Keras variable in float32."""
    value = variable.numpy() if hasattr(variable, "numpy") else np.asarray(variable)
    return np.asarray(value, dtype=np.float32)
