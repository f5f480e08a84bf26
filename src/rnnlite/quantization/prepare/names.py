"""Constants that the converter made, called after what they are used for.

What enters: a model with the names that `lite.naming` gave. What leaves: the same, for reports.
"""

from __future__ import annotations

from typing import Any

from rnnlite.lite import flatbuffer

WORDS = {1: "kernel", 2: "bias"}
"""By place among an op's inputs."""


def name_constants(model: Any) -> None:
    """Call each constant without a name after what it is used for, in place."""
    for index, op, _ in flatbuffer.operators(model):
        tensors = model.subgraphs[index].tensors
        if not len(op.outputs):
            continue
        result = flatbuffer.text(tensors[int(op.outputs[0])].name).split(";")[0]
        for number, t in enumerate(map(int, op.inputs)):
            if t >= 0 and not tensors[t].name and flatbuffer.content(model, tensors[t]) is not None:
                tensors[t].name = f"{result} {WORDS.get(number, 'operand')}".encode()
