"""How far loops may be unrolled, and how deep they may stand, in a file that is to be small.

What enters: a float model and how its loops are laid out. What leaves: how they may be, so that all
that is not weights stays within a budget of bytes.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from rnnlite.lite import flatbuffer
from rnnlite.lite.bridge import model_of
from rnnlite.lite.passes.sequences import kept_levels
from rnnlite.lowering.schedule import MAX_LEVELS, Options
from rnnlite.quantization.ops import RULES, Kind

OP_BYTES = 110
"""What an op and its result take in a quantized file, measured over small models."""

SEGMENT_OPS = 5
"""How many ops a further segment of a sequence counts as: a WHILE has some ten results."""

KEPT_OPS = 60
"""How many ops an output sequence that is kept in variables counts as, for each level of them."""

FEWEST_LEVELS = 2
"""Levels of variables below which long sequences would cost too much."""

CHANNEL_BYTES = 16
"""Scales of weights and bias, and the bias, of one output channel."""

FREE_BYTES = 27_000
SHARE_OF_WEIGHTS = 0.14
"""The budget: these bytes, and this share of the int8 weights."""


def affordable(model: Any, options: Options) -> Options:
    """The same options, or such as make the file smaller, if it should not keep within the budget.

    Fewer levels of variables first, then none; no blocks apart; then fewer unrolled steps, no
    segments, fewer levels of loops, one at a time; what the caller asked for stays.

    Args:
        model: the float model, its loops laid out by these options.
        options: see there.
    """
    unroll = 1 if options.unroll else options.max_unroll
    ops = sum(len(s.operators or []) for s in model.subgraphs)
    loops = [body for _, _, _, body in flatbuffer.loops(model)]
    bodies = set(loops)
    segments = len(loops) - len(bodies)
    ops += segments * (SEGMENT_OPS - 1)
    in_loops = sum(len(model.subgraphs[body].operators) for body in bodies)
    weights, channels = _weights(model)
    budget = FREE_BYTES + SHARE_OF_WEIGHTS * weights - CHANNEL_BYTES * channels
    kept = kept_levels(model_of(model))
    if kept and options.variables is None:
        if (ops + KEPT_OPS * sum(kept)) * OP_BYTES <= budget:
            return options
        if max(kept) > FEWEST_LEVELS:
            return replace(options, max_levels=FEWEST_LEVELS)
        return replace(options, variables=0, max_levels=MAX_LEVELS)
    chosen, estimate = unroll, float(ops)
    branches = any(name == "IF" for _, _, name in flatbuffer.operators(model))
    if estimate * OP_BYTES > budget and branches and options.first is None:
        return replace(options, first=0)
    while chosen > 1:
        estimate = ops - in_loops + in_loops * chosen / unroll
        if estimate * OP_BYTES <= budget:
            break
        chosen //= 2
    if chosen < unroll:
        return replace(options, max_unroll=chosen)
    if estimate * OP_BYTES > budget and segments and not options.segments:
        return replace(options, segments=1)
    levels = min(options.max_levels, max(_depths(model), default=1))
    if estimate * OP_BYTES > budget and levels > 1 and not options.levels:
        return replace(options, max_levels=levels - 1)
    return options


def _depths(model: Any) -> list[int]:
    """For each loop that stands in no other, how many loops stand within each other."""
    inner: dict[int, list[int]] = {}
    for index, _, _, body in flatbuffer.loops(model):
        inner.setdefault(index, []).append(body)

    def depth(body: int) -> int:
        return 1 + max(map(depth, inner.get(body, ())), default=0)

    bodies = {body for several in inner.values() for body in several}
    return [depth(body) for index in inner.keys() - bodies for body in inner[index]]


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
