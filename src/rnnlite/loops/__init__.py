"""Read a loop of any dialect: as a Scan, or as no Scan, with the reason.

What enters: a `Loop`, which a front end describes in the vocabulary of `nodes`. Today this is done
for the frames of TensorFlow 1 and the While nodes of TensorFlow 2; ONNX loops are first written as
While nodes. The scan of a jaxpr could be described in the same way. What leaves: a `Raised` Scan,
ready to be lowered, or `NotAScan` with the reason, which is logged.

The order of work: `reading` tells the variables of the loop apart, `bounds` finds the number of
iterations, `regions` sorts the body's nodes by what they depend on, `products` cuts products of [x,
h] in two, `cell` computes what is hoisted and runs the steps. No tensor library is imported here:
the front end gives one as `Tensors`.
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
