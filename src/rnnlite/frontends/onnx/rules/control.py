"""If, Loop and Scan.

What enters: a node of ONNX, and its inputs as operands. What leaves: the final states of the body,
and its rows as sequences (T, ...).

A known condition is decided at once. All else is written as control flow of TensorFlow in a graph
of its own, which the reader of TensorFlow's graphs then reads: loops over rows become Scans, others
plain loops.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

import numpy as np
import tensorflow as tf

from rnnlite.frontends.onnx.emit import Argument, Emitter, as_tensor, as_value, known, refuse, rule
from rnnlite.frontends.onnx.nodes import Graph, Node
from rnnlite.frontends.onnx.rules.trips import iterations
from rnnlite.frontends.onnx.values import Dims, Operand, Value, is_known
from rnnlite.frontends.tensorflow import tracing as _rules_of_graphs  # noqa: F401 - registers them
from rnnlite.frontends.tensorflow.emit import Emission
from rnnlite.frontends.tensorflow.emit import Emitter as GraphEmitter
from rnnlite.frontends.tensorflow.fused import expand
from rnnlite.frontends.tensorflow.nodes import graph_of, with_defaults
from rnnlite.scan.tensors import Tensor

Function = Callable[[Sequence[Tensor]], Sequence[Tensor]]


def read_back(emitter: Emitter, function: Function, inputs: Sequence[Tensor]) -> list[Tensor]:
    """The results of a function with control flow, whose loops are read as recurrences.

    Args:
        emitter: the emitter of the graph that is being built.
        function: a function of the inputs; all else that it reads is constant.
        inputs: tensors of the graph that is being built.
    """
    specs = [tf.TensorSpec(t.shape, t.dtype, name=f"i{k}") for k, t in enumerate(inputs)]

    def flat(*tensors: Tensor) -> list[Tensor]:
        return [tf.identity(y) for y in function(tensors)]

    with tf.init_scope():
        concrete = tf.function(flat, autograph=False).get_concrete_function(*specs)
    definition = with_defaults(concrete.graph.as_graph_def())
    graph = expand(graph_of(definition))
    emission = Emission(emitter.recurrences.options)
    outputs = [t.name for t in concrete.outputs]
    emission.needed = graph.ancestors(outputs)
    given = {t.name: own for t, own in zip(concrete.inputs, inputs, strict=False)}
    found = GraphEmitter(emission, graph, given).get_all(outputs)
    emitter.recurrences.lowered += emission.lowered
    emitter.recurrences.records += emission.records.values()
    emitter.notes += emission.notes
    results: list[Tensor] = []
    for value, like in zip(found, concrete.outputs, strict=True):
        tensor = cast(Tensor, value)
        tensor.set_shape(like.shape)
        results.append(tensor)
    return results


class Outside:
    """What bodies read from the graph around them: numbers stay numbers, tensors become inputs.

    Args:
        emitter: the emitter of the graph around.
        bodies: the bodies.
    """

    def __init__(self, emitter: Emitter, *bodies: Graph) -> None:
        self.emitter = emitter
        self.fixed: dict[str, Operand] = {}
        self.names: list[str] = []
        self.tensors: list[Tensor] = []
        for name in dict.fromkeys(n for body in bodies for n in body.outside()):
            operand = emitter.get(name)
            numbers = known(operand)
            if numbers is not None:
                self.fixed[name] = numbers
                continue
            self.names.append(name)
            self.tensors.append(as_tensor(operand))

    def given(self, tensors: Sequence[Tensor]) -> dict[str, Operand]:
        """Name -> value for a body; in its function's graph `tensors` stand for the outer ones."""
        inner = {n: Value.of(t) for n, t in zip(self.names, tensors, strict=True)}
        return {**self.fixed, **inner}


def run_body(emitter: Emitter, body: Graph, given: dict[str, Operand]) -> list[Operand]:
    """The outputs of a body."""
    return emitter.body(body, given).get_all([p.name for p in body.outputs])


@rule("If")
def _if(emitter: Emitter, node: Node, inputs: list[Argument]) -> Sequence[Operand]:
    bodies = node.get("then_branch"), node.get("else_branch")
    condition = known(inputs[0])
    if condition is None and isinstance(inputs[0], Value):
        condition = tf.get_static_value(inputs[0].base)
    if condition is not None:
        return run_body(emitter, bodies[0] if np.asarray(condition).all() else bodies[1], {})
    if _is_squeeze(bodies[0]):
        # Exporters write so a Squeeze of an axis of unknown size. Later ops take only one rank.
        emitter.notes.append(f"node {node.label} is taken as true: an axis is of size 1")
        return run_body(emitter, bodies[0], {})
    outside = Outside(emitter, *bodies)

    def function(tensors: Sequence[Tensor]) -> Sequence[Tensor]:
        chosen, *rest = tensors
        given = outside.given(rest)

        def branch(body: Graph) -> Callable[[], list[Tensor]]:
            return lambda: [as_tensor(v) for v in run_body(emitter, body, given)]

        found: Any = tf.cond(tf.reshape(chosen, []), branch(bodies[0]), branch(bodies[1]))
        return list(found) if isinstance(found, list | tuple) else [found]

    chosen = as_tensor(inputs[0])
    return [Value.of(t) for t in read_back(emitter, function, [chosen, *outside.tensors])]


