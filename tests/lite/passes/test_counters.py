"""Counters that nobody reads."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import graphs
from rnnlite.frontends.opening import open_program
from rnnlite.frontends.request import Request
from rnnlite.lite import schema
from rnnlite.lite.before_translation.rewrite import rewrite
from rnnlite.lite.passes.counters import drop_idle_counters
from rnnlite.lite.translate import run_converter


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
    model = schema.read(run_converter(counted())[0])
    before = carried(model)
    idle(model, 7)
    assert carried(model) == before + 1
    assert run(model) == [[16, 16]]
    assert drop_idle_counters(model) == 1
    assert carried(model) == before
    assert run(model) == [[16, 16]]


def test_a_value_that_is_read_stays():
    model = schema.read(run_converter(counted())[0])
    idle(model, 7)
    (loop,) = model.loops()
    model.main.outputs = [*model.main.outputs, loop.outputs[-1]]
    assert drop_idle_counters(model) == 0
    assert run(model)[-1] == 11


def test_the_counter_of_a_scan_is_taken_out():
    """TensorFlow's own counter, beside the number of the step."""
    model = keras.Sequential([keras.Input((None, 3)), keras.layers.LSTM(200)])
    tree = schema.read(run_converter(rewrite(open_program(model, Request()).main.function))[0])
    assert drop_idle_counters(tree) == 1
    assert drop_idle_counters(tree) == 0


def test_a_counter_that_ends_the_loop_stays():
    model = schema.read(run_converter(counted(limit=3))[0])
    assert drop_idle_counters(model) == 0
    assert run(model) == [[8, 8]]


def with_counter(change=lambda cond, body: None):
    """h = tanh(x + h W) four times, with a value n = n + 1 that nobody reads.

    Args:
        change: of condition and body.
    """
    model, start, results = graphs.one_loop()
    (loop,) = model.ir.loops()
    cond, body = (graphs.Graph(g) for g in loop.branches)
    n, later = body.tensor([], "int32"), body.tensor([], "int32")
    body.add("ADD", [n, body.constant(1, "int32")], [later], "AddOptions")
    body.ir.inputs, body.ir.outputs = [*body.ir.inputs, n], [*body.ir.outputs, later]
    cond.ir.inputs = [*cond.ir.inputs, cond.tensor([], "int32")]
    loop.inputs = [*start, model.main.constant(7, "int32")]
    loop.outputs = [*results, model.main.tensor([], "int32")]
    change(cond, body)
    return model, loop


def test_an_idle_value_goes_out_of_loop_condition_and_body():
    model, loop = with_counter()
    x = np.float32([[1, -2, 0.5]])
    (before,) = graphs.run(model.bytes(), x)
    assert drop_idle_counters(model.ir) == 1
    assert [len(g.inputs) for g in loop.branches] == [3, 3]
    assert (len(loop.inputs), len(loop.outputs), len(loop.branches[1].outputs)) == (3, 3, 3)
    assert graphs.kinds(loop.branches[1]) == ["ADD", "FULLY_CONNECTED", "ADD", "TANH"]
    np.testing.assert_array_equal(graphs.run(model.bytes(), x)[0], before)
    assert drop_idle_counters(model.ir) == 0


def read_in_condition(cond, body):
    n = cond.ir.inputs[3]
    cond.add("ABS", [n], [cond.tensor([], "int32")])


def read_twice(cond, body):
    n = body.ir.inputs[3]
    body.add("ABS", [n], [body.tensor([], "int32")])


def result_read(cond, body):
    body.add("ABS", [body.ir.outputs[3]], [body.tensor([], "int32")])


def of_another_value(cond, body):
    add = body.ir.ops[-1]
    add.set_input(1, body.ir.inputs[0])


def given_elsewhere(cond, body):
    later = body.ir.outputs
    body.ir.outputs = [later[3], *later[1:]]


def handed_on(cond, body):
    body.ir.outputs = [*body.ir.outputs[:3], body.ir.inputs[3]]


@pytest.mark.parametrize(
    "change",
    [read_in_condition, read_twice, result_read, of_another_value, given_elsewhere, handed_on],
)
def test_what_is_read_anywhere_stays(change):
    model, loop = with_counter(change)
    before = str(model.ir)
    assert drop_idle_counters(model.ir) == 0
    assert str(model.ir) == before
    assert len(loop.inputs) == 4


def test_loops_that_share_a_body_lose_it_together():
    model, loop = with_counter()
    main = model.main
    again = [main.tensor(v.shape, v.type) for v in loop.outputs]
    other = main.add("WHILE", loop.outputs, again, "WhileOptions")
    other.branches = loop.branches
    main.ir.outputs = [again[1]]
    # What the first loop gives is read, by the second.
    assert drop_idle_counters(model.ir) == 0
    other.set_input(3, main.constant(0, "int32"))
    assert drop_idle_counters(model.ir) == 1
    assert (len(loop.inputs), len(other.inputs)) == (3, 3)
