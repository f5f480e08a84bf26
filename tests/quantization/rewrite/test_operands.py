"""The integer values that ops are given: made once, with the scale that is wanted, and recorded."""

import re

import numpy as np
import pytest

from graphs import SHAPE, Model, one_loop
from rnnlite.errors import InternalError
from rnnlite.lite.ir import Quantization
from rnnlite.quantization.ops import RULES
from rnnlite.quantization.params import QuantizationParams, params_of
from rnnlite.quantization.plan.plan import make_plan
from rnnlite.quantization.recipes import all_int8
from rnnlite.quantization.rewrite.operands import Operands, Site

FINE = QuantizationParams("int8", 0.01, 0)


class Added:
    """x + constant, planned: its values, and what a rewriting would begin with."""

    def __init__(self, number=((1.0, 2.0, -3.0),), io="float32", types=None):
        self.model = Model()
        main = self.model.main
        self.x, self.y = main.tensor(SHAPE, name="x"), main.tensor(SHAPE, name="y")
        self.number = main.constant(number, name="number")
        self.op = main.add("ADD", [self.x, self.number], [self.y], "AddOptions")
        main.ends([self.x], [self.y])
        ranges = {self.x: (-1.0, 1.0), self.y: (-4.0, 3.0)}
        self.plan = make_plan(self.model.ir, ranges, all_int8, allow_float=False)
        self.made = Operands(self.model.ir, self.plan, io, types or {})
        self.made.enter(main.ir)

    @property
    def kinds(self):
        return self.model.main.kinds


def test_floats_and_constants_are_known():
    a = Added()
    assert a.made.floats == {a.x, a.y, a.number}
    assert list(a.made.constants) == [a.number]
    assert a.made.is_float(a.x)
    assert not a.made.is_float(None)


def test_the_parameters_that_callers_see():
    assert Added().made.io_params(Added().x) is None
    a = Added(io="int8")
    assert a.made.io_params(a.x) == a.plan.params(a.x)
    a = Added(io="int16")
    assert a.made.io_params(a.x) == params_of((-1.0, 1.0), "int16")
    a = Added(io="int8", types={0: "float32"})
    assert a.made.io_params(a.y, 0) is None
    assert a.made.io_params(a.y, 1) == a.plan.params(a.y)


def test_an_operand_is_itself_where_its_scale_is_the_wanted_one():
    a = Added()
    assert a.made.operand(a.x, a.plan.params(a.x)) is a.x
    assert a.kinds == ["ADD"]


def test_with_another_scale_it_is_made_once():
    a = Added()
    for value in (a.x, a.y):
        value.type, params = "int8", a.plan.params(value)
        value.quantization = Quantization.of(params.scale, params.zero_point)
    first, second = a.made.operand(a.x, FINE), a.made.operand(a.x, FINE)
    assert first is second
    assert first.quantization == Quantization.of(0.01, 0)
    assert a.kinds == ["MUL", "ADD"]
    assert a.made.operand(a.x, QuantizationParams("int8", 0.02, 0)) is not first
    # In another graph, or when it is entered again, nothing is there yet.
    a.made.enter(a.model.main.ir)
    assert a.made.operand(a.x, FINE) is not first


def test_a_constant_is_written_with_the_wanted_scale():
    a = Added([[0.25, 0.5, 9.0]])
    held = a.made.operand(a.number, FINE)
    # 9.0 saturates.
    np.testing.assert_array_equal(held.data, np.array([[25, 50, 127]], np.int8))
    assert held.name == "number"
    assert a.made.operand(a.number, FINE) is held
    finer = a.made.operand(a.number, QuantizationParams("int16", 0.001, 0))
    np.testing.assert_array_equal(finer.data, np.array([[250, 500, 9000]], np.int16))


def test_the_own_range_of_a_constant_has_no_headroom():
    a = Added([[1.0, 2.0, -3.0]])
    params = a.made.own(a.number, "int16")
    assert params == QuantizationParams("int16", float(np.float32(3 / 32767)), 0)
    assert a.made.own(a.number, "int8").scale == float(np.float32(5 / 255))


def test_the_own_parameters_of_a_value_in_another_type():
    a = Added()
    assert a.made.own(a.x, "int8") == a.plan.params(a.x)
    assert a.made.own(a.x, "int16") == params_of((-1.0, 1.0), "int16")


def test_what_was_zero_throughout_keeps_its_scale_in_another_type():
    a = Added()
    a.plan._range[a.plan.root(a.x)] = (0.0, 0.0)
    assert a.made.own(a.x, "int16") == QuantizationParams("int16", a.plan.params(a.x).scale, 0)


# Records


def test_a_weight_is_recorded_once_for_each_type():
    a = Added()
    a.made.constant(a.number, FINE)
    a.made.constant(a.number, QuantizationParams("int8", 0.02, 0))
    assert [(r.name, r.shape, r.dtype, r.how) for r in a.made.records] == [
        ("number", (1, 3), "int8", "one scale")
    ]
    a.made.constant(a.number, QuantizationParams("int16", 0.02, 0))
    assert [r.dtype for r in a.made.records] == ["int8", "int16"]


@pytest.mark.parametrize("number", [3.0, [[3.0]], [[0.0, 0.0, 0.0]]])
def test_numbers_and_zeros_are_no_weights(number):
    a = Added(number)
    a.made.constant(a.number, FINE)
    assert a.made.records == []


def test_a_kernel_of_zeros_is_a_weight_all_the_same():
    a = Added([[0.0, 0.0, 0.0]])
    a.made.record(a.number, "int8", "a scale a channel")
    assert [r.how for r in a.made.records] == ["a scale a channel"]


# Where things are put


def test_ops_come_in_front_of_the_place_of_the_rewriting():
    a = Added()
    a.made.before = a.op
    plain = a.made.new(a.x, None)
    assert (plain.type, plain.quantization, plain.shape) == ("float32", None, SHAPE)
    a.made.dequantize(a.x, plain)
    assert a.kinds == ["DEQUANTIZE", "ADD"]
    a.made.before = None
    a.made.dequantize(a.x, a.made.new(a.x, None))
    assert a.kinds == ["DEQUANTIZE", "ADD", "DEQUANTIZE"]


def test_loops_requantize_by_way_of_floats():
    """int8 to int16: one kernel fewer in a loop, where floats may be held."""
    model, _, _ = one_loop()
    plan = make_plan(model.ir, {}, all_int8, allow_float=False)
    body = model.ir.graphs[2]
    state = body.inputs[1]
    for io, kinds in (("float32", ["DEQUANTIZE", "QUANTIZE"]), ("int8", ["QUANTIZE"])):
        made = Operands(model.ir, plan, io, {})
        made.enter(body)
        state.type, state.quantization = "int8", Quantization.of(0.01)
        before = [op.kind for op in body.ops]
        made.requantized(state, QuantizationParams("int16", 2.0**-15, 0))
        assert [op.kind for op in body.ops] == kinds + before
        body.remove(*list(body.ops)[: len(kinds)])


def test_an_operand_that_must_be_there():
    a = Added()
    site = Site(a.op, RULES["ADD"], "int8", (a.x, None), (a.y,))
    assert site.kind == "ADD"
    assert site.operand(0) is a.x
    with pytest.raises(InternalError, match=re.escape(f"{a.op!r} has no operand 1. This is a")):
        site.operand(1)
