"""Branches and loop bodies as graphs that know their shapes; nodes put in the place of theirs."""

import numpy as np
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from rnnlite.lite.before_translation.bodies import bodies, compute_instead
from rnnlite.lite.before_translation.convolutions import Instead
from rnnlite.lite.before_translation.rewrite import _rename_functions


def frozen_loop():
    """Within a loop over rows, a branch; the number of columns is free."""

    def step(s, row):
        return tf.cond(row[0] > 0, lambda: tf.roll(s, 1, 0) + row, lambda: s - row)

    def call(x):
        state = (0, tf.zeros_like(x[0]))
        rows = tf.shape(x)[0]
        return tf.while_loop(lambda t, s: t < rows, lambda t, s: (t + 1, step(s, x[t])), state)[1]

    function = tf.function(call, autograph=False).get_concrete_function(tf.TensorSpec([4, None]))
    return convert_variables_to_constants_v2(function, lower_control_flow=False)


def test_shapes_are_those_of_the_call():
    found = dict(bodies(frozen_loop().graph))
    # A condition, a body, and two branches.
    assert len(found) == 4
    kinds = {op.type: op for graph in found.values() for op in graph.get_operations()}
    assert kinds["Roll"].inputs[0].shape.as_list() == [None]


def test_what_is_computed_instead():
    frozen = frozen_loop()
    graph = frozen.graph.as_graph_def()
    nodes = {f.signature.name: f.node_def for f in graph.library.function}
    for name, body in bodies(frozen.graph):
        rolls = [op for op in body.get_operations() if op.type == "Roll"]
        instead = {op.name: Instead((op.inputs[0],), lambda x: tf.abs(x) * 2.0) for op in rolls}
        compute_instead(nodes[name], instead)
    # TensorFlow keeps functions by their names.
    _rename_functions(graph)
    wrapped = tf.compat.v1.wrap_function(lambda: tf.import_graph_def(graph, name=""), [])
    changed = wrapped.prune([t.name for t in frozen.inputs], [t.name for t in frozen.outputs])
    x = np.array([[1, -2], [-3, 1], [2, 2], [1, -9]], np.float32)
    state = np.zeros(2, np.float32)
    for row in x:
        state = 2 * np.abs(state) + row if row[0] > 0 else state - row
    np.testing.assert_allclose(changed(tf.constant(x))[0], state)


def test_what_is_computed_instead_takes_any_tensors_of_the_function():
    """Arguments, second results; and its nodes have names of their own."""

    def body(t, s):
        with tf.name_scope("a"):
            low, high = tf.split(s, 2)
        with tf.name_scope("a/Roll"):
            taken = tf.add(high, 1.0, name="Mul")
        with tf.name_scope("a/"):
            rolled = tf.roll(low, 1, 0, name="Roll")
        return t + 1, tf.concat([rolled, taken], 0)

    def call(x):
        return tf.while_loop(lambda t, _: t < 1, body, (0, x))[1]

    function = tf.function(call, autograph=False).get_concrete_function(tf.TensorSpec([4]))
    frozen = convert_variables_to_constants_v2(function, lower_control_flow=False)
    graph = frozen.graph.as_graph_def()
    nodes = {f.signature.name: f.node_def for f in graph.library.function}
    for name, inner in bodies(frozen.graph):
        for op in inner.get_operations():
            if op.type == "Roll":
                split = op.inputs[0].op
                inputs = (split.outputs[1], split.inputs[1])
                instead = {op.name: Instead(inputs, lambda high, s: high * s[:2])}
                compute_instead(nodes[name], instead)
    for held in nodes.values():
        names = [node.name for node in held]
        assert len(set(names)) == len(names)
    _rename_functions(graph)
    wrapped = tf.compat.v1.wrap_function(lambda: tf.import_graph_def(graph, name=""), [])
    changed = wrapped.prune([t.name for t in frozen.inputs], [t.name for t in frozen.outputs])
    found = changed(tf.constant([1.0, 2.0, 3.0, 4.0]))[0]
    np.testing.assert_allclose(found, [3.0, 8.0, 4.0, 5.0])
