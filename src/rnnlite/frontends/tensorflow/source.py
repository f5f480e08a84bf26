"""What every kind of graph file becomes first: a GraphDef without variables, and its ends."""

from __future__ import annotations

from dataclasses import dataclass

from rnnlite.scan.protos import GraphDef


@dataclass(frozen=True, eq=False)
class Frozen:
    """A graph without variables.

    Attributes:
        definition: the GraphDef.
        inputs, outputs: references, where the source tells them.
        names: what the source calls them, where it does.
        origin: for the report.
        notes: for the report.
        fixed: references to the inputs that became constants.
    """

    definition: GraphDef
    inputs: tuple[str, ...] | None
    outputs: tuple[str, ...] | None
    names: tuple[tuple[str, ...], tuple[str, ...]] | None
    origin: str
    notes: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ()


WRITES = frozenset(
    [
        "Assign",
        "AssignAdd",
        "AssignSub",
        "AssignVariableOp",
        "AssignAddVariableOp",
        "AssignSubVariableOp",
    ]
)


def drop_writes(definition: GraphDef) -> None:
    """Turn writes to variables, whose result nothing reads, into nothing, in place.

    A frozen graph has no variables: each call starts from the values that were saved.
    """
    for nodes in (definition.node, *(f.node_def for f in definition.library.function)):
        read = {t.removeprefix("^").split(":")[0] for n in nodes for t in n.input if t[:1] != "^"}
        for node in nodes:
            if node.op in WRITES and node.name not in read:
                controls = [t for t in node.input if t.startswith("^")]
                node.op = "NoOp"
                del node.input[:]
                node.input.extend(controls)
                node.attr.clear()
