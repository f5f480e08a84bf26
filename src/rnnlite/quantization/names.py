"""Names of tensors as the converter writes them, made readable and comparable between loops.

What enters: a name such as "model/lstm/blocks_1/scan_4/step_3/MatMul12". What leaves: the same for
every step and loop of one recurrence, "model/lstm/scan/step/MatMul".
"""

from __future__ import annotations

import re
from typing import Any

from rnnlite.lite import flatbuffer


def neutral_name(name: str) -> str:
    """The name without the numbers of loops, steps, and tensors of one name."""
    name = re.sub(r"(blocks|kept)_\d+(_rest)?/", "", name)
    name = re.sub(r"step_\d+/", "step/", re.sub(r"scan_\d+", "scan", name))
    return ";".join(re.sub(r"(?<=[A-Za-z])\d+$", "", part) for part in name.split(";"))


def name_constants(model: Any) -> None:
    """Call each constant of a loop body after what it is used for, in place.

    The converter calls them arith.constant, arith.constant1, ...
    """
    for index, op, _ in flatbuffer.operators(model):
        tensors = model.subgraphs[index].tensors
        result = flatbuffer.text(tensors[int(op.outputs[0])].name).split(";")[0]
        for number, t in enumerate(map(int, op.inputs)):
            if t < 0 or not flatbuffer.text(tensors[t].name).startswith(GENERIC):
                continue
            if flatbuffer.content(model, tensors[t]) is not None:
                what = WORDS.get(number, "operand")
                tensors[t].name = f"{neutral_name(result)} {what}".encode()


GENERIC = "arith.constant"
WORDS = {1: "kernel", 2: "bias"}
