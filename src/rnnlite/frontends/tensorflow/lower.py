"""Lower the loops of a graph: as Scans where they are recurrences, else as plain loops.

What enters: a frame of TensorFlow 1 or a While node. What leaves: the values behind the loop.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from rnnlite.errors import UnsupportedError
from rnnlite.frontends.tensorflow.arrays import Array
from rnnlite.frontends.tensorflow.emit import Emitter, rule
from rnnlite.frontends.tensorflow.frames import Frame
from rnnlite.frontends.tensorflow.loop import Loop, Value
from rnnlite.frontends.tensorflow.nodes import name_of
from rnnlite.frontends.tensorflow.reading import NotAScan
from rnnlite.frontends.tensorflow.recognise import run_scan
from rnnlite.frontends.tensorflow.uses import only_last_row


def lower_frame(emitter: Emitter, frame: Frame) -> dict[str, Value]:
    """The values of all exits of a frame whose inputs are there."""
    needed = emitter.session.needed
    loop = Loop(
        name=frame.name,
        graph=emitter.graph,
        cond_graph=emitter.graph,
        arguments=[v.switch for v in frame.carried],
        updates=[v.update for v in frame.carried],
        cond_arguments=[v.merge for v in frame.carried],
        condition=frame.condition,
        constants={inner: emitter.find(outer) for inner, outer in frame.constants.items()},
        sources=dict(frame.constants),
        initial=[emitter.find(v.enter) for v in frame.carried],
        wanted=[any(name_of(e) in needed for e in v.exits) for v in frame.carried],
        last=[
            all(only_last_row(emitter.graph, e, needed, emitter.session.outputs) for e in v.exits)
            for v in frame.carried
        ],
    )
    results = lower_loop(emitter, loop)
    return {
        exit_: value
        for variable, value in zip(frame.carried, results, strict=True)
        for exit_ in variable.exits
    }


@rule("While", "StatelessWhile")
def _while(emitter: Emitter, node: Any, inputs: list[Value]) -> list[Value]:
    body = emitter.graph.function(node.attr["body"].func.name)
    cond = emitter.graph.function(node.attr["cond"].func.name)
    read = {
        r
        for consumer in emitter.graph.consumers.get(node.name, [])
        for r in emitter.graph.inputs(consumer)
    } | set(emitter.graph.results)
    top = not emitter.graph.arguments
    loop = Loop(
        name=node.name,
        graph=body,
        cond_graph=cond,
        arguments=body.arguments,
        updates=body.results,
        cond_arguments=cond.arguments,
        condition=cond.results[0],
        constants={},
        sources=dict(zip(body.arguments, emitter.graph.inputs(node), strict=True)),
        initial=inputs,
        wanted=[top or f"{node.name}:{k}" in read for k in range(len(inputs))],
        last=[False] * len(inputs),
    )
    return lower_loop(emitter, loop)


def lower_loop(emitter: Emitter, loop: Loop) -> list[Value]:
    """The values of a loop's variables behind it; of those that nothing reads, any value."""
    try:
        return run_scan(emitter, loop)
    except NotAScan as e:
        reason = str(e)
    result = _plain(emitter, loop)
    if not emitter.session.probing:
        emitter.session.notes.append(f"the loop '{loop.name}' is kept as a plain loop: {reason}")
    return result


