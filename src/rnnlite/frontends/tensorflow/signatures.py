"""Find the inputs and outputs of a graph: those that are named, or placeholders and last nodes.

What enters: a `Graph`, and the names that are given. What leaves: references to the inputs and
outputs, and the inputs as `TensorSpec`s: as declared, then at the sizes asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import tensorflow as tf

from rnnlite.errors import ShapeError, SourceError, UnsupportedError
from rnnlite.frontends.request import Request
from rnnlite.frontends.tensorflow.nodes import DEFAULT, PASSING, PLACEHOLDERS, Graph, name_of, ref
from rnnlite.frontends.tensorflow.outputs import is_input, numbers_behind, outputs_of, shown
from rnnlite.scan.protos import NodeDef
from rnnlite.specs import TensorSpec

Declared = Sequence[tuple[str, TensorSpec]]
"""Inputs as the graph declares them, by reference."""


@dataclass(frozen=True)
class SignatureRefs:
    """References to the inputs and outputs of a model, and how they were found."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    notes: tuple[str, ...]


def signature_refs(
    graph: Graph, inputs: Sequence[str] | None, outputs: Sequence[str] | None
) -> SignatureRefs:
    """The inputs and outputs that are named; where none are named, those of the graph.

    Raises:
        SourceError: a name is not in the graph; or no tensor could be an output.
    """
    found, notes = outputs_of(graph, outputs)
    if inputs is not None:
        begin = [ref(name) for name in inputs]
        for reference in begin:
            graph.node(reference)
    else:
        needed = graph.ancestors(found)
        begin = [f"{n.name}:0" for n in graph.nodes.values() if n.name in needed and is_input(n)]
        notes = (*notes, f"inputs found (placeholders): {shown(begin)}")
    if not begin:
        raise SourceError(
            "the outputs depend on no input",
            expected="a placeholder among what they are made of",
            found=shown(found),
            remedy="Name inputs and outputs (--inputs x:0 --outputs y:0)",
        )
    return SignatureRefs(tuple(begin), found, notes)


def declared_type(node: NodeDef) -> Any:
    """The dtype of a placeholder."""
    return tf.as_dtype((node.attr["dtype"] if "dtype" in node.attr else node.attr["T"]).type)


def declared_shape(node: NodeDef) -> Any:
    """The shape of a placeholder, as far as it is known."""
    shape = tf.TensorShape(None)
    if "shape" in node.attr:
        shape = tf.TensorShape(node.attr["shape"].shape)
    if "_output_shapes" in node.attr and shape.rank is None:
        shape = tf.TensorShape(node.attr["_output_shapes"].list.shape[0])
    return shape


def spec_of(graph: Graph, reference: str) -> TensorSpec:
    """An input as the graph declares it; None where an axis is free.

    Raises:
        UnsupportedError: the input holds strings.
        ShapeError: the rank of the input is not known.
    """
    node = graph.node(reference)
    if node.op in (*PLACEHOLDERS, DEFAULT):
        dtype, shape = declared_type(node), declared_shape(node)
    else:
        dtype, shape = inferred(graph, reference)
    if dtype == tf.string:
        behind = numbers_behind(graph, reference)
        cut = f": {', '.join(repr(r) for r in behind[:3])}" if behind else ""
        raise UnsupportedError(
            f"input '{reference}' takes strings, which LiteRT models here do not",
            expected="numbers",
            remedy=f"Name inputs behind the decoding{cut} (--inputs)",
        )
    if shape.rank is None:
        raise ShapeError(
            f"the rank of input '{reference}' is not known",
            expected="a placeholder with a shape",
            remedy="If it is a switch or a number, such as keep_prob or is_training, fix it: "
            f"constants={{'{reference}': VALUE}} (--constant {reference}=VALUE); if it takes data, "
            "freeze the graph with placeholders such as [None, None, features]",
        )
    return TensorSpec(name_of(reference), tuple(shape.as_list()), dtype.base_dtype.name)


def inferred(graph: Graph, reference: str) -> tuple[Any, Any]:
    """Dtype and shape of an inner tensor, as TensorFlow infers them."""
    definition = tf.compat.v1.GraphDef()
    needed = graph.ancestors([reference])
    definition.node.extend(graph.nodes[name] for name in graph.nodes if name in needed)
    for node in definition.node:
        controls = [text for text in node.input if text.startswith("^")]
        for text in controls:
            node.input.remove(text)
    definition.library.function.extend(graph.functions.values())
    with tf.Graph().as_default() as made:
        tf.import_graph_def(definition, name="")
    tensor = made.get_tensor_by_name(reference)
    return tensor.dtype, tensor.shape


