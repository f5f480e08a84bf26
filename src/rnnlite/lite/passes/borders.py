"""Keep copies from crossing the border of XNNPACK's memory: a fault of XNNPACK loses them there.

What enters: a model. What leaves: the same model, in which every op that XNNPACK runs as a plain
copy has its operands and results all in XNNPACK's own memory, or all in LiteRT's.

XNNPACK skips a copy whose source and target have one address. It decides this when it sets up a
copy, and the decision stands until the shapes change. When a longer sequence makes the memory of
XNNPACK grow, XNNPACK sets up all its copies again, with the addresses of the last run. An address
of the last run may have been freed, and malloc may have put the new memory of XNNPACK there. Then a
copy with one end in this memory and one end outside is skipped, and the result is wrong
(`docs/upstream/xnnpack_skipped_copy.md`).

A CONCATENATION copies to places within its result, a SPLIT from places within its operand. Where
such a place moves with free axes, an address of the last run may be equal to a place of this run,
even where both ends of the copy are outside.

Three things are done:

1. FULLY_CONNECTED keeps its rank. Otherwise the delegate puts a copy of the input in front of it.
2. Where a copy may have one end on each side, each end that may be inside gets a SHAPE as one more
   reader; nothing reads the result of the SHAPE. XNNPACK does not run SHAPE, so LiteRT holds the
   tensor in its own memory.
3. A CONCATENATION outside whose places move gets empty operands, until it has more operands than
   XNNPACK takes. A SPLIT of this kind becomes a SPLIT_V, which XNNPACK does not run.

Rules tell which side a tensor is on (`lite.partitions`). A tensor is surely outside where it is an
input or output of the subgraph, or where an op that XNNPACK never takes writes or reads it. A
tensor is surely inside where XNNPACK always takes all ops that write or read it, in one partition,
whichever of the ops in doubt it takes as well. Any other tensor is in doubt, and is put outside.
"""

from __future__ import annotations

import numpy as np

from rnnlite.lite.ir import FREE, Builder, Graph, Model, Op, Value
from rnnlite.lite.partitions import MOST_JOINED, STATEFUL, Taken, constants, partitions, taken
from rnnlite.lite.passes.flattening import RANK_KEPT
from rnnlite.lite.schema import type_number

COPIES = {
    "RESHAPE": (0,),
    "EXPAND_DIMS": (0,),
    "SQUEEZE": (0,),
    "SPLIT": (1,),
    "CONCATENATION": None,
}
"""Ops that XNNPACK runs as copies, and the places of the operands that are copied; None for all."""


def guard_copies(model: Model) -> int:
    """Let no copy cross the border of XNNPACK's memory, in place.

    Returns:
        How many values are held outside XNNPACK's memory for this.
    """
    for graph in model.graphs:
        _keep_ranks(graph)
    if not any(value.is_free for graph in model.graphs for value in graph.values):
        # Nothing can grow.
        return 0
    for graph in model.graphs:
        _keep_moving_places(graph)
    return sum(_hold_outside(graph) for graph in model.graphs)


def crossings(model: Model) -> list[tuple[int, str]]:
    """The copies that may cross the border: the number of the subgraph and the kind of the op."""
    found = []
    for number, graph in enumerate(model.graphs):
        products = (op for op in graph.ops if op.kind == "FULLY_CONNECTED")
        found += [(number, op.kind) for op in products if not op.flag("keepNumDims")]
        sides = _Sides(graph)
        found += [(number, op.kind) for op in sides.moving()]
        found += [(number, op.kind) for op, _ in sides.crossings()]
    return found


def _keep_ranks(graph: Graph) -> None:
    """Products keep the rank of their input, which a RESHAPE flattens where it is not flat."""
    for op in graph.ops:
        if op.kind == "FULLY_CONNECTED" and not op.flag("keepNumDims"):
            if op.input(0).rank != 2:
                _flatten(graph, op)
            op.options["keepNumDims"] = True
            graph.model.raise_version(op, RANK_KEPT)


def _flatten(graph: Graph, product: Op) -> None:
    """Add a RESHAPE that makes a product's input a matrix."""
    source, width = product.input(0), product.input(1).shape[1]
    flat = graph.like(source, quantization=source.quantization)
    rows = product.output
    flat.shape = [rows.shape[0], width]
    flat.signature = [FREE, width] if rows.dims[0] == FREE else None
    shape = graph.constant(np.array([FREE, width], np.int32))
    product.set_input(0, flat)
    graph.insert(product, graph.op("RESHAPE", [source, shape], [flat], options={}))


