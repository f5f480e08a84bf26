"""Give constants of the converter the names of their uses, such as "kernel", for reports.

What enters: a model with the names that `lite.passes.naming` gave. What leaves: the same model, all
its constants with names.
"""

from __future__ import annotations

from rnnlite.lite.ir import Model

WORDS = {1: "kernel", 2: "bias"}
"""Index of an input of an op -> the word for a constant there."""


def name_constants(model: Model) -> None:
    """Give each constant without a name one that tells the op which reads it, in place."""
    for op in model.ops():
        if not op.outputs:
            continue
        result = op.output.name.split(";")[0]
        for place, value in enumerate(op.inputs):
            if value is not None and not value.name and value.is_constant:
                value.name = f"{result} {WORDS.get(place, 'operand')}"
