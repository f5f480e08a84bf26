"""Make comparisons compare in int32.

What enters: the values of the rewriting, and a comparison. What leaves: its operands in int32; ops
that make them are added in front.
"""

from __future__ import annotations

import numpy as np

from rnnlite.lite.ir import Value
from rnnlite.quantization.ops import VERSIONS
from rnnlite.quantization.params import QuantizationParams
from rnnlite.quantization.rewrite.operands import Operands, Site


def make_compared_operands(made: Operands, site: Site) -> list[Value | None]:
    """Make the operands of a comparison int32: kernels of fewer bits compare in steps of 1/256.

    An input that is searched for one value is compared in the I/O dtype: behind it the scale may be
    finer, and need not have the number to which that value was rounded.
    """
    operands = site.operands
    known = next(
        v for v in operands if v in made.floats and v not in made.constants and v is not None
    )
    searched, params = known, made.plan.params(known)
    if site.kind in ("EQUAL", "NOT_EQUAL") and any(v in made.constants for v in operands):
        searched, params = made.outer.get(known, (searched, params))
    found: list[Value | None] = []
    for value in operands:
        if value is None or value not in made.floats:
            found.append(value)
        elif value in made.constants:
            found.append(_add_int32_constant(made, value, params))
        else:
            outer = searched if value is known else made.operand(value, params)
            found.append(_add_cast(made, value, outer, params))
    return found


def _add_int32_constant(made: Operands, value: Value, params: QuantizationParams) -> Value:
    """Add a constant as int32."""
    numbers = params.quantize(made.constants[value]).astype(np.int32)
    return value.graph.constant(numbers, name=value.name)


def _add_cast(made: Operands, value: Value, operand: Value, params: QuantizationParams) -> Value:
    """Add a CAST of the integers of a value to int32."""
    graph = value.graph
    number = graph.like(value, "int32")
    version = VERSIONS["CAST"][0 if params.dtype == "int8" else 1]
    made.insert(graph, graph.op("CAST", [operand], [number], version=version))
    return number
