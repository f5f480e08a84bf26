"""The reader of loops, free of any dialect: from a loop to a Scan, or to the reason why not.

What enters: a `Loop`, which a front end describes in the vocabulary of `nodes`: TensorFlow frames
and While nodes today (loops of ONNX are first written as such); the scan of a jaxpr could be
described in the same way. What leaves: a `Raised` Scan, ready to be lowered, or `NotAScan` with the
reason, which is logged.

The order of work: `reading` tells the variables of the loop apart, `bounds` finds the number of
iterations, `regions` sorts the body's nodes by what they depend on, `products` cuts products of [x,
h] in two, `cell` computes what is hoisted and takes the steps. No tensor library is imported here:
a front end hands one in as `Tensors`.
"""

from rnnlite.loops.cell import BodyCell
from rnnlite.loops.loop import Condition, Loop, Region, Rows, Tensors, Variable
from rnnlite.loops.nodes import Kind, Node, Ref
from rnnlite.loops.reading import NotAScan, Reading, read
from rnnlite.loops.scans import Raised, scan_of

__all__ = [
    "BodyCell",
    "Condition",
    "Kind",
    "Loop",
    "Node",
    "NotAScan",
    "Raised",
    "Reading",
    "Ref",
    "Region",
    "Rows",
    "Tensors",
    "Variable",
    "read",
    "scan_of",
]
