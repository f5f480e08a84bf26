"""Graphs built in code, with control flow of TensorFlow 1 or 2, and what TensorFlow gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tensorflow as tf

import rnnlite
from rnnlite.frontends.functions import runner, trace
from rnnlite.frontends.tensorflow import tracing  # noqa: F401 - registers the rules
from rnnlite.frontends.tensorflow.emit import Emission, Emitter
from rnnlite.frontends.tensorflow.nodes import graph_of, name_of, with_defaults
from rnnlite.lowering.schedule import Options
from rnnlite.specs import TensorSpec

v1 = tf.compat.v1
KERNEL, RECURRENT, HEAD = (
    np.random.default_rng(0).normal(size=s).astype(np.float32) * 0.5
    for s in ((4, 8), (8, 8), (8, 3))
)


def recurrent(x):
    """The last state of a plain recurrent network over (B, T, 4)."""
    steps = tf.shape(x)[1]
    rows = tf.TensorArray(tf.float32, steps).unstack(tf.transpose(x, [1, 0, 2]))
    start = (0, tf.zeros([tf.shape(x)[0], 8]))

    def body(t, h):
        return t + 1, tf.tanh(rows.read(t) @ KERNEL + h @ RECURRENT)

    return v1.while_loop(lambda t, h: t < steps, body, start)[1]


def write(path: Path, build, *, v2: bool = False) -> Path:
    """A graph as a file; `build` gets the placeholder x of shape (B, T, 4)."""
    (v1.enable_control_flow_v2 if v2 else v1.disable_control_flow_v2)()
    try:
        with tf.Graph().as_default() as graph:
            build(v1.placeholder(tf.float32, [None, None, 4], name="x"))
    finally:
        v1.enable_control_flow_v2()
    path.write_bytes(graph.as_graph_def().SerializeToString())
    return path


def expected(path: Path, outputs, feeds):
    """What TensorFlow computes."""
    definition = v1.GraphDef.FromString(path.read_bytes())
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(definition, name="")
        with v1.Session(graph=graph) as session:
            return session.run(outputs, feeds)


def assert_equal_to_source(converted, path: Path, outputs, constants=None, length=6):
    """The model's outputs on one random sequence are the graph's with these constants."""
    x = np.random.default_rng(1).normal(size=(1, length, 4)).astype(np.float32)
    wanted = expected(path, outputs, {"x:0": x, **(constants or {})})
    assert [i["name"] for i in converted.report.inputs] == ["x"]
    found = rnnlite.load(converted.tflite).run([x])
    for a, b in zip(found, wanted, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def node(op, name, *inputs, **attrs):
    """A NodeDef; attributes are dtypes, numbers, flags, texts or constants."""
    made = v1.NodeDef(op=op, name=name, input=list(inputs))
    for key, value in attrs.items():
        if isinstance(value, tf.DType):
            made.attr[key].type = value.as_datatype_enum
        elif isinstance(value, bool):
            made.attr[key].b = value
        elif isinstance(value, int):
            made.attr[key].i = value
        elif isinstance(value, str):
            made.attr[key].s = value.encode()
        else:
            made.attr[key].tensor.CopyFrom(tf.make_tensor_proto(value))
    return made


def placeholder(name="x", shape=(None, None, 4)):
    """A NodeDef of a placeholder of floats."""
    made = node("Placeholder", name, dtype=tf.float32)
    made.attr["shape"].shape.CopyFrom(tf.TensorShape(shape).as_proto())
    return made


def write_nodes(path: Path, *nodes) -> Path:
    """A graph of these nodes as a file."""
    path.write_bytes(v1.GraphDef(node=nodes).SerializeToString())
    return path


def graph_def(*nodes):
    """These nodes as a GraphDef in which no attribute is left out."""
    return with_defaults(v1.GraphDef(node=nodes))


def graph_from(build, **shapes):
    """The GraphDef of what `build` makes of placeholders of floats, by name."""
    with tf.Graph().as_default() as graph:
        build(*(v1.placeholder(tf.float32, shape, name) for name, shape in shapes.items()))
    return graph.as_graph_def()


def emitted(definition, outputs, *, prepare=None, options=None, **arrays):
    """What a graph gives when it is emitted anew, at the shapes of these arrays, and run.

    Args:
        definition: a GraphDef.
        outputs: references.
        prepare: what the table of nodes goes through first.
        arrays: the inputs by name.
    """
    graph = graph_of(with_defaults(definition))
    graph = prepare(graph) if prepare else graph
    emission = Emission(options or Options())
    emission.needed = graph.ancestors(outputs)
    emission.outputs = {name_of(r) for r in outputs}

    def call(tensors):
        given = {f"{name}:0": t for name, t in zip(arrays, tensors, strict=True)}
        return Emitter(emission, graph, given).get_all(outputs)

    specs = [TensorSpec(k, a.shape, a.dtype.name) for k, a in arrays.items()]
    function = trace(call, specs, autograph=False)
    return runner(function)(list(arrays.values())), function, emission


def as_tensorflow_runs(definition, outputs, **arrays):
    """What TensorFlow gives for the same."""
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(definition, name="")
        with v1.Session(graph=graph) as session:
            return session.run(outputs, {f"{k}:0": a for k, a in arrays.items()})


def ops_of(function):
    """The op types of a function's graph, in order."""
    return [op.type for op in function.graph.get_operations()]


def ops_needed(function):
    """The op types that a function's results are made of."""
    queue, seen = [t.op for t in function.outputs], {}
    while queue:
        op = queue.pop()
        if op.name not in seen:
            seen[op.name] = op.type
            queue += [t.op for t in op.inputs]
    return list(seen.values())
