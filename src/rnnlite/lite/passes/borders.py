"""Keep copies from crossing the border of XNNPACK's memory: a fault of XNNPACK loses them there.

What enters: a model. What leaves: the same model, in which every op that XNNPACK runs as a plain
copy has its operands and results all in XNNPACK's own memory, or all in LiteRT's.

XNNPACK marks a copy whose source and target have one address as not to be done, and the mark stays
until the shapes are set anew. When a longer sequence makes its memory grow, it sets up all that it
holds once more, with addresses of the last run, which may be freed by then; malloc may have given
one of them to the new memory. A copy with one end in that memory and one outside is then not made,
and the result is wrong (`docs/upstream/xnnpack_skipped_copy.md`).

A copy of a CONCATENATION goes to a place within its result. Where that place moves with free axes,
addresses of the last run and the place of this one meet, and may be equal even where both ends are
outside.

Three things are done:

1. FULLY_CONNECTED keeps its rank. Without that the delegate puts a copy of the input in front.
2. Where a copy may have one end on each side, the ends that may be inside are read by a SHAPE whose
   result nobody asks for. XNNPACK has no SHAPE, so LiteRT holds the tensor in its own memory.
3. A CONCATENATION to places that move, outside, gets more operands than XNNPACK takes: empty ones.

Which side a tensor is on is decided by rule (`lite.partitions`). A tensor is surely outside where
the subgraph's border or an op that XNNPACK never takes touches it; surely inside where all that
touches it is always taken, in one partition, whichever of the ops in doubt are taken as well. What
is neither may be on either side and is put outside.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnlite.lite import flatbuffer
from rnnlite.lite.edit import at_version, dtype_code, new_constant, new_op, new_tensor
from rnnlite.lite.partitions import MOST_JOINED, STATEFUL, Taken, constants, partitions, taken
from rnnlite.lite.passes.flattening import RANK_KEPT
from rnnlite.lite.sizes import shape_of

COPIES = {
    "RESHAPE": (0,),
    "EXPAND_DIMS": (0,),
    "SQUEEZE": (0,),
    "SPLIT": (1,),
    "CONCATENATION": None,
}
"""Ops that XNNPACK runs as copies, and the places of the operands that are copied; None for all."""


def guard_copies(model: Any) -> int:
    """Let no copy cross the border of XNNPACK's memory, in place.

    Returns:
        How many tensors are held outside for it.
    """
    for content in model.subgraphs:
        _keep_ranks(model, content)
    if not _has_free_shapes(model):
        # Nothing can grow.
        return 0
    for content in model.subgraphs:
        _keep_moving_places(model, content)
    return sum(_hold_outside(model, content) for content in model.subgraphs)


def _has_free_shapes(model: Any) -> bool:
    return any(-1 in shape_of(t) for content in model.subgraphs for t in content.tensors)


def crossings(model: Any) -> list[tuple[int, str]]:
    """The copies that may cross the border: the number of the subgraph and the name of the op."""
    found = []
    for index, content in enumerate(model.subgraphs):
        for op in content.operators or []:
            if flatbuffer.op_name(model, op) == "FULLY_CONNECTED" and not _keeps_rank(op):
                found.append((index, "FULLY_CONNECTED"))
        sides = _Sides(model, content)
        found += [(index, "CONCATENATION") for _ in sides.moving()]
        found += [(index, flatbuffer.op_name(model, op)) for op, _ in sides.crossings()]
    return found


def _keeps_rank(op: Any) -> bool:
    return bool(op.builtinOptions is not None and op.builtinOptions.keepNumDims)


def _keep_ranks(model: Any, content: Any) -> None:
    """Products keep the rank of their input, which a RESHAPE flattens where it is not flat."""
    ops = []
    for op in content.operators or []:
        if flatbuffer.op_name(model, op) == "FULLY_CONNECTED" and not _keeps_rank(op):
            source = content.tensors[int(op.inputs[0])]
            if len(source.shape) != 2:
                ops.append(_flattened(model, content, op))
            op.builtinOptions.keepNumDims = True
            at_version(model, op, RANK_KEPT)
        ops.append(op)
    content.operators = ops


def _flattened(model: Any, content: Any, op: Any) -> Any:
    """A RESHAPE that makes a product's input a matrix."""
    source, kernel = (int(t) for t in op.inputs[:2])
    width = int(content.tensors[kernel].shape[1])
    flat = new_tensor(content, source, flatbuffer.dtype_name(content.tensors[source]))
    tensor = content.tensors[flat]
    tensor.quantization = content.tensors[source].quantization
    result = content.tensors[int(op.outputs[0])]
    tensor.shape = [int(result.shape[0]), width]
    free = result.shapeSignature is not None and int(result.shapeSignature[0]) < 0
    tensor.shapeSignature = [-1, width] if free else None
    shape = new_constant(model, content, np.array([-1, width], np.int32))
    op.inputs = [flat, *(int(t) for t in op.inputs[1:])]
    return new_op(model, "RESHAPE", [source, shape], [flat], options="ReshapeOptions")


