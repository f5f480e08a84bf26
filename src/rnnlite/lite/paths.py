"""Paths of tensors, as the source and the lowering give them, and the layers in them.

What enters: a path of names with slashes. What leaves: the name of a layer.
"""

from __future__ import annotations

import re

_OURS = re.compile(
    r"(scan|step|while|body|cond|loop|Tensordot|ReadVariableOp)(_body|_cond)?(_\d+)?"
)
"""Parts of a path that are no layers: they come from TensorFlow and from the lowering."""

_WITHIN = re.compile(r"(convolution|moments|batchnorm|separable_conv\dd|einsum)(_\d+)?")
"""Parts that name some ops within a layer; they count as a layer only where none is around."""


def layer_of(path: str) -> str:
    """The layer in a path such as "functional_1/lstm_1/step/MatMul"; "" where there is none."""
    model, *parts = path.partition(";")[0].split("/")
    layers = [part for part in parts[:-1] if not _OURS.fullmatch(part)]
    if not layers:
        return ""
    # Keras adds a number to all scopes where a model is traced a second time.
    again = re.search(r"(_\d+)$", model)
    marked = [part for part in layers if again and part.endswith(again[1])]
    if again and marked:
        return marked[-1].removesuffix(again[1])
    while len(layers) > 1 and _WITHIN.fullmatch(layers[-1]):
        layers.pop()
    return layers[-1]