def _is_squeeze(body: Graph) -> bool:
    """Whether a body only squeezes a tensor."""
    plain = {"Constant", "Identity", "Squeeze"}
    ops = [n.op for n in body.nodes]
    return "Squeeze" in ops and set(ops) <= plain


@rule("Loop")
def _loop(emitter: Emitter, node: Node, inputs: list[Argument]) -> Sequence[Operand]:
    body: Graph = node.get("body")
    limit, go, *states = inputs
    outside = Outside(emitter, body)
    count = len(states)
    initial = [as_tensor(s) for s in states if s is not None]
    always = _always(emitter, body, go)
    top = _limit(limit)
    start = tf.constant(True) if go is None else tf.reshape(as_tensor(go), [])
    if not always:
        sure = go is None or bool(np.all(known(go) if known(go) is not None else False))
        trips = iterations(emitter, node, True if sure else start)
        always = trips is not None
        if trips is not None:
            top = trips if top is None else tf.minimum(trips, top)

    def function(tensors: Sequence[Tensor]) -> Sequence[Tensor]:
        most, start, *rest = tensors
        carried, given = rest[:count], outside.given(rest[count:])

        def step(i: Tensor, values: Sequence[Tensor]) -> list[Tensor]:
            names = [p.name for p in body.inputs]
            own = [Value.of(tf.cast(i, tf.int64)), Value.of(tf.constant(True))]
            own += [Value.of(v) for v in values]
            made = run_body(emitter, body, {**given, **dict(zip(names, own, strict=True))})
            return [as_tensor(v) for v in made]

        return _while(step, most, start, carried, len(body.outputs) - 1 - count, always)

    most = tf.constant(LAST, tf.int32) if top is None else top
    found = read_back(emitter, function, [most, start, *initial, *outside.tensors])
    return [Value.of(t) for t in found]


LAST = np.iinfo(np.int32).max


def _limit(limit: Argument) -> Tensor | None:
    if limit is None:
        return None
    if isinstance(limit, Dims):
        entry = limit.flat()[0]
        return tf.constant(int(entry), tf.int32) if is_known(entry) else cast(Tensor, entry)
    numbers = known(limit)
    if numbers is not None:
        return tf.constant(min(int(numbers.reshape(())), LAST), tf.int32)
    return tf.reshape(tf.cast(as_tensor(limit), tf.int32), [])


def _always(emitter: Emitter, body: Graph, go: Argument) -> bool:
    """Whether the body never ends the loop itself."""
    first = known(go) if go is not None else np.asarray(True)
    if first is None or not np.all(first):
        return False
    condition, own = body.outputs[0].name, body.inputs[1].name
    makers = {name: n for n in body.nodes for name in n.outputs}
    while condition in makers and makers[condition].op in ("Identity", "Cast"):
        condition = makers[condition].inputs[0]
    if condition == own:
        return True
    if condition in makers and makers[condition].op == "Constant":
        value = makers[condition].get("value")
    elif condition in body.constants:
        value = body.constants[condition]
    else:
        value = known(emitter.get(condition)) if condition in body.outside() else None
    return value is not None and bool(np.all(value))


def _while(
    step: Callable[[Tensor, Sequence[Tensor]], list[Tensor]],
    most: Tensor,
    start: Tensor,
    carried: Sequence[Tensor],
    rows: int,
    always: bool,
) -> list[Tensor]:
    """Emit a tf.while_loop whose step gives a condition, new states and rows: states, sequences."""
    count = len(carried)
    shapes = _invariant_shapes(lambda values: step(tf.constant(0), values)[1 : 1 + count], carried)
    kinds, row_shapes = _rows_of(step, carried, shapes, rows, count)
    size = most if always else 0
    arrays = [
        tf.TensorArray(k, size=size, dynamic_size=not always, element_shape=s)
        for k, s in zip(kinds, row_shapes, strict=True)
    ]

    def condition(i: Tensor, go: Tensor, *_: Any) -> Tensor:
        return i < most if always else tf.logical_and(i < most, go)

    def body(i: Tensor, go: Tensor, *rest: Any) -> list[Any]:
        values, written = rest[:count], rest[count:]
        made = step(i, values)
        new = list(made[1 : 1 + count])
        for value, shape in zip(new, shapes, strict=True):
            value.set_shape(shape)
        stored = [a.write(i, y) for a, y in zip(written, made[1 + count :], strict=True)]
        keep = go if always else tf.reshape(made[0], [])
        return [i + 1, keep, *new, *stored]

    invariants = [tf.TensorShape([]), tf.TensorShape([]), *shapes, *[tf.TensorShape([])] * rows]
    results = tf.while_loop(
        condition,
        body,
        [tf.constant(0), start, *carried, *arrays],
        shape_invariants=invariants if rows == 0 else None,
        name="loop",
    )
    return [*results[2 : 2 + count], *[a.stack() for a in results[2 + count :]]]


