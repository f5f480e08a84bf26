"""Counters that nobody reads."""

import keras
import numpy as np
import tensorflow as tf

import graphs
from rnnlite.frontends.opening import open_program
from rnnlite.frontends.request import Request
from rnnlite.lite import schema
from rnnlite.lite.passes.counters import drop_idle_counters
from rnnlite.lite.passes.rewrite import rewrite
from rnnlite.lite.translate import translate


def run(model):
    return [y.tolist() for y in graphs.run(schema.write(model), np.int32(4), delegates=True)]


def counted(*, limit=None):
    """Doubles a value four times; TensorFlow counts the turns beside t."""

    @tf.function
    def run(n):
        _, x = tf.while_loop(
            lambda t, *_: t < n,
            lambda t, x: (t + 1, x * 2.0),
            [0, tf.ones([2])],
            maximum_iterations=limit,
        )
        return [x]

    return run.get_concrete_function(tf.TensorSpec([], tf.int32))


def carried(model):
    (loop,) = model.loops()
    return len(loop.inputs)


def idle(model, value):
    """Let the loop carry one more value, which its body makes from itself alone."""
    (loop,) = model.loops()
    cond, body = loop.branches
    main = loop.graph
    add = next(op for op in body.ops if op.kind == "ADD")
    step = next(v for v in add.operands if v.is_constant)
    before, after = (body.like(body.inputs[0], "int32") for _ in range(2))
    body.append(body.op("ADD", [before, step], [after], options={}))
    body.inputs, body.outputs = [*body.inputs, before], [*body.outputs, after]
    cond.inputs = [*cond.inputs, cond.like(cond.inputs[0], "int32")]
    loop.inputs = [*loop.inputs, main.constant(np.array(value, np.int32))]
    loop.outputs = [*loop.outputs, main.like(loop.output, "int32")]


def test_a_value_that_nobody_reads_is_taken_out():
    model = schema.read(translate(counted())[0])
    before = carried(model)
    idle(model, 7)
    assert carried(model) == before + 1
    assert run(model) == [[16, 16]]
    assert drop_idle_counters(model) == 1
    assert carried(model) == before
    assert run(model) == [[16, 16]]


def test_a_value_that_is_read_stays():
    model = schema.read(translate(counted())[0])
    idle(model, 7)
    (loop,) = model.loops()
    model.main.outputs = [*model.main.outputs, loop.outputs[-1]]
    assert drop_idle_counters(model) == 0
    assert run(model)[-1] == 11


def test_the_counter_of_a_scan_is_taken_out():
    """TensorFlow's own counter, beside the number of the step."""
    model = keras.Sequential([keras.Input((None, 3)), keras.layers.LSTM(200)])
    tree = schema.read(translate(rewrite(open_program(model, Request()).main.function))[0])
    assert drop_idle_counters(tree) == 1
    assert drop_idle_counters(tree) == 0


def test_a_counter_that_ends_the_loop_stays():
    model = schema.read(translate(counted(limit=3))[0])
    assert drop_idle_counters(model) == 0
    assert run(model) == [[8, 8]]
