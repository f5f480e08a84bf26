"""Scales that kernels have no finer ones for beside those of their operands."""

import numpy as np
import pytest

from graphs import SHAPE, Model
from rnnlite.quantization.plan.plan import make_plan
from rnnlite.quantization.recipes import all_int8, all_int16


def plan_of(model, ranges, precision=all_int8):
    return make_plan(model.ir, ranges, precision, allow_float=False)


@pytest.mark.parametrize(("reach", "fitted"), [(1e-6, True), (1e-3, True), (8.0, False)])
def test_results_that_are_small_parts_of_a_step_of_their_product(reach, fitted):
    """XNNPACK creates no runtime for a product whose step is 256 times its result's."""
    model = Model()
    x, y = model.main.tensor((1, 4)), model.main.tensor((1, 2))
    kernel = model.main.constant(np.array([[127.0, -127.0, 0, 0], [0, 0, 64.0, -64.0]]))
    model.main.add("FULLY_CONNECTED", [x, kernel, None], [y], "FullyConnectedOptions")
    model.main.ends([x], [y])
    plan = plan_of(model, {x: (-127.0, 127.0), y: (-reach, reach)})
    least = plan.params(x).scale / 128
    assert (plan.params(y).scale == pytest.approx(least)) is fitted
    assert plan.params(y).scale >= least * 0.999


def added(x, other, result, precision):
    """The scales of operands and result of an addition, of values that reach so far."""
    model = Model()
    a, b, c = (model.main.tensor(SHAPE) for _ in range(3))
    model.main.add("ADD", [a, b], [c], "AddOptions")
    model.main.ends([a, b], [c])
    plan = plan_of(model, {a: (-x, x), b: (-other, other), c: (-result, result)}, precision)
    return [plan.params(v).scale for v in (a, b, c)]


@pytest.mark.parametrize(("precision", "least"), [(all_int8, 2.0**-18), (all_int16, 2.0**-13)])
def test_sums_far_smaller_than_their_operands(precision, least):
    """At half of it the kernels of ADD and SUB end the process."""
    a, _, c = added(1.0, 1.0, 1e-9, precision)
    assert c == pytest.approx(a * least)
    a, _, c = added(1.0, 1.0, 0.5, precision)
    assert c == pytest.approx(a / 2)


def test_an_operand_of_zeros_takes_the_scale_of_the_sum():
    a, b, c = added(1.0, 0.0, 1.0, all_int8)
    assert b == c == a
