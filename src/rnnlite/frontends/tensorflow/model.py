"""From a `Frozen` graph to an `Entry`: its sizes decided, the graph emitted anew."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import Any

import tensorflow as tf

from rnnlite.errors import RnnliteError, UnsupportedError
from rnnlite.frontends.building import forced_sizes
from rnnlite.frontends.functions import (
    Runner,
    id_ranges,
    perturb_graph,
    perturbed,
    runner,
    session_runner,
    trace,
)
from rnnlite.frontends.program import Entry, type_notes, with_lengths
from rnnlite.frontends.random_inputs import random_inputs
from rnnlite.frontends.randomness import refuse_random
from rnnlite.frontends.tensorflow import array_ops, conditions, fused, kernels, loops, rules
from rnnlite.frontends.tensorflow.emit import Emitter, Session
from rnnlite.frontends.tensorflow.fused import expand
from rnnlite.frontends.tensorflow.nodes import (
    Graph,
    graph_of,
    name_of,
    pruned,
    stop_waiting,
    with_defaults,
)
from rnnlite.frontends.tensorflow.request import TensorFlowRequest
from rnnlite.frontends.tensorflow.settling import only_sizes
from rnnlite.frontends.tensorflow.signatures import (
    Declared,
    SignatureRefs,
    shaped,
    signature_refs,
    spec_of,
)
from rnnlite.frontends.tensorflow.source import Frozen
from rnnlite.lengths.lengths import Lengths
from rnnlite.lengths.sizes import Axis, axes_of
from rnnlite.lengths.tracing import lengths_of
from rnnlite.lowering.schedule import Options
from rnnlite.lowering.survey import Survey, within_budget
from rnnlite.scan.protos import GraphDef
from rnnlite.scan.tensors import Tensor
from rnnlite.specs import TensorSpec, with_values

__all__ = ["array_ops", "conditions", "fused", "kernels", "loops", "entry_of", "rules"]

BATCHES = (5, 7)
"""Sizes that tell the batch axis of outputs; primes, which no other axis is made of by chance."""

LENGTHS = (11, 13)
"""At which the graph is run to tell it."""


@dataclass(frozen=True, eq=False)
class _Traced:
    """The graph emitted at the shapes asked for.

    Attributes:
        function: the ConcreteFunction.
        specs: its inputs.
        call: what was traced, to trace it again.
        session: records and notes.
        ids: see `TensorSpec.ids`, by the inputs' own names.
        lengths: see `Entry.lengths`.
    """

    function: Any
    specs: tuple[TensorSpec, ...]
    call: Callable[[Sequence[Any]], list[Any]]
    session: Session
    ids: dict[str, tuple[int, int]]
    lengths: Lengths


def entry_of(source: Frozen, request: TensorFlowRequest) -> Entry:
    """Open a frozen graph.

    Args:
        source: the graph, and what its source tells of its inputs and outputs.
        request: what the user wants; inputs and outputs named here come before the source's.

    Raises:
        SourceError, ShapeError, UnsupportedError: of names, of sizes, of ops.
    """
    definition = with_defaults(source.definition)
    graph = graph_of(definition)
    refs = signature_refs(graph, request.inputs or source.inputs, request.outputs or source.outputs)
    declared = [(r, spec_of(graph, r)) for r in refs.inputs]
    # Where an inner tensor is named as an input, what made it is gone, and nothing waits for it.
    stop_waiting(definition, [name_of(r) for r in refs.inputs])
    definition = pruned(definition, [*refs.outputs, *refs.inputs])
    traced, baked = _at_any_batch(graph, refs, declared, request)
    found = _settled(definition, refs, traced, declared, request)
    if found:
        declared = _with_sizes(declared, found)
        traced, baked = _at_any_batch(graph, refs, declared, request)
        baked += [
            f"axis {a.axis} of input '{declared[a.input][1].name}' is {n}: the graph takes no "
            "other size"
            for a, n in found.items()
        ]
    refuse_random(
        traced.function,
        switches=[f"{p.name}:0" for p in traced.specs if not p.shape],
        fixed=source.fixed,
    )
    own = source.names is not None and request.inputs is None and request.outputs is None
    labels = source.names if own and source.names is not None else _labels(refs)
    reference, perturb, remark = _references(definition, refs, traced, declared)
    axes = _batch_axes(traced, reference)
    outputs = tuple(
        TensorSpec(label, tuple(t.shape), t.dtype.name, batch_axis=axis)
        for label, t, axis in zip(labels[1], traced.function.outputs, axes, strict=True)
    )
    inputs = tuple(
        replace(
            p,
            name=label,
            counts=p.counts and p.name not in traced.ids,
            ids=traced.ids.get(p.name),
        )
        for label, p in zip(labels[0], traced.specs, strict=True)
    )
    notes = [*source.notes, *refs.notes, *traced.session.notes, *baked]
    notes += [
        f"input '{p.name}' takes a single number at each call; constants= (--constant) fixes it"
        for p in inputs
        if not p.shape
    ]
    notes += [*_pinned([spec_of(graph, r) for r, _ in declared], traced.lengths), *remark]
    if not traced.session.records:
        notes.append("the graph has no recurrence; it is converted as it is")
    return Entry(
        origin=source.origin,
        inputs=with_lengths(inputs, traced.lengths),
        outputs=outputs,
        function=traced.function,
        reference=reference,
        perturbed=perturb,
        recurrences=tuple(traced.session.records.values()),
        notes=tuple(dict.fromkeys(notes)),
        lengths=traced.lengths,
        scans=tuple(traced.session.lowered),
    )


def _settled(
    definition: GraphDef,
    refs: SignatureRefs,
    traced: _Traced,
    declared: Declared,
    request: TensorFlowRequest,
) -> dict[Axis, int]:
    """Sizes of free axes that are no time and that the graph takes at one size alone."""
    reference, _, remark = _references(definition, refs, traced, declared)
    if remark:
        return {}
    found = only_sizes(reference, traced.specs, traced.lengths, definition, traced.ids)
    # A size of 1 is that of the batch, which may be another here.
    one = request.batch_size in ("auto", 1)
    return {axis: size for axis, size in found.items() if size > 1 or one}


def _with_sizes(declared: Declared, found: Mapping[Axis, int]) -> list[tuple[str, TensorSpec]]:
    """The inputs with sizes for some free axes."""
    return [
        (r, replace(p, shape=tuple(found.get(Axis(k, n), d) for n, d in enumerate(p.shape))))
        for k, (r, p) in enumerate(declared)
    ]


def _at_any_batch(
    graph: Graph, refs: SignatureRefs, declared: Declared, request: TensorFlowRequest
) -> tuple[_Traced, list[str]]:
    """The graph at the batch asked for; at the one it computes with, if that was left open."""
    try:
        return _traced(graph, refs, declared, request), []
    except UnsupportedError as e:
        if request.batch_size != "auto":
            raise
        refusal = e
    try:
        free = _traced(graph, refs, declared, replace(request, batch_size=None))
        sizes = {t.shape[0] for t in free.function.outputs if t.shape.rank} - {None}
        (size,) = sizes
        return (
            _traced(graph, refs, declared, replace(request, batch_size=size)),
            [f"batch size {size} is kept: the graph computes with it"],
        )
    except (RnnliteError, ValueError):
        raise refusal from None


def _traced(
    graph: Graph, refs: SignatureRefs, declared: Declared, request: TensorFlowRequest
) -> _Traced:
    """The graph at the sizes asked for, each input's batch axis found by what loops run over."""
    traced = _traced_at(graph, refs, declared, request, {})
    open_ = traced
    free = any(None in p.shape for _, p in declared)
    if free and not all(axes_of(s.size) for s in traced.lengths.steps):
        # Some loop runs over no free axis: it may be over what was taken for the batch.
        try:
            open_ = _traced_at(graph, refs, declared, replace(request, batch_size=None), {})
        except RnnliteError:
            return traced
    times = {a for s in open_.lengths.steps for a in axes_of(s.size)}
    axes = {
        r: _batch_axis(p, {a.axis for a in times if a.input == k})
        for k, ((r, p), spec) in enumerate(zip(declared, open_.specs, strict=True))
        if spec.batch_axis is not None and Axis(k, spec.batch_axis) in times
    }
    return _traced_at(graph, refs, declared, request, axes) if axes else traced


