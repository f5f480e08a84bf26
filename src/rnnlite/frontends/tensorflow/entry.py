"""From a `Frozen` graph to an `Entry`.

What enters: a graph without variables, what its source tells of it, the user's request. What
leaves: an `Entry`. Its function is the graph emitted anew (`tracing`); its reference is the graph
as TensorFlow runs it. The Entry has names, shapes and batch axes of the inputs and outputs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import tensorflow as tf

from rnnlite.frontends.functions import (
    Runner,
    perturb_graph,
    perturbed,
    runner,
    session_runner,
)
from rnnlite.frontends.program import Entry, with_lengths
from rnnlite.frontends.randomness import refuse_random
from rnnlite.frontends.sizes import with_sizes
from rnnlite.frontends.tensorflow.batch_axes import batch_axes_of_outputs
from rnnlite.frontends.tensorflow.frozen import Frozen
from rnnlite.frontends.tensorflow.nodes import (
    graph_of,
    name_of,
    pruned,
    stop_waiting,
    with_defaults,
)
from rnnlite.frontends.tensorflow.request import TensorFlowRequest
from rnnlite.frontends.tensorflow.signatures import (
    Declared,
    SignatureRefs,
    signature_refs,
    spec_of,
)
from rnnlite.frontends.tensorflow.single_sizes import only_sizes
from rnnlite.frontends.tensorflow.tracing import Traced, traced_at_any_batch
from rnnlite.lengths.lengths import Lengths
from rnnlite.lengths.sizes import Axis
from rnnlite.scan.protos import GraphDef
from rnnlite.specs import TensorSpec


def entry_of(source: Frozen, request: TensorFlowRequest) -> Entry:
    """Open a frozen graph.

    Args:
        source: the graph, and what its source tells of its inputs and outputs.
        request: the user's request. The inputs and outputs that it names are taken; the source's
            own, where it names none.

    Raises:
        SourceError: a name is not in the graph.
        ShapeError: the graph does not take the sizes asked for.
        UnsupportedError: an op has no form in LiteRT.
    """
    definition = with_defaults(source.definition)
    graph = graph_of(definition)
    refs = signature_refs(graph, request.inputs or source.inputs, request.outputs or source.outputs)
    declared = [(r, spec_of(graph, r)) for r in refs.inputs]
    # Where an inner tensor is named as an input, what made it is gone, and nothing waits for it.
    stop_waiting(definition, [name_of(r) for r in refs.inputs])
    definition = pruned(definition, [*refs.outputs, *refs.inputs])
    traced, kept = traced_at_any_batch(graph, refs, declared, request)
    found = _single_sizes(definition, refs, traced, declared, request)
    if found:
        sized = with_sizes([p for _, p in declared], found)
        declared = list(zip(refs.inputs, sized, strict=True))
        traced, kept = traced_at_any_batch(graph, refs, declared, request)
        kept += [
            f"axis {a.axis} of input '{declared[a.input][1].name}' is {n}: the graph takes no "
            "other size"
            for a, n in found.items()
        ]
    refuse_random(
        traced.function,
        switches=[f"{p.name}:0" for p in traced.specs if not p.shape],
        fixed=source.fixed,
    )
    reference, perturb, remark = _references(definition, refs, traced, declared)
    inputs, outputs = _named_specs(traced, reference, _labels(source, refs, request))
    notes = [*source.notes, *refs.notes, *traced.emission.notes, *kept]
    notes += _size_notes(inputs, [spec_of(graph, r) for r, _ in declared], traced.lengths)
    notes += remark
    if not traced.emission.records:
        notes.append("the graph has no recurrence; it is converted as it is")
    return Entry(
        origin=source.origin,
        inputs=with_lengths(inputs, traced.lengths),
        outputs=outputs,
        function=traced.function,
        reference=reference,
        perturbed=perturb,
        recurrences=tuple(traced.emission.records.values()),
        notes=tuple(dict.fromkeys(notes)),
        lengths=traced.lengths,
        scans=tuple(traced.emission.lowered),
    )


def _single_sizes(
    definition: GraphDef,
    refs: SignatureRefs,
    traced: Traced,
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


def _references(
    definition: GraphDef, refs: SignatureRefs, traced: Traced, declared: Declared
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


def _labels(
    source: Frozen, refs: SignatureRefs, request: TensorFlowRequest
) -> tuple[Sequence[str], Sequence[str]]:
    """The names of inputs and outputs: the source's own, unless the user named tensors.

    Tensors are called without ":0"; the index stays where a node gives several.
    """
    if source.names is not None and request.inputs is None and request.outputs is None:
        return source.names
    return [name_of(r) for r in refs.inputs], [r.removesuffix(":0") for r in refs.outputs]


def _named_specs(
    traced: Traced, reference: Runner, labels: tuple[Sequence[str], Sequence[str]]
) -> tuple[tuple[TensorSpec, ...], tuple[TensorSpec, ...]]:
    """Inputs and outputs under their names, with what their values mean and their batch axes."""
    axes = batch_axes_of_outputs(traced, reference)
    inputs = tuple(
        replace(
            p,
            name=label,
            counts=p.counts and p.name not in traced.ids,
            ids=traced.ids.get(p.name),
        )
        for label, p in zip(labels[0], traced.specs, strict=True)
    )
    outputs = tuple(
        TensorSpec(label, tuple(t.shape), t.dtype.name, batch_axis=axis)
        for label, t, axis in zip(labels[1], traced.function.outputs, axes, strict=True)
    )
    return inputs, outputs


def _size_notes(
    inputs: Sequence[TensorSpec], declared: Sequence[TensorSpec], lengths: Lengths
) -> list[str]:
    """What is to be said of inputs that are single numbers, and of those of a fixed length."""
    sequences = {axis.input for axis in lengths.times}
    numbers = [
        f"input '{p.name}' takes a single number at each call; constants= (--constant) fixes it"
        for p in inputs
        if not p.shape
    ]
    pinned = [
        f"input '{p.name}' has a fixed length, {p.shape[1]}, as the graph pins it"
        for k, p in enumerate(declared)
        if len(p.shape) >= 3 and p.shape[1] is not None and k not in sequences
    ]
    return numbers + pinned


def moved(definition: GraphDef, amount: float, seed: int) -> Any:
    """A copy of the graph whose weights `perturb_graph` has moved."""
    changed = tf.compat.v1.GraphDef()
    changed.CopyFrom(definition)
    perturb_graph(changed, amount, seed)
    return changed
