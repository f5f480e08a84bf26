"""Ops put in the place of others, and short ways to read what stands in front."""

import numpy as np
import pytest

from graphs import FREE, Model, run
from rnnlite.quantization.prepare.parts import (
    Parts,
    drop_unread,
    int32_numbers,
    made_by,
    scalar,
    with_scalar,
)

SHAPE = (1, 2, 3)


@pytest.fixture
def chain():
    """exp(relu(x)), its graph, and the two ops."""
    model = Model()
    x, middle, y = (model.main.tensor(SHAPE) for _ in range(3))
    first = model.main.add("RELU", [x], [middle])
    second = model.main.add("EXP", [middle], [y])
    model.main.ends([x], [y])
    return model, first, second


def test_what_is_added_comes_in_front_until_the_op_is_kept(chain):
    model, first, second = chain
    parts = Parts(model.main.ir)
    x = model.main.ir.inputs[0]
    parts.stand_for(first)
    parts.add("ABS", [x])
    parts.keep(first)
    parts.add("NEG", [x])
    assert model.main.kinds == ["ABS", "RELU", "NEG", "EXP"]
    parts.keep(second)
    parts.add("SQUARE", [x])
    assert model.main.kinds == ["ABS", "RELU", "NEG", "EXP", "SQUARE"]


def test_only_ops_that_are_said_to_be_wide_are(chain):
    model, first, _ = chain
    parts = Parts(model.main.ir)
    parts.stand_for(first)
    narrow = parts.add("ABS", [first.input(0)])
    wide = parts.add("ABS", [first.input(0)], wide=True)
    parts.keep(first, wide=True)
    assert parts.wide == [wide.producer, first]
    assert narrow.producer not in parts.wide


def test_a_given_result_is_made_and_a_new_one_is_like_an_operand(chain):
    model, first, _ = chain
    parts = Parts(model.main.ir)
    parts.stand_for(first)
    result = first.output
    thin = model.main.tensor((1, FREE, 1))
    assert parts.add("MUL", [thin, first.input(0)], result) is result
    assert parts.add("MUL", [thin, first.input(0)]).dims == (1, FREE, 1)
    assert parts.add("MUL", [thin, first.input(0)], like=first.input(0)).dims == SHAPE
    whole = model.main.tensor(SHAPE, "int32")
    assert parts.add("CAST", [whole]).type == "float32"


@pytest.mark.parametrize(
    ("axes", "keep", "dims"),
    [
        ([1], True, (2, 1, 5)),
        ([1], False, (2, 5)),
        ([-1], True, (2, FREE, 1)),
        ([-1], False, (2, FREE)),
        ([0, 1], False, (5,)),
        ([0, -1], True, (1, FREE, 1)),
    ],
)
def test_reductions_know_the_shape_that_is_left(axes, keep, dims):
    model = Model()
    x = model.main.tensor((2, FREE, 5))
    parts = Parts(model.main.ir)
    y = parts.reduce("MEAN", x, model.main.constant(axes, "int32"), keep=keep)
    assert y.dims == dims
    assert y.rank == len(dims)
    model.main.ends([x], [y])
    array = np.arange(30, dtype=np.float32).reshape(2, 3, 5)
    (found,) = run(model.bytes(), array)
    np.testing.assert_allclose(found, array.mean(tuple(axes), keepdims=keep), rtol=1e-6)


def test_a_reduction_to_a_given_result_leaves_its_shape():
    model = Model()
    x, y = model.main.tensor((2, 3)), model.main.tensor((2,))
    axes = model.main.constant([1], "int32")
    assert Parts(model.main.ir).reduce("SUM", x, axes, keep=False, result=y) is y
    assert y.dims == (2,)


# Reading


def test_the_maker_of_a_value_by_its_kind(chain):
    _, first, second = chain
    assert made_by(second.output, "EXP") is second
    assert made_by(second.output, "LOG", "EXP") is second
    assert made_by(second.output, "RELU") is None
    assert made_by(first.input(0), "RELU", "EXP") is None


