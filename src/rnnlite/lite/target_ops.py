"""Whether a target has the ops of a model, in their types.

What enters: a finished model. What leaves: nothing, or a refusal that names the ops and where they
come from.
"""

from __future__ import annotations

from rnnlite.errors import UnsupportedError
from rnnlite.lite.ir import Model, Op
from rnnlite.lite.requirements import DATA
from rnnlite.target import Target

CONVERTING = ("CAST", "DEQUANTIZE", "QUANTIZE")
"""Ops for which both the operand's and the result's type count."""

SHOWN = 4
"""How many ops a refusal names."""


def type_of(op: Op) -> str:
    """The type that decides whether there is a kernel for an op: "int8", or "int8>float32"."""
    value = op.operand(DATA.get(op.kind, 0))
    known = "" if value is None else value.type
    return f"{known}>{op.output.type}" if op.kind in CONVERTING else known


def require_ops(target: Target, model: Model) -> None:
    """Refuse a model with an op that a target has no kernel for.

    Raises:
        UnsupportedError: with the ops, their types and tensors.
    """
    missing: dict[str, str] = {}
    for op in model.ops():
        if not target.runs(op.kind, type_of(op)):
            where = op.outputs[0].name if op.outputs else ""
            missing.setdefault(f"{op.kind} of {type_of(op)}", where)
    if not missing:
        return
    names = [f"{what} (at '{where}')" for what, where in list(missing.items())[:SHOWN]]
    raise UnsupportedError(
        f"{target.title} does not run {', '.join(missing)}",
        expected="ops in types that it has kernels for (rnnlite.target)",
        found=", ".join(names),
        remedy="Replace the layer that uses it, or take it out of the model and run it outside; "
        "where integers lack a kernel, float32 may have it",
    )
