"""How far loops may be unrolled in a file that is to be small.

What enters: a float model and how far its loops are unrolled. What leaves: how far they may be, so
that all that is not weights stays within a budget of bytes.
"""

from __future__ import annotations

from typing import Any

from rnnlite.lite import flatbuffer
from rnnlite.quantization.ops import RULES, Kind

OP_BYTES = 110
"""What an op and its result take in a quantized file, measured over small models."""

CHANNEL_BYTES = 16
"""Scales of weights and bias, and the bias, of one output channel."""

FREE_BYTES = 27_000
SHARE_OF_WEIGHTS = 0.14
"""The budget: these bytes, and this share of the int8 weights."""


def affordable_unroll(model: Any, unroll: int) -> int:
    """A number of unrolled steps, up to `unroll`, that should keep the file within the budget.

    Args:
        model: the float model, its loops unrolled `unroll` times at most.
        unroll: see there.
    """
    ops = sum(len(s.operators or []) for s in model.subgraphs)
    bodies = {body for _, _, _, body in flatbuffer.loops(model)}
    in_loops = sum(len(model.subgraphs[body].operators) for body in bodies)
    weights, channels = _weights(model)
    budget = FREE_BYTES + SHARE_OF_WEIGHTS * weights - CHANNEL_BYTES * channels
    chosen = unroll
    while chosen > 1:
        # The loop of single steps stands beside the unrolled one.
        estimate = ops - in_loops + in_loops * (chosen + 1) / (unroll + 1)
        if estimate * OP_BYTES <= budget:
            break
        chosen //= 2
    return chosen


def largest_file(model: Any) -> float:
    """Bytes that an int8 file of a float model may have: 1.15 a weight, and 30 kB."""
    return 1.15 * _weights(model)[0] + 30_000


def _weights(model: Any) -> tuple[int, int]:
    """Elements of all kernels and tables, and output channels, each constant once."""
    sizes: dict[int, int] = {}
    channels: dict[int, int] = {}
    for index, op, name in flatbuffer.operators(model):
        rule = RULES.get(name)
        for place, t in enumerate(map(int, op.inputs)):
            tensor = model.subgraphs[index].tensors[t] if t >= 0 else None
            data = None if tensor is None else flatbuffer.content(model, tensor)
            if tensor is None or data is None or flatbuffer.dtype_name(tensor) != "float32":
                continue
            key = hash(bytes(data))
            sizes[key] = len(data) // 4
            if rule is not None and rule.kind is Kind.WEIGHTS and place == rule.weights:
                channels[key] = int(tensor.shape[rule.axis])
    return sum(sizes.values()), sum(channels.values())
