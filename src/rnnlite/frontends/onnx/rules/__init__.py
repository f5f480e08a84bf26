"""What becomes of each op of ONNX: a rule an op, grouped by kind. Importing this registers all."""

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
