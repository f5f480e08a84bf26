"""Upgrade the configurations of old Keras 2 files, so that the present Keras 2 reads them right.

What enters: a model's configuration from its .h5. What leaves: a copy with the same meaning for
`tf_keras`. The rules, with the versions that wrote such configurations:

- GRU, GRUCell without `reset_after` (standalone Keras before 2.1.4, tf.keras 1.x before 1.13, which
  had no such option; the present default is True): False.
- LSTM, GRU and their cells without `recurrent_activation` (hand-written or stripped configurations
  of Keras 2.0 to 2.3, whose default it was; the present default is sigmoid): hard_sigmoid, which is
  clip(0.2 x + 0.5, 0, 1) in every Keras 2.
- `implementation` 0 (standalone Keras 2.0 to 2.1): 1, the same computation.
- CuDNNLSTM, CuDNNGRU (standalone Keras from 2.0.9, tf.keras 1.x; kernels that run on a GPU only):
  LSTM, GRU with `reset_after`, tanh and sigmoid. The loader turns their weights.
- UnifiedLSTM, UnifiedGRU, LSTMV2, GRUV2, BatchNormalizationV1 and V2 (names that tf.keras 1.12 to
  1.15 wrote): the plain names.
- `input_dtype`, `batch_input_dtype` of layers (standalone Keras 2.0): dropped, for `dtype` states
  it.
- `dtype` of an Embedding that is an integer type (standalone Keras 2.0: the type of its ids, not of
  its vectors): dropped.
- `dtype` as an object of tf.keras 2.4 and later: its name.
- The configuration of a Sequential as a bare list (standalone Keras before 2.2.3): a dictionary.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any, TypeVar

T = TypeVar("T")

GATED = {"recurrent_activation": "hard_sigmoid"}
ABSENT: dict[str, dict[str, Any]] = {
    "GRU": {"reset_after": False, **GATED},
    "GRUCell": {"reset_after": False, **GATED},
    "LSTM": GATED,
    "LSTMCell": GATED,
}
"""Class -> key -> the meaning of the key where it is absent."""

RENAMED = {
    "UnifiedLSTM": "LSTM",
    "UnifiedGRU": "GRU",
    "LSTMV2": "LSTM",
    "GRUV2": "GRU",
    "BatchNormalizationV1": "BatchNormalization",
    "BatchNormalizationV2": "BatchNormalization",
}

CUDNN: dict[str, tuple[str, dict[str, Any]]] = {
    "CuDNNLSTM": ("LSTM", {"activation": "tanh", "recurrent_activation": "sigmoid"}),
    "CuDNNGRU": (
        "GRU",
        {"activation": "tanh", "recurrent_activation": "sigmoid", "reset_after": True},
    ),
}

DROPPED = ("input_dtype", "batch_input_dtype")


def upgrade(config: T) -> T:
    """Apply the rules to a whole configuration, layers inside of layers included."""
    config = deepcopy(config)
    _upgrade(config)
    return config


def _upgrade(node: object) -> None:
    if isinstance(node, dict):
        inner = node.get("config")
        if "class_name" in node:
            _upgrade_class(node, inner)
        for value in list(node.values()):
            _upgrade(value)
    elif isinstance(node, list):
        for value in node:
            _upgrade(value)


def _upgrade_class(node: dict[str, Any], inner: object) -> None:
    name = str(node["class_name"])
    name = node["class_name"] = RENAMED.get(name, name)
    if name == "Sequential" and isinstance(inner, list):
        inner = node["config"] = {"name": "sequential", "layers": inner}
    if not isinstance(inner, dict):
        return
    if name in CUDNN:
        node["class_name"], options = CUDNN[name]
        inner.update(options)
        name = node["class_name"]
    for key, value in ABSENT.get(name, {}).items():
        inner.setdefault(key, value)
    if inner.get("implementation") == 0:
        inner["implementation"] = 1
    for key in DROPPED:
        inner.pop(key, None)
    dtype = inner.get("dtype")
    if isinstance(dtype, dict) and isinstance(dtype.get("config"), dict):
        inner["dtype"] = dtype["config"].get("name", "float32")
    elif name == "Embedding" and isinstance(dtype, str) and "int" in dtype:
        del inner["dtype"]
