"""The loops of TensorFlow 1: frames of Enter, Merge, Switch, NextIteration and Exit.

What enters: a `Graph`. What leaves: a `Frame` for each loop, by the names of its exits.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from rnnlite.errors import UnsupportedError
from rnnlite.frontends.tensorflow.nodes import Graph, name_of
from rnnlite.scan.protos import NodeDef

ENTER = ("Enter", "RefEnter")
MERGE = ("Merge", "RefMerge")
SWITCH = ("Switch", "RefSwitch")
EXIT = ("Exit", "RefExit")


@dataclass(frozen=True)
class Carried:
    """A variable of a loop.

    Attributes:
        enter: reference to its value in front of the loop.
        merge: reference that the condition reads.
        switch: reference that the body reads.
        update: reference to the body's new value.
        exits: references to its value behind the loop.
    """

    enter: str
    merge: str
    switch: str
    update: str
    exits: tuple[str, ...]


@dataclass(eq=False)
class Frame:
    """One loop.

    Attributes:
        name: the frame's name.
        condition: reference to the loop condition.
        carried: its variables.
        constants: what it reads from outside: reference within -> reference outside.
    """

    name: str
    condition: str
    carried: list[Carried] = field(default_factory=list)
    constants: dict[str, str] = field(default_factory=dict)


def frames_of(graph: Graph) -> dict[str, Frame]:
    """Find the loops. The keys are the names of the Exits: each Exit of a loop has its Frame.

    Raises:
        UnsupportedError: a frame without condition.
    """
    by_frame: dict[str, list[NodeDef]] = {}
    for node in graph.nodes.values():
        if node.op in ENTER:
            by_frame.setdefault(node.attr["frame_name"].s.decode(), []).append(node)
    found: dict[str, Frame] = {}
    for name, enters in by_frame.items():
        frame = Frame(name, "")
        for enter in enters:
            _add(graph, frame, enter)
        if not frame.condition:
            raise UnsupportedError(
                f"the loop '{name}' has no condition",
                expected="a LoopCond in its frame",
                remedy="Freeze the graph again from the whole model",
            )
        for variable in frame.carried:
            for exit_ in variable.exits:
                found[name_of(exit_)] = frame
    return found


def _add(graph: Graph, frame: Frame, enter: NodeDef) -> None:
    outside = graph.inputs(enter)[0]
    merges = [n for n in graph.consumers.get(enter.name, []) if n.op in MERGE]
    if not merges:
        frame.constants[f"{enter.name}:0"] = outside
        return
    merge = merges[0]
    update = ""
    for reference in graph.inputs(merge):
        node = graph.node(reference)
        if node.op in ("NextIteration", "RefNextIteration"):
            update = graph.inputs(node)[0]
    switches = [n for n in graph.consumers.get(merge.name, []) if n.op in SWITCH]
    if not update or not switches:
        frame.constants[f"{enter.name}:0"] = outside
        frame.constants[f"{merge.name}:0"] = outside
        return
    switch = switches[0]
    condition = graph.node(graph.inputs(switch)[1])
    frame.condition = graph.inputs(condition)[0] if condition.op == "LoopCond" else ""
    exits = [
        f"{n.name}:0"
        for n in graph.consumers.get(switch.name, [])
        if n.op in EXIT and f"{switch.name}:0" in graph.inputs(n)
    ]
    frame.carried.append(
        Carried(outside, f"{merge.name}:0", f"{switch.name}:1", update, tuple(exits))
    )
