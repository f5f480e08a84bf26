"""Hide the names of the source from the official converter, and restore them afterwards.

What enters `hide`, before the converter: a GraphDef. What leaves: the graph with hidden names, and
a table of what these stand for. What enters `restore`, after the converter: the converter's model
and this table. What leaves: the model, each value with its `Origin` and each loop with its `Mark`.

The converter keeps nothing of an op but its name, and adds digits and words to names. So `hide`
names every node and function by a number. `restore` finds these numbers in the names of tensors and
loops, and so the ops that each was made of. Later passes read the `Origin` and the `Mark`, never a
name. `restore` also gives tensors names that people can read, for messages alone.

    "lstm/MatMul", "lstm/Add"   --hide-->       "rnn.042.", "rnn.043."
                                --converter-->  "rnn.042.;rnn.043.7"
                                --restore-->    "lstm/MatMul;lstm/Add"
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass, replace

from rnnlite.lite.ir import Graph, Model, Origin, Value
from rnnlite.lowering.marks import ATTRIBUTE, STEP, Mark, decode
from rnnlite.scan.protos import FunctionDef, GraphDef, NodeDef

_HIDDEN = re.compile(r"rnn\.(\d+)\.\d*")
"""A hidden name, with the digits that the converter adds where several tensors have it."""


@dataclass(frozen=True)
class _Op:
    """A node of the graph.

    Attributes:
        path: its name.
        mark: of a loop that the lowering made.
        step: (number of the Scan, of the step) where it stands in an unrolled step.
        within: its name within the step.
        scope: of the Scan it is a step of.
    """

    path: str
    mark: Mark | None = None
    step: tuple[int, int] | None = None
    within: str = ""
    scope: str = ""

    @property
    def label(self) -> str:
        """Its name, the same for all steps."""
        if self.step is None:
            return self.path
        return "/".join(filter(None, (self.scope, "step", self.within)))


@dataclass(frozen=True, eq=False)
class Names:
    """What the hidden names of one graph stand for.

    Attributes:
        ops: by number.
    """

    ops: tuple[_Op, ...]

    def found(self, text: str) -> list[_Op]:
        """The ops whose hidden names stand in a text, in order."""
        return [self.ops[int(m[1])] for m in _HIDDEN.finditer(text)]

    def shown(self, text: str) -> str:
        """A message of the converter with the source's names."""
        return _HIDDEN.sub(lambda m: self.ops[int(m[1])].path, text)


def hide(graph: GraphDef) -> tuple[Names, dict[str, str]]:
    """Rename all nodes, arguments, results and functions of a GraphDef, in place.

    The hidden names sort as the old names do: in places the converter goes by this order.

    Returns:
        what the new names stand for, and the new name of each node of the main graph.
    """
    functions = list(graph.library.function)
    levels = [graph.node, *(f.node_def for f in functions)]
    marks = {(n.name, k): _mark(n) for k, nodes in enumerate(levels) for n in nodes if _marked(n)}
    bodies = {n.attr["body"].func.name: _mark(n) for nodes in levels for n in nodes if _marked(n)}
    single = {
        (n.name, k): decode(n.attr[STEP].s)
        for k, nodes in enumerate(levels)
        for n in nodes
        if STEP in n.attr
    }
    same = _handed_on(graph)
    found = {(n.name, k) for k, nodes in enumerate(levels) for n in nodes}
    for k, f in enumerate(functions, 1):
        found |= {(a.name, k) for a in (*f.signature.input_arg, *f.signature.output_arg)}
    found |= {(f.signature.name, FUNCTIONS) for f in functions}
    order = sorted(found)
    tables: dict[int, dict[str, str]] = {k: {} for k in (FUNCTIONS, *range(len(levels)))}
    ops = []
    for number, (name, k) in enumerate(order):
        tables[k][name] = f"rnn.{number:0{len(str(len(order)))}}."
        body = bodies.get(functions[k - 1].signature.name) if k > 0 else None
        source = same.get(name, name) if k == 0 else name
        ops.append(replace(_op(source, single.get((source, k), body)), mark=marks.get((name, k))))
    for node in graph.node:
        _rename_node(node, tables[0], tables[FUNCTIONS])
    for k, f in enumerate(functions, 1):
        _rename_function(f, tables[k], tables[FUNCTIONS])
    return Names(tuple(ops)), tables[0]


