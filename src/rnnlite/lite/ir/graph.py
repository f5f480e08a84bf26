"""A graph: ops in order, and the values that they read and make.

What enters: ops and values. What leaves: a `Graph`, which passes edit by its methods only.

It always holds that a value's producer is the op that has it among its results, and that its uses
are all places at which ops read it. Inserting and removing an op takes the same time at any place
and in any size of graph.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np

from rnnlite.lite.ir.ops import TABLES, Op, Option
from rnnlite.lite.ir.values import Array, Origin, Quantization, Value
from rnnlite.lowering.marks import Mark

if TYPE_CHECKING:
    from rnnlite.lite.ir.model import Model


class Ops:
    """The ops of a graph, in the order of computation.

    Iteration goes over the ops that are there when it begins, without those that are removed
    meanwhile: so a pass may insert and remove ops as it goes.
    """

    __slots__ = ("_count", "_first", "_graph", "_last")

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._first: Op | None = None
        self._last: Op | None = None
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Op]:
        for op in self._snapshot():
            if op.graph is self._graph:
                yield op

    def __reversed__(self) -> Iterator[Op]:
        for op in reversed(self._snapshot()):
            if op.graph is self._graph:
                yield op

    def __getitem__(self, place: int) -> Op:
        return self._snapshot()[place]

    def _snapshot(self) -> list[Op]:
        found = []
        op = self._first
        while op is not None:
            found.append(op)
            op = op._behind
        return found

    def _link(self, op: Op, before: Op | None) -> None:
        """Put an op in front of another one, or last."""
        front = self._last if before is None else before._before
        op._before, op._behind = front, before
        if front is None:
            self._first = op
        else:
            front._behind = op
        if before is None:
            self._last = op
        else:
            before._before = op
        self._count += 1

    def _unlink(self, op: Op) -> None:
        front, behind = op._before, op._behind
        if front is None:
            self._first = behind
        else:
            front._behind = behind
        if behind is None:
            self._last = front
        else:
            behind._before = front
        op._before = op._behind = None
        self._count -= 1


class Graph:
    """A graph of a model. Made by `Model.graph`.

    Attributes:
        model: the model that it belongs to.
        name: a name for people; "" for none.
        values: all values, in the order of the file.
        ops: the ops; see `Ops`.
        origin: for the body of a loop, the `Origin` of the loop.
        mark: for the body of a loop of a Scan, the `Mark` of the loop.
        debug: the index of its debug metadata in the file.
    """

    def __init__(self, model: Model, name: str = "") -> None:
        self.model = model
        self.name = name
        self.values: list[Value] = []
        self.ops = Ops(self)
        self.origin: Origin | None = None
        self.mark: Mark | None = None
        self.debug = -1
        self._inputs: list[Value] = []
        self._outputs: list[Value] = []
        self._read = [False, False]

    def __repr__(self) -> str:
        ends = ", ".join(map(repr, self.inputs))
        return f"Graph '{self.name}' ({ends}), {len(self.ops)} ops"

    def __str__(self) -> str:
        lines = [repr(self), *(f"    {op!r}" for op in self.ops)]
        return "\n".join([*lines, f"    return {', '.join(v.label for v in self.outputs)}"])

    @property
    def number(self) -> int:
        """Its index among the model's graphs; the main graph is 0."""
        return next(k for k, g in enumerate(self.model.graphs) if g is self)

    # Inputs and outputs

    @property
    def inputs(self) -> tuple[Value, ...]:
        """The inputs."""
        return tuple(self._inputs)

    @inputs.setter
    def inputs(self, inputs: Iterable[Value]) -> None:
        self._inputs = list(inputs)
        self._read[0] = False

    @property
    def outputs(self) -> tuple[Value, ...]:
        """The outputs."""
        return tuple(self._outputs)

    @outputs.setter
    def outputs(self, outputs: Iterable[Value]) -> None:
        for value in self._outputs:
            value._results -= 1
        self._outputs = list(outputs)
        for value in self._outputs:
            value._results += 1
        self._read[1] = False

    # Values

    def value(
        self,
        type: str,
        shape: Iterable[int],
        signature: Iterable[int] | None = None,
        *,
        name: str = "",
        quantization: Quantization | None = None,
    ) -> Value:
        """A new value that no op makes yet.

        Args:
            type: NumPy's name of the type.
            shape: see `Value.shape`.
            signature: the shape with -1 for free axes; None if there are none.
            name: a name for people.
            quantization: scale and zero point, where its integers stand for real numbers.
        """
        made = Value(self, type, shape, signature)
        made.name, made.quantization = name, quantization
        self.values.append(made)
        return made

    def constant(
        self, values: Array, *, name: str = "", quantization: Quantization | None = None
    ) -> Value:
        """A new constant of the type and shape of an array."""
        made = self.value(values.dtype.name, values.shape, name=name, quantization=quantization)
        if values.size:
            made.data = np.ascontiguousarray(values).reshape(values.shape)
        return made

    def like(
        self,
        value: Value,
        type: str | None = None,
        quantization: Quantization | None = None,
    ) -> Value:
        """A new value with the shape, name and origin of another one (see `Value.derive_from`)."""
        made = Value(self, type or value.type, value._shape, value._signature)
        made._read = value._read
        made.name, made.quantization = value.name, quantization
        made.is_variable, made.rank_is_said = value.is_variable, value.rank_is_said
        made.extra = value.extra
        made.derive_from(value)
        self.values.append(made)
        return made

    def drop_unused_values(self) -> None:
        """Remove the values that are no operand, result, input or output."""
        used = {id(v) for v in (*self._inputs, *self._outputs)}
        for op in self.ops:
            used |= {id(v) for v in (*op.inputs, *op.outputs, *op.intermediates)}
        kept = [v for v in self.values if id(v) in used]
        if len(kept) < len(self.values):
            self.values = kept
            self._read = [False, False]

    # Ops

    def op(
        self,
        kind: str,
        inputs: Iterable[Value | None],
        outputs: Iterable[Value],
        *,
        version: int = 1,
        options: Mapping[str, Option] | None = None,
        branches: Iterable[Graph] = (),
    ) -> Op:
        """A new op, which is not inserted yet.

        Args:
            kind: e.g. "QUANTIZE".
            inputs, outputs: values of this graph.
            version: the version that it needs at least.
            options: options by the schema's names, those that are not given being zero; None for an
                op without a table of options.
            branches: the graphs that it runs.
        """
        table = "" if options is None else TABLES[kind]
        made = Op(self.model.code(kind, version), inputs, outputs, table, options)
        made.branches = tuple(branches)
        return made

    def append(self, *ops: Op) -> None:
        """Insert ops behind all others."""
        self.insert(None, *ops)

    def insert(self, before: Op | None, *ops: Op) -> None:
        """Insert ops, in order, in front of another one; behind all others if that is None.

        Raises:
            ValueError: an op is in a graph already.
        """
        for op in ops:
            if op.graph is not None:
                raise ValueError(f"{op!r} stands in a graph already")
            self.ops._link(op, before)
            op.graph = self

    def insert_behind(self, op: Op, *ops: Op) -> None:
        """Insert ops, in order, behind another one."""
        self.insert(op._behind, *ops)

    def remove(self, *ops: Op) -> None:
        """Remove ops for good: they have no operands and results any more."""
        for op in ops:
            self.ops._unlink(op)
            op.graph = None
            op.inputs = ()
            op.outputs = ()

    def replace(self, op: Op, *ops: Op) -> None:
        """Replace an op by others, which may make its results."""
        self.insert(op, *ops)
        self.remove(op)
