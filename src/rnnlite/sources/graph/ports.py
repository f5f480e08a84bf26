"""Inputs and outputs of a graph: by name, or found where the graph makes them plain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import tensorflow as tf

from rnnlite.errors import ShapeError, SourceError, UnsupportedError
from rnnlite.sources.graph.frames import Frame, frames_of
from rnnlite.sources.graph.nodes import PASSING, Graph, name_of, ref
from rnnlite.sources.program import Port, Request

PLACEHOLDERS = ("Placeholder", "PlaceholderV2")

NO_RESULT = frozenset(
    [
        "NoOp",
        "Const",
        "Assert",
        "Placeholder",
        "PlaceholderV2",
        "PlaceholderWithDefault",
        "Save",
        "SaveV2",
        "SaveSlices",
        "RestoreV2",
        "Assign",
        "AssignVariableOp",
        "AssignAddVariableOp",
        "AssignSub",
        "AssignAdd",
        "MergeSummary",
        "ScalarSummary",
        "HistogramSummary",
        "ImageSummary",
        "WriteFile",
        "VarHandleOp",
        "VariableV2",
        "VarIsInitializedOp",
        "IsVariableInitialized",
        "DestroyResourceOp",
        "LoopCond",
        "Exit",
        "Switch",
        "Merge",
        "Enter",
        "NextIteration",
        "TensorArrayCloseV3",
        "ControlTrigger",
        "Print",
        "ShardedFilename",
        "MergeV2Checkpoints",
        "ReadVariableOp",
    ]
)
"""Ops whose results nobody means as a model's output."""

TRAINING = ("gradients", "save", "init", "report_uninitialized_variables", "Adam", "train")


@dataclass(frozen=True)
class Ends:
    """References to the inputs and outputs of a model, and how they were found."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    notes: tuple[str, ...]


def ends_of(graph: Graph, inputs: Sequence[str] | None, outputs: Sequence[str] | None) -> Ends:
    """Find what the user did not name.

    Raises:
        SourceError: a name that is not in the graph; or nothing that could be an output.
    """
    notes = []
    if outputs is not None:
        found = [ref(name) for name in outputs]
        for reference in found:
            graph.node(reference)
    else:
        found = _leaves(graph)
        if not found:
            raise SourceError(
                "the graph has no node that could be an output",
                expected="a node that no other one reads",
                found=_candidates(graph),
                remedy="Name the outputs (--outputs a:0,b:0)",
            )
        notes.append(f"outputs found (nothing reads them): {_shown(found)}")
    if inputs is not None:
        begin = [ref(name) for name in inputs]
        for reference in begin:
            graph.node(reference)
    else:
        needed = graph.ancestors(found)
        begin = [
            f"{n.name}:0" for n in graph.nodes.values() if n.op in PLACEHOLDERS and n.name in needed
        ]
        notes.append(f"inputs found (placeholders): {_shown(begin)}")
    if not begin:
        raise SourceError(
            "the outputs depend on no input",
            expected="a placeholder among what they are made of",
            found=_shown(found),
            remedy="Name inputs and outputs (--inputs x:0 --outputs y:0)",
        )
    return Ends(tuple(begin), tuple(found), tuple(notes))


def _candidates(graph: Graph) -> str:
    """Results that something reads: what a graph with a loss has in place of outputs."""
    ops = ("Softmax", "Sigmoid", "LogSoftmax", "ArgMax", "BiasAdd")
    names = [
        f"'{n.name}:0'"
        for n in graph.nodes.values()
        if n.op in ops
        and n.name.split("/")[0] not in TRAINING
        and "while" not in n.name
        and _placeholder_behind(graph, n)
    ]
    return f"results that others read: {', '.join(names[-5:])}" if names else "none"


def _shown(references: Sequence[str]) -> str:
    more = f" and {len(references) - 8} more" if len(references) > 8 else ""
    return ", ".join(references[:8]) + more


def _leaves(graph: Graph) -> list[str]:
    """Tensors that no other node reads, training and saving aside."""
    found = []
    frames = frames_of(graph)
    for node in graph.nodes.values():
        if node.op in NO_RESULT or node.name.split("/")[0] in TRAINING:
            continue
        # tf.cond leaves a copy of its predicate behind.
        if graph.consumers.get(node.name) or node.name.endswith("/pred_id"):
            continue
        if _placeholder_behind(graph, node) and not _inside(graph, frames, node):
            found.append(f"{node.name}:0")
    return found


def _placeholder_behind(graph: Graph, node: Any) -> bool:
    """Whether a node depends on the values of a placeholder, not on its shape alone."""
    queue, seen = [node.name], set()
    while queue:
        name = queue.pop()
        if name in seen:
            continue
        seen.add(name)
        current = graph.nodes[name]
        if current.op in PLACEHOLDERS:
            return True
        if current.op not in ("Shape", "ShapeN", "Size", "Rank", "ZerosLike", "OnesLike"):
            queue += [name_of(r) for r in graph.inputs(current)]
    return False


def _inside(graph: Graph, frames: Mapping[str, Frame], node: Any) -> bool:
    """Whether a node stands in a branch or in a loop body."""
    queue, seen = [(node.name, 0)], set()
    while queue:
        name, depth = queue.pop()
        current = graph.nodes[name]
        if (name, depth) in seen:
            continue
        seen.add((name, depth))
        if current.op == "Enter" or (current.op == "Switch" and depth == 0):
            return True
        if current.op == "Exit" and name in frames:
            frame = frames[name]
            found = [v.enter for v in frame.carried] + list(frame.constants.values())
        else:
            found = graph.inputs(current)
        depth += {"Merge": 1, "Switch": -1}.get(current.op, 0)
        queue += [(name_of(r), depth) for r in found]
    return False


def port_of(graph: Graph, reference: str) -> Port:
    """An input as the graph declares it; None where an axis is free.

    Raises:
        UnsupportedError: strings.
        ShapeError: the rank is not known.
    """
    node = graph.node(reference)
    attr = node.attr["dtype"] if "dtype" in node.attr else node.attr["T"]
    dtype = tf.as_dtype(attr.type)
    if dtype == tf.string:
        behind = graph.consumers.get(node.name, [])
        cut = f" such as '{behind[0].name}:0'" if behind else ""
        raise UnsupportedError(
            f"input '{reference}' takes strings, which LiteRT models here do not",
            expected="numbers",
            remedy=f"Name inputs behind the decoding{cut} (--inputs)",
        )
    shape = tf.TensorShape(None)
    if "shape" in node.attr:
        shape = tf.TensorShape(node.attr["shape"].shape)
    if "_output_shapes" in node.attr and shape.rank is None:
        shape = tf.TensorShape(node.attr["_output_shapes"].list.shape[0])
    if shape.rank is None or (shape.rank == 0 and "shape" not in node.attr):
        raise ShapeError(
            f"the rank of input '{reference}' is not known",
            expected="a placeholder with a shape",
            remedy="Freeze the graph with placeholders such as [None, None, features]",
        )
    return Port(name_of(reference), tuple(shape.as_list()), dtype.base_dtype.name)


def is_time_major(graph: Graph, reference: str) -> bool:
    """Whether an input goes into a loop as it is, its first axis being time."""
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


def shaped(graph: Graph, ports: Sequence[tuple[str, Port]], request: Request) -> tuple[Port, ...]:
    """The inputs at the batch size and length asked for.

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
    placed = [_placed(graph, r, p) for r, p in ports]
    pinned = {p.batch for p in placed if p.batch_axis is not None and len(p.shape) > 1} - {None}
    if batch == "auto":
        batch = pinned.pop() if len(pinned) == 1 else 1
    return tuple(_with_sizes(p, batch, length) for p in placed)