class _Sides:
    """On which side of XNNPACK's border the values of a graph are.

    Attributes:
        outside: values that are surely outside; more may be added.
    """

    def __init__(self, graph: Graph) -> None:
        self.ops = list(graph.ops)
        known = constants(graph)
        self.stored = {value for value in known if value.is_constant}
        self.taken = {op: taken(op, known) for op in self.ops}
        self.outside = {*graph.inputs, *graph.outputs}
        self.outside.update(value for value in graph.values if value.is_variable)
        # What is unpacked once is in memory of its own, or in LiteRT's.
        self.outside |= known - self.stored
        for op in self.ops:
            if self.taken[op] is Taken.NEVER:
                self.outside.update(op.operands, op.outputs)
        self._cuts: list[dict[Op, int]] | None = None

    def crossings(self) -> list[tuple[Op, list[Value]]]:
        """Copies that may cross the border, with the values that are not surely outside."""
        found = []
        for op in self.ops:
            ends = self._ends(op)
            open_ends = [v for v in ends if v not in self.outside]
            if open_ends and not all(self._surely_inside(v) for v in ends):
                found.append((op, open_ends))
        return found

    def moving(self) -> list[Op]:
        """Joins and splits that XNNPACK may run outside, at places that free axes move."""
        return [
            op
            for op in self.ops
            if (op.kind == "CONCATENATION" or op.kind == "SPLIT")
            and (ends := self._ends(op))
            and any(FREE in sizes for sizes in _in_front(op))
            and not all(self._surely_inside(v) for v in ends)
        ]

    def _ends(self, op: Op) -> list[Value]:
        """What an op copies, from and to, if XNNPACK may run it as a copy."""
        if op.kind not in COPIES or self.taken[op] is Taken.NEVER:
            return []
        places = COPIES[op.kind]
        moved = op.operands if places is None else [op.input(p) for p in places]
        return [*(v for v in moved if v not in self.stored), *op.outputs]

    def _surely_inside(self, value: Value) -> bool:
        users = [op for op in (value.producer, *value.readers) if op is not None]
        if value in self.outside or any(self.taken[op] is not Taken.ALWAYS for op in users):
            return False
        return all(len({cut[op] for op in users}) == 1 for cut in self._all_cuts())

    def _all_cuts(self) -> list[dict[Op, int]]:
        """The partitions with none and all of the ops in doubt, and with all but one kind."""
        if self._cuts is None:
            doubtful = {op.kind for op in self.ops if self.taken[op] is Taken.MAYBE}
            choices = [doubtful, *({n} for n in doubtful), *(doubtful - {n} for n in doubtful)]
            choices.append(set())
            stateful = [op.kind in STATEFUL for op in self.ops]
            self._cuts = []
            for chosen in choices:
                inside = [
                    self.taken[op] is Taken.ALWAYS
                    or (self.taken[op] is Taken.MAYBE and op.kind in chosen)
                    for op in self.ops
                ]
                numbers = partitions(self.ops, inside, stateful)
                self._cuts.append(dict(zip(self.ops, numbers, strict=True)))
        return self._cuts


def _in_front(op: Op) -> list[tuple[int, ...]]:
    """The sizes that say how far each part of a join or a split stands behind the one before."""
    if op.kind == "SPLIT":
        return [op.input(1).dims[_axis_of_split(op) :]]
    return [v.dims[op.integer("axis") :] for v in op.operands[:-1]]


def _axis_of_split(op: Op) -> int:
    """The axis; 0, as which all of the sizes count, where it is computed."""
    axis = op.input(0)
    return int(np.asarray(axis.data).ravel()[0]) % op.input(1).rank if axis.is_constant else 0


def _keep_moving_places(graph: Graph) -> None:
    """LiteRT runs the joins to places that move, and the splits of them."""
    for op in _Sides(graph).moving():
        if op.kind == "SPLIT":
            _split_by_sizes(graph, op)
            continue
        empty = _add_empty(graph, op)
        missing = MOST_JOINED + 1 - len(op.inputs)
        op.inputs = [*op.inputs, *[empty] * missing]


