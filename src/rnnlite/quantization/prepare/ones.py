"""Take out products with ones that the model makes at each run.

    FILL(shape, 1) -> MUL(x, .)            ->    x
    BROADCAST_TO(1, shape) -> MUL(x, .)    ->    x

What enters: a float model, changed in place. What leaves: the same model without these products,
each of which would round once more in integers. The layer normalization of Keras 2 multiplies by a
scale of ones, as long as the sequence. Where the length is fixed, the official converter folds it.
"""

from __future__ import annotations

from rnnlite.lite.ir import Model, Op, Value
from rnnlite.quantization.prepare.fills import SPREADS


def drop_ones(model: Model) -> int:
    """Let the readers of each product with ones read its other operand, in place.

    Returns:
        How many products were taken out.
    """
    count = 0
    for graph in model.graphs:
        for op in graph.ops:
            kept = _other(op) if op.kind == "MUL" else None
            result = op.output if kept is not None else None
            if kept is None or result is None or result.is_result:
                continue
            for reader, place in result.uses:
                reader.set_input(place, kept)
            graph.remove(op)
            count += 1
    return count


def _other(op: Op) -> Value | None:
    """What is multiplied with ones of its own shape; None if nothing is."""
    a, b = op.input(0), op.input(1)
    for x, ones in ((a, b), (b, a)):
        made = ones.producer
        if made is None or made.kind not in SPREADS or x.dims != ones.dims:
            continue
        number = made.input(SPREADS[made.kind]).constant("float32")
        plain = not op.options.get("fusedActivationFunction", 0)
        if number is not None and number.size == 1 and float(number.item()) == 1.0 and plain:
            return x
    return None
