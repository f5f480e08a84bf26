"""Fold constant factors and summands around a product into its kernel and its bias.

What enters: a model as the converter gives it. What leaves: an equal one, in which

    before                                                after
    x -> MUL by a -> ADD of b -> FULLY_CONNECTED(w, c)    FULLY_CONNECTED(x, w a, w b + c)
    FULLY_CONNECTED(x, w, c) -> MUL by a -> ADD of b      FULLY_CONNECTED(x, a w, a c + b)
    CONV_2D(x, w, c) -> SQUEEZE -> MUL by a -> ADD of b   CONV_2D(x, a w, a c + b) -> SQUEEZE

The converter does the same where it knows enough of the sizes. It knows more sizes of the function
of a chunk than of the function of whole sequences. So without this pass the two would have
different kernels: the file would hold both, and they would round differently in float16 and int8.

Some factors are left out. Where features are normalized by factors of very different sizes, or by
means far from zero, the folded kernel or bias would lose precision in float16 and int8.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from rnnlite.lite.ir import Model, Op, Value

CHANNELS = {"FULLY_CONNECTED": 0, "CONV_2D": 0, "DEPTHWISE_CONV_2D": 3}
"""Products -> the axis of their kernel that runs over the channels of the result."""

LINEAR = ("ADD", "SUB", "MUL")
"""Ops that are folded into a product, with a constant as one operand."""

KEEPS = ("RESHAPE", "SQUEEZE", "EXPAND_DIMS")
"""Ops that leave the channels of what they read in place, if the last axis stays as long."""

LEAST, MOST = 2.0**-8, 2.0**8
"""The least and largest factor that is folded: the kernel stays in the range of float16."""

EVEN = 4.0
"""The largest factor in front of a product may be so many times the least one."""

SHIFT = 8.0
"""The largest summand in front of a product that is folded, in units of the product's input."""

NONE = 0
"""No activation, as the schema numbers them."""

ACTIVATION = "fusedActivationFunction"

Numbers = npt.NDArray[np.float32]


def fold_rows(model: Model) -> int:
    """Fold the ops above into products, in place.

    An op that changes the shape of its operand by broadcasting is not folded. An op whose result
    other ops read as well stays for these.

    Returns:
        How many ops were folded.
    """
    count = 0
    for graph in model.graphs:
        for op in graph.ops:
            if op.kind not in CHANNELS or op.input(1).constant("float32") is None:
                continue
            if op.kind == "FULLY_CONNECTED":
                count += _take_fronts(op)
            while _take_behind(op):
                count += 1
    return count


def _take_fronts(product: Op) -> int:
    """Take in what stands in front of a product of matrices; gives how many ops."""
    count, unit = 0, 1.0
    while (factor := _take_front(product, unit)) is not None:
        count, unit = count + 1, unit * factor
    return count


def _take_front(product: Op, unit: float) -> float | None:
    """Take in the op in front of a product of matrices.

    Args:
        product: it is changed.
        unit: what 1 in front of it was, before anything was taken in.

    Returns:
        the largest factor of the op, 1 of a sum; None where there is none to take in.
    """
    reader = product
    made = reader.input(0).producer
    while made is not None and made.kind in KEEPS and _keeps(made) and _alone(made.output):
        reader, made = made, made.input(0).producer
    kernel = product.input(1).data
    if made is None or kernel is None or made.options.get(ACTIVATION, NONE) != NONE:
        return None
    found = _row(made, kernel.shape[1])
    if found is None or not _has_room(product):
        return None
    rest, row = found
    largest, least = float(np.max(np.abs(row))), float(np.min(np.abs(row)))
    if made.kind == "MUL":
        if not least >= LEAST or not largest <= min(MOST, EVEN * least):
            return None
        _set(product, kernel * row, _bias(product))
    else:
        if largest * unit > SHIFT:
            return None
        _set(product, kernel, _bias(product) + kernel @ np.broadcast_to(row, kernel.shape[1:]))
    reader.set_input(0, rest)
    if not made.output.is_read and made.graph is not None:
        made.graph.remove(made)
    return largest if made.kind == "MUL" else 1.0


def _take_behind(product: Op) -> bool:
    """Take in the op behind a product; gives whether there was one."""
    if product.options.get(ACTIVATION, NONE) != NONE or not _has_room(product):
        return False
    last = product
    while (op := _only_reader(last.output)) is not None and op.kind in KEEPS and _keeps(op):
        last = op
    kernel = product.input(1).data
    if op is None or kernel is None:
        return False
    axis = CHANNELS[product.kind]
    found = _row(op, kernel.shape[axis])
    if found is None or found[0] is not last.output:
        return False
    row, bias = found[1], _bias(product)
    if op.kind == "MUL":
        sizes = np.abs(row[row != 0])
        if not np.all((sizes >= LEAST) & (sizes <= MOST)):
            return False
        spread = [1] * kernel.ndim
        spread[axis] = -1
        _set(product, kernel * row.reshape(spread), bias * row)
    else:
        _set(product, kernel, bias + row)
    product.options[ACTIVATION] = op.options.get(ACTIVATION, NONE)
    result = op.output
    if op.graph is not None:
        op.graph.remove(op)
    last.outputs = [result]
    return True


def _row(op: Op, channels: int) -> tuple[Value, Numbers] | None:
    """What an op adds a constant to or multiplies by one, and the constant, (channels,) or (1,);
    of a difference, what is added."""
    if op.kind not in LINEAR:
        return None
    a, b = op.operands
    pairs = ((a, b),) if op.kind == "SUB" else ((a, b), (b, a))
    for rest, constant in pairs:
        held = constant.constant("float32")
        if held is None or rest.is_constant or rest.dims != op.output.dims:
            continue
        fits = held.size == 1 or held.size == channels == held.shape[-1]
        if fits and np.isfinite(held).all():
            row: Numbers = held.reshape(-1)
            return rest, -row if op.kind == "SUB" else row
    return None


def _has_room(product: Op) -> bool:
    """Whether a product has no bias, or one that is known."""
    bias = product.inputs[2] if len(product.inputs) > 2 else None
    return bias is None or bias.constant("float32") is not None


def _bias(product: Op) -> Numbers:
    """The bias of a product that has room, (channels,)."""
    bias = product.inputs[2] if len(product.inputs) > 2 else None
    if bias is not None and bias.data is not None:
        held: Numbers = bias.data
        return held
    return np.zeros(product.input(1).shape[CHANNELS[product.kind]], np.float32)


def _set(product: Op, kernel: Numbers, bias: Numbers) -> None:
    """Give a product other constants; those that are the same stay."""
    graph, old = product.graph, product.input(1)
    if graph is None:
        return
    weights = old
    if kernel is not old.data:
        weights = graph.constant(kernel.astype(np.float32), name=old.name)
        weights.origin = old.origin
    product.inputs = [product.input(0), weights, graph.constant(bias.astype(np.float32))]


def _keeps(op: Op) -> bool:
    """Whether the last axis stays as long, and its length is known."""
    before, after = op.input(0).dims, op.output.dims
    return bool(before and after) and before[-1] == after[-1] > 0


def _alone(value: Value) -> bool:
    """Whether one op alone reads a value, at one place."""
    return len(value.uses) == 1 and not value.is_result


def _only_reader(value: Value) -> Op | None:
    return value.uses[0].op if _alone(value) else None
