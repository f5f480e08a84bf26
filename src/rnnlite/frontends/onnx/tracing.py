"""Trace an ONNX model as one TensorFlow function, at the sizes that are asked for.

What enters: a `Source`, the inputs that are not fixed, the outputs that are wanted, the request.
What leaves: `Traced`: the function with its Scans lowered, its inputs and notes, and its `Lengths`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace

from rnnlite.errors import RnnliteError, ShapeError
from rnnlite.frontends.building import sized
from rnnlite.frontends.functions import trace
from rnnlite.frontends.onnx.axes import batch_axis_beside, named_batch, time_axis_beside
from rnnlite.frontends.onnx.emit import Emitter, as_tensor
from rnnlite.frontends.onnx.nodes import FLOATS, ValueInfo
from rnnlite.frontends.onnx.reading import Source
from rnnlite.frontends.onnx.request import OnnxRequest
from rnnlite.frontends.onnx.values import Operand, Value
from rnnlite.frontends.recurrences import Recurrences
from rnnlite.frontends.sizes import forced_sizes, grown_axes, size_notes, with_sizes
from rnnlite.lengths.lengths import Lengths
from rnnlite.lengths.sizes import Axis
from rnnlite.lengths.tracing import lengths_of
from rnnlite.lengths.values import axes_of
from rnnlite.lowering.schedule import Options
from rnnlite.lowering.survey import Survey, within_budget
from rnnlite.scan.tensors import Array, ConcreteFunction, Tensor
from rnnlite.specs import TensorSpec


@dataclass(frozen=True, eq=False)
class Traced:
    """A model traced at the sizes that are asked for.

    Attributes:
        function: the ConcreteFunction.
        inputs: its inputs.
        recurrences: the recurrences that were lowered in it.
        notes: notes for the report.
        lengths: see `Entry`.
    """

    function: ConcreteFunction
    inputs: tuple[TensorSpec, ...]
    recurrences: Recurrences
    notes: list[str]
    lengths: Lengths


@dataclass(frozen=True, eq=False)
class Tracer:
    """Traces a model at given sizes, and finds its batch axes.

    Attributes:
        source, request: the model, and what is asked for.
        declared: the inputs that are not fixed.
        fixed: name -> array, of the other inputs.
        outputs: names of the outputs.
        counts: names of inputs that are known to count time steps.
    """

    source: Source
    request: OnnxRequest
    declared: Sequence[ValueInfo]
    fixed: Mapping[str, Array]
    outputs: Sequence[str]
    counts: Set[str] = frozenset()

    def opened(self) -> Traced:
        """The model traced at the sizes that are asked for."""
        axes = [named_batch(p) for p in self.declared]
        opened = self._at(self.request, axes)
        if all(axes_of(s.size) for s in opened.lengths.steps):
            return opened
        # A recurrence runs over no free axis: perhaps over the axis that was taken for the batch.
        try:
            free = self._at(replace(self.request, batch_size=None), axes)
        except RnnliteError:
            return opened
        times = {a for s in free.lengths.steps for a in axes_of(s.size)}
        moved = [
            batch_axis_beside(p, {a.axis for a in times if a.input == k})
            if axis is not None and Axis(k, axis) in times
            else axis
            for k, (p, axis) in enumerate(zip(self.declared, axes, strict=True))
        ]
        return opened if moved == axes else self._at(self.request, moved)

    def _at(self, request: OnnxRequest, axes: Sequence[int | None]) -> Traced:
        times = [time_axis_beside(p, axis) for p, axis in zip(self.declared, axes, strict=True)]
        specs = tuple(
            sized(_spec(p, axis, self._counts(p.name)), request, time_axis=time)
            for p, axis, time in zip(self.declared, axes, times, strict=True)
        )
        remarks: list[str] = []
        while True:
            # Each round but the last fixes at least one axis.
            opened = self._traced(specs)
            sizes = forced_sizes(opened.lengths)
            if not sizes:
                break
            remarks += size_notes(specs, sizes)
            specs = with_sizes(specs, sizes)
        opened.notes.extend(remarks)
        return opened

    def _traced(self, specs: tuple[TensorSpec, ...]) -> Traced:
        weights = [a.shape for a in self.source.graph.constants.values() if a.size > 1]

        def made(options: Options | Survey) -> tuple[ConcreteFunction, Recurrences, list[str]]:
            recurrences, notes = Recurrences(options), list[str]()

            def call(tensors: Sequence[Tensor]) -> list[Tensor]:
                notes.clear()
                return self._emitted(tensors, recurrences, notes)

            return trace(call, specs, autograph=False), recurrences, notes

        options = within_budget(self.request.schedule, lambda s: made(s)[0], weights)
        function, recurrences, notes = made(options)
        lengths = lengths_of(function, specs, recurrences.lowered)
        return Traced(function, specs, recurrences, notes, lengths)

    def _emitted(
        self, tensors: Sequence[Tensor], recurrences: Recurrences, notes: list[str]
    ) -> list[Tensor]:
        given: dict[str, Operand] = dict(self.fixed)
        given.update({p.name: Value.of(t) for p, t in zip(self.declared, tensors, strict=True)})
        emitter = Emitter(self.source.graph, given, recurrences, notes)
        return [as_tensor(v) for v in emitter.get_all(self.outputs)]

    def _quiet(self, specs: Sequence[TensorSpec]) -> ConcreteFunction:
        """The model at other sizes, traced only for its shapes."""
        recurrences = Recurrences(Survey())
        return trace(lambda t: self._emitted(t, recurrences, []), specs, autograph=False)

    def _counts(self, name: str) -> bool:
        """Whether an input counts time steps: a recurrence reads it as sequence_lens."""
        info = next(p for p in self.declared if p.name == name)
        if not info.dtype.startswith("int") or len(info.shape or ()) != 1:
            return False
        if name in self.counts:
            return True
        makers = {n: node for node in self.source.graph.nodes for n in node.outputs}
        queue = [
            node.inputs[4]
            for node in self.source.graph.nodes
            if node.op in ("LSTM", "GRU", "RNN") and len(node.inputs) > 4 and node.inputs[4]
        ]
        seen = set(queue)
        while queue:
            current = queue.pop()
            if current == name:
                return True
            if current in makers:
                new = [i for i in makers[current].inputs if i and i not in seen]
                seen.update(new)
                queue += new
        return False

    def output_axes(self, opened: Traced) -> list[int | None]:
        """The axis of each output that grows with the batch; the first where none is found to grow.

        If the batch is pinned, and that axis has another size, as in a time-major output whose
        batch is squeezed away, it is the first axis of the batch's size, or None.
        """
        sizes = {p.batch for p in opened.inputs if p.batch_axis is not None}
        if not sizes:
            return [None] * len(self.outputs)
        grown = grown_axes(self._quiet, opened.inputs) or [0] * len(self.outputs)
        if None in sizes:
            return grown
        found: list[int | None] = []
        for axis, y in zip(grown, opened.function.outputs, strict=True):
            dims = [] if y.shape.rank is None else y.shape.as_list()
            doubtful = axis is not None and axis < len(dims) and dims[axis] not in sizes
            fitting = (k for k, size in enumerate(dims) if size in sizes)
            found.append(next(fitting, None) if doubtful else axis)
        return found


def _spec(info: ValueInfo, axis: int | None, counts: bool) -> TensorSpec:
    if info.shape is None:
        raise ShapeError(
            f"the rank of input '{info.name}' is not known",
            expected="an input with a shape",
            remedy="If it is a switch or a number, fix it: "
            f"constants={{'{info.name}': VALUE}} (--constant {info.name}=VALUE); else export the "
            "model with the shapes of its inputs",
        )
    shape = tuple(s if isinstance(s, int) else None for s in info.shape)
    dtype = "float32" if info.dtype in FLOATS else info.dtype
    return TensorSpec(info.name, shape, dtype, batch_axis=axis, counts=counts)
