"""Keep constants in more than one int8 number where one is too coarse, while all is still float.

What enters: a float model, changed in place. What leaves: an equal one (to the rounding of what the
parts leave over) whose constants fit int8 better.

    GATHER(table, ids)      GATHER(rows, ids) * GATHER(scales, ids)
    x @ W                   x @ W1 + x @ W2

`refine_tables` gives each row of an embedding a scale of its own, an integer of 1 to 127: rows
differ in size by far, as rare words are trained little. Where most were not trained at all, they
get `codes`. `split_weights` keeps a kernel as what int8 holds of it, W1, and what that leaves over,
W2: 15 bits in all, for twice the bytes and products.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import numpy as np

from rnnlite.lite import flatbuffer
from rnnlite.lite.edit import new_constant, new_op, new_tensor
from rnnlite.quantization.grid import WEIGHT_LIMIT, Array
from rnnlite.quantization.ops import RULES, Kind
from rnnlite.quantization.plan.plan import constant
from rnnlite.quantization.prepare.codes import codes_of, look_up
from rnnlite.quantization.prepare.parts import Parts

NARROW_TABLE = 16
SMALL_TABLE = 4096
"""Tables with fewer columns and more rows than these keep one scale: scales cost a byte a row."""


def refine_tables(model: Any, *, codes: bool) -> None:
    """Split each constant table of a lookup into rows of about one size and their scales.

    Args:
        codes: whether small rows may be kept in codes, where bytes count.
    """
    for index, content in enumerate(model.subgraphs):
        parts = Parts(model, content)
        for op in content.operators or []:
            table = constant(model, (index, int(op.inputs[0]))) if len(op.inputs) else None
            if (
                flatbuffer.op_name(model, op) != "GATHER"
                or table is None
                or not _of_rows(table, op)
            ):
                parts.ops.append(op)
                continue
            coded = codes_of(table) if codes else None
            if coded is not None:
                look_up(parts, op, coded, flatbuffer.text(content.tensors[int(op.inputs[0])].name))
                continue
            if not _by_row(table):
                parts.ops.append(op)
                continue
            sizes = np.max(np.abs(table), axis=1, keepdims=True)
            largest = max(float(sizes.max()), 1e-30)
            scales = np.clip(np.ceil(WEIGHT_LIMIT * sizes / largest), 1, WEIGHT_LIMIT)
            found = [
                _looked_up(parts, op, table / scales, "rows"),
                _looked_up(parts, op, scales, "scales"),
            ]
            parts.add("MUL", found, int(op.outputs[0]), "MulOptions")
        content.operators = parts.ops


def split_weights(model: Any, *, tables: bool) -> None:
    """Split each constant kernel of a product or convolution in two; on request tables as well."""
    for index, content in enumerate(model.subgraphs):
        parts = Parts(model, content)
        for op in content.operators or []:
            name = flatbuffer.op_name(model, op)
            rule = RULES.get(name)
            place = 0 if name == "GATHER" else rule.weights if rule is not None else 0
            values = None
            if name in ("FULLY_CONNECTED", "CONV_2D") or (name == "GATHER" and tables):
                values = constant(model, (index, int(op.inputs[place])))
            if values is None or rule is None:
                parts.ops.append(op)
                continue
            held = _held(values, rule.axis if rule.kind is Kind.WEIGHTS else None)
            left = values - held
            if not np.any(left):
                parts.ops.append(op)
            elif name == "GATHER":
                found = [_looked_up(parts, op, held, ""), _looked_up(parts, op, left, "rest")]
                parts.add("ADD", found, int(op.outputs[0]), "AddOptions")
            else:
                _add_products(parts, op, place, held, left)
        content.operators = parts.ops


def _of_rows(table: Array, op: Any) -> bool:
    options = op.builtinOptions
    return table.ndim == 2 and table.shape[1] > 1 and not (options.axis or options.batchDims)


def _by_row(table: Array) -> bool:
    """Whether scales by row cost little: they are one weight a row."""
    return table.shape[1] >= NARROW_TABLE or len(table) <= SMALL_TABLE


def _held(values: Array, axis: int | None) -> Array:
    """What int8 with plain scales holds of an array, exactly representable."""
    axes = tuple(k for k in range(values.ndim) if k != axis) if axis is not None else None
    largest = np.max(np.abs(values), axis=axes, keepdims=True)
    scales = np.where(largest > 0, largest / WEIGHT_LIMIT, 1.0)
    return np.asarray(np.rint(values / scales) * scales, np.float32)


def _named(parts: Parts, like: int, values: Array, label: str) -> int:
    name = flatbuffer.text(parts.content.tensors[like].name)
    if label:
        name = f"{name}/{label}"
    return new_constant(parts.model, parts.content, values.astype(np.float32), name=name.encode())


def _looked_up(parts: Parts, op: Any, table: Array, label: str) -> int:
    """A lookup of the same ids in another table of as many rows."""
    content = parts.content
    result = int(op.outputs[0])
    target = new_tensor(content, result, "float32")
    tensor = content.tensors[target]
    tensor.shape = [*list(tensor.shape)[:-1], table.shape[-1]]
    if tensor.shapeSignature is not None:
        tensor.shapeSignature = [*list(tensor.shapeSignature)[:-1], table.shape[-1]]
    values = _named(parts, int(op.inputs[0]), table, label)
    inputs = [values, int(op.inputs[1])]
    parts.ops.append(new_op(parts.model, "GATHER", inputs, [target], options="GatherOptions"))
    return target


def _add_products(parts: Parts, op: Any, place: int, held: Array, left: Array) -> None:
    """The op with what int8 holds, the op with the rest, their sum with the op's activation."""
    result = int(op.outputs[0])
    kernel = int(op.inputs[place])
    activation = op.builtinOptions.fusedActivationFunction
    rest = deepcopy(op)
    inputs = [int(t) for t in op.inputs]
    for part, values, label in ((op, held, ""), (rest, left, "rest")):
        part.inputs = [*inputs]
        part.inputs[place] = _named(parts, kernel, values, label)
        part.outputs = [new_tensor(parts.content, result, "float32")]
        part.builtinOptions.fusedActivationFunction = 0
        parts.ops.append(part)
    if len(inputs) > place + 1:
        # A convolution wants a bias.
        nothing = np.zeros(left.shape[0], np.float32)
        rest.inputs[place + 1] = new_constant(parts.model, parts.content, nothing)
    parts.add(
        "ADD",
        [int(op.outputs[0]), int(rest.outputs[0])],
        result,
        "AddOptions",
        fusedActivationFunction=activation,
    )
