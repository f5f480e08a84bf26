"""Find the outputs of a graph: the tensors that the user names, or those that nothing reads.

What enters: a `Graph`. What leaves: references to the outputs. Handles, arrays, strings and
counters of loops are no outputs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import tensorflow as tf

from rnnlite.errors import SourceError, UnsupportedError
from rnnlite.frontends.tensorflow.frames import Frame, frames_of
from rnnlite.frontends.tensorflow.nodes import DEFAULT, PLACEHOLDERS, Graph, name_of, ref
from rnnlite.scan.protos import NodeDef

NO_RESULT = frozenset(
    [
        "NoOp",
        "Const",
        "Assert",
        *PLACEHOLDERS,
        DEFAULT,
        "Save",
        "SaveV2",
        "SaveSlices",
        "RestoreV2",
        "Assign",
        "AssignVariableOp",
        "AssignAddVariableOp",
        "AssignSub",
        "AssignAdd",
        "WriteFile",
        "VarHandleOp",
        "VariableV2",
        "VarIsInitializedOp",
        "IsVariableInitialized",
        "DestroyResourceOp",
        "LoopCond",
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
"""Ops whose results are never the output of a model."""

MANY = ("Split", "SplitV", "Unpack", "TopK", "TopKV2", "IdentityN")
CALLS = ("If", "StatelessIf", "Case", "PartitionedCall", "StatefulPartitionedCall")
LOOPS = ("While", "StatelessWhile")
"""Ops each of whose results may be an output; of all other ops, only the first result may."""

ROWS = ("TensorArrayReadV3", "TensorArrayGatherV3", "TensorArrayConcatV3")
"""Ops that give rows of a TensorArray; its other ops give handles or flows."""

LOOKS = frozenset(
    [
        "Shape",
        "ShapeN",
        "Size",
        "Rank",
        "ZerosLike",
        "OnesLike",
        "TensorArraySizeV3",
        "TensorListLength",
        "TensorListElementShape",
    ]
)
"""Ops that read the shape of a tensor, not its values."""

TRAINING = ("gradients", "save", "init", "report_uninitialized_variables", "Adam", "train")


def outputs_of(
    graph: Graph, outputs: Sequence[str] | None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """References to the outputs that are named, or else found; and notes for the report.

    Raises:
        SourceError: a name is not in the graph; or no tensor could be an output.
    """
    if outputs is not None:
        for name in outputs:
            graph.node(ref(name))
        return tuple(ref(name) for name in outputs), ()
    found = list(_leaves(graph))
    kept = [r for r in found if not holds_strings(graph, r)]
    if found and not kept:
        raise refused_strings(graph, found[0])
    if not kept:
        kept = list(_loop_ends(graph))
    if not kept:
        raise SourceError(
            "the graph has no node that could be an output",
            expected="a node that no other one reads",
            found=_candidates(graph),
            remedy="Name the outputs (--outputs a:0,b:0)",
        )
    notes = [f"outputs found (nothing reads them): {shown(kept)}"]
    notes += [left_out(r) for r in found if r not in kept]
    return tuple(kept), tuple(notes)


def left_out(reference: str) -> str:
    """The note for the report on an output that is left out because it holds strings."""
    return f"output '{reference}' is left out: it holds strings, which LiteRT models here do not"


def holds_strings(graph: Graph, reference: str) -> bool:
    """Whether a tensor holds strings."""
    types = graph.types(graph.node(reference))
    place = int(reference.rsplit(":", 1)[1])
    return place < len(types) and types[place] == tf.string


def numbers_behind(graph: Graph, reference: str) -> list[str]:
    """The first tensors with numbers that are computed from a string or the handle of a table.

    An op with several results gives those that some node reads. A shape does not count: the model
    behind it would still read the strings.
    """
    queue, seen = [reference], set()
    while queue:
        for node in graph.consumers.get(name_of(queue.pop(0)), []):
            if node.name in seen or node.op in LOOKS:
                continue
            seen.add(node.name)
            places = [f"{node.name}:{k}" for k in range(len(graph.types(node)))]
            if places and all(_is_result(graph, r) for r in places):
                return [r for r in places if r in graph.read] or places[:1]
            queue += places
    return []


def refused_strings(graph: Graph, reference: str) -> UnsupportedError:
    """The refusal of an output that holds strings, with the numbers that it is made of."""
    queue, seen, front = [reference], set(), ""
    while queue and not front:
        current = queue.pop(0)
        for source in graph.inputs(graph.node(current)):
            if source not in seen and depends_on_input(graph, source):
                seen.add(source)
                queue.append(source)
                if not front and _is_result(graph, source):
                    front = source
    return UnsupportedError(
        f"output '{reference}' holds strings, which LiteRT models here do not",
        expected="numbers",
        remedy=f"Name outputs in front of it, such as '{front}' (--outputs {front}), and look "
        "strings up outside"
        if front
        else "Name outputs that hold numbers (--outputs)",
    )


def is_input(node: NodeDef) -> bool:
    """Whether a node is an input. A placeholder that keeps its default is a constant by now."""
    return node.op in PLACEHOLDERS or node.op == DEFAULT


def _candidates(graph: Graph) -> str:
    """Results that something reads: what a graph with a loss has in place of outputs."""
    ops = ("Softmax", "Sigmoid", "LogSoftmax", "ArgMax", "BiasAdd")
    names = [
        f"'{n.name}:0'"
        for n in graph.nodes.values()
        if n.op in ops
        and n.name.split("/")[0] not in TRAINING
        and "while" not in n.name
        and depends_on_input(graph, f"{n.name}:0")
    ]
    return f"results that others read: {', '.join(names[-5:])}" if names else "none"


def shown(references: Sequence[str]) -> str:
    """References with commas, eight at most."""
    more = f" and {len(references) - 8} more" if len(references) > 8 else ""
    return ", ".join(references[:8]) + more


def _is_result(graph: Graph, reference: str) -> bool:
    """Whether a tensor holds numbers."""
    node = graph.node(reference)
    types = graph.types(node)
    place = int(reference.rsplit(":", 1)[1])
    if node.op.startswith("TensorArray") and node.op not in ROWS:
        return False
    if place >= len(types):
        return place == 0 and not types
    kind = types[place]
    return bool(kind.is_floating or kind.is_integer or kind.is_bool or kind.is_complex)


def _leaves(graph: Graph) -> Iterator[str]:
    """Tensors that no other node reads, training and saving aside; strings too."""
    frames = frames_of(graph)
    for node in graph.nodes.values():
        if node.op in NO_RESULT or node.op in (*LOOPS, "Exit", "RefExit"):
            continue
        # tf.cond leaves a copy of its predicate behind.
        if node.name.split("/")[0] in TRAINING or node.name.endswith("/pred_id"):
            continue
        if "Summary" in node.op or _hands_on(graph, node):
            continue
        for reference in _unread(graph, node):
            if (
                (holds_strings(graph, reference) or _is_result(graph, reference))
                and depends_on_input(graph, reference)
                and not _inside(graph, frames, node)
            ):
                yield reference


def _unread(graph: Graph, node: NodeDef) -> list[str]:
    """The results of a node that nothing reads."""
    if node.op in MANY or node.op in CALLS or node.op in graph.functions:
        places = [f"{node.name}:{k}" for k in range(len(graph.types(node)))]
        return [r for r in places if r not in graph.read]
    return [] if graph.consumers.get(node.name) else [f"{node.name}:0"]


def _hands_on(graph: Graph, node: NodeDef) -> bool:
    """Whether a node is a copy of an input, or of what a loop leaves behind."""
    if node.op != "Identity":
        return False
    source = graph.node(graph.inputs(node)[0])
    return is_input(source) or source.op in LOOPS


def _loop_ends(graph: Graph) -> Iterator[str]:
    """What loops leave behind and nothing reads: outputs where nothing else could be one.

    None in a graph of training, whose loops leave much behind, and whose outputs the loss reads.
    """
    if any(name.split("/")[0] in TRAINING for name in graph.nodes):
        return
    for node in graph.nodes.values():
        hands_on = node.op == "Identity" and graph.node(graph.inputs(node)[0]).op in LOOPS
        if node.op not in ("Exit", "RefExit") and not hands_on:
            continue
        reference = f"{node.name}:0"
        unread = reference not in graph.read and _is_result(graph, reference)
        if unread and depends_on_input(graph, reference):
            yield reference


def depends_on_input(graph: Graph, reference: str) -> bool:
    """Whether a tensor depends on the values of an input, not only on its shape.

    The number of iterations of a loop does not count as a value: the counter of a loop does not
    depend on the input that decides how often the loop runs.
    """
    return any(is_input(graph.node(r)) for r in _sources(graph, reference))


def _sources(graph: Graph, reference: str) -> set[str]:
    """The tensors that a tensor's values come from, itself included."""
    queue, seen = [reference], set()
    while queue:
        current = queue.pop()
        if current in seen:
            continue
        seen.add(current)
        node = graph.node(current)
        if node.op in LOOKS:
            continue
        read = graph.inputs(node)
        if node.op in LOOPS:
            read = _variables_behind(graph, node, int(current.rsplit(":", 1)[1]))
        elif node.op in ("Switch", "RefSwitch") and graph.node(read[1]).op == "LoopCond":
            read = read[:1]
        queue += read
    return seen


def _variables_behind(graph: Graph, node: NodeDef, place: int) -> list[str]:
    """What goes into a While and comes to be, over its iterations, in one of its results."""
    body = graph.function(node.attr["body"].func.name)
    places = {r: k for k, r in enumerate(body.arguments)}
    queue, seen = [place], set()
    while queue:
        current = queue.pop()
        if current not in seen:
            seen.add(current)
            found = _sources(body, body.results[current])
            queue += [k for r, k in places.items() if r in found]
    inputs = graph.inputs(node)
    return [inputs[k] for k in sorted(seen)]


def _inside(graph: Graph, frames: Mapping[str, Frame], node: NodeDef) -> bool:
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
