"""The ends of graphs: the type that a caller asks for, and what control flow ties."""

import numpy as np
import pytest

from graphs import SHAPE, Model, below, run
from rnnlite.lite.structure import check_structure
from rnnlite.quantization.plan.plan import make_plan
from rnnlite.quantization.recipes import all_int8, all_int16
from rnnlite.quantization.rewrite.check import check_quantization
from rnnlite.quantization.rewrite.integer import rewrite_to_integers

PRECISIONS = {"int8": all_int8, "int16": all_int16}
INNER = {"int8": 2.2 / 255, "int16": 2.0 / 32767}
"""The step of a value from -1 to 1 in each type, with the room that ranges have."""


def rectified():
    """relu(x), with all ranges known."""
    model = Model()
    x, y = model.main.tensor(SHAPE, name="x"), model.main.tensor(SHAPE, name="y")
    model.main.add("RELU", [x], [y])
    model.main.ends([x], [y])
    return model, {x: (-1.0, 1.0), y: (0.0, 1.0)}


def rewritten(model, ranges, precision="int8", io="float32", types=None):
    plan = make_plan(model.ir, ranges, PRECISIONS[precision], allow_float=True)
    rewrite_to_integers(model.ir, plan, io, types)
    check_structure(model.ir)
    check_quantization(model.ir)
    return model


def ends(model):
    main = model.main.ir
    return [v.type for v in main.inputs], [v.type for v in main.outputs]


@pytest.mark.parametrize(
    ("precision", "io", "kinds"),
    [
        ("int8", "float32", ["QUANTIZE", "RELU", "DEQUANTIZE"]),
        ("int16", "float32", ["QUANTIZE", "RELU", "DEQUANTIZE"]),
        ("int8", "int8", ["RELU"]),
        ("int16", "int16", ["RELU"]),
        ("int8", "int16", ["QUANTIZE", "RELU", "CAST", "SUB"]),
        ("int16", "int8", ["CAST", "SUB", "RELU", "QUANTIZE"]),
    ],
)
def test_what_stands_between_a_caller_and_the_model(precision, io, kinds):
    model = rewritten(*rectified(), precision, io)
    assert model.main.kinds == kinds
    assert ends(model) == ([io], [io])
    ((x,), (y,)) = model.main.ir.inputs, model.main.ir.outputs
    array = np.array([[-1.0, 0.25, 1.0]], np.float32)
    if io == "float32":
        (found,) = run(model.bytes(), array)
    else:
        limits = np.iinfo(io)
        numbers = np.clip(np.rint(array / x.scale) + x.zero_point, limits.min, limits.max).astype(
            io
        )
        (whole,) = run(model.bytes(), numbers)
        found = (whole.astype(float) - y.zero_point) * y.scale
    # A step of each type on the way.
    step = sum(INNER[t] for t in {precision, io} if t in INNER)
    np.testing.assert_allclose(found, [[0.0, 0.25, 1.0]], atol=step)


def test_each_end_may_have_a_type_of_its_own():
    model, ranges = rectified()
    (x,) = model.main.ir.inputs
    rewritten(model, ranges, "int8", "float32", {x: "int8", 0: "int16"})
    assert ends(model) == (["int8"], ["int16"])
    assert model.main.kinds == ["RELU", "CAST", "SUB"]


def test_an_end_without_a_type_has_that_within():
    model, ranges = rectified()
    (x,) = model.main.ir.inputs
    rewritten(model, ranges, "int16", "float32", {x: None, 0: None})
    assert ends(model) == (["int16"], ["int16"])
    assert model.main.kinds == ["RELU"]


def test_one_value_is_two_outputs_of_different_types():
    model, ranges = rectified()
    (y,) = model.main.ir.outputs
    model.main.ends(model.main.ir.inputs, [y, y])
    rewritten(model, ranges, "int8", "float32", {1: None})
    assert ends(model) == (["float32"], ["float32", "int8"])
    array = np.array([[-1.0, 0.25, 1.0]], np.float32)
    plain, numbers = run(model.bytes(), array)
    inner = model.main.ir.outputs[1]
    np.testing.assert_allclose(
        (numbers.astype(float) - inner.zero_point) * inner.scale, plain, rtol=1e-6
    )


