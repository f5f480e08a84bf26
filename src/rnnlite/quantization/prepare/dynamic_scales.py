"""Take out the quantization that a source does at run time: ours takes its place.

A dynamically quantized source finds scales at each run and computes products in integers. What
enters: a float model, changed in place. What leaves: the same model without these scales, and
without their rounding.

    m = select(high > low, (high - low) c, 1)         1
    z = relu(min(round(-low / m), 255))               gone
    relu(min(round(x / m) + z, 255)) - z              x
    round(W x) + floor(b / (m w))                     W x + b / w
    ... (m w)                                         ... w

Apart from rounding, the result does not depend on the scale m, so m becomes 1. The tensors that
held integers then hold floats, which nothing rounds.
"""

from __future__ import annotations

import numpy as np

from rnnlite.lite.ir import Array, Graph, Model, Op, Value
from rnnlite.quantization.prepare.parts import made_by, scalar, with_scalar

PRODUCTS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "BATCH_MATMUL")
MOVES = ("RESHAPE", "TRANSPOSE")
SELECTS = ("SELECT", "SELECT_V2")
LARGEST = 255.0


def drop_dynamic_scales(model: Model) -> int:
    """Dequantize what is quantized at run time, in place.

    Returns:
        how many tensors were quantized so.
    """
    count = 0
    for graph in model.graphs:
        scales: set[Value] = set()
        for op in graph.ops:
            found = _centred(op)
            if found is not None:
                x, scale = found
                scales.add(scale)
                op.output.replace_uses(x)
                count += 1
        if scales:
            one = graph.constant(np.array(1.0, np.float32))
            for scale in scales:
                scale.replace_uses(one)
            _fold(graph, {one})
            _let_be_floats(graph)
            _drop_unread(graph)
    return count


def _centred(op: Op) -> tuple[Value, Value] | None:
    """What an op gives in integers less their zero point, and the scale of these; or None."""
    if op.kind != "SUB":
        return None
    number, zero = (_clamped(_uncast(v)) for v in op.operands)
    plus = None if number is None else made_by(number, "ADD")
    if plus is None or zero is None or _uncast(op.input(1)) not in plus.operands:
        return None
    rounded = plus.input(0) if _uncast(op.input(1)) is plus.input(1) else plus.input(1)
    found = _quotient(rounded)
    beside = _quotient(zero)
    return found if found is not None and beside is not None and found[1] is beside[1] else None


def _uncast(value: Value) -> Value:
    """What a value was before its type was changed, once or more often."""
    while (op := made_by(value, "CAST")) is not None:
        value = op.input(0)
    return value


def _clamped(value: Value) -> Value | None:
    """What is bounded to 0 and 255."""
    relu = made_by(value, "RELU")
    least = None if relu is None else with_scalar(relu.input(0), "MINIMUM")
    return least[0] if least is not None and least[1] == LARGEST else None


def _quotient(value: Value) -> tuple[Value, Value] | None:
    """x and m of round(x / m), where m is found at run time."""
    rounded = made_by(value, "ROUND")
    divided = None if rounded is None else made_by(rounded.input(0), "DIV")
    if divided is None:
        return None
    chosen = made_by(divided.input(1), *SELECTS)
    if chosen is None or scalar(chosen.input(2)) != 1.0:
        return None
    share = with_scalar(chosen.input(1), "MUL")
    if share is None or made_by(share[0], "SUB") is None:
        return None
    return divided.input(0), divided.input(1)


def _fold(graph: Graph, known: set[Value]) -> None:
    """Compute what scales and constants alone make; rounding and types change nothing of it."""
    for op in graph.ops:
        if not known & set(op.operands):
            continue
        given = [v.constant("float32", "int32", "int64") for v in op.operands]
        held = [v for v in given if v is not None]
        made = _computed(op, held) if len(held) == len(given) else None
        if made is not None:
            result = graph.constant(made.astype(np.float32), name=op.output.name)
            op.output.replace_uses(result)
            known.add(result)


def _computed(op: Op, held: list[Array]) -> Array | None:
    """The result of an op on constants, as floats; None for an op of another kind."""
    if op.kind in ("ROUND", "FLOOR", "CAST"):
        return held[0]
    if op.kind == "RESHAPE":
        return held[0].reshape(op.output.shape)
    plain = not op.integer("fusedActivationFunction")
    if op.kind == "MUL" and plain:
        return np.asarray(held[0] * held[1])
    return np.asarray(held[0] / held[1]) if op.kind == "DIV" and plain else None


def _let_be_floats(graph: Graph) -> None:
    """Put floats in the place of the integers that products were rounded to."""
    floats: dict[Value, Value] = {}
    for op in graph.ops:
        x = op.operands[0] if op.operands else None
        if x is None:
            continue
        if op.kind == "ROUND" and _of_product(x):
            floats[op.output] = x
        elif op.kind == "CAST" and x in floats:
            floats[op.output] = floats[x]
            if op.output.type == "float32":
                op.output.replace_uses(floats[x])
        elif op.kind in ("ADD", "SUB", "MUL") and op.output.type == "int32":
            terms = [floats.get(v, v) for v in op.operands]
            if all(v.type == "float32" for v in terms):
                floats[op.output] = graph.like(op.output, "float32")
                graph.insert(op, graph.op(op.kind, terms, [floats[op.output]], options={}))
            else:
                _keep_integers(op)


def _keep_integers(op: Op) -> None:
    """Give integers back to an op beside whose operands are integers of another kind."""
    for place, value in enumerate(op.operands):
        held = value.constant("float32")
        if held is not None:
            whole = np.floor(held).astype(np.int32)
            op.set_input(place, value.graph.constant(whole, name=value.name))


def _of_product(value: Value) -> bool:
    """Whether a value is a product, moved or not."""
    op = value.producer
    while op is not None and op.kind in MOVES:
        op = op.input(0).producer
    return op is not None and op.kind in PRODUCTS


def _drop_unread(graph: Graph) -> None:
    for op in reversed(list(graph.ops)):
        if op.outputs and not op.branches and not any(v.is_read for v in op.outputs):
            graph.remove(op)
