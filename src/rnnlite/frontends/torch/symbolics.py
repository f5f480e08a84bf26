"""Ops of PyTorch that its exporter has no symbolic for. Imports torch.

What enters: a node of the graph that is exported. What leaves: the ops of ONNX that it becomes.
Equations: PyTorch's documentation.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch.onnx import symbolic_helper

OPSET = 17
"""Of the models that `exporting` makes."""


@contextmanager
def known() -> Iterator[None]:
    """The exporter knows them inside."""
    for name, symbolic in SYMBOLICS.items():
        torch.onnx.register_custom_op_symbolic(name, symbolic, OPSET)
    try:
        yield
    finally:
        for name in SYMBOLICS:
            torch.onnx.unregister_custom_op_symbolic(name, OPSET)


@symbolic_helper.parse_args("v", "is", "v", "v")  # type: ignore[untyped-decorator]
def rms_norm(
    g: torch.Graph, x: torch.Value, shape: list[int], weight: torch.Value, eps: torch.Value
) -> torch.Value:
    """x / sqrt(mean(x ** 2) + eps) * weight, the mean over the last axes."""
    small = symbolic_helper._maybe_get_const(eps, "f")
    if not isinstance(small, float):
        small = torch.finfo(x.type().dtype() or torch.float32).eps
    axes = list(range(-len(shape), 0))
    mean = g.op("ReduceMean", g.op("Mul", x, x), axes_i=axes, keepdims_i=1)
    shift = g.op("Constant", value_t=torch.tensor(small, dtype=x.type().dtype()))
    found = g.op("Div", x, g.op("Sqrt", g.op("Add", mean, shift)))
    return found if symbolic_helper._is_none(weight) else g.op("Mul", found, weight)


SYMBOLICS = {"aten::rms_norm": rms_norm}
"""By the name of the op."""