def test_whole_numbers_and_truths_are_handed_through():
    model = Model()
    main = model.main
    ids, flag = main.tensor((1, 2), "int32"), main.tensor((1,), "bool")
    x, y = main.tensor(SHAPE), main.tensor(SHAPE)
    main.add("RELU", [x], [y])
    main.ends([ids, x, flag], [flag, y, ids])
    rewritten(model, {x: (-1.0, 1.0), y: (0.0, 1.0)}, io="int8")
    assert ends(model) == (["int32", "int8", "bool"], ["bool", "int8", "int32"])
    assert main.ir.inputs[0] is ids
    assert main.ir.outputs[2] is ids


def test_an_input_that_is_given_back_is_not_computed():
    model = Model()
    x = model.main.tensor(SHAPE)
    model.main.ends([x], [x])
    rewritten(model, {x: (-1.0, 1.0)})
    array = np.array([[-1.0, 0.3, 1.0]], np.float32)
    np.testing.assert_allclose(run(model.bytes(), array)[0], array, atol=INNER["int8"])


# Constants as results


@pytest.mark.parametrize("io", ["float32", "int8", "int16"])
def test_a_constant_result_of_the_model(io):
    model, ranges = rectified()
    numbers = [[-0.5, 0.0, 0.25]]
    constant = model.main.constant(numbers)
    model.main.ends(model.main.ir.inputs, [*model.main.ir.outputs, constant])
    rewritten(model, ranges, io=io)
    result = model.main.ir.outputs[1]
    assert result.type == io
    held = result.data
    if io != "float32":
        held = (held.astype(float) - result.zero_point) * result.scale
    np.testing.assert_allclose(held, numbers, atol=2e-3)


def choice():
    """if flag: x + 1 else: a constant."""
    model = Model()
    then, other = model.graph(), model.graph()
    a, b, c = then.tensor(SHAPE), then.tensor(SHAPE), other.tensor(SHAPE)
    then.add("ADD", [a, then.constant(1.0)], [b], "AddOptions")
    then.ends([a], [b])
    other.ends([c], [other.constant([[3.0, -3.0, 0.5]])])
    main = model.main
    flag, x, y = main.tensor([], "bool"), main.tensor(SHAPE), main.tensor(SHAPE)
    main.add("IF", [flag, x], [y], "IfOptions", branches=[then, other])
    main.ends([flag, x], [y])
    return model, {x: (-1.0, 1.0), a: (-1.0, 1.0), b: (0.0, 2.0)}


@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_branch_that_gives_a_constant_gives_it_with_the_common_scale(precision):
    model, ranges = choice()
    rewritten(model, ranges, precision)
    x = np.array([[-1.0, 0.5, 1.0]], np.float32)
    step = {"int8": 6.6 / 255, "int16": 6.6 / 32767}[precision]
    np.testing.assert_allclose(run(model.bytes(), np.array(True), x)[0], x + 1, atol=2 * step)
    found = run(model.bytes(), np.array(False), x)[0]
    np.testing.assert_allclose(found, [[3.0, -3.0, 0.5]], atol=step)


def test_a_body_may_give_back_one_constant_in_two_places():
    """Two states of other scales, both set to the same number by the body."""
    model = Model()
    body = model.graph()
    t, later = body.tensor([], "int32"), body.tensor([], "int32")
    states = [body.tensor(SHAPE), body.tensor(SHAPE)]
    body.add("ADD", [t, body.constant(1, "int32")], [later], "AddOptions")
    number = body.constant([[0.5, -0.25, 1.0]])
    body.ends([t, *states], [later, number, number])
    cond = below(model, 2, 2, SHAPE)
    main = model.main
    x, y = main.tensor(SHAPE), main.tensor(SHAPE)
    results = [main.tensor([], "int32"), main.tensor(SHAPE), main.tensor(SHAPE)]
    model.loop(main, [main.constant(0, "int32"), x, y], results, cond, body)
    main.ends([x, y], results[1:])
    rewritten(model, {x: (-1.0, 1.0), y: (-50.0, 50.0)})
    first, second = body.ir.outputs[1:]
    assert first.scale < second.scale
    ones = np.ones(SHAPE, np.float32)
    a, b = run(model.bytes(), ones, 50 * ones)
    np.testing.assert_allclose(a, [[0.5, -0.25, 1.0]], atol=2.2 / 255)
    np.testing.assert_allclose(b, [[0.5, -0.25, 1.0]], atol=110 / 255)
