"""Ops that stay in float: integers are made where integers are read, and nowhere else."""

import numpy as np
import pytest

from graphs import SHAPE, Model, run
from rnnlite.lite.structure import check_structure
from rnnlite.quantization.plan.plan import make_plan
from rnnlite.quantization.recipes import all_int8
from rnnlite.quantization.rewrite.check import check_quantization
from rnnlite.quantization.rewrite.integer import rewrite_to_integers


def chain(*kinds, also=()):
    """Ops one behind the other; results of some of them are outputs too."""
    model = Model()
    values = [model.main.tensor(SHAPE, name="x")]
    for kind in kinds:
        values.append(model.main.tensor(SHAPE, name=kind.lower()))
        model.main.add(kind, [values[-2]], [values[-1]])
    model.main.ends([values[0]], [values[-1], *(values[k] for k in also)])
    return model, dict.fromkeys(values, (-1.0, 2.0))


def rewritten(model, ranges, io="float32"):
    plan = make_plan(model.ir, ranges, all_int8, allow_float=True)
    rewrite_to_integers(model.ir, plan, io)
    check_structure(model.ir)
    check_quantization(model.ir)
    return model.main.kinds


@pytest.mark.parametrize(
    ("kinds", "io", "expected"),
    [
        (["FLOOR"], "float32", ["FLOOR"]),
        (["FLOOR"], "int8", ["DEQUANTIZE", "FLOOR", "QUANTIZE"]),
        (["FLOOR", "ROUND"], "int8", ["DEQUANTIZE", "FLOOR", "ROUND", "QUANTIZE"]),
        (["FLOOR", "RELU"], "float32", ["FLOOR", "QUANTIZE", "RELU", "DEQUANTIZE"]),
        (
            ["RELU", "FLOOR"],
            "float32",
            ["QUANTIZE", "RELU", "DEQUANTIZE", "FLOOR"],
        ),
        (
            ["RELU", "FLOOR", "ABS"],
            "int8",
            ["RELU", "DEQUANTIZE", "FLOOR", "QUANTIZE", "ABS"],
        ),
    ],
)
def test_between_two_of_them_nothing_is_rounded(kinds, io, expected):
    model, ranges = chain(*kinds)
    assert rewritten(model, ranges, io) == expected


def test_what_both_kinds_read_is_there_in_both():
    model, ranges = chain("FLOOR")
    main = model.main
    floor = main.ir.outputs[0]
    a, b = main.tensor(SHAPE), main.tensor(SHAPE)
    main.add("ROUND", [floor], [a])
    main.add("RELU", [floor], [b])
    main.ends(main.ir.inputs, [a, b])
    kinds = rewritten(model, {**ranges, a: (-1.0, 2.0), b: (0.0, 2.0)})
    assert kinds == ["FLOOR", "QUANTIZE", "ROUND", "RELU", "DEQUANTIZE"]
    x = np.array([[-0.5, 0.5, 1.5]], np.float32)
    rounded, rectified = run(model.bytes(), x)
    np.testing.assert_array_equal(rounded, [[-1, 0, 1]])
    np.testing.assert_allclose(rectified, [[0, 0, 1]], atol=0.01)


def test_an_integer_value_is_dequantized_once_for_two_readers():
    model, ranges = chain("RELU")
    main = model.main
    middle = main.ir.outputs[0]
    results = [main.tensor(SHAPE) for _ in range(2)]
    for kind, y in zip(("FLOOR", "ROUND"), results, strict=True):
        main.add(kind, [middle], [y])
    main.ends(main.ir.inputs, results)
    kinds = rewritten(model, {**ranges, **dict.fromkeys(results, (0.0, 2.0))})
    assert kinds == ["QUANTIZE", "RELU", "DEQUANTIZE", "FLOOR", "ROUND"]


def test_a_result_that_callers_want_as_it_is():
    """A floor is given back in float, and read by an op on integers."""
    model, ranges = chain("FLOOR", "RELU", also=[1])
    kinds = rewritten(model, ranges)
    assert kinds == ["FLOOR", "QUANTIZE", "RELU", "DEQUANTIZE"]
    x = np.array([[-0.5, 0.5, 1.7]], np.float32)
    _, floor = run(model.bytes(), x)
    np.testing.assert_array_equal(floor, [[-1, 0, 1]])


def test_constants_stay_real_numbers_beside_them():
    model = Model()
    main = model.main
    x, y = main.tensor(SHAPE), main.tensor(SHAPE)
    number = main.constant([[0.7, 1.3, 2.0]])
    main.add("FLOOR_MOD", [x, number], [y], "FloorModOptions")
    main.ends([x], [y])
    assert rewritten(model, {x: (-1.0, 2.0), y: (0.0, 2.0)}) == ["FLOOR_MOD"]
    array = np.array([[1.0, -1.0, 1.5]], np.float32)
    np.testing.assert_allclose(run(model.bytes(), array)[0], [[0.3, 0.3, 1.5]], rtol=1e-5)


def test_and_serves_as_the_result_in_float():
    model, ranges = chain("RELU", "FLOOR", also=[1])
    assert rewritten(model, ranges) == ["QUANTIZE", "RELU", "DEQUANTIZE", "FLOOR"]
    array = np.array([[-1.0, 0.5, 1.75]], np.float32)
    floor, rectified = run(model.bytes(), array)
    np.testing.assert_array_equal(floor, [[0, 0, 1]])
    np.testing.assert_allclose(rectified, [[0, 0.5, 1.75]], atol=0.01)
