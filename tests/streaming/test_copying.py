"""Ops copied into another graph compute the same."""

import numpy as np
import tensorflow as tf

from rnnlite.streaming.copying import copied, read_by, replayed


def model(x, y):
    """Ops, functions and a loop."""
    z = tf.nn.relu(x) * 2.0 + y
    z = tf.cond(tf.reduce_sum(z) > 0, lambda: z + 1.0, lambda: z - 1.0)
    return tf.while_loop(lambda k, a: k < 3, lambda k, a: (k + 1, a * 1.5), [0, z])[1], z


def concrete():
    spec = tf.TensorSpec([None, 2], tf.float32)
    return tf.function(model, autograph=False).get_concrete_function(spec, spec)


def test_a_function_emitted_into_another():
    source = concrete()

    @tf.function(autograph=False)
    def run(x, y):
        given = dict(zip((t.name for t in source.inputs), (x, y), strict=True))
        return replayed(source.outputs, given)

    rng = np.random.default_rng(0)
    x, y = (tf.constant(rng.standard_normal((3, 2)).astype(np.float32)) for _ in range(2))
    for found, expected in zip(run(x, y), source(x, y), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_what_is_given_is_not_computed_anew():
    source = concrete()
    relu = next(op for op in source.graph.get_operations() if op.type == "Relu")
    with tf.Graph().as_default() as graph:
        mine = tf.compat.v1.placeholder(tf.float32, [None, 2])
        given = {source.inputs[1].name: mine, relu.outputs[0].name: mine}
        replayed(source.outputs, given)
        assert not [op for op in graph.get_operations() if op.type == "Relu"]


def test_each_op_is_copied_once():
    source = concrete()
    with tf.Graph().as_default() as graph:
        holders = [tf.compat.v1.placeholder(tf.float32, [None, 2]) for _ in range(2)]
        given = dict(zip((t.name for t in source.inputs), holders, strict=True))
        replayed([*source.outputs, source.outputs[1]], given)
        kinds = [op.type for op in graph.get_operations()]
    assert kinds.count("Relu") == 1


def test_a_copy_keeps_name_and_attributes():
    with tf.Graph().as_default():
        x = tf.compat.v1.placeholder(tf.float32, [2, 3])
        y = tf.argmax(x, 1, tf.int32, name="best")
    with tf.Graph().as_default(), tf.name_scope("elsewhere"):
        mine = [tf.zeros([2, 3]), tf.constant(1)]
        (found,) = copied(y.op, mine)
        assert found.op.name == "best"
        assert found.dtype == tf.int32
        assert [a is b for a, b in zip(found.op.inputs, mine, strict=True)] == [True, True]


def test_which_inputs_are_read():
    source = concrete()
    x, y = (t.name for t in source.inputs)
    assert sorted(read_by(source.outputs, set())) == sorted([x, y])
    assert read_by(source.outputs, {x}) == [y]
    relu = next(op for op in source.graph.get_operations() if op.type == "Relu")
    assert read_by([relu.outputs[0]], set()) == [x]


def test_a_copy_within_a_scope_is_named_after_it():
    with tf.Graph().as_default():
        y = tf.nn.relu(tf.compat.v1.placeholder(tf.float32, [2]), name="a/relu")
    with tf.Graph().as_default(), tf.name_scope("mine"):
        (within,) = copied(y.op, [tf.zeros([2])], within=True)
        (beside,) = copied(y.op, [tf.zeros([2])])
    assert (within.op.name, beside.op.name) == ("mine/a/relu", "a/relu")


def test_what_speaks_of_the_old_graph_is_left():
    """Colocation and shapes of before: here other sizes come in."""
    with tf.Graph().as_default():
        x = tf.compat.v1.placeholder(tf.float32, [2, 3], name="x")
        with tf.compat.v1.colocate_with(x.op):
            y = tf.nn.relu(x)
        y.op._set_attr("_output_shapes", tf.compat.v1.AttrValue(s=b"2x3"))
        y.op._set_attr("_mine", tf.compat.v1.AttrValue(s=b"kept"))
    with tf.Graph().as_default():
        (found,) = copied(y.op, [tf.zeros([7, 3])])
        attrs = found.op.node_def.attr
    assert found.shape.as_list() == [7, 3]
    assert "_class" not in attrs
    assert "_output_shapes" not in attrs
    assert attrs["_mine"].s == b"kept"


def test_all_results_of_an_op_are_copied():
    with tf.Graph().as_default():
        values, _ = tf.math.top_k(tf.compat.v1.placeholder(tf.float32, [5]), 2)
    with tf.Graph().as_default():
        x = tf.constant([1.0, 5.0, 3.0])
        largest, places = copied(values.op, [x, tf.constant(2)])
        with tf.compat.v1.Session() as session:
            found = session.run([largest, places])
    assert [f.tolist() for f in found] == [[5, 3], [1, 2]]


def test_functions_within_functions_come_along():
    inner = tf.function(lambda x: x * 3.0, autograph=False)
    source = tf.function(lambda x: inner(x) + 1.0, autograph=False).get_concrete_function(
        tf.TensorSpec([2], tf.float32)
    )

    @tf.function(autograph=False)
    def run(x):
        return replayed(source.outputs, {source.inputs[0].name: x})

    assert run(tf.constant([1.0, 2.0]))[0].numpy().tolist() == [4.0, 7.0]


def test_nothing_is_replayed_of_nothing():
    assert replayed([], {}) == []
    assert read_by([], set()) == []


def test_a_chain_of_a_thousand_ops_is_no_recursion():
    with tf.Graph().as_default():
        first = x = tf.compat.v1.placeholder(tf.float32, [])
        for _ in range(1200):
            x = tf.identity(x)
    with tf.Graph().as_default() as graph:
        replayed([x], {first.name: tf.constant(1.0)})
        assert len(graph.get_operations()) == 1201


def test_a_placeholder_is_read_once_however_often_it_is_used():
    with tf.Graph().as_default():
        x = tf.compat.v1.placeholder(tf.float32, [2])
        assert read_by([x * x, x + 1.0, x], set()) == [x.name]
        assert read_by([tf.constant(1.0) + 2.0], set()) == []
