"""Comparisons in int32: what is equal, what is less, and in whose integers."""

import numpy as np
import pytest

from graphs import SHAPE, Model, run
from rnnlite.quantization.plan.plan import make_plan
from rnnlite.quantization.recipes import all_int8, all_int16
from rnnlite.quantization.rewrite.check import check_quantization
from rnnlite.quantization.rewrite.integer import rewrite_to_integers

PRECISIONS = {"int8": all_int8, "int16": all_int16}
COMPARE = {
    "EQUAL": np.equal,
    "NOT_EQUAL": np.not_equal,
    "LESS": np.less,
    "LESS_EQUAL": np.less_equal,
    "GREATER": np.greater,
    "GREATER_EQUAL": np.greater_equal,
}


def options(kind):
    return "".join(part.capitalize() for part in kind.split("_")) + "Options"


def comparison(kind, operand, *, swapped=False):
    """x beside what `operand` makes of the graph."""
    model = Model()
    main = model.main
    x, y = main.tensor(SHAPE, name="x"), main.tensor(SHAPE, "bool")
    other = operand(main)
    main.add(kind, [other, x] if swapped else [x, other], [y], options(kind))
    main.ends([x] if other.is_constant else [x, other], [y])
    return model, x, other


def rewritten(model, ranges, precision, marked=frozenset()):
    plan = make_plan(model.ir, ranges, PRECISIONS[precision], allow_float=False, marked=marked)
    rewrite_to_integers(model.ir, plan, "float32")
    check_quantization(model.ir)
    return model


@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("kind", COMPARE)
def test_with_a_number(kind, precision, swapped):
    model, x, _ = comparison(kind, lambda main: main.constant(0.5), swapped=swapped)
    rewritten(model, {x: (-1.0, 1.0)}, precision)
    assert model.main.kinds == ["QUANTIZE", "CAST", kind]
    array = np.array([[0.4, 0.5, 0.6]], np.float32)
    wanted = COMPARE[kind](0.5, array) if swapped else COMPARE[kind](array, np.float32(0.5))
    np.testing.assert_array_equal(run(model.bytes(), array)[0], wanted)


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("kind", COMPARE)
def test_two_values_of_one_scale(kind, precision):
    """The range of one is a hundredth of the other's: alone it would be another integer."""
    model, x, other = comparison(kind, lambda main: main.tensor(SHAPE, name="y"))
    rewritten(model, {x: (-1.0, 1.0), other: (-100.0, 100.0)}, precision)
    a = np.array([[1.0, -1.0, 0.0]], np.float32)
    b = np.array([[60.0, -60.0, 0.0]], np.float32)
    wanted = COMPARE[kind](a, b)
    np.testing.assert_array_equal(run(model.bytes(), a, b)[0], wanted)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_number_beyond_all_that_was_seen(precision):
    model, x, _ = comparison("LESS", lambda main: main.constant(3.0))
    rewritten(model, {x: (-1.0, 1.0)}, precision)
    array = np.array([[0.9, 2.0, 5.0]], np.float32)
    np.testing.assert_array_equal(run(model.bytes(), array)[0], [[True, True, False]])


@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_marker_saturates_as_what_it_marks(precision):
    model, x, _ = comparison("EQUAL", lambda main: main.constant(-999.0))
    rewritten(model, {x: (-1.0, 1.0)}, precision, frozenset({x}))
    assert model.main.ir.ops[0].output.scale < 0.01
    array = np.array([[-999.0, -1.0, 0.5]], np.float32)
    np.testing.assert_array_equal(run(model.bytes(), array)[0], [[True, False, False]])


def test_a_searched_input_is_compared_as_it_comes_in():
    """An int8 input within a model of int16: 0.5 is what the caller's scale has for it."""
    model, x, _ = comparison("EQUAL", lambda main: main.constant(0.5))
    plan = make_plan(model.ir, {x: (-1.0, 1.0)}, all_int16, allow_float=False)
    rewrite_to_integers(model.ir, plan, "int8")
    (entry,) = model.main.ir.inputs
    assert entry.type == "int8"
    cast = next(op for op in model.main.ir.ops if op.kind == "CAST" and op.output.type == "int32")
    assert cast.input(0) is entry
    half = int(np.rint(0.5 / entry.scale)) + entry.zero_point
    numbers = np.array([[half - 1, half, half + 1]], np.int8)
    np.testing.assert_array_equal(run(model.bytes(), numbers)[0], [[False, True, False]])


def test_what_is_less_is_told_in_the_integers_within():
    model, x, _ = comparison("LESS", lambda main: main.constant(0.5))
    plan = make_plan(model.ir, {x: (-1.0, 1.0)}, all_int16, allow_float=False)
    rewrite_to_integers(model.ir, plan, "int8")
    (entry,) = model.main.ir.inputs
    cast = [op for op in model.main.ir.ops if op.kind == "CAST"][-1]
    assert cast.input(0) is not entry
    assert cast.input(0).type == "int16"


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize(("kind", "wanted"), [("ARG_MAX", 2), ("ARG_MIN", 0)])
def test_the_place_of_the_largest(kind, wanted, precision):
    model = Model()
    main = model.main
    x, y = main.tensor(SHAPE), main.tensor((1,), "int32")
    axis = main.constant(1, "int32")
    fields = {"outputType": 2}
    main.add(kind, [x, axis], [y], "ArgMaxOptions" if kind == "ARG_MAX" else "ArgMinOptions")
    main.ir.ops[0].options.update(fields)
    main.ends([x], [y])
    rewritten(model, {x: (-1.0, 1.0)}, precision)
    array = np.array([[-0.9, 0.2, 0.21]], np.float32)
    np.testing.assert_array_equal(run(model.bytes(), array)[0], [wanted])


def test_integers_that_are_compared_are_none_of_ours():
    model = Model()
    main = model.main
    x, y = main.tensor(SHAPE, "int32"), main.tensor(SHAPE, "bool")
    main.add("LESS", [x, main.constant(3, "int32")], [y], "LessOptions")
    main.ends([x], [y])
    rewritten(model, {}, "int8")
    assert main.kinds == ["LESS"]
