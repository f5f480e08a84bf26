"""Stand-ins for the large constants of masks, such as -1e9, that no range of integers holds.

What enters: the float model and the range of each tensor. What leaves: the model with smaller
constants where a smaller constant changes no result, and the ranges of the tensors that a mask
reaches, which are known without data.

A large constant may be replaced where each path from it ends in an op that treats all values
beyond some bound alike: SOFTMAX, EXP, LOGISTIC, TANH, a maximum, a minimum. `cases` says what every
tensor on these paths holds, once with the constant and once with its stand-in. Where a reader needs
the true value (an output, a product, a sum), the constants that reach it stay. A stand-in grows
until it is beyond the bound of each end. The range is cut at this bound, so that all masked values
become one integer. In the float model they are one number too: -1e9 + x is the same for every small
x.

The tensors of the mask (`m`, `1 - m`) have known ranges too: they hold 0 and 1, whether or not
calibration saw a masked time step.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from rnnlite.errors import UnsupportedError
from rnnlite.lite.ir import Model, Value
from rnnlite.quantization.params import Array, Range
from rnnlite.quantization.plan.origins import Origins, constant_values
from rnnlite.quantization.plan.walk import Precision, Softened, Walk


def soften_masks(
    model: Model, ranges: Mapping[Value, Range], precision: Precision, binary: Sequence[int] = ()
) -> Softened:
    """Replace the large constants of masks, in place.

    Args:
        model: the float model.
        ranges: smallest and largest value of the tensors, as calibration saw them.
        precision: the type each op will compute in.
        binary: the indices of the main graph's inputs that hold only 0 and 1.

    Raises:
        UnsupportedError: an infinite constant cannot be replaced.
    """
    origins = Origins(model)
    if not origins.listed and not binary and not _reads_truths(model):
        _refuse_infinite(model)
        return Softened({}, again=False)
    while True:
        found = Walk(model, ranges, precision, binary, origins).run()
        if found.refused:
            origins.drop(found.refused)
        elif not origins.enlarge(found.meetings, found.lacking):
            break
    softened = found.outcome()
    replaced = origins.write(found.logarithms)
    _refuse_infinite(model)
    return replace(softened, ranges={**softened.ranges, **origins.written}, replaced=replaced)


def binary_inputs(model: Model, samples: Sequence[Sequence[Array]]) -> list[int]:
    """The indices of the inputs that hold only 0 and 1 in all samples, as a mask does."""
    found = []
    for number in range(len(model.main.inputs)):
        arrays = [np.asarray(row[number]) for row in samples]
        if arrays and all(((a == 0) | (a == 1)).all() for a in arrays):
            found.append(number)
    return found


def _reads_truths(model: Model) -> bool:
    """Whether an op makes numbers of truths, as of a mask."""
    makes = ("CAST", "SELECT", "SELECT_V2")
    return any(
        op.kind in makes and any(v.type == "bool" for v in op.operands) for op in model.ops()
    )


def _finite(values: Array) -> bool:
    return bool(np.isfinite(values).all())


def _refuse_infinite(model: Model) -> None:
    for op in model.ops():
        for value in op.operands:
            values = constant_values(value)
            if values is not None and values.dtype.kind == "f" and not _finite(values):
                raise UnsupportedError(
                    f"{op.kind} (it makes '{op.output.name}') reads an infinite constant, "
                    "which integers cannot hold",
                    expected="infinity in masks alone, which end in a softmax or a maximum",
                    remedy="Use a large finite number, or convert in float32, float16 or dynamic",
                )
