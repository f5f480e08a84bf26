"""Results that WHILE and IF would lose, and those of which a caller has the buffer."""

import numpy as np
import pytest
import tensorflow as tf

import graphs
from graphs import SHAPE, Graph, Model
from rnnlite.lite import schema
from rnnlite.lite.passes.results import (
    separate_branch_results,
    separate_loop_results,
    separate_main_results,
)
from rnnlite.lite.structure import check_structure
from rnnlite.lite.translate import run_converter


def delay_line(dtype):
    """Three values that move one place on at each of four iterations: (a, b, c) -> (c, a, b)."""

    @tf.function
    def run(n):
        a, b, c = (tf.fill([2], tf.constant(k, dtype)) for k in (1, 2, 3))
        loop = tf.while_loop(lambda t, *_: t < n, lambda t, a, b, c: (t + 1, c, a, b), [0, a, b, c])
        return loop[1:]

    return run.get_concrete_function(tf.TensorSpec([], tf.int32))


def run(model):
    return [y.tolist() for y in graphs.run(schema.write(model), np.int32(4), delegates=True)]


@pytest.mark.parametrize("dtype", [tf.float32, tf.int32])
def test_a_rotation_is_computed_right(dtype):
    model = schema.read(run_converter(delay_line(dtype))[0])
    assert separate_loop_results(model) == 3
    assert run(model) == [[3, 3], [1, 1], [2, 2]]


def test_arguments_in_their_own_place_are_left_alone(exits):
    assert separate_loop_results(schema.read(exits.tflite)) == 0


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

    function = run_one.get_concrete_function(tf.TensorSpec([], tf.int32))
    model = schema.read(run_converter(function)[0])
    assert separate_branch_results(model) == 1
    assert separate_branch_results(model) == 0
    y = np.tanh(2.0) + 2
    expected = [[y * 1.5] * 3, [y + 1] * 3, [1.0] * 3]
    np.testing.assert_allclose(run(model), expected, rtol=1e-6)


def growing_loop(*, grows):
    """A loop that carries a state, and rows that grow by one each time or are handed on."""
    model = Model()
    main, cond, body = model.main, model.graph(), model.graph()

    def carried(graph):
        return graph.tensor([], "int32"), graph.tensor(SHAPE), graph.tensor([-1, 3])

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


@pytest.mark.parametrize("dtype", ["float32", "int32", "bool"])
def test_results_of_the_model_have_tensors_of_their_own(dtype):
    model = Model()
    main = model.main
    x, y = main.tensor([2, 3], dtype, "x"), main.tensor([2, 3], dtype, "y")
    main.add("REVERSE_V2", [x, main.constant([1], "int32")], [y])
    fixed = main.constant(np.ones([2], dtype), dtype)
    main.ends([x], [x, y, fixed, y])
    assert separate_main_results(model.ir) == 3
    assert separate_main_results(model.ir) == 0
    check_structure(model.ir)
    values = (np.arange(6).reshape(2, 3) % 2).astype(dtype)
    found = graphs.run(model.bytes(), values)
    wanted = [values, values[:, ::-1], np.ones(2, dtype), values[:, ::-1]]
    for a, b in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(a, b)


def test_results_of_a_loop_that_grows_are_copied_those_of_others_are_not():
    assert separate_main_results(growing_loop(grows=False).ir) == 0
    model = growing_loop(grows=True)
    before = list(model.main.ir.outputs)
    assert separate_main_results(model.ir) == 3
    check_structure(model.ir)
    assert model.main.kinds == ["WHILE", "RESHAPE", "CONCATENATION", "CONCATENATION"]
    assert not set(before) & set(model.main.ir.outputs)


def test_results_of_a_loop_that_computes_sizes_are_copied():
    model = growing_loop(grows=False)
    body = Graph(model.ir.graphs[2])
    t, _, rows = body.ir.inputs
    begin, cut = body.tensor([1], "int32"), body.tensor([1, 3])
    body.add("RESHAPE", [t, body.constant([1], "int32")], [begin], "ReshapeOptions")
    ends = [begin, body.constant([2], "int32"), body.constant([1], "int32")]
    body.add("STRIDED_SLICE", [rows, *ends], [cut], "StridedSliceOptions")
    assert separate_main_results(model.ir) == 3