def _placed(graph: Graph, reference: str, port: Port) -> Port:
    """The input with its batch axis, and whether it counts time steps."""
    if not port.shape:
        return replace(port, batch_axis=None)
    axis = 1 if len(port.shape) > 1 and is_time_major(graph, reference) else 0
    counts = len(port.shape) == 1 and port.dtype in ("int32", "int64")
    return replace(port, batch_axis=axis, counts=counts)


def _with_sizes(port: Port, batch: Any, length: Any) -> Port:
    shape, axis = list(port.shape), port.batch_axis
    if axis is None:
        return port
    time = 1 - axis
    if shape[axis] is None:
        shape[axis] = batch
    elif isinstance(batch, int) and batch != shape[axis] and len(shape) > 1:
        raise ShapeError(
            f"input '{port.name}' cannot have batch size {batch}",
            expected=f"{shape[axis]}, which the graph pins",
            found=str(list(port.shape)),
            remedy="Leave batch_size at auto, or freeze the graph with a free batch axis",
        )
    if len(shape) > 1 and isinstance(length, int):
        if shape[time] is None:
            shape[time] = length
        elif len(shape) > 2 and shape[time] != length:
            raise ShapeError(
                f"input '{port.name}' cannot have length {length}",
                expected=f"{shape[time]}, which the graph pins",
                found=str(list(port.shape)),
                remedy="Leave sequence_length at auto",
            )
    if len(shape) > 2 and length is None and shape[time] is not None:
        raise ShapeError(
            f"the length of input '{port.name}' cannot be freed",
            expected="a free axis",
            found=str(list(port.shape)),
            remedy="Use sequence_length='auto' to keep it, or freeze the graph with a free length",
        )
    return replace(port, shape=tuple(shape))