def _split_by_sizes(graph: Graph, op: Op) -> None:
    """A SPLIT_V in place of a SPLIT, whose axis is a constant: XNNPACK takes no other.

    Its sizes have to stand in the file for the results to be known before a run. So a free axis is
    cut in two first, that of the parts and that within a part.
    """
    source, axis, parts = op.input(1), _axis_of_split(op), list(op.outputs)
    builder = Builder(graph, op)
    count, free = len(parts), source.dims[axis] == FREE
    sizes = [1 if free else v.dims[axis] for v in parts]
    if free:
        dims = (*source.dims[:axis], count, FREE, *source.dims[axis + 1 :])
        cut = _likeness(graph, source, dims)
        builder.add("RESHAPE", [source, _add_shape_of_cut(builder, source, axis, dims)], [cut])
        dims = (*source.dims[:axis], 1, FREE, *source.dims[axis + 1 :])
        source, results = cut, [_likeness(graph, v, dims) for v in parts]
    else:
        results = parts
    operands = [source, builder.constant(sizes), builder.constant(axis)]
    # SPLIT came to int8 in its second version, SPLIT_V with it.
    version = min(op.version, 2)
    options = {"numSplits": count}
    graph.insert(op, graph.op("SPLIT_V", operands, results, version=version, options=options))
    if free:
        for result, part in zip(results, parts, strict=True):
            builder.add("SQUEEZE", [result], [part], squeezeDims=[axis])
    graph.remove(op)


def _likeness(graph: Graph, value: Value, dims: tuple[int, ...]) -> Value:
    """A value of the same type and scale in other sizes."""
    made = graph.like(value, quantization=value.quantization)
    made.name = ""
    made.shape, made.signature = [1 if d == FREE else d for d in dims], list(dims)
    return made


def _add_shape_of_cut(builder: Builder, source: Value, axis: int, dims: tuple[int, ...]) -> Value:
    """Add what RESHAPE takes: a constant where one size is free, else the source's own sizes."""
    if dims.count(FREE) == 1:
        return builder.constant(list(dims))
    shape = builder.make("SHAPE", [source], [source.rank], outType=type_number("int32"))
    one = builder.constant([1])
    parts = [builder.constant([dims[axis], -1])]
    for place, first, end in ((0, 0, axis), (2, axis + 1, source.rank)):
        if end > first:
            ends = builder.constant([first]), builder.constant([end])
            some = builder.make("STRIDED_SLICE", [shape, *ends, one], [end - first])
            parts.insert(place, some)
    return builder.make("CONCATENATION", parts, [len(dims)], axis=0)


def _add_empty(graph: Graph, op: Op) -> Value:
    """Add a GATHER of no index along the axis that an op joins: XNNPACK takes neither op."""
    zero, one = (graph.constant(np.array([n], np.int32)) for n in (0, 1))
    none = graph.like(zero)
    none.shape = [0]
    indices = graph.op("STRIDED_SLICE", [zero, zero, zero, one], [none], options={})
    source = op.operands[-1]
    axis = op.integer("axis") % source.rank
    empty = graph.like(source, quantization=source.quantization)
    empty.name = ""
    empty.shape = [0 if k == axis else d for k, d in enumerate(source.shape)]
    if source.signature is not None:
        empty.signature = [0 if k == axis else d for k, d in enumerate(source.dims)]
    gather = graph.op("GATHER", [source, none], [empty], options={"axis": axis})
    graph.insert(op, indices, gather)
    return empty


def _hold_outside(graph: Graph) -> int:
    sides = _Sides(graph)
    held: set[Value] = set()
    while crossing := sides.crossings():
        # What is put outside for one copy may be an end of another.
        new = {v for _, ends in crossing for v in ends}
        held |= new
        sides.outside |= new
    for op in graph.ops if held else ():
        graph.insert_behind(op, *(_look_at(graph, v) for v in op.outputs if v in held))
    return len(held)


def _look_at(graph: Graph, value: Value) -> Op:
    """A SHAPE of a value that is there for its looking alone."""
    result = graph.like(value, "int32")
    result.shape = [value.rank]
    result.signature = None
    result.name = ""
    return graph.op("SHAPE", [value], [result], options={"outType": type_number("int32")})
