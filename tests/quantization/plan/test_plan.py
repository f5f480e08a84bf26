"""Groups and their parameters: what is tied, what stays apart, which ranges are cut."""

import numpy as np
import pytest

from graphs import SHAPE, Model, one_loop
from rnnlite.lowering.barriers import LOWEST
from rnnlite.quantization.params import QuantizationParams
from rnnlite.quantization.plan.plan import make_plan
from rnnlite.quantization.recipes import all_int8, all_int16


def plan_of(model, ranges, precision=all_int8):
    return make_plan(model.ir, ranges, precision, allow_float=False)


def test_a_state_has_one_scale_through_the_loop():
    model, start, results = one_loop()
    _, cond, body = model.ir.graphs
    plan = plan_of(model, {body.values[6]: (-0.9, 0.8), start[2]: (-1.0, 1.0)})
    found = {plan.params(p) for p in [results[1], cond.values[1], body.values[1], body.values[6]]}
    # made by TANH, so as its kernel prescribes
    assert found == {QuantizationParams("int8", 2.0**-7, 0)}
    state = body.values[6]
    assert plan_of(model, {}, all_int16).params(state) == QuantizationParams("int16", 2.0**-15, 0)


def two_into(name, options, **fields):
    model = Model()
    a, b, y = (model.main.tensor(SHAPE) for _ in range(3))
    model.main.add(name, [a, b], [y], options, **fields)
    model.main.ends([a, b], [y])
    return model, a, b, y


@pytest.mark.parametrize(("reach", "together"), [(1.1, True), (50.0, False)])
def test_operands_of_a_concatenation_share_a_scale_only_if_none_loses_by_it(reach, together):
    model, a, b, y = two_into("CONCATENATION", "ConcatenationOptions", axis=1)
    ranges = {a: (-1.0, 1.0), b: (-reach, reach), y: (-reach, reach)}
    plan = plan_of(model, ranges)
    assert plan.together(a, y) is together
    assert plan.together(b, y)


def test_gates_are_cut_where_they_saturate():
    model = Model()
    x, y = model.main.tensor(SHAPE), model.main.tensor(SHAPE)
    z = model.main.tensor(SHAPE)
    model.main.add("ADD", [x, x], [z], "AddOptions")
    model.main.add("LOGISTIC", [z], [y])
    model.main.ends([x], [y])
    ranges = {x: (-30.0, 10.0), z: (-60.0, 20.0), y: (0.0, 1.0)}
    assert plan_of(model, ranges).range(z) == (-6.25, 6.25)
    assert plan_of(model, ranges, all_int16).range(z) == (-12.0, 12.0)
    # somebody else reads it too
    model.main.ends([x], [y, z])
    assert plan_of(model, ranges).range(z) == (-60.0, 20.0)


def test_a_table_is_covered_even_where_calibration_saw_little_of_it():
    model = Model()
    ids, y = model.main.tensor((1, 4), "int32"), model.main.tensor((1, 4, 2))
    table = model.main.constant(np.array([[1.0, -2.0], [30.0, 4.0]]))
    model.main.add("GATHER", [table, ids], [y], "GatherOptions")
    model.main.ends([ids], [y])
    assert plan_of(model, {y: (-2.0, 1.0)}).range(y) == (-2.0, 30.0)


@pytest.mark.parametrize(("beside", "range_"), [(True, (-1.0, 2.0)), (False, (LOWEST, 2.0))])
def test_what_is_not_there_of_a_maximum_widens_no_range_of_a_chunk(beside, range_):
    whole, chunk = Model(), Model()
    x, y = (whole.main.tensor(SHAPE) for _ in range(2))
    whole.main.add("RELU", [x], [y])
    there, rows, filled = chunk.main.tensor(SHAPE, "bool"), *map(chunk.main.tensor, [SHAPE] * 2)
    chunk.main.add("SELECT_V2", [there, rows, chunk.main.constant(LOWEST)], [filled])
    ranges = {rows: (-1.0, 2.0), filled: (-1.0, 2.0)}
    one, other = (whole.ir, chunk.ir) if beside else (chunk.ir, whole.ir)
    plan = make_plan(one, ranges, all_int8, allow_float=False, beside=other)
    assert plan.range(filled) == range_
