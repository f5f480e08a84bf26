"""Constants that the converter made, called after what they are used for.

What enters: a model with the names that `lite.passes.naming` gave. What leaves: the same, for
reports.
"""

from __future__ import annotations

from rnnlite.lite.ir import Model

WORDS = {1: "kernel", 2: "bias"}
"""By place among an op's inputs."""


def name_constants(model: Model) -> None:
    """Call each constant without a name after what it is used for, in place."""
    for op in model.ops():
        if not op.outputs:
            continue
        result = op.output.name.split(";")[0]
        for place, value in enumerate(op.inputs):
            if value is not None and not value.name and value.is_constant:
                value.name = f"{result} {WORDS.get(place, 'operand')}"
