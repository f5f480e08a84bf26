"""The loops of a graph: as Scans where they are recurrences, else as plain loops.

What enters: a frame of TensorFlow 1 or a While node. What leaves: the values behind the loop.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rnnlite.frontends.tensorflow.arrays import Array, Value
from rnnlite.frontends.tensorflow.emit import Emitter, value_rule
from rnnlite.frontends.tensorflow.frames import Frame
from rnnlite.frontends.tensorflow.nodes import name_of
from rnnlite.frontends.tensorflow.plain import PlainLoop
from rnnlite.frontends.tensorflow.region import GraphRegion
from rnnlite.frontends.tensorflow.scans import run_scan
from rnnlite.frontends.tensorflow.uses import only_last_row
from rnnlite.loops import Condition, Loop, NotAScan, Ref, Variable, scan_of
from rnnlite.lowering.sequences import Sequences
from rnnlite.scan.protos import NodeDef


def lower_frame(emitter: Emitter, frame: Frame) -> dict[str, Value]:
    """The values of all exits of a frame whose inputs are there."""
    needed, outputs = emitter.emission.needed, emitter.emission.outputs
    variables = [
        _variable(
            (v.switch, v.update, v.merge),
            emitter.find(v.enter),
            wanted=any(name_of(e) in needed for e in v.exits),
            last=all(only_last_row(emitter.graph, e, needed, outputs) for e in v.exits),
        )
        for v in frame.carried
    ]
    constants = {inner: emitter.find(outer) for inner, outer in frame.constants.items()}

    def region(arguments: Sequence[Ref]) -> GraphRegion:
        inner = Emitter(emitter.emission, emitter.graph, constants, emitter)
        return GraphRegion(inner, frozenset([*arguments, *constants]))

    body = region([v.argument for v in variables])
    condition = region([v.tested for v in variables])
    loop = Loop(
        name=frame.name,
        body=body,
        condition=Condition(condition, frame.condition),
        variables=tuple(variables),
        tensors=Sequences(),
        outside=frozenset(constants),
        arrays={r: v for r, v in constants.items() if isinstance(v, Array)},
        weights=_weights(emitter, frame.constants),
    )
    results = _lowered(loop, body, condition)
    return {
        exit_: value
        for variable, value in zip(frame.carried, results, strict=True)
        for exit_ in variable.exits
    }


@value_rule("Exit", "RefExit")
def _exit(emitter: Emitter, node: NodeDef, inputs: list[Value]) -> list[Value]:
    """One exit; the others of its loop are there too, behind it."""
    found = lower_frame(emitter, emitter.frame(node))
    emitter.values.update(found)
    return [found[f"{node.name}:0"]]


@value_rule("While", "StatelessWhile")
def _while(emitter: Emitter, node: NodeDef, inputs: list[Value]) -> list[Value]:
    body = emitter.graph.function(node.attr["body"].func.name)
    cond = emitter.graph.function(node.attr["cond"].func.name)
    read = {
        r
        for consumer in emitter.graph.consumers.get(node.name, [])
        for r in emitter.graph.inputs(consumer)
    } | set(emitter.graph.results)
    top = not emitter.graph.arguments
    names = zip(body.arguments, body.results, cond.arguments, strict=True)
    variables = [
        _variable(own, value, wanted=top or f"{node.name}:{k}" in read, last=False)
        for k, (own, value) in enumerate(zip(names, inputs, strict=True))
    ]
    regions = [
        GraphRegion(Emitter(emitter.emission, graph, {}), frozenset(graph.arguments))
        for graph in (body, cond)
    ]
    loop = Loop(
        name=node.name,
        body=regions[0],
        condition=Condition(regions[1], cond.results[0]),
        variables=tuple(variables),
        tensors=Sequences(),
        weights=_weights(
            emitter, dict(zip(body.arguments, emitter.graph.inputs(node), strict=True))
        ),
    )
    return _lowered(loop, *regions)


def _variable(names: tuple[Ref, Ref, Ref], initial: Value, *, wanted: bool, last: bool) -> Variable:
    rows = initial if isinstance(initial, Array) else None
    return Variable(*names, initial=initial, rows=rows, wanted=wanted, last=last)


def _weights(emitter: Emitter, sources: Mapping[Ref, str]) -> dict[Ref, str]:
    """Names of the constants among what the loop reads from outside."""
    found = {r: emitter.graph.origin(outer) for r, outer in sources.items()}
    return {r: name_of(o) for r, o in found.items() if emitter.graph.node(o).op == "Const"}


def _lowered(loop: Loop, body: GraphRegion, condition: GraphRegion) -> list[Value]:
    """The values of a loop's variables behind it; of those that nothing reads, any value."""
    emission = body.emitter.emission
    found = scan_of(loop, quiet=emission.probing)
    if not isinstance(found, NotAScan):
        # By its place in the source: a loop within a loop is emitted for each unrolled step.
        place = id(body.emitter.graph.nodes[name_of(loop.variables[0].argument)])
        return run_scan(emission, loop, found, place)
    result = PlainLoop(loop, body, condition).run()
    if not emission.probing:
        emission.notes.append(f"the loop '{loop.name}' is kept as a plain loop: {found.reason}")
    return result
