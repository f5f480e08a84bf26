"""Conditions of TensorFlow 1 and 2: known, small, large, nested."""

import building
import numpy as np
import pytest
import tensorflow as tf
from building import node, placeholder

import rnnlite
from rnnlite.errors import UnsupportedError
from rnnlite.frontends.tensorflow.conditions import choose


def converted(tmp_path, build, v2):
    """A graph with one input x [1, 4] and one output y, made with either control flow."""
    with tf.Graph().as_default() as graph:
        toggle = tf.compat.v1.enable_control_flow_v2 if v2 else tf.compat.v1.disable_control_flow_v2
        toggle()
        try:
            x = tf.compat.v1.placeholder(tf.float32, [1, 4], "x")
            tf.identity(build(x), "y")
        finally:
            tf.compat.v1.enable_control_flow_v2()
    ops = {n.op for n in graph.as_graph_def().node}
    assert bool(ops & {"If", "StatelessIf"}) == v2
    assert ("Switch" in ops) != v2
    path = tmp_path / "graph.pb"
    path.write_bytes(graph.as_graph_def().SerializeToString())
    return rnnlite.convert(path)


def long(x):
    for k in range(20):
        x = tf.tanh(x) * (1.0 + k / 50)
    return x


BUILDERS = {
    "small": lambda x: tf.cond(tf.reduce_sum(x) > 0, lambda: x + 1.0, lambda: 2.0 * x),
    "large": lambda x: tf.cond(tf.reduce_sum(x) > 0, lambda: long(x), lambda: long(-2.0 * x)),
    "nested": lambda x: tf.cond(
        tf.reduce_sum(x) > 0,
        lambda: tf.cond(tf.reduce_sum(x) > 1, lambda: x + 1.0, lambda: 2.0 * x),
        lambda: tf.cond(tf.reduce_sum(x) < -1, lambda: x - 1.0, lambda: -x),
    ),
    "constants": lambda x: x * tf.cond(tf.reduce_sum(x) > 0, lambda: 3.0, lambda: 5.0),
}


@pytest.mark.parametrize("v2", [False, True], ids=["v1", "v2"])
@pytest.mark.parametrize("name", BUILDERS)
def test_both_sides(tmp_path, name, v2):
    found = converted(tmp_path, BUILDERS[name], v2)
    model = rnnlite.load(found.tflite)
    assert ("IF" in found.report.ops) == (name == "large")
    for sign in (1, -1):
        for size in (0.1, 1.0):
            x = sign * size * np.array([[0.5, 0.2, 0.1, 0.4]], np.float32)
            (y,) = model.run([x])
            np.testing.assert_allclose(y, BUILDERS[name](tf.constant(x)), atol=1e-6)


@pytest.mark.parametrize("v2", [False, True], ids=["v1", "v2"])
def test_a_known_predicate_picks_its_branch(tmp_path, v2):
    """As a learning phase does: the other branch, random here, is never built."""

    def build(x):
        training = tf.compat.v1.placeholder_with_default(False, [], "training")
        return tf.cond(training, lambda: tf.nn.dropout(x, 0.5), lambda: 2.0 * x)

    found = converted(tmp_path, build, v2)
    assert found.report.ops == {"MUL": 1}


@pytest.mark.parametrize(
    ("branch", "op"),
    [
        (lambda x: 2.0 * tf.tanh(x), "SelectV2"),
        (lambda x: tf.pad(x, [[0, 1], [0, 0]]), "If"),
        (lambda x: tf.reduce_mean(x, 0, keepdims=True), "If"),
    ],
    ids=["as long", "longer", "of one step"],
)
def test_tensors_of_any_length_are_selected_where_they_are_as_long(branch, op):
    class Unknown:
        """An emitter that knows no predicate."""

        emission = property(lambda self: self)

        def static(self, tensor):
            return None

    with tf.__internal__.FuncGraph("g").as_default():
        x = tf.compat.v1.placeholder(tf.float32, [None, 3])
        taken = tf.compat.v1.placeholder(tf.bool, [])
        y = choose(Unknown(), taken, lambda: branch(x), lambda: x, True)
        assert (y.op.type if y.op.type == "SelectV2" else y.op.inputs[0].op.type).endswith(op)


def test_a_merge_of_no_condition(tmp_path):
    nodes = (
        placeholder(),
        node("Tanh", "a", "x", T=tf.float32),
        node("Merge", "merge", "x", "a", T=tf.float32, N=2),
        node("Tanh", "y", "merge", T=tf.float32),
    )
    path = building.write_nodes(tmp_path / "graph.pb", *nodes)
    with pytest.raises(UnsupportedError, match="Merge 'merge' joins branches of no condition that"):
        rnnlite.convert(path, outputs=["y:0"])


@pytest.mark.parametrize("v2", [False, True], ids=["v1", "v2"])
def test_a_choice_between_arrays(tmp_path, v2):
    def build(x):
        array = tf.TensorArray(tf.float32, 1)
        taken = tf.reduce_sum(x) > 0
        rows = tf.cond(taken, lambda: array.write(0, x[0]), lambda: array.write(0, -x[0]))
        tf.identity(rows.stack(), "y")

    path = building.write(tmp_path / "graph.pb", build, v2=v2)
    with pytest.raises(UnsupportedError, match="a condition chooses between arrays; expected ten"):
        rnnlite.convert(path, outputs=["y:0"])
