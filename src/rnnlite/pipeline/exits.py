"""Exits: a signature for each output of a model, run one after the other until one is sure.

What enters: the part of an Entry, float or quantized. What leaves: further parts of its file; and
the proof that the exits, run in order, give what the whole model gives.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnlite.errors import OptionError, ParityError
from rnnlite.frontends.program import Entry, Program
from rnnlite.frontends.random_inputs import random_inputs
from rnnlite.frontends.request import Request
from rnnlite.lite.ir import Value
from rnnlite.lite.passes.exits import cut
from rnnlite.lite.record import EXITS
from rnnlite.specs import TensorSpec

if TYPE_CHECKING:
    from rnnlite.pipeline.pass_order import Part

PREFIX = "exit/"
LENGTHS = (5, 19, 64)
"""Sequence lengths at which exits are compared with the whole model."""


def require_exits(program: Program, request: Request) -> None:
    """Refuse a Program that cannot have exits.

    Raises:
        OptionError: there are several signatures, or one output; or the target runs one signature.
    """
    if len(program.entries) > 1:
        raise OptionError(
            "exits are asked for, and several signatures are named",
            expected="one signature, with several outputs",
            found=", ".join(f"'{e.signature}'" for e in program.entries),
            remedy="Convert each into a file of its own",
        )
    names = [spec.name for spec in program.main.outputs]
    if len(names) < 2:
        raise OptionError(
            f"exits are asked for, and {program.origin} has one output",
            expected="several outputs, each an exit",
            found=", ".join(f"'{name}'" for name in names),
            remedy="Build the model with an output for each exit",
        )
    if not request.target.signatures:
        raise OptionError(
            f"exits are asked for, and {request.target.title} runs one signature of a file",
            expected="a target that runs several",
            remedy="Convert each output into a file of its own",
        )


def exit_parts(part: Part) -> tuple[list[Part], dict[str, Any]]:
    """A part for each output, cheapest first, and the entry of the record that lists them."""
    from rnnlite.pipeline.pass_order import Part

    entry = part.entry
    pieces, boundary = cut(part.model)
    specs = [_spec(k, value) for k, value in enumerate(boundary)]
    parts, said = [], []
    for piece in pieces:
        output = entry.outputs[piece.output]
        inputs = [entry.inputs[k] for k in piece.inputs]
        taken, given = ([specs[k] for k in ks] for ks in (piece.taken, piece.given))
        own = replace(
            entry,
            signature=f"{PREFIX}{output.name}",
            inputs=(*inputs, *taken),
            outputs=(output, *given),
        )
        parts.append(Part(own, piece.model))
        said.append(
            {
                "output": output.name,
                "signature": own.signature,
                "inputs": [spec.name for spec in own.inputs],
                "outputs": [spec.name for spec in own.outputs],
                "ops": piece.ops,
            }
        )
    return parts, {EXITS: said}


def _spec(number: int, value: Value) -> TensorSpec:
    shape = tuple(None if d < 0 else d for d in value.dims)
    return TensorSpec(f"boundary/{number}", shape, value.type, batch_axis=None)


def check_exits(entry: Entry, data: bytes) -> None:
    """Compare the exits of a file, run one after the other, with the whole model.

    Raises:
        ParityError: an exit gives another result.
    """
    from rnnlite.runtime.early import run_exits
    from rnnlite.runtime.model import load
    from rnnlite.runtime.quantized import quantize

    model = load(data)
    for length in _lengths(entry):
        arrays = random_inputs(entry.inputs, length=length, batch=1, seed=length)
        given = [quantize(a, spec) for a, spec in zip(arrays, model.inputs, strict=True)]
        whole = dict(zip([s.name for s in model.outputs], model.run(given), strict=True))
        by_name = dict(zip([s.name for s in model.inputs], given, strict=True))
        for name, found in run_exits(model, by_name):
            _require_equal(name, found, whole[name], length)


def _lengths(entry: Entry) -> Sequence[int]:
    least = max([n for spec in entry.inputs for n in spec.least] or [1])
    return tuple(dict.fromkeys(max(n, least) for n in LENGTHS))


def _require_equal(name: str, found: Any, whole: Any, length: int) -> None:
    is_float = whole.dtype.kind == "f"
    scale = float(np.abs(whole).max(initial=0)) or 1.0
    off = float(np.abs(found.astype(float) - whole.astype(float)).max(initial=0))
    if found.shape != whole.shape or (off > 1e-5 * scale if is_float else off > 0):
        raise ParityError(
            f"the exit '{name}' differs from the whole model at length {length}",
            expected="the same result",
            found=f"off by {off:.2e}" if found.shape == whole.shape else f"shape {found.shape}",
            remedy="Convert without exits, and please report it with the source model",
        )
