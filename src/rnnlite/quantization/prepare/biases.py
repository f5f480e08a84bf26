"""Additions of a constant row behind a product, taken into it as its bias.

    FULLY_CONNECTED(x, w) -> ADD(., b)    ->    FULLY_CONNECTED(x, w, b)

What enters: a float model, changed in place. What leaves: the same with an op and a rounding less.
The official converter does so for products of matrices, not for those of three axes: the
functions of a chunk and of the whole sequence, which may have either, become alike.
"""

from __future__ import annotations

from rnnlite.lite.ir import Model, Op, Value

NONE = 0
"""No activation, as the schema numbers them."""

ACTIVATION = "fusedActivationFunction"


def take_in_biases(model: Model) -> int:
    """Let products add what is added behind them, in place.

    Returns:
        How many additions are gone.
    """
    count = 0
    for graph in model.graphs:
        for op in graph.ops:
            product = _product(op) if op.kind == "ADD" else None
            if product is None:
                continue
            product.inputs = [*product.inputs[:2], _row(op, product)]
            product.options[ACTIVATION] = op.options.get(ACTIVATION, NONE)
            result = op.output
            graph.remove(op)
            product.outputs = [result]
            count += 1
    return count


def _product(op: Op) -> Op | None:
    """The product without a bias whose result alone an addition adds a constant row to."""
    for value in op.operands:
        made = value.producer
        if made is None or made.kind != "FULLY_CONNECTED" or _row(op, made) is None:
            continue
        has_bias = len(made.inputs) > 2 and made.inputs[2] is not None
        alone = len(value.uses) == 1 and not value.is_result
        plain = made.options.get(ACTIVATION, NONE) == NONE
        if alone and plain and not has_bias and value.dims == op.output.dims:
            return made
    return None


def _row(op: Op, product: Op) -> Value | None:
    """The constant that an addition adds, as the bias of a product; None if it is none."""
    (channels, *_) = product.input(1).shape
    for value in op.operands:
        held = value.constant("float32")
        if held is not None and held.size == channels == held.shape[-1]:
            graph = op.graph
            if held.ndim == 1 or graph is None:
                return value
            return graph.constant(held.reshape(-1), name=value.name)
    return None
