"""Store constants in two int8 numbers where one is too coarse, while all is still float.

What enters: a float model, changed in place. What leaves: a model that computes the same, up to
rounding, and whose constants fit int8 better.

    GATHER(table, ids)      GATHER(rows, ids) * GATHER(scales, ids)
    x @ W                   x @ W1 + x @ W2

`refine_tables` gives each row of an embedding a scale of its own, an integer from 1 to 127: the
rows of rare words are trained little, and far smaller than others. Where training left most rows as
they were, these are palettized (`palettes`). `split_weights` splits a kernel W into its int8 value
W1 and the error of this value, W2. Together they have 15 bits, for twice the bytes and products.
"""

from __future__ import annotations

import numpy as np

from rnnlite.lite.ir import Model, Op, Value
from rnnlite.quantization.ops import RULES, Kind
from rnnlite.quantization.params import WEIGHT_LIMIT, Array
from rnnlite.quantization.plan.plan import constant
from rnnlite.quantization.prepare.palettes import look_up, palettized
from rnnlite.quantization.prepare.parts import Parts

NARROW_TABLE = 16
SMALL_TABLE = 4096
"""Tables with fewer columns and more rows than these keep one scale: scales cost a byte a row."""


def refine_tables(model: Model, *, palettize: bool) -> None:
    """Split each constant table of a lookup into rows of about one size and their scales.

    Args:
        model: the model, which is changed.
        palettize: whether small rows may be palettized, to save bytes.
    """
    for graph in model.graphs:
        parts = Parts(graph)
        for op in graph.ops:
            table = constant(op.input(0)) if op.kind == "GATHER" else None
            if table is None or not _of_rows(table, op):
                continue
            small = palettized(table) if palettize else None
            if small is None and not _by_row(table):
                continue
            parts.stand_for(op)
            if small is not None:
                look_up(parts, op, small)
            else:
                _look_up_scaled(parts, op, table)
            graph.remove(op)


def _look_up_scaled(parts: Parts, op: Op, table: Array) -> None:
    """A lookup of rows that fill their scale, times one of the scales."""
    sizes = np.max(np.abs(table), axis=1, keepdims=True)
    largest = max(float(sizes.max()), 1e-30)
    scales = np.clip(np.ceil(WEIGHT_LIMIT * sizes / largest), 1, WEIGHT_LIMIT)
    found = [
        _add_lookup(parts, op, table / scales, "rows"),
        _add_lookup(parts, op, scales, "scales"),
    ]
    parts.add("MUL", found, op.output)


def split_weights(model: Model, *, tables: bool) -> None:
    """Split each constant kernel of a product or convolution in two; on request tables as well."""
    for graph in model.graphs:
        parts = Parts(graph)
        for op in graph.ops:
            rule = RULES.get(op.kind)
            is_table = op.kind == "GATHER" and tables
            if rule is None or not (is_table or op.kind in ("FULLY_CONNECTED", "CONV_2D")):
                continue
            place = 0 if op.kind == "GATHER" else rule.weights
            values = constant(op.input(place))
            if values is None:
                continue
            held = _held(values, rule.axis if rule.kind is Kind.WEIGHTED else None)
            left = values - held
            if not np.any(left):
                continue
            parts.stand_for(op)
            if is_table:
                found = [_add_lookup(parts, op, held, ""), _add_lookup(parts, op, left, "rest")]
                parts.add("ADD", found, op.output)
                graph.remove(op)
            else:
                _add_products(parts, op, place, held, left)


def _of_rows(table: Array, op: Op) -> bool:
    plain = op.integer("axis") == 0 and op.integer("batchDims") == 0
    return table.ndim == 2 and table.shape[1] > 1 and plain


def _by_row(table: Array) -> bool:
    """Whether scales by row cost little: they are one weight a row."""
    return table.shape[1] >= NARROW_TABLE or len(table) <= SMALL_TABLE


def _held(values: Array, axis: int | None) -> Array:
    """What int8 with plain scales holds of an array, exactly representable."""
    axes = tuple(k for k in range(values.ndim) if k != axis) if axis is not None else None
    largest = np.max(np.abs(values), axis=axes, keepdims=True)
    scales = np.where(largest > 0, largest / WEIGHT_LIMIT, 1.0)
    return np.asarray(np.rint(values / scales) * scales, np.float32)


def _add_constant(parts: Parts, like: Value, values: Array, label: str) -> Value:
    name = f"{like.name}/{label}" if label else like.name
    return parts.graph.constant(values.astype(np.float32), name=name)


def _add_lookup(parts: Parts, op: Op, table: Array, label: str) -> Value:
    """Add a lookup of the same ids in another table of as many rows."""
    graph, whole = parts.graph, op.input(0)
    found = graph.like(op.output, "float32")
    if table.shape != whole.shape:
        # Scales: one for each row.
        found.shape = [*found.shape[:-1], table.shape[-1]]
        if found.signature is not None:
            found.signature = [*found.signature[:-1], table.shape[-1]]
    values = _add_constant(parts, whole, table, label)
    parts.insert(op.twin([values, op.input(1)], [found]))
    return found


def _add_products(parts: Parts, op: Op, place: int, held: Array, left: Array) -> None:
    """The op with what int8 holds, the op with the rest, their sum with the op's activation."""
    graph, result, inputs = parts.graph, op.output, op.inputs
    kernel = op.input(place)
    activation = op.integer("fusedActivationFunction")
    op.options["fusedActivationFunction"] = 0
    op.set_input(place, _add_constant(parts, kernel, held, ""))
    op.outputs = [graph.like(result, "float32")]
    parts.keep(op)
    beside = _add_constant(parts, kernel, left, "rest")
    others = [beside if k == place else value for k, value in enumerate(inputs)]
    rest = op.twin(others, [graph.like(result, "float32")])
    parts.insert(rest)
    if len(inputs) > place + 1:
        # A convolution wants a bias.
        rest.set_input(place + 1, graph.constant(np.zeros(left.shape[0], np.float32)))
    parts.add("ADD", [op.output, rest.output], result, fusedActivationFunction=activation)
