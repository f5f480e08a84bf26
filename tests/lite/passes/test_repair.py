"""WHILE bodies that return another of their arguments, and counters that nobody reads."""

from copy import deepcopy

import keras
import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

from graphs import SHAPE, Graph, Model
from rnnlite.frontends.opening import open_program
from rnnlite.frontends.request import Request
from rnnlite.lite import flatbuffer
from rnnlite.lite.edit import new_constant, new_tensor
from rnnlite.lite.passes.repair import (
    drop_idle_counters,
    separate_branch_results,
    separate_loop_results,
    separate_main_results,
)
from rnnlite.lite.passes.rewrite import rewrite
from rnnlite.lite.structure import check_structure
from rnnlite.lite.translate import translate


def delay_line(dtype):
    """Three values that move one place on at each of four iterations: (a, b, c) -> (c, a, b)."""

    @tf.function
    def run(n):
        a, b, c = (tf.fill([2], tf.constant(k, dtype)) for k in (1, 2, 3))
        loop = tf.while_loop(lambda t, *_: t < n, lambda t, a, b, c: (t + 1, c, a, b), [0, a, b, c])
        return loop[1:]

    return run.get_concrete_function(tf.TensorSpec([], tf.int32))


def run(data):
    interpreter = Interpreter(model_content=data)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], np.int32(4))
    interpreter.invoke()
    return [interpreter.get_tensor(d["index"]).tolist() for d in interpreter.get_output_details()]


@pytest.mark.parametrize("dtype", [tf.float32, tf.int32])
def test_a_rotation_is_computed_right(dtype):
    model = flatbuffer.read(translate(delay_line(dtype))[0])
    assert separate_loop_results(model) == 3
    assert run(flatbuffer.write(model)) == [[3, 3], [1, 1], [2, 2]]


def test_arguments_in_their_own_place_are_left_alone(exits):
    assert separate_loop_results(flatbuffer.read(exits.tflite)) == 0


def test_a_branch_that_returns_a_tensor_twice():
    """The other branch gives its argument twice, which the kernel copies."""

    @tf.function
    def run_one(n):
        x = tf.fill([3], 0.5) * tf.cast(n, tf.float32)

        def twice():
            y = tf.tanh(x) + x
            return y, y, x

        first, second, third = tf.cond(n > 3, twice, lambda: (x * 2, x, x))
        return first * 1.5, second + 1, third - 1

    model = flatbuffer.read(
        translate(run_one.get_concrete_function(tf.TensorSpec([], tf.int32)))[0]
    )
    assert separate_branch_results(model) == 1
    assert separate_branch_results(model) == 0
    y = np.tanh(2.0) + 2
    expected = [[y * 1.5] * 3, [y + 1] * 3, [1.0] * 3]
    np.testing.assert_allclose(run(flatbuffer.write(model)), expected, rtol=1e-6)


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
    (op,) = (op for _, op, _, _ in flatbuffer.loops(model))
    return len(op.inputs)


def idle(model, value):
    """Let the loop carry one more value, which its body makes from itself alone."""
    ((index, loop, cond, body),) = flatbuffer.loops(model)
    main, cond, body = (model.subgraphs[k] for k in (index, cond, body))
    add = next(op for op in body.operators if flatbuffer.op_name(model, op) == "ADD")
    scalar = int(body.inputs[0])
    new = deepcopy(add)
    body.inputs = [*body.inputs, new_tensor(body, scalar, "int32")]
    constant = next(int(t) for t in add.inputs if int(t) != scalar)
    new.inputs, new.outputs = [int(body.inputs[-1]), constant], [new_tensor(body, scalar, "int32")]
    body.operators = [*body.operators, new]
    body.outputs = [*body.outputs, new.outputs[0]]
    cond.inputs = [*cond.inputs, new_tensor(cond, int(cond.inputs[0]), "int32")]
    loop.inputs = [*loop.inputs, new_constant(model, main, np.array(value, np.int32))]
    loop.outputs = [*loop.outputs, new_tensor(main, int(loop.outputs[0]), "int32")]


def test_a_value_that_nobody_reads_is_taken_out():
    model = flatbuffer.read(translate(counted())[0])
    before = carried(model)
    idle(model, 7)
    assert carried(model) == before + 1
    assert run(flatbuffer.write(model)) == [[16, 16]]
    assert drop_idle_counters(model) == 1
    assert carried(model) == before
    assert run(flatbuffer.write(model)) == [[16, 16]]


