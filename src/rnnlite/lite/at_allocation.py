"""What the runtime knows of a graph before a run: the numbers in some values, and so shapes.

What enters: a graph. What leaves: the values whose numbers are known when tensors are allocated;
the ops whose results have no known shape then; and the late results of the model, whose shapes are
known only after a run.

The runtime prepares ops in order. It computes the ops of `COMPUTED` at once where their operands
are known, and reads shapes from such operands (`SHAPES`). At the first op whose result has no known
shape it stops, and goes on after that op has run: so all results behind it are late. The tables
were found by running each op (`tests/lite/test_at_allocation.py`).
"""

from __future__ import annotations

from rnnlite.lite.ir import FREE, Graph, Model, Op, Value

COMPUTED = frozenset(
    ["SHAPE", "STRIDED_SLICE", "RESHAPE", "GATHER", "CONCATENATION", "MUL", "REDUCE_PROD"]
)
"""Ops that are computed before a run where all their operands are known."""

SHAPES: dict[str, tuple[int, ...]] = {
    "BATCH_TO_SPACE_ND": (1, 2),
    "BROADCAST_TO": (1,),
    "FILL": (0,),
    "MIRROR_PAD": (1,),
    "ONE_HOT": (1,),
    "PAD": (1,),
    "PADV2": (1,),
    "RANGE": (0, 1, 2),
    "RESHAPE": (1,),
    "RESIZE_BILINEAR": (1,),
    "RESIZE_NEAREST_NEIGHBOR": (1,),
    "SCATTER_ND": (2,),
    "SLICE": (1, 2),
    "SPACE_TO_BATCH_ND": (1, 2),
    "SPLIT_V": (1,),
    "STRIDED_SLICE": (1, 2, 3),
    "TILE": (1,),
    "TRANSPOSE_CONV": (0,),
}
"""Kind of op -> the operands whose numbers give the shape of its result."""

DECIDED = frozenset(["NON_MAX_SUPPRESSION_V4", "NON_MAX_SUPPRESSION_V5", "UNIQUE", "WHERE"])
"""Ops whose result has a size that depends on the data."""

CONSTANT = frozenset(["TRANSPOSE_CONV"])
"""Ops that read the shape of their result, before a run, only from a constant."""


class AtAllocation:
    """Tells which numbers and shapes are known before a run, and remembers its answers."""

    def __init__(self) -> None:
        self._known: dict[Value, bool] = {}
        self._late: dict[Graph, bool] = {}

    def knows(self, value: Value) -> bool:
        """Whether the numbers in a value are known, where the shapes of its operands are."""
        if value.is_constant:
            return True
        op = value.producer
        if op is None or op.kind not in COMPUTED:
            return False
        if op.kind == "SHAPE":
            return True
        if value not in self._known:
            self._known[value] = all(self.knows(v) for v in op.operands)
        return self._known[value]

    def open_shapes(self, op: Op) -> list[int]:
        """The indices of operands that give the shape of the result, but are not known."""
        constant = op.kind in CONSTANT
        return [
            k
            for k in SHAPES.get(op.kind, ())
            if (v := op.operand(k)) is not None
            and not (v.is_constant if constant else self.knows(v))
        ]

    def is_late(self, op: Op) -> bool:
        """Whether the shape of a result of an op is unknown when the op is prepared."""
        if op.kind in DECIDED:
            return True
        shapes = self.open_shapes(op)
        # The shape of a scalar has no buffer, and counts as not known.
        if shapes and any(v.is_free for v in op.outputs):
            return True
        if any(op.input(k).is_empty for k in shapes):
            return True
        if op.kind == "WHILE":
            body = op.branches[1]
            return any(map(self._has_late, op.branches)) or not all(
                _keeps_shape(a, r) for a, r in zip(body.inputs, body.outputs, strict=True)
            )
        return any(map(self._has_late, op.branches))

    def _has_late(self, graph: Graph) -> bool:
        if graph not in self._late:
            self._late[graph] = any(self.is_late(op) for op in graph.ops)
        return self._late[graph]


def late_results(model: Model) -> list[Value]:
    """The outputs of a model, of all signatures, whose size is known only after a run."""
    known = AtAllocation()
    return [value for graph in model.called for value in _late_of(graph, known)]


def _late_of(graph: Graph, known: AtAllocation) -> list[Value]:
    late = False
    found: set[Value] = set()
    for op in graph.ops:
        late = late or known.is_late(op)
        if late:
            found.update(v for v in op.outputs if v.is_free)
    return [v for v in graph.outputs if v in found]


_ELEMENTWISE = (
    "ABS ADD CAST DEQUANTIZE DIV ELU EXP GELU HARD_SWISH LEAKY_RELU LOG LOGISTIC MAXIMUM MINIMUM "
    "MUL NEG POW QUANTIZE RELU RELU6 RSQRT SIGN SOFTMAX SQRT SQUARE SQUARED_DIFFERENCE SUB TANH"
)
_KEEPING: dict[str, tuple[int, ...]] = {
    **dict.fromkeys(_ELEMENTWISE.split(), (0, 1)),
    **dict.fromkeys(("CONV_2D", "DYNAMIC_UPDATE_SLICE", "FULLY_CONNECTED", "RESHAPE"), (0,)),
    **dict.fromkeys(("SELECT", "SELECT_V2"), (1, 2)),
}
"""Kind of op -> the operands whose free sizes its result has."""


def _keeps_shape(argument: Value, result: Value) -> bool:
    """Whether a result of a loop's body always has the shape of its argument."""
    if not result.is_free or result is argument:
        return True
    op = result.producer
    if op is not None and op.kind == "WHILE":
        # An inner loop keeps a shape if its body does.
        place, body = op.outputs.index(result), op.branches[1]
        inner = _keeps_shape(body.inputs[place], body.outputs[place])
        return inner and _keeps_shape(argument, op.input(place))
    operands = _alike(op) if op is not None else []
    return any(v is not None and v.is_free and _keeps_shape(argument, v) for v in operands)


def _alike(op: Op) -> list[Value | None]:
    """The operands of an op whose free sizes its result has."""
    if op.kind == "SPLIT":
        axis = op.input(0).integers()
        # The axis has a known size, as that of gates.
        fixed = axis is not None and op.input(1).dims[axis[0]] != FREE
        return [op.input(1)] if fixed else []
    if op.kind == "CONCATENATION":
        return list(op.operands) if op.output.dims[op.integer("axis")] != FREE else []
    return [op.operand(k) for k in _KEEPING.get(op.kind, ())]