def _handed_on(graph: GraphDef) -> dict[str, str]:
    """For each Identity of the main graph, whose result it hands on, as results of functions do:
    the converter keeps the name of the last alone."""
    nodes = {node.name: node for node in graph.node}
    found = {}
    for name, node in nodes.items():
        while node.op == "Identity" and node.input[0].partition(":")[0] in nodes:
            node = nodes[node.input[0].partition(":")[0]]
            found[name] = node.name
    return found


FUNCTIONS = -1
"""The key of the names of functions. Names of nodes have the keys 0 (main graph), 1, 2, ... (each
function)."""


def _marked(node: NodeDef) -> bool:
    return ATTRIBUTE in node.attr


def _mark(node: NodeDef) -> Mark:
    return decode(node.attr[ATTRIBUTE].s)


def _op(name: str, body: Mark | None) -> _Op:
    """A node of a loop's body, of a step without a loop, or of another graph."""
    for number, scope in enumerate(body.steps if body is not None else ()):
        if body is not None and name.startswith(scope):
            return _Op(name, None, (body.scan, number), name.removeprefix(scope), body.scope)
    return _Op(name)


def _rename_function(
    function: FunctionDef, names: dict[str, str], functions: dict[str, str]
) -> None:
    signature = function.signature
    signature.name = functions[signature.name]
    for node in function.node_def:
        _rename_node(node, names, functions)
    results = {names[name]: _renamed(source, names) for name, source in function.ret.items()}
    function.ret.clear()
    function.ret.update(results)
    for argument in (*signature.input_arg, *signature.output_arg):
        argument.name = names[argument.name]


def _rename_node(node: NodeDef, names: dict[str, str], functions: dict[str, str]) -> None:
    node.name = names[node.name]
    node.op = functions.get(node.op, node.op)
    inputs = [_renamed(reference, names) for reference in node.input]
    del node.input[:]
    node.input.extend(inputs)
    # Both hold names of other nodes, which are gone.
    node.ClearField("experimental_debug_info")
    node.attr.pop("_class", None)
    node.attr.pop(ATTRIBUTE, None)
    node.attr.pop(STEP, None)
    for value in node.attr.values():
        for called in [value.func] if value.HasField("func") else value.list.func:
            called.name = functions.get(called.name, called.name)


def _renamed(reference: str, names: dict[str, str]) -> str:
    """A reference such as "node", "node:1", "node:output:0" or "^node"."""
    control = "^" if reference.startswith("^") else ""
    name, colon, rest = reference.removeprefix("^").partition(":")
    return f"{control}{names[name]}{colon}{rest}"


def restore(model: Model, names: Names) -> None:
    """Tell for values and loops of the converter's result what they were made of, in place.

    Values get their `Origin` and a name for people; constants that the converter made get neither.
    Bodies of loops get their `Mark`.
    """
    for graph in model.graphs:
        shared = _shared_values(graph, names)
        for value in graph.values:
            ops = names.found(value.name)
            if ops:
                value.name = ";".join(dict.fromkeys(op.label for op in ops))
                scan = next((op.step[0] for op in ops if op.step is not None), None)
                value.origin = Origin(tuple(op.path for op in ops), shared.get(value), scan)
            elif value.is_constant:
                value.name = ""
    for op in model.loops():
        body = op.branches[1]
        if body.origin is None:
            ops = names.found(body.name)
            body.origin = Origin(tuple(op.path for op in ops))
            body.mark = ops[0].mark if ops else None
    for graph in model.graphs:
        graph.name = names.shown(graph.name)


def _shared_values(graph: Graph, names: Names) -> dict[Value, tuple[Hashable, ...]]:
    """`Origin.value` of the values that ops of a graph make in steps.

    The converter makes one op of the source several. They come in one order in all steps, among
    those of a kind.
    """
    values: dict[Value, tuple[Hashable, ...]] = {}
    counts: Counter[tuple[Hashable, ...]] = Counter()
    for op in graph.ops:
        for made in op.outputs:
            found = [(o.step, o.within) for o in names.found(made.name) if o.step is not None]
            if found:
                value = (op.kind, *((step[0], within) for step, within in found))
                place = (value, *(step[1] for step, _ in found))
                values[made] = (*value, counts[place])
                counts[place] += 1
    return values
