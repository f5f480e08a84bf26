"""Names out of the converter's way, and what its result was made of."""

import re

import keras
import numpy as np
import tensorflow as tf

from rnnlite.frontends.opening import open_program
from rnnlite.frontends.request import Request
from rnnlite.lite.passes.naming import Names, hide
from rnnlite.lowering.schedule import take_options
from rnnlite.pipeline.pass_order import translate


def looping():
    """A graph whose loop body, nodes and functions have names like the hidden ones."""

    def f(x):
        with tf.name_scope("rnn.7."):
            y = tf.multiply(x, 2.0, name="kept_2")
        return tf.while_loop(
            lambda k, z: k < 3,
            lambda k, z: (k + 1, tf.add(z, 1.0, name="step_0")),
            [tf.constant(0), y],
            name="shared_0",
        )[1]

    return tf.function(f).get_concrete_function(tf.TensorSpec([2]))


def test_no_name_of_the_source_is_left_and_the_graph_computes_the_same():
    function = looping()
    graph = function.graph.as_graph_def()
    before = sorted(n.name for n in graph.node)
    names, new = hide(graph)
    everything = [n.name for n in graph.node]
    for inner in graph.library.function:
        signature = inner.signature
        everything += [signature.name, *(n.name for n in inner.node_def), *inner.ret]
        everything += [a.name for a in (*signature.input_arg, *signature.output_arg)]
    assert all(re.fullmatch(r"rnn\.\d+\.", name) for name in everything)
    # The converter goes by their order.
    assert sorted(before, key=new.__getitem__) == before
    results = {n.name for n in function.graph.as_graph_def().node if n.op == "Identity"}
    shown = {name: names.shown(new[name]) for name in before}
    assert all(name == found for name, found in shown.items() if name not in results)
    # A result goes by the name of what it hands on, which is all that the converter keeps of it.
    assert {shown[name] for name in results} <= set(before) - results
    assert results
    assert names.shown(f"{new['rnn.7./kept_2']};{new['x']}") == "rnn.7./kept_2;x"
    wrapped = tf.compat.v1.wrap_function(lambda: tf.import_graph_def(graph, name=""), [])
    result = function.outputs[0]
    again = wrapped.prune(f"{new['x']}:0", f"{new[result.op.name]}:{result.value_index}")
    np.testing.assert_array_equal(again(tf.constant([1.0, 2.0])), [5.0, 7.0])


def test_a_text_without_hidden_names_stays():
    assert Names(()).shown("arith.constant of rnn.x.") == "arith.constant of rnn.x."


def test_values_of_steps_and_marks_of_loops():
    layers = [keras.layers.LSTM(3, return_sequences=True, name=n) for n in ("lstm1", "lstm2")]
    model = keras.Sequential([keras.Input((None, 2)), *layers])
    request = Request(schedule=take_options("unroll=2,variables=1"))
    lowered = translate(open_program(model, request).main)
    bodies = [loop.branches[1] for loop in lowered.loops()]
    marks = [body.mark for body in bodies]
    assert [(m.level, m.unroll, m.variable_levels > 0, len(m.steps)) for m in marks] == [
        (0, 2, True, 2)
    ] * 2
    values = []
    for body in bodies:
        origins = [value.origin for value in body.values]
        found = [o.value for o in origins if o is not None and o.value is not None]
        # Each value once in either step.
        assert sorted(map(str, found[: len(found) // 2])) == sorted(map(str, set(found)))
        assert all(found.count(value) == 2 for value in found)
        values.append(set(found))
    assert len(values[0]) == len(values[1]) == 14
    assert not values[0] & values[1]
    names = {value.name for body in bodies for value in body.values}
    assert any(re.fullmatch(r".*/lstm1(_1)?/step/Tanh", name) for name in names)
