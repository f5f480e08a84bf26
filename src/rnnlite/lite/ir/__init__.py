"""A LiteRT model as objects that refer to each other, without indices and without the schema.

What enters: graphs, ops and values, as `schema.reading` or a pass makes them. What leaves: the
same, edited. Shapes are tuples of ints; a free axis is `FREE` in `Value.dims`.

A `Model` holds `Graph`s, a graph its `Op`s in order and its `Value`s. A value knows the op that
makes it and the ops that read it; both stay true whatever a pass edits. `lite.schema` reads a model
from bytes and writes it.
"""

from rnnlite.lite.ir.build import Builder
from rnnlite.lite.ir.graph import Graph
from rnnlite.lite.ir.model import Model, Signature
from rnnlite.lite.ir.ops import Op, OpCode
from rnnlite.lite.ir.values import FREE, Array, Origin, Quantization, Use, Value

__all__ = [
    "FREE",
    "Array",
    "Builder",
    "Graph",
    "Model",
    "Op",
    "OpCode",
    "Origin",
    "Quantization",
    "Signature",
    "Use",
    "Value",
]