def _invariant_shapes(
    step: Callable[[Sequence[Tensor]], Sequence[Tensor]], carried: Sequence[Tensor]
) -> list[Any]:
    """The shapes that the states have in every iteration."""
    shapes = [t.shape for t in carried]
    for _ in range(8):
        with tf.__internal__.FuncGraph("probe").as_default():
            marks = [
                tf.compat.v1.placeholder(t.dtype, s) for t, s in zip(carried, shapes, strict=True)
            ]
            made = [t.shape for t in step(marks)]
        merged = [a.most_specific_compatible_shape(b) for a, b in zip(shapes, made, strict=True)]
        if [str(s) for s in merged] == [str(s) for s in shapes]:
            break
        shapes = merged
    return shapes


def _rows_of(
    step: Callable[[Tensor, Sequence[Tensor]], list[Tensor]],
    carried: Sequence[Tensor],
    shapes: Sequence[Any],
    rows: int,
    count: int,
) -> tuple[list[Any], list[Any]]:
    """Dtypes and shapes of the rows that each iteration gives."""
    if not rows:
        return [], []
    with tf.__internal__.FuncGraph("probe").as_default():
        marks = [tf.compat.v1.placeholder(t.dtype, s) for t, s in zip(carried, shapes, strict=True)]
        made = step(tf.constant(0), marks)[1 + count :]
        return [t.dtype for t in made], [t.shape for t in made]


@rule("Scan")
def _scan(emitter: Emitter, node: Node, inputs: list[Argument]) -> Sequence[Operand]:
    if node.version < 9:
        return refuse(node, "the form of operator set 8", "that of operator set 9 or newer")
    body: Graph = node.get("body")
    sequences = int(node.get("num_scan_inputs"))
    count = len(inputs) - sequences
    rows = len(body.outputs) - count
    axes = list(node.get("scan_input_axes") or [0] * sequences)
    turned = list(node.get("scan_input_directions") or [0] * sequences)
    outside = Outside(emitter, body)
    states = [as_tensor(s) for s in inputs[:count] if s is not None]
    read: list[Tensor] = []
    for operand, axis, backward in zip(inputs[count:], axes, turned, strict=True):
        value = as_value(operand)
        place = axis % value.rank
        x = value.arranged([place, *(k for k in range(value.rank) if k != place)])
        read.append(tf.reverse(x, [0]) if backward else x)

    def function(tensors: Sequence[Tensor]) -> Sequence[Tensor]:
        carried, xs = tensors[:count], tensors[count : count + sequences]
        given = outside.given(tensors[count + sequences :])
        length = xs[0].shape[0] if xs[0].shape[0] is not None else tf.shape(xs[0])[0]
        read_rows = [
            tf.TensorArray(x.dtype, size=length, element_shape=x.shape[1:]).unstack(x) for x in xs
        ]

        def step(i: Tensor, values: Sequence[Tensor]) -> list[Tensor]:
            names = [p.name for p in body.inputs]
            own = [Value.of(v) for v in values] + [Value.of(a.read(i)) for a in read_rows]
            made = run_body(emitter, body, {**given, **dict(zip(names, own, strict=True))})
            return [tf.constant(True), *[as_tensor(v) for v in made]]

        most = tf.constant(length, tf.int32) if isinstance(length, int) else length
        return _while(step, most, tf.constant(True), carried, rows, True)

    found = read_back(emitter, function, [*states, *read, *outside.tensors])
    return [*map(Value.of, found[:count]), *_placed(node, found[count:], rows)]


def _placed(node: Node, sequences: Sequence[Tensor], rows: int) -> list[Operand]:
    """Sequences with time at the axis, and in the direction, that the node states."""
    axes = list(node.get("scan_output_axes") or [0] * rows)
    turned = list(node.get("scan_output_directions") or [0] * rows)
    found: list[Operand] = []
    for y, axis, backward in zip(sequences, axes, turned, strict=True):
        y = tf.reverse(y, [0]) if backward else y
        rank = len(y.shape)
        order = list(range(1, rank))
        order.insert(axis % rank, 0)
        found.append(Value.of(y).transposed(order))
    return found