def test_an_op_with_a_function_fused_into_it_is_another_op():
    model = Model()
    x, y = model.main.tensor(SHAPE), model.main.tensor(SHAPE)
    two = model.main.constant(2.0)
    op = model.main.add("ADD", [x, two], [y], "AddOptions", fusedActivationFunction=3)
    assert made_by(y, "ADD") is None
    assert with_scalar(y, "ADD") is None
    op.options["fusedActivationFunction"] = 0
    assert made_by(y, "ADD") is op
    assert with_scalar(y, "ADD") == (x, 2.0)


def test_a_number_is_a_float_constant_of_one_element():
    main = Model().main
    for shape in ((), (1,), (1, 1, 1)):
        assert scalar(main.constant(np.full(shape, 0.5))) == 0.5
    assert scalar(main.constant([1.0, 2.0])) is None
    assert scalar(main.constant(np.zeros((0,)))) is None
    assert scalar(main.constant(3, "int32")) is None
    assert scalar(main.tensor(())) is None


def test_numbers_of_int32_alone():
    main = Model().main
    assert int32_numbers(main.constant([3, -1], "int32")) == [3, -1]
    assert int32_numbers(main.constant([3, -1], "int64")) is None
    assert int32_numbers(main.constant([3.0])) is None
    assert int32_numbers(main.tensor((2,), "int32")) is None


def operation(kind, build):
    """The value that an op makes, and its one operand that is no constant."""
    main = Model().main
    x, y = main.tensor(SHAPE), main.tensor(SHAPE)
    main.add(kind, build(main, x), [y], f"{kind.capitalize()}Options")
    return x, y


@pytest.mark.parametrize("kind", ["ADD", "MUL", "MAXIMUM"])
def test_the_number_may_stand_on_either_side(kind):
    x, y = operation(kind, lambda main, x: [x, main.constant(0.25)])
    assert with_scalar(y, kind) == (x, 0.25)
    x, y = operation(kind, lambda main, x: [main.constant(0.25), x])
    assert with_scalar(y, kind) == (x, 0.25)


def test_of_a_difference_only_what_is_taken_away():
    x, y = operation("SUB", lambda main, x: [x, main.constant(0.25)])
    assert with_scalar(y, "SUB") == (x, 0.25)
    x, y = operation("SUB", lambda main, x: [main.constant(0.25), x])
    assert with_scalar(y, "SUB") is None


def test_no_number_among_operands():
    _, y = operation("ADD", lambda main, x: [x, x])
    assert with_scalar(y, "ADD") is None
    _, y = operation("ADD", lambda main, x: [x, main.constant([1.0, 2.0, 3.0])])
    assert with_scalar(y, "ADD") is None
    _, y = operation("ADD", lambda main, x: [main.constant(1.0), main.constant(2.0)])
    assert with_scalar(y, "ADD") is None
    _, y = operation("ADD", lambda main, x: [x, main.constant(1.0)])
    assert with_scalar(y, "MUL") is None


# Leaving out


def test_ops_that_nothing_reads_go_from_the_end(chain):
    model, first, _ = chain
    main = model.main
    dead = [main.tensor(SHAPE) for _ in range(3)]
    main.add("ABS", [first.input(0)], [dead[0]])
    main.add("NEG", [dead[0]], [dead[1]])
    main.add("SQUARE", [dead[1]], [dead[2]])
    drop_unread(main.ir, frozenset({"ABS", "NEG"}))
    # The square is none of the kinds, so what it reads stays as well.
    assert main.kinds == ["RELU", "EXP", "ABS", "NEG", "SQUARE"]
    drop_unread(main.ir, frozenset({"ABS", "NEG", "SQUARE", "EXP", "RELU"}))
    assert main.kinds == ["RELU", "EXP"]
