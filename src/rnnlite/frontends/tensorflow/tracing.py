"""A graph traced as one TensorFlow function, at the sizes asked for.

What enters: a `Graph`, its declared inputs, the outputs that are wanted, the user's request. What
leaves: `Traced`: the function with its Scans lowered, and its lengths. Tracing also finds the batch
axis of each input, and sizes that the graph forces.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import Any

import tensorflow as tf

from rnnlite.errors import RnnliteError, UnsupportedError
from rnnlite.frontends.functions import id_ranges, trace
from rnnlite.frontends.program import type_notes
from rnnlite.frontends.sizes import forced_sizes, size_notes, with_sizes
from rnnlite.frontends.tensorflow import array_ops, conditions, fused, kernels, loops, rules
from rnnlite.frontends.tensorflow.emit import Emission, Emitter
from rnnlite.frontends.tensorflow.fused import expand
from rnnlite.frontends.tensorflow.nodes import Graph, name_of
from rnnlite.frontends.tensorflow.request import TensorFlowRequest
from rnnlite.frontends.tensorflow.signatures import Declared, SignatureRefs, shaped
from rnnlite.lengths.lengths import Lengths
from rnnlite.lengths.sizes import Axis
from rnnlite.lengths.tracing import lengths_of
from rnnlite.lengths.values import axes_of
from rnnlite.lowering.schedule import Options
from rnnlite.lowering.survey import Survey, within_budget
from rnnlite.scan.tensors import Tensor
from rnnlite.specs import TensorSpec

# To import the modules of rules registers their rules.
__all__ = [
    "Traced",
    "array_ops",
    "conditions",
    "fused",
    "kernels",
    "loops",
    "rules",
    "traced_at_any_batch",
]


@dataclass(frozen=True, eq=False)
class Traced:
    """The graph emitted at the shapes asked for.

    Attributes:
        function: the ConcreteFunction.
        specs: the inputs of the function.
        call: the Python function that was traced; it can be traced again.
        emission: has the records of recurrences, and notes for the report.
        ids: see `TensorSpec.ids`, by the inputs' own names.
        lengths: see `Entry.lengths`.
    """

    function: Any
    specs: tuple[TensorSpec, ...]
    call: Callable[[Sequence[Any]], list[Any]]
    emission: Emission
    ids: dict[str, tuple[int, int]]
    lengths: Lengths


def traced_at_any_batch(
    graph: Graph, refs: SignatureRefs, declared: Declared, request: TensorFlowRequest
) -> tuple[Traced, list[str]]:
    """Trace the graph at the batch size asked for.

    Where batch_size is "auto" and the graph refuses a batch of 1, the graph is traced at the batch
    size that its own constants fix.

    Returns:
        the traced graph; and a note for the report where the batch size is the graph's own.
    """
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
) -> Traced:
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
) -> Traced:
    specs = shaped(graph, declared, request, batch_axes)
    expanded = expand(graph)
    notes: list[str] = []

    def emitted(options: Options | Survey) -> tuple[Any, Callable[..., Any], Emission]:
        emission = Emission(options)
        emission.needed = expanded.ancestors(refs.outputs)
        emission.outputs = {name_of(r) for r in refs.outputs}
        call = _call(emission, expanded, declared, refs.outputs)
        return trace(call, specs, autograph=False), call, emission

    weights = _weight_shapes(graph)
    while True:
        # Each round fixes an axis at least, or is the last.
        options = within_budget(request.schedule, lambda s: emitted(s)[0], weights)
        function, call, emission = emitted(options)
        lengths = lengths_of(function, specs, emission.lowered)
        sizes = forced_sizes(lengths)
        if not sizes:
            break
        notes += size_notes(specs, sizes)
        specs = with_sizes(specs, sizes)
    emission.notes += notes
    ids = id_ranges(function, specs)
    # All is reported; to trace it again is to ask for shapes alone.
    emission.probing = True
    if request.integer and any(p.name in ids and p.dtype == "float32" for p in specs):
        given = specs
        specs = tuple(replace(p, dtype="int32") if p.name in ids else p for p in specs)
        emission.notes += type_notes(given, specs)
        function = trace(call, specs, autograph=False)
    return Traced(function, specs, call, emission, ids, lengths)


def _weight_shapes(graph: Graph) -> list[Any]:
    """The shapes of the graph's float constants that are no single numbers."""
    shapes = [
        tuple(d.size for d in node.attr["value"].tensor.tensor_shape.dim)
        for node in graph.nodes.values()
        if node.op == "Const" and node.attr["dtype"].type == tf.float32.as_datatype_enum
    ]
    return [shape for shape in shapes if any(d > 1 for d in shape)]


def _call(
    emission: Emission, graph: Graph, declared: Declared, outputs: Sequence[str]
) -> Callable[[Sequence[Any]], list[Any]]:
    """A function of the inputs that emits the graph."""

    def call(tensors: Sequence[Tensor]) -> list[Any]:
        given = {r: tf.cast(t, p.dtype) for (r, p), t in zip(declared, tensors, strict=True)}
        return Emitter(emission, graph, given).get_all(outputs)

    return call
