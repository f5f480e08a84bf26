"""From an ONNX graph to a `Program`.

What enters: a `Source` that was read, and the request. What leaves: its Program. Which axis is the
batch and which is time follows from the names of axes and from what recurrences run over.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from rnnlite.errors import RnnliteError, ShapeError, SourceError
from rnnlite.frontends.building import forced_sizes, sized
from rnnlite.frontends.functions import Runner, id_ranges, perturbed, trace
from rnnlite.frontends.onnx.emit import Emitter, as_tensor
from rnnlite.frontends.onnx.nodes import ValueInfo
from rnnlite.frontends.onnx.reading import FLOATS, Source
from rnnlite.frontends.onnx.reference import runner
from rnnlite.frontends.onnx.request import OnnxRequest
from rnnlite.frontends.onnx.values import Operand, Value
from rnnlite.frontends.program import Entry, Program, with_lengths
from rnnlite.frontends.randomness import refuse_random
from rnnlite.frontends.recurrences import Recurrences
from rnnlite.lengths.lengths import Lengths
from rnnlite.lengths.sizes import Axis, axes_of
from rnnlite.lengths.tracing import lengths_of
from rnnlite.lowering.schedule import Options
from rnnlite.lowering.survey import Survey, within_budget
from rnnlite.scan.tensors import Array, ConcreteFunction, Tensor
from rnnlite.specs import TensorSpec, with_values

BATCH_NAMES = frozenset(["b", "n", "bs", "bsz", "nb", "batchsize", "minibatch", "num_batch"])
SIZES = (5, 7)
"""Of a batch, that tell the batch axis of outputs."""


@dataclass(frozen=True, eq=False)
class _Opened:
    """A model at the sizes asked for."""

    function: ConcreteFunction
    inputs: tuple[TensorSpec, ...]
    recurrences: Recurrences
    notes: list[str]
    lengths: Lengths


def program_of(source: Source, request: OnnxRequest, *, reference: Runner | None = None) -> Program:
    """Open a model.

    Args:
        reference: what to compare with in place of ONNX Runtime, where the model was made of
            something else.

    Raises:
        SourceError: a name is not in it, or it cannot be read so.
        ShapeError: it does not take the sizes that are asked for.
        UnsupportedError: it holds what LiteRT has no form for.
    """
    fixed = _fixed(source, request.constants or {})
    declared = [p for p in source.graph.inputs if p.name not in fixed]
    if not declared:
        raise SourceError(
            f"{source.origin} takes no tensor",
            expected="an input left that takes data",
            remedy="Leave its constant out" if fixed else "",
        )
    names = _outputs(source, request.outputs)
    maker = _Maker(source, request, declared, fixed, names)
    opened = maker.opened()
    refuse_random(opened.function)
    outputs = [
        TensorSpec(name, tuple(t.shape), t.dtype.name, batch_axis=axis)
        for name, t, axis in zip(
            names, opened.function.outputs, maker.output_axes(opened), strict=True
        )
    ]
    reference = reference or runner(
        _with_outputs(source.proto, names),
        source.origin,
        [(p.name, p.dtype) for p in declared],
        [(o.name, o.dtype) for o in outputs],
        _as_declared(source, fixed),
    )
    notes = [*source.notes, *opened.notes, *_remarks(opened, declared)]
    inputs = with_lengths(opened.inputs, opened.lengths)
    entry = Entry(
        origin=source.origin,
        inputs=with_values(inputs, id_ranges(opened.function, inputs), {}),
        outputs=tuple(outputs),
        function=opened.function,
        reference=reference,
        perturbed=lambda amount, seed: perturbed(opened.function, amount, seed),
        recurrences=tuple(dict.fromkeys(opened.recurrences.records)),
        notes=tuple(dict.fromkeys(notes)),
        lengths=opened.lengths,
        scans=tuple(opened.recurrences.lowered),
    )
    return Program.of(entry)


def _fixed(source: Source, constants: Mapping[str, Any]) -> dict[str, Array]:
    """The inputs that are fixed to values, as the graph computes with them."""
    infos = {p.name: p for p in source.graph.inputs}
    found = {}
    for label, value in constants.items():
        name = label if label in infos else label.removesuffix(":0")
        if name not in infos:
            raise SourceError(
                f"the constant '{label}' is no input of {source.origin}",
                expected=", ".join(f"'{n}'" for n in infos),
                found=f"'{label}'",
                remedy="Give the name of an input",
            )
        info = infos[name]
        dtype = "float32" if info.dtype in FLOATS else info.dtype
        try:
            array = np.asarray(value).astype(dtype)
        except (ValueError, TypeError):
            array = np.zeros(0)
        rank = None if info.shape is None else len(info.shape)
        if rank is not None and array.ndim < rank and array.size == 1:
            array = array.reshape([1] * rank)
        if array.size == 0 or (rank is not None and array.ndim != rank):
            raise SourceError(
                f"the constant '{label}' does not fit the input '{name}'",
                expected=f"{dtype} of rank {rank}",
                found=repr(value)[:80],
            )
        found[name] = array
    return found


def _as_declared(source: Source, fixed: Mapping[str, Array]) -> dict[str, Array]:
    infos = {p.name: p for p in source.graph.inputs}
    return {n: a.astype(infos[n].dtype) for n, a in fixed.items()}


def _outputs(source: Source, asked: Sequence[str] | None) -> list[str]:
    """The names of the outputs."""
    own = [p.name for p in source.graph.outputs]
    if not asked:
        return own
    made = {n for node in source.graph.nodes for n in node.outputs}
    found = []
    for label in asked:
        name = label if label in made else label.removesuffix(":0")
        if name not in made:
            raise SourceError(
                f"{source.origin} has no tensor '{label}'",
                expected="the name of a node's result",
                found=f"outputs {', '.join(repr(n) for n in own)}",
            )
        found.append(name)
    return found


def _with_outputs(proto: Any, names: Sequence[str]) -> Any:
    """The model with other tensors as outputs."""
    own = {v.name for v in proto.graph.output}
    if set(names) <= own:
        return proto
    changed = type(proto)()
    changed.CopyFrom(proto)
    for name in names:
        if name not in own:
            changed.graph.output.add(name=name)
    return changed


@dataclass(frozen=True, eq=False)
class _Maker:
    """Traces a model at sizes, and looks for its batch axes."""

    source: Source
    request: OnnxRequest
    declared: Sequence[ValueInfo]
    fixed: Mapping[str, Array]
    outputs: Sequence[str]

    def opened(self) -> _Opened:
        """The model at the sizes asked for."""
        axes = [_named_batch(p) for p in self.declared]
        opened = self._at(self.request, axes)
        if all(axes_of(s.size) for s in opened.lengths.steps):
            return opened
        # Some recurrence runs over no free axis: it may be over what was taken for the batch.
        try:
            free = self._at(replace(self.request, batch_size=None), axes)
        except RnnliteError:
            return opened
        times = {a for s in free.lengths.steps for a in axes_of(s.size)}
        moved = [
            _batch_axis(p, {a.axis for a in times if a.input == k})
            if axis is not None and Axis(k, axis) in times
            else axis
            for k, (p, axis) in enumerate(zip(self.declared, axes, strict=True))
        ]
        return opened if moved == axes else self._at(self.request, moved)

    def _at(self, request: OnnxRequest, axes: Sequence[int | None]) -> _Opened:
        times = [_time_axis(p, axis) for p, axis in zip(self.declared, axes, strict=True)]
        specs = tuple(
            sized(_spec(p, axis, self._counts(p.name)), request, time_axis=time)
            for p, axis, time in zip(self.declared, axes, times, strict=True)
        )
        remarks: list[str] = []
        while True:
            # Each round fixes an axis at least, or is the last.
            opened = self._traced(specs)
            sizes = forced_sizes(opened.lengths)
            if not sizes:
                break
            remarks += [
                f"axis {a.axis} of input '{specs[a.input].name}' is {n}: its ops take no other size"
                for a, n in sizes.items()
            ]
            specs = tuple(
                replace(
                    p, shape=tuple(sizes.get(Axis(k, n), size) for n, size in enumerate(p.shape))
                )
                for k, p in enumerate(specs)
            )
        opened.notes.extend(remarks)
        return opened

    def _traced(self, specs: tuple[TensorSpec, ...]) -> _Opened:
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
        return _Opened(function, specs, recurrences, notes, lengths)

    def _emitted(
        self, tensors: Sequence[Tensor], recurrences: Recurrences, notes: list[str]
    ) -> list[Tensor]:
        given: dict[str, Operand] = dict(self.fixed)
        given.update({p.name: Value.of(t) for p, t in zip(self.declared, tensors, strict=True)})
        emitter = Emitter(self.source.graph, given, recurrences, notes)
        return [as_tensor(v) for v in emitter.get_all(self.outputs)]

    def _quiet(self, specs: Sequence[TensorSpec]) -> ConcreteFunction:
        """The model at other sizes, for its shapes alone."""
        recurrences = Recurrences(Survey())
        return trace(lambda t: self._emitted(t, recurrences, []), specs, autograph=False)

    def _counts(self, name: str) -> bool:
        """Whether an input holds the numbers of time steps."""
        info = next(p for p in self.declared if p.name == name)
        if not info.dtype.startswith("int") or len(info.shape or ()) != 1:
            return False
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

    def output_axes(self, opened: _Opened) -> list[int | None]:
        """The axis of each output that grows with the batch, from shapes at two sizes of it."""
        count = len(self.outputs)
        if all(p.batch_axis is None for p in opened.inputs):
            return [None] * count
        shapes = []
        for size in SIZES:
            specs = [
                p
                if p.batch_axis is None
                else replace(
                    p, shape=(*p.shape[: p.batch_axis], size, *p.shape[p.batch_axis + 1 :])
                )
                for p in opened.inputs
            ]
            try:
                shapes.append([y.shape for y in self._quiet(specs).outputs])
            except (RnnliteError, ValueError):
                return [0] * count
        found: list[int | None] = []
        for a, b in zip(*shapes, strict=True):
            grown = [k for k in range(a.rank or 0) if (a[k], b[k]) == SIZES]
            found.append(grown[0] if grown else None if a.rank == 0 else 0)
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


def _named_batch(info: ValueInfo) -> int | None:
    """The axis called like a batch; else the first that is free, or of one; None where none is."""
    shape = info.shape or ()
    for k, size in enumerate(shape):
        if isinstance(size, str) and is_batch_name(size):
            return k
    others = [k for k, size in enumerate(shape) if not isinstance(size, int) or size == 1]
    unnamed = [k for k in others if not _is_time_name(shape[k])]
    return next(iter(unnamed), None) if len(shape) != 1 or unnamed else None


def is_batch_name(name: str) -> bool:
    """Whether an axis is called like a batch."""
    plain = name.lower().replace("-", "_")
    return plain.startswith("batch") or plain.endswith("batch") or plain in BATCH_NAMES


def _is_time_name(name: object) -> bool:
    plain = str(name).lower()
    return plain in ("t", "l", "s") or any(
        w in plain for w in ("seq", "time", "len", "step", "fram")
    )


def _batch_axis(info: ValueInfo, times: Set[int]) -> int | None:
    """The first axis that is free, or of one, and that no recurrence runs over."""
    shape = info.shape or ()
    free = [k for k, s in enumerate(shape) if not isinstance(s, int) and k not in times]
    ones = [k for k, s in enumerate(shape) if s == 1 and k not in times]
    return next(iter([*free, *ones]), None)


def _time_axis(info: ValueInfo, batch: int | None) -> int | None:
    """The first free axis beside the batch."""
    shape = info.shape or ()
    free = [k for k, s in enumerate(shape) if not isinstance(s, int) and k != batch]
    return free[0] if free else None


def _remarks(opened: _Opened, declared: Sequence[ValueInfo]) -> list[str]:
    found = [
        f"input '{p.name}' takes a single number at each call; constants= (--constant) fixes it"
        for p in opened.inputs
        if not p.shape
    ]
    free = {a.input for a in opened.lengths.times}
    found += [
        f"input '{p.name}' has no free axis, as the model pins {list(p.shape)}"
        for k, p in enumerate(declared)
        if p.shape is not None
        and len(p.shape) >= 3
        and all(isinstance(s, int) for s in p.shape)
        and k not in free
        and len(opened.lengths.steps) > 0
    ]
    if not opened.recurrences.records:
        found.append("the model has no recurrence; it is converted as it is")
    return found
