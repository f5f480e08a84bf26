"""Upgrade the configurations of old Keras 2 files to what the present Keras 2 means by them.

What enters: a model's configuration as its .h5 holds it. What leaves: a copy with the same meaning
for `tf_keras`. Each rule says which versions wrote what, and applies where the key is absent:

- GRU, GRUCell, `reset_after` (standalone Keras before 2.1.4 and tf.keras 1.x had no such option;
  the present default is True): False.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

ABSENT: dict[str, dict[str, Any]] = {
    "GRU": {"reset_after": False},
    "GRUCell": {"reset_after": False},
}
"""By class, what an absent key means."""


def upgrade(config: Any) -> Any:
    """Apply the rules to a whole configuration, layers inside of layers included."""
    config = deepcopy(config)
    _upgrade(config)
    return config


def _upgrade(node: Any) -> None:
    if isinstance(node, dict):
        inner = node.get("config")
        for key, value in ABSENT.get(str(node.get("class_name")), {}).items():
            if isinstance(inner, dict):
                inner.setdefault(key, value)
        for value in node.values():
            _upgrade(value)
    elif isinstance(node, list):
        for value in node:
            _upgrade(value)
