"""The rules: one for each op of ONNX, grouped by kind. Importing this registers them all.

What enters a rule: the emitter, a node, and its inputs as operands (`Value`, `Dims` or a NumPy
array; None where one is left out). What leaves: an operand, or several where the node has several
outputs. Operands and shapes are in ONNX's order of axes; see `values`.
"""

from rnnlite.frontends.onnx.emit import RULES
from rnnlite.frontends.onnx.rules import (
    activations,
    arrays,
    control,
    convolutions,
    elementwise,
    gathers,
    norms,
    padding,
    pooling,
    products,
    quantized,
    recurrent,
    reductions,
    resizing,
    shapes,
    slices,
)

__all__ = [
    "RULES",
    "activations",
    "arrays",
    "control",
    "convolutions",
    "elementwise",
    "gathers",
    "norms",
    "padding",
    "pooling",
    "products",
    "quantized",
    "recurrent",
    "reductions",
    "resizing",
    "shapes",
    "slices",
]