def _batch_axis(spec: TensorSpec, times: Set[int]) -> int | None:
    """The first free axis that no loop runs over; None where there is none."""
    return next((k for k, d in enumerate(spec.shape) if d is None and k not in times), None)


def _traced_at(
    graph: Graph,
    refs: SignatureRefs,
    declared: Declared,
    request: TensorFlowRequest,
    batch_axes: Mapping[str, int | None],
) -> _Traced:
    specs = shaped(graph, declared, request, batch_axes)
    expanded = expand(graph)
    notes: list[str] = []

    def emitted(options: Options | Survey) -> tuple[Any, Callable[..., Any], Session]:
        session = Session(options)
        session.needed = expanded.ancestors(refs.outputs)
        session.outputs = {name_of(r) for r in refs.outputs}
        call = _call(session, expanded, declared, refs.outputs)
        return trace(call, specs, autograph=False), call, session

    weights = _weight_shapes(graph)
    while True:
        # Each round fixes an axis at least, or is the last.
        options = within_budget(request.schedule, lambda s: emitted(s)[0], weights)
        function, call, session = emitted(options)
        lengths = lengths_of(function, specs, session.lowered)
        sizes = forced_sizes(lengths)
        if not sizes:
            break
        notes += [
            f"axis {a.axis} of input '{specs[a.input].name}' is {n}: its ops take no other size"
            for a, n in sizes.items()
        ]
        specs = tuple(p for _, p in _with_sizes([("", p) for p in specs], sizes))
    session.notes += notes
    ids = id_ranges(function, specs)
    # All is reported; to trace it again is to ask for shapes alone.
    session.probing = True
    if request.integer and any(p.name in ids and p.dtype == "float32" for p in specs):
        given = specs
        specs = tuple(replace(p, dtype="int32") if p.name in ids else p for p in specs)
        session.notes += type_notes(given, specs)
        function = trace(call, specs, autograph=False)
    return _Traced(function, specs, call, session, ids, lengths)