def is_time_major(graph: Graph, reference: str) -> bool:
    """Whether an input goes into a loop without a transpose, so that its first axis is time."""
    queue, seen = [reference], set()
    while queue:
        current = queue.pop()
        if current in seen:
            continue
        seen.add(current)
        for node in graph.consumers.get(name_of(current), []):
            inputs = graph.inputs(node)
            if current not in inputs:
                continue
            place = inputs.index(current)
            if (node.op, place) in (
                ("TensorArrayScatterV3", 2),
                ("TensorListFromTensor", 0),
                ("BlockLSTM", 1),
                ("BlockLSTMV2", 1),
                ("CudnnRNN", 0),
                ("CudnnRNNV2", 0),
                ("CudnnRNNV3", 0),
            ):
                return True
            if node.op in PASSING or node.op in ("Cast", "ReverseV2", "ReverseSequence"):
                queue.append(f"{node.name}:0")
            if node.op == "GatherV2" and place == 1:
                queue.append(f"{node.name}:0")
    return False


def shaped(
    graph: Graph,
    specs: Declared,
    request: Request,
    batch_axes: Mapping[str, int | None] | None = None,
) -> tuple[TensorSpec, ...]:
    """The inputs at the batch size and length asked for.

    Args:
        graph: the graph.
        specs: the inputs as the graph declares them.
        request: has the batch size and the length.
        batch_axes: the batch axes of inputs, by reference, as far as they are known.

    Raises:
        ShapeError: the graph pins another size.
    """
    batch, length = request.batch_size, request.sequence_length
    for name, value, options in (
        ("batch_size", batch, '"auto", None or an int of 1 or more'),
        ("sequence_length", length, '"auto", None or an int of 1 or more'),
    ):
        if not (
            value in ("auto", None) or (isinstance(value, int) and value > 0 and value is not True)
        ):
            raise ShapeError(f"{name} is no size", expected=options, found=repr(value))
    known = batch_axes or {}
    placed = [
        replace(p, batch_axis=known[r]) if r in known else _placed(graph, r, p) for r, p in specs
    ]
    if batch == "auto":
        batch = _pinned_batch(placed)
        placed = [
            p if r in known else _with_batch(p, batch)
            for (r, _), p in zip(specs, placed, strict=True)
        ]
    return tuple(_with_sizes(p, batch, length) for p in placed)


def _pinned_batch(specs: Sequence[TensorSpec]) -> int:
    """The batch size that the graph pins, by its sequences if they tell it; else 1."""
    with_batch = [p for p in specs if p.batch_axis is not None and len(p.shape) > 1]
    for group in ([p for p in with_batch if None in p.sample_shape], with_batch):
        sizes = {p.batch for p in group} - {None}
        if sizes:
            return (sizes.pop() or 1) if len(sizes) == 1 else 1
    return 1


def _with_batch(spec: TensorSpec, batch: int) -> TensorSpec:
    """An input that is pinned to another size there has its batch elsewhere, or none.

    Such as states (layers, batch, units).
    """
    if len(spec.shape) < 2 or spec.batch_axis is None or spec.batch in (None, batch):
        return spec
    axis = next((k for k, d in enumerate(spec.shape) if d == batch), None)
    return replace(spec, batch_axis=axis)


def _placed(graph: Graph, reference: str, spec: TensorSpec) -> TensorSpec:
    """The input with its batch axis, and whether it counts time steps."""
    if not spec.shape:
        return replace(spec, batch_axis=None)
    axis = 1 if len(spec.shape) > 1 and is_time_major(graph, reference) else 0
    counts = len(spec.shape) == 1 and spec.dtype in ("int32", "int64")
    return replace(spec, batch_axis=axis, counts=counts)


def _time_axis(shape: Sequence[int | None], batch_axis: int | None) -> int:
    """The first free axis beside the batch; where none is free, the first."""
    others = [axis for axis in range(len(shape)) if axis != batch_axis]
    return next((axis for axis in others if shape[axis] is None), others[0] if others else 0)


def _with_sizes(spec: TensorSpec, batch: int | str | None, length: int | str | None) -> TensorSpec:
    shape, axis = list(spec.shape), spec.batch_axis
    if not shape:
        return spec
    time = _time_axis(shape, axis)
    if axis is None:
        pass
    elif shape[axis] is None:
        shape[axis] = batch if isinstance(batch, int) else None
    elif isinstance(batch, int) and batch != shape[axis] and len(shape) > 1:
        raise ShapeError(
            f"input '{spec.name}' cannot have batch size {batch}",
            expected=f"{shape[axis]}, which the graph pins",
            found=str(list(spec.shape)),
            remedy="Leave batch_size at auto, or freeze the graph with a free batch axis",
        )
    if (len(shape) > 1 or axis is None) and isinstance(length, int):
        if shape[time] is None:
            shape[time] = length
        elif len(shape) > 2 and shape[time] != length:
            raise ShapeError(
                f"input '{spec.name}' cannot have length {length}",
                expected=f"{shape[time]}, which the graph pins",
                found=str(list(spec.shape)),
                remedy="Leave sequence_length at auto",
            )
    if len(shape) > 2 and length is None and shape[time] is not None:
        raise ShapeError(
            f"the length of input '{spec.name}' cannot be freed",
            expected="a free axis",
            found=str(list(spec.shape)),
            remedy="Use sequence_length='auto' to keep it, or freeze the graph with a free length",
        )
    return replace(spec, shape=tuple(shape))
