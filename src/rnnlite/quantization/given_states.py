"""States that a model takes as inputs and gives back as outputs, which its caller feeds back.

What enters: the inputs of a source, its float model, and what calibration saw. What leaves: which
input and which output are one state. Both get one scale and zero point, so that the integers can be
fed back as they are. They have the type that states have in loops: in int8 small changes would be
lost at each call.

    h (2, B, 16), c (2, B, 16)  ->  h, c  (2, B, 16)        state (2, B, 128)  ->  stateN
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rnnlite.lite.ir import Model, Value
from rnnlite.quantization.params import Range, width
from rnnlite.specs import TensorSpec

SLACK = 1.25
"""How wide the range of a given state may be, relative to the range that the model gives back."""

Places = tuple[tuple[int, int], ...]
"""Pairs: the index of an input, and that of the output as which it comes back."""


def state_places(inputs: Sequence[TensorSpec], model: Model) -> Places:
    """Find inputs that come back as outputs, by shape and order: states are taken to be last.

    Args:
        inputs: the inputs of the source.
        model: the float model, with the same inputs.

    Returns:
        pairs of one input and one output, in the order of the inputs. At least one input is in no
        pair: if all fit, the first is taken for data.
    """
    taken: set[int] = set()
    found: list[tuple[int, int]] = []
    outputs = list(enumerate(model.main.outputs))
    for place, (spec, value) in reversed(
        list(enumerate(zip(inputs, model.main.inputs, strict=True)))
    ):
        if not _may_be_state(spec):
            continue
        for number, output in reversed(outputs):
            if number not in taken and _one_shape(spec, output) and _depends(output, value):
                taken.add(number)
                found.append((place, number))
                break
    found.reverse()
    return tuple(found[1:] if len(found) == len(inputs) else found)


def fitting(model: Model, places: Places, ranges: Mapping[Value, Range]) -> Places:
    """The pairs that may be one state: the range of the input lies within that of the output.

    Args:
        model: the model of the places, or a copy of it.
        places: what `state_places` gives.
        ranges: what calibration saw.
    """
    return tuple(
        (k, n)
        for (k, n), (a, b) in zip(places, pairs(model, places), strict=True)
        if a in ranges and b in ranges and _within(ranges[a], ranges[b])
    )


def pairs(model: Model, places: Places) -> list[tuple[Value, Value]]:
    """The values at some places: for each pair, the input and the output."""
    return [(model.main.inputs[k], model.main.outputs[n]) for k, n in places]


def types_within(model: Model, places: Places) -> dict[Value | int, str | None]:
    """The types of states for `rewrite_to_integers`: the types that they have within the model.

    Args:
        model: a model whose first inputs and outputs are those of the places.
    """
    types: dict[Value | int, str | None] = {}
    for place, number in places:
        types[model.main.inputs[place]] = types[number] = None
    return types


def _may_be_state(spec: TensorSpec) -> bool:
    """Whether an input is a float tensor whose size is the same at each call."""
    free = [k for k, size in enumerate(spec.shape) if size is None]
    known = [d for d in spec.sample_shape if d is not None and d > 1]
    return spec.dtype == "float32" and bool(known) and all(k == spec.batch_axis for k in free)


def _one_shape(spec: TensorSpec, output: Value) -> bool:
    """Whether an output has the shape of an input, as far as both are known."""
    sizes = output.signature if output.signature is not None else output.shape
    if output.type != "float32" or output.is_constant or len(sizes) != len(spec.shape):
        return False
    known = [(a, b) for a, b in zip(spec.shape, sizes, strict=True) if a is not None and b >= 0]
    return all(a == b for a, b in known) and any(a > 1 for a, _ in known)


def _depends(output: Value, value: Value) -> bool:
    """Whether an output is computed from an input, and is not the input itself."""
    queue, seen = [output], {output}
    while queue:
        op = queue.pop().producer
        for operand in () if op is None else op.operands:
            if operand is value:
                return True
            if operand not in seen:
                seen.add(operand)
                queue.append(operand)
    return False


def _within(given: Range, back: Range) -> bool:
    """Whether the range of a given state lies within the one that comes back, with some slack."""
    room = (SLACK - 1) * width(back)
    return given[0] >= back[0] - room and given[1] <= back[1] + room