def _weight_shapes(graph: Graph) -> list[Any]:
    """The shapes of the graph's float constants that are no single numbers."""
    shapes = [
        tuple(d.size for d in node.attr["value"].tensor.tensor_shape.dim)
        for node in graph.nodes.values()
        if node.op == "Const" and node.attr["dtype"].type == tf.float32.as_datatype_enum
    ]
    return [shape for shape in shapes if any(d > 1 for d in shape)]


def _call(
    session: Session, graph: Graph, declared: Declared, outputs: Sequence[str]
) -> Callable[[Sequence[Any]], list[Any]]:
    """A function of the inputs that emits the graph."""

    def call(tensors: Sequence[Tensor]) -> list[Any]:
        given = {r: tf.cast(t, p.dtype) for (r, p), t in zip(declared, tensors, strict=True)}
        return Emitter(session, graph, given).get_all(outputs)

    return call


def _references(
    definition: GraphDef, refs: SignatureRefs, traced: _Traced, declared: Declared
) -> tuple[Runner, Callable[[float, int], Runner], list[str]]:
    """The graph as TensorFlow runs it, the same with moved weights, and what is to be said."""
    if any(node.op.startswith("CudnnRNN") for node in definition.node):
        remark = "TensorFlow runs no CudnnRNN without a GPU: compared with its equations"
        return (
            runner(traced.function),
            lambda amount, seed: perturbed(traced.function, amount, seed),
            [remark],
        )
    dtypes = [p.dtype for _, p in declared]
    return (
        session_runner(definition, refs.inputs, refs.outputs, dtypes),
        lambda amount, seed: session_runner(
            moved(definition, amount, seed), refs.inputs, refs.outputs, dtypes
        ),
        [],
    )