def _plain(emitter: Emitter, loop: Loop) -> list[Value]:
    """The loop as it stands, arrays as dense tensors."""
    initial = _with_buffers(emitter, loop)
    shapes = [_tensor(v).shape for v in initial]
    while True:
        # Each round frees an axis at least, or is the last.
        found = _shapes_after(emitter, loop, initial, shapes)
        merged = [a.most_specific_compatible_shape(b) for a, b in zip(shapes, found, strict=True)]
        if list(map(_axes, merged)) == list(map(_axes, shapes)):
            break
        shapes = merged
    for k, shape in enumerate(shapes):
        if shape.rank is None:
            raise UnsupportedError(
                f"variable {k} of the loop '{loop.name}' changes its rank",
                expected="variables that keep their rank",
                remedy="Name outputs in front of the loop",
            )

    def condition(*tensors: Any) -> Any:
        values = _packed(initial, tensors)
        inner = _inside(emitter, loop, values, condition=True)
        return tf.reshape(inner.get(loop.condition), [])

    def body(*tensors: Any) -> list[Any]:
        values = _packed(initial, tensors)
        inner = _inside(emitter, loop, values, condition=False)
        updates = [_tensor(v) for v in inner.get_all(loop.updates)]
        for update, shape in zip(updates, shapes, strict=True):
            update.set_shape(shape)
        return updates

    results = tf.while_loop(
        condition, body, [_tensor(v) for v in initial], shape_invariants=shapes, name="loop"
    )
    return _packed(initial, results)


def _inside(emitter: Emitter, loop: Loop, values: Sequence[Value], *, condition: bool) -> Emitter:
    """An emitter in the condition or in the body."""
    graph = loop.cond_graph if condition else loop.graph
    names = loop.cond_arguments if condition else loop.arguments
    given = {**loop.constants, **dict(zip(names, values, strict=True))}
    return Emitter(emitter.session, graph, given, emitter if graph is emitter.graph else None)


def _with_buffers(emitter: Emitter, loop: Loop) -> list[Value]:
    """The initial values, arrays that are written with rows to write on."""
    if not any(isinstance(v, Array) and v.content is None for v in loop.initial):
        return list(loop.initial)
    rows = _probe(emitter, loop, list(loop.initial))
    first: list[Value] = [None] * len(rows)
    if any(
        isinstance(v, Array) and None in (_axes(r) or ())
        for v, r in zip(loop.initial, rows, strict=True)
    ):
        # Sizes that are free are taken from the first turn, computed in front of the loop.
        first = _inside(emitter, loop, list(loop.initial), condition=False).get_all(loop.updates)
    found: list[Value] = []
    for value, row, turn in zip(loop.initial, rows, first, strict=True):
        if isinstance(value, Array) and value.content is None:
            shape = row if row.rank is not None else value.element
            like = turn.content[0] if turn is not None and turn.content is not None else None
            try:
                value = value.buffer(shape, like)
            except (ValueError, TypeError) as e:
                raise UnsupportedError(
                    f"the rows that the loop '{loop.name}' writes into '{value.name}' have no "
                    "known shape",
                    found=str(row),
                    remedy="Give a batch size, or shapes, where the graph leaves them free",
                ) from e
        found.append(value)
    return found


def _axes(shape: Any) -> list[int | None] | None:
    return None if shape.rank is None else list(shape.as_list())


def _probe(emitter: Emitter, loop: Loop, values: list[Value]) -> list[Any]:
    """Shapes of what one turn writes into arrays, from a graph that is thrown away."""
    with emitter.session.scratch():
        updates = _inside(emitter, loop, values, condition=False).get_all(loop.updates)
    return [u.element if isinstance(u, Array) else u.shape for u in updates]


def _shapes_after(
    emitter: Emitter, loop: Loop, initial: list[Value], shapes: list[Any]
) -> list[Any]:
    """Shapes of the variables after one turn from variables of the given shapes."""
    with emitter.session.scratch():
        tensors = [
            tf.compat.v1.placeholder(_tensor(v).dtype, s)
            for v, s in zip(initial, shapes, strict=True)
        ]
        inner = _inside(emitter, loop, _packed(initial, tensors), condition=False)
        return [_tensor(v).shape for v in inner.get_all(loop.updates)]


def _tensor(value: Value) -> Any:
    """The tensor that is carried for a value."""
    if isinstance(value, Array):
        return tf.zeros([0], value.dtype) if value.content is None else value.content
    return value


def _packed(like: Sequence[Value], tensors: Sequence[Any]) -> list[Value]:
    """Values of the same kinds from the carried tensors."""
    return [
        v.with_content(t)
        if isinstance(v, Array) and v.content is not None
        else (v if isinstance(v, Array) else t)
        for v, t in zip(like, tensors, strict=True)
    ]