class _Sides:
    """On which side of XNNPACK's border the tensors of a subgraph are.

    Attributes:
        outside: tensors that are surely outside; more may be added.
    """

    def __init__(self, model: Any, content: Any) -> None:
        self.model, self.content = model, content
        self.ops = list(content.operators or [])
        self.names = [flatbuffer.op_name(model, op) for op in self.ops]
        self.known = constants(model, content)
        self.stored = {
            t for t in self.known if flatbuffer.content(model, content.tensors[t]) is not None
        }
        self.taken = [taken(model, content, op, self.known) for op in self.ops]
        self.touching: dict[int, list[int]] = {}
        self.outside = {int(t) for t in [*content.inputs, *content.outputs]}
        self.outside |= {t for t, tensor in enumerate(content.tensors) if tensor.isVariable}
        # What is unpacked once is in memory of its own, or in LiteRT's.
        self.outside |= self.known - self.stored
        for k, op in enumerate(self.ops):
            for t in {int(t) for t in [*op.inputs, *op.outputs]}:
                self.touching.setdefault(t, []).append(k)
                if self.taken[k] is Taken.NEVER:
                    self.outside.add(t)
        self._cuts: list[list[int]] | None = None

    def crossings(self) -> list[tuple[Any, list[int]]]:
        """Copies that may cross the border, with the tensors that are not surely outside."""
        found = []
        for k, op in enumerate(self.ops):
            ends = self._ends(k)
            open_ends = [t for t in ends if t not in self.outside]
            if open_ends and not all(self._surely_inside(t) for t in ends):
                found.append((op, open_ends))
        return found

    def moving(self) -> list[Any]:
        """Joins that XNNPACK may run outside, whose operands go to places that free axes move."""
        found = []
        for k, op in enumerate(self.ops):
            if self.names[k] != "CONCATENATION" or not self._ends(k):
                continue
            axis = int(op.builtinOptions.axis)
            before = [shape_of(self.content.tensors[int(t)])[axis:] for t in op.inputs[:-1]]
            if any(-1 in sizes for sizes in before) and not all(
                self._surely_inside(t) for t in self._ends(k)
            ):
                found.append(op)
        return found

    def _ends(self, k: int) -> list[int]:
        """What an op copies, from and to, if XNNPACK may run it as a copy."""
        name, op = self.names[k], self.ops[k]
        if name not in COPIES or self.taken[k] is Taken.NEVER:
            return []
        places = COPIES[name]
        operands = [int(t) for t in op.inputs]
        moved = operands if places is None else [operands[p] for p in places]
        return [*(t for t in moved if t not in self.stored), *(int(t) for t in op.outputs)]

    def _surely_inside(self, tensor: int) -> bool:
        users = self.touching[tensor]
        if tensor in self.outside or any(self.taken[k] is not Taken.ALWAYS for k in users):
            return False
        return all(len({cut[k] for k in users}) == 1 for cut in self._all_cuts())

    def _all_cuts(self) -> list[list[int]]:
        """The partitions with none and all of the ops in doubt, and with all but one kind."""
        if self._cuts is None:
            doubtful = {n for n, t in zip(self.names, self.taken, strict=True) if t is Taken.MAYBE}
            choices = [doubtful, *({n} for n in doubtful), *(doubtful - {n} for n in doubtful)]
            choices.append(set())
            stateful = [n in STATEFUL for n in self.names]
            self._cuts = [
                partitions(
                    self.ops,
                    [
                        t is Taken.ALWAYS or (t is Taken.MAYBE and n in chosen)
                        for n, t in zip(self.names, self.taken, strict=True)
                    ],
                    stateful,
                )
                for chosen in choices
            ]
        return self._cuts


def _keep_moving_places(model: Any, content: Any) -> None:
    """Empty operands for joins to places that move: LiteRT runs them then."""
    moving = _Sides(model, content).moving()
    ops = []
    for op in content.operators or []:
        if any(op is m for m in moving):
            none, empty = _emptied(model, content, op)
            ops += [none, empty]
            missing = MOST_JOINED + 1 - len(op.inputs)
            op.inputs = [*(int(t) for t in op.inputs), *[int(empty.outputs[0])] * missing]
        ops.append(op)
    content.operators = ops


def _emptied(model: Any, content: Any, op: Any) -> tuple[Any, Any]:
    """No index, and a GATHER of none, along the axis that an op joins: XNNPACK takes neither."""
    zero, one = (new_constant(model, content, np.array([n], np.int32)) for n in (0, 1))
    none = new_tensor(content, zero, "int32")
    content.tensors[none].shape = [0]
    indices = new_op(
        model, "STRIDED_SLICE", [zero, zero, zero, one], [none], options="StridedSliceOptions"
    )
    source = int(op.inputs[-1])
    old = content.tensors[source]
    axis = int(op.builtinOptions.axis) % len(old.shape)
    result = new_tensor(content, source, flatbuffer.dtype_name(old))
    tensor = content.tensors[result]
    tensor.name, tensor.quantization = None, old.quantization
    tensor.shape = [0 if k == axis else int(d) for k, d in enumerate(old.shape)]
    if old.shapeSignature is not None:
        tensor.shapeSignature = [0 if k == axis else int(d) for k, d in enumerate(shape_of(old))]
    return indices, new_op(
        model, "GATHER", [source, none], [result], options="GatherOptions", axis=axis
    )


def _hold_outside(model: Any, content: Any) -> int:
    sides = _Sides(model, content)
    held: set[int] = set()
    while crossing := sides.crossings():
        # What is put outside for one copy may be an end of another.
        new = {t for _, ends in crossing for t in ends}
        held |= new
        sides.outside |= new
    if held:
        ops = []
        for op in content.operators:
            ops.append(op)
            for t in map(int, op.outputs):
                if t in held:
                    ops.append(_looked_at(model, content, t))
        content.operators = ops
    return len(held)


def _looked_at(model: Any, content: Any, tensor: int) -> Any:
    """A SHAPE of a tensor that is there for its looking alone."""
    shape = content.tensors[tensor].shape
    result = new_tensor(content, tensor, "int32")
    content.tensors[result].shape = [len(shape if shape is not None else [])]
    content.tensors[result].shapeSignature = None
    content.tensors[result].name = None
    kind = dtype_code("int32")
    return new_op(model, "SHAPE", [tensor], [result], options="ShapeOptions", outType=kind)