def _batch_axes(traced: _Traced, reference: Runner) -> list[int | None]:
    """The axis of each output that grows with the batch.

    It is the first, if shapes do not say otherwise. Where inputs are time-major the graph is traced
    at two sizes. Where outputs are, as those before CTC often are, it is run.
    """
    specs, outputs = traced.specs, traced.function.outputs
    if all(p.batch_axis is None for p in specs):
        return [None] * len(outputs)
    if any(p.batch_axis != 0 for p in specs):
        return _traced_axes(traced)
    sizes = {p.batch for p in specs}
    if None not in sizes and all(not y.shape.rank or y.shape[0] in sizes for y in outputs):
        return [0] * len(outputs)
    return _measured_axes(traced, reference)


def _traced_axes(traced: _Traced) -> list[int | None]:
    """The axes, from shapes at two sizes of the batch."""
    shapes = []
    for size in BATCHES:
        sized = [
            p
            if p.batch_axis is None
            else replace(p, shape=(*p.shape[: p.batch_axis], size, *p.shape[p.batch_axis + 1 :]))
            for p in traced.specs
        ]
        try:
            shapes.append([y.shape for y in trace(traced.call, sized, autograph=False).outputs])
        except RnnliteError:
            return [0] * len(traced.function.outputs)
    axes: list[int | None] = []
    for a, b in zip(*shapes, strict=True):
        grown = [k for k in range(a.rank or 0) if (a[k], b[k]) == BATCHES]
        axes.append(grown[0] if grown else None if a.rank == 0 else 0)
    return axes


def _measured_axes(traced: _Traced, reference: Runner) -> list[int | None]:
    """The axes, from what the graph gives for two batches, or at two lengths of its only batch.

    An output of another size, such as rows of all time steps, has none if there is one batch.
    """
    specs = traced.specs
    free = any(p.batch is None for p in specs)
    cases = [(size, LENGTHS[0]) for size in BATCHES] if free else [(1, n) for n in LENGTHS]
    runs = []
    for size, length in cases:
        inputs = random_inputs(with_values(specs, traced.ids, {}), length=length, batch=size)
        try:
            found = [y.shape for y in reference(inputs)]
        except Exception:  # noqa: BLE001 - the source's own refusal of a size, of any kind
            return [0] * len(traced.function.outputs)
        batch = size if free else max(p.batch or 1 for p in specs)
        runs.append([{k for k, d in enumerate(shape) if d == batch} for shape in found])
    axes: list[int | None] = []
    for k, sets in enumerate(zip(*runs, strict=True)):
        common = set.intersection(*sets)
        scalar = traced.function.outputs[k].shape.rank == 0
        axes.append(min(common) if common else None if scalar or not free else 0)
    return axes


def _labels(refs: SignatureRefs) -> tuple[list[str], list[str]]:
    """Names without ":0"; the index stays where a node gives several."""
    return [name_of(r) for r in refs.inputs], [r.removesuffix(":0") for r in refs.outputs]


def _pinned(specs: Sequence[TensorSpec], lengths: Lengths) -> list[str]:
    sequences = {axis.input for axis in lengths.times}
    return [
        f"input '{p.name}' has a fixed length, {p.shape[1]}, as the graph pins it"
        for k, p in enumerate(specs)
        if len(p.shape) >= 3 and p.shape[1] is not None and k not in sequences
    ]


def moved(definition: GraphDef, amount: float, seed: int) -> Any:
    """The graph moved by `perturb_graph`."""
    changed = tf.compat.v1.GraphDef()
    changed.CopyFrom(definition)
    perturb_graph(changed, amount, seed)
    return changed