def test_results_of_a_condition_are_copied():
    model = Model()
    main, branch = model.main, model.graph()
    x, y = branch.tensor(SHAPE), branch.tensor(SHAPE)
    branch.add("TANH", [x], [y])
    branch.ends([x], [y])
    verdict, x, y = main.tensor([], "bool"), main.tensor(SHAPE), main.tensor(SHAPE)
    main.add("IF", [verdict, x], [y], "IfOptions", branches=[branch, branch])
    main.ends([verdict, x], [y])
    assert separate_main_results(model.ir) == 1
    assert main.kinds == ["IF", "CONCATENATION"]


def swapping(*places):
    """A loop that carries three vectors, whose body hands them on at other places."""
    model = Model()
    cond, body = graphs.below(model, 3, 3, SHAPE), model.graph()
    t, *states = (body.tensor([], "int32"), *(body.tensor(SHAPE) for _ in range(3)))
    later = body.tensor([], "int32")
    body.add("ADD", [t, body.constant(1, "int32")], [later], "AddOptions")
    body.ends([t, *states], [later, *(states[k] for k in places)])
    main = model.main
    given = [main.tensor(SHAPE) for _ in range(3)]
    found = [main.tensor([], "int32"), *(main.tensor(SHAPE) for _ in range(3))]
    model.loop(main, [main.constant(0, "int32"), *given], found, cond, body)
    main.ends(given, found[1:])
    return model


@pytest.mark.parametrize(
    ("places", "copies"),
    [((0, 1, 2), 0), ((1, 0, 2), 2), ((2, 0, 1), 3), ((0, 0, 2), 1), ((1, 1, 1), 2)],
)
def test_any_exchange_of_states(places, copies):
    model = swapping(*places)
    assert separate_loop_results(model.ir) == copies
    assert separate_loop_results(model.ir) == 0
    check_structure(model.ir)
    values = [np.full(SHAPE, k, np.float32) for k in range(3)]
    wanted = values
    for _ in range(3):
        wanted = [wanted[k] for k in places]
    for found, stated in zip(graphs.run(model.bytes(), *values), wanted, strict=True):
        np.testing.assert_array_equal(found, stated)


def test_a_copy_is_called_after_what_it_copies():
    model = swapping(1, 0, 2)
    body = model.ir.graphs[2]
    for k, value in enumerate(body.inputs):
        value.name = f"v{k}"
    separate_loop_results(model.ir)
    assert [v.name for v in body.outputs[1:]] == ["v2_copy", "v1_copy", "v3"]


def test_a_body_of_two_loops_is_mended_once():
    model = swapping(1, 0, 2)
    (loop,) = model.ir.loops()
    main = model.main
    again = [main.tensor(v.shape, v.type) for v in loop.outputs]
    other = main.add("WHILE", loop.inputs, again, "WhileOptions")
    other.branches = loop.branches
    assert separate_loop_results(model.ir) == 2


@pytest.mark.parametrize(
    ("kind", "place", "computed", "copied"),
    [
        ("RESHAPE", 1, True, True),
        ("RESHAPE", 1, False, False),
        ("FILL", 0, True, True),
        ("TILE", 1, True, True),
        ("GATHER", 1, True, False),
    ],
)
def test_what_computes_a_size(kind, place, computed, copied):
    model = growing_loop(grows=False)
    body = Graph(model.ir.graphs[2])
    t, h, _ = body.ir.inputs
    size, made = body.tensor([1], "int32"), body.tensor(SHAPE)
    body.add("RESHAPE", [t, body.constant([1], "int32")], [size], "ReshapeOptions")
    operands = [size if computed else body.constant([3], "int32")]
    if place:
        operands = [h, *operands]
    else:
        operands.append(body.constant(0.0))
    body.add(kind, operands, [made])
    assert (separate_main_results(model.ir) == 3) == copied