def test_a_value_that_is_read_stays():
    model = flatbuffer.read(translate(counted())[0])
    idle(model, 7)
    ((index, loop, _, _),) = flatbuffer.loops(model)
    main = model.subgraphs[index]
    main.outputs = [*main.outputs, int(loop.outputs[-1])]
    assert drop_idle_counters(model) == 0
    assert run(flatbuffer.write(model))[-1] == 11


def test_the_counter_of_a_scan_is_taken_out():
    """TensorFlow's own counter, beside the number of the step."""
    model = keras.Sequential([keras.Input((None, 3)), keras.layers.LSTM(200)])
    tree = flatbuffer.read(translate(rewrite(open_program(model, Request()).function))[0])
    assert drop_idle_counters(tree) == 1
    assert drop_idle_counters(tree) == 0


def test_a_counter_that_ends_the_loop_stays():
    model = flatbuffer.read(translate(counted(limit=3))[0])
    assert drop_idle_counters(model) == 0
    assert run(flatbuffer.write(model)) == [[8, 8]]


def growing_loop(*, grows):
    """A loop that carries a state, and rows that grow by one each time or are handed on."""
    model = Model()
    main, cond, body = model.main, model.graph(), model.graph()

    def carried(graph):
        rows = graph.tensor([1, 3])
        graph.content.tensors[rows].shapeSignature = [-1, 3]
        return graph.tensor([], "int32"), graph.tensor(SHAPE), rows

    t, h, rows = carried(cond)
    verdict = cond.tensor([], "bool")
    cond.add("LESS", [t, cond.constant(3, "int32")], [verdict], "LessOptions")
    cond.ends([t, h, rows], [verdict])
    t, h, rows = carried(body)
    later, new, longer = carried(body)
    body.add("ADD", [t, body.constant(1, "int32")], [later], "AddOptions")
    body.add("TANH", [h], [new])
    body.add("CONCATENATION", [rows, h], [longer], "ConcatenationOptions")
    body.ends([t, h, rows], [later, new, longer if grows else rows])
    operands, results = carried(main), carried(main)
    model.loop(main, operands, results, cond, body)
    main.ends(operands, results)
    return model


def test_results_of_a_loop_that_grows_are_copied_those_of_others_are_not():
    assert separate_main_results(growing_loop(grows=False).tree) == 0
    model = growing_loop(grows=True)
    before = list(model.main.content.outputs)
    assert separate_main_results(model.tree) == 3
    check_structure(model.tree)
    names = [flatbuffer.op_name(model.tree, op) for op in model.main.content.operators]
    assert names == ["WHILE", "RESHAPE", "CONCATENATION", "CONCATENATION"]
    assert not set(before) & set(model.main.content.outputs)


def test_results_of_a_loop_that_computes_sizes_are_copied():
    model = growing_loop(grows=False)
    body = Graph(model, 2)
    t, _, rows = map(int, body.content.inputs)
    begin, cut = body.tensor([1], "int32"), body.tensor([1, 3])
    body.add("RESHAPE", [t, body.constant([1], "int32")], [begin], "ReshapeOptions")
    ends = [begin, body.constant([2], "int32"), body.constant([1], "int32")]
    body.add("STRIDED_SLICE", [rows, *ends], [cut], "StridedSliceOptions")
    assert separate_main_results(model.tree) == 3


def test_results_of_a_condition_are_copied():
    model = Model()
    main, branch = model.main, model.graph()
    x, y = branch.tensor(SHAPE), branch.tensor(SHAPE)
    branch.add("TANH", [x], [y])
    branch.ends([x], [y])
    verdict, x, y = main.tensor([], "bool"), main.tensor(SHAPE), main.tensor(SHAPE)
    called = {"thenSubgraphIndex": 1, "elseSubgraphIndex": 1}
    main.add("IF", [verdict, x], [y], "IfOptions", **called)
    main.ends([verdict, x], [y])
    assert separate_main_results(model.tree) == 1
    names = [flatbuffer.op_name(model.tree, op) for op in main.content.operators]
    assert names == ["IF", "CONCATENATION"]
