"""Large constants of masks get stand-ins where that changes nothing, and stay where it would."""

import numpy as np
import pytest

from graphs import SHAPE, Model
from rnnlite.errors import UnsupportedError
from rnnlite.quantization.plan.masks import binary_inputs, soften_masks
from rnnlite.quantization.plan.origins import constant_values
from rnnlite.quantization.recipes import all_int8, all_int16

LOGITS = (-3.0, 5.0)


class Masked(Model):
    """A model with logits `x` and a mask `m` (a boolean, as 0 and 1) to begin with."""

    def __init__(self):
        super().__init__()
        self.x, self.flag = self.main.tensor(SHAPE), self.main.tensor(SHAPE, "bool")
        self.m = self.make("CAST", [self.flag])
        self.ranges = {self.x: LOGITS, self.m: (1.0, 1.0)}

    def make(self, name, inputs, options="", dtype="float32", **fields):
        y = self.main.tensor(SHAPE, dtype)
        self.main.add(name, inputs, [y], options, **fields)
        return y

    def constant(self, value):
        return self.main.constant(np.float32(value))

    def penalty(self, value=-1e9):
        """(1 - m) * value"""
        self.kept = self.make("SUB", [self.constant(1.0), self.m], "SubOptions")
        return self.make("MUL", [self.kept, self.constant(value)], "MulOptions")

    def softened(self, outputs, precision=all_int8):
        self.main.ends([self.x, self.flag], outputs)
        return soften_masks(self.ir, self.ranges, precision).ranges

    def large(self):
        """The large constants that ops read."""
        found = []
        for op in self.ir.ops():
            for value in op.operands:
                values = constant_values(value)
                if values is not None:
                    found += [float(v) for v in np.ravel(values) if abs(v) > 900]
        return found


def test_an_added_mask_is_cut_behind_ops_that_move():
    model = Masked()
    bias = model.penalty()
    z = model.make("ADD", [model.x, bias], "AddOptions")
    y = z
    for name in ("TRANSPOSE", "STRIDED_SLICE", "SQUEEZE"):
        y = model.make(name, [y])
    p = model.make("SOFTMAX", [y], "SoftmaxOptions", beta=1.0)
    found = model.softened([p])
    assert model.large() == []
    # 8 below the smallest logit, and all that is masked lies there
    assert found[z] == found[y] == (-11.0, 5.0)
    low, high = found[bias]
    assert high == 0.0
    assert low + LOGITS[1] <= -22.0
    # known without data
    assert found[model.kept] == (0.0, 1.0)


def test_int16_keeps_masked_logits_further_off():
    model = Masked()
    z = model.make("ADD", [model.x, model.penalty()], "AddOptions")
    p = model.make("SOFTMAX", [z], "SoftmaxOptions", beta=1.0)
    assert model.softened([p], all_int16)[z] == (-19.0, 5.0)


@pytest.mark.parametrize("value", [-1e9, -np.inf, float(np.finfo(np.float32).min)])
def test_a_selected_mask_lies_below_what_a_maximum_takes(value):
    model = Masked()
    z = model.make("SELECT_V2", [model.flag, model.x, model.constant(value)])
    y = model.make("REDUCE_MAX", [z, model.main.constant(1, "int32")])
    model.ranges[y] = (-2.0, 5.0)
    found = model.softened([y])
    assert model.large() == []
    low, high = found[z]
    assert -3.5 < low < -3.0
    assert high == 5.0
    assert found[y] == (-2.0, 5.0)


def test_a_minimum_is_masked_upwards():
    model = Masked()
    z = model.make("SELECT_V2", [model.flag, model.x, model.constant(1e9)])
    y = model.make("REDUCE_MIN", [z, model.main.constant(1, "int32")])
    low, high = model.softened([y])[z]
    assert low == -3.0
    assert 5.0 < high < 5.5


def test_rows_that_were_masked_throughout_in_calibration_are_seen_anew():
    model = Masked()
    z = model.make("SELECT_V2", [model.flag, model.x, model.constant(-1e9)])
    y = model.make("REDUCE_MAX", [z, model.main.constant(1, "int32")])
    model.main.ends([model.x, model.flag], [y])
    model.ranges[y] = (-1e9, 5.0)
    found = soften_masks(model.ir, model.ranges, all_int8)
    assert found.again
    assert found.ranges[y][0] > -3.5


def test_two_constants_that_cancel_stay_equal():
    model = Masked()
    product = model.make("MUL", [model.m, model.constant(1e9)], "MulOptions")
    bias = model.make("SUB", [product, model.constant(1e9)], "SubOptions")
    z = model.make("ADD", [model.x, bias], "AddOptions")
    p = model.make("SOFTMAX", [z], "SoftmaxOptions", beta=1.0)
    found = model.softened([p])
    assert model.large() == []
    assert found[bias][1] == 0.0
    assert found[product][1] == -found[bias][0]


def test_a_constant_that_something_else_reads_stays():
    model = Masked()
    product = model.make("MUL", [model.m, model.constant(1e9)], "MulOptions")
    bias = model.make("SUB", [product, model.constant(1e9)], "SubOptions")
    z = model.make("ADD", [model.x, bias], "AddOptions")
    p = model.make("SOFTMAX", [z], "SoftmaxOptions", beta=1.0)
    # the sum of the masked logits needs the true value, and so does the other constant
    s = model.make("SUM", [z, model.main.constant(1, "int32")])
    found = model.softened([p, s])
    assert model.large() == [1e9, 1e9]
    assert z not in found


@pytest.mark.parametrize("name", ["MEAN", "FULLY_CONNECTED", "output"])
def test_the_true_value_is_kept_for_an_op_that_needs_it(name):
    model = Masked()
    z = model.make("SELECT_V2", [model.flag, model.x, model.constant(-1e9)])
    y = z if name == "output" else model.make(name, [z, model.main.constant(np.ones((3, 3)))])
    model.softened([y])
    assert model.large() == [-1e9]


def test_a_large_factor_of_ordinary_values_is_no_mask():
    model = Masked()
    z = model.make("MUL", [model.x, model.constant(1e4)], "MulOptions")
    model.softened([model.make("LOGISTIC", [z])])
    assert model.large() == [1e4]


def test_ten_thousand_leaves_the_order_of_masked_logits():
    # -1e4 + x is another number for each x: a row that is masked throughout keeps its softmax
    model = Masked()
    z = model.make("ADD", [model.x, model.penalty(-1e4)], "AddOptions")
    p = model.make("SOFTMAX", [z], "SoftmaxOptions", beta=1.0)
    low, high = model.softened([p])[z]
    assert model.large() == []
    assert high - LOGITS[1] == 0.0
    assert low <= LOGITS[0] - 8.0 - (LOGITS[1] - LOGITS[0])


def test_the_logarithm_of_a_mask_is_a_product():
    model = Masked()
    bias = model.make("LOG", [model.m])
    z = model.make("ADD", [model.x, bias], "AddOptions")
    p = model.make("SOFTMAX", [z], "SoftmaxOptions", beta=1.0)
    found = model.softened([p])
    assert model.main.kinds[:3] == ["CAST", "SUB", "MUL"]
    assert found[bias][1] == 0.0
    assert found[z] == (-11.0, 5.0)


def test_the_logarithm_of_other_values_stays():
    model = Masked()
    y = model.make("LOG", [model.x])
    model.ranges[model.x] = (0.5, 5.0)
    assert y not in model.softened([y])
    assert model.main.kinds == ["CAST", "LOG"]


def test_the_logarithm_of_a_mask_and_a_little_is_exact():
    model = Masked()
    little = model.make("ADD", [model.m, model.constant(1e-9)], "AddOptions")
    y = model.make("LOG", [little])
    low, high = model.softened([y])[y]
    assert low == pytest.approx(np.log(1e-9), rel=1e-6)
    assert abs(high) < 1e-8
    names = model.main.kinds
    assert names == ["CAST", "ADD", "SUB", "MUL"]


def test_a_mask_goes_into_a_loop_body():
    model = Masked()
    bias = model.penalty()
    cond, body = model.graph(), model.graph()
    arguments = {}
    for graph in (cond, body):
        h, b = graph.tensor(SHAPE), graph.tensor(SHAPE)
        arguments[graph] = h, b
        if graph is cond:
            go = graph.tensor((), "bool")
            graph.add("LESS", [h, graph.constant(1.0)], [go])
            graph.ends([h, b], [go])
        else:
            z, p = graph.tensor(SHAPE), graph.tensor(SHAPE)
            graph.add("ADD", [h, b], [z], "AddOptions")
            graph.add("SOFTMAX", [z], [p], "SoftmaxOptions", beta=1.0)
            graph.ends([h, b], [p, b])
    results = [model.main.tensor(SHAPE), model.main.tensor(SHAPE)]
    model.loop(model.main, [model.x, bias], results, cond, body)
    model.ranges |= {arguments[body][0]: (-3.0, 5.0)}
    found = model.softened(results[:1])
    assert model.large() == []
    assert found[z] == (-11.0, 5.0)
    assert found[arguments[body][1]] == found[bias]


def test_an_infinite_constant_that_stays_is_refused():
    model = Masked()
    z = model.make("SELECT_V2", [model.flag, model.x, model.constant(-np.inf)])
    with pytest.raises(
        UnsupportedError, match=rf"SELECT_V2 \(it makes '{z.name}'\) reads an infini"
    ):
        model.softened([z])


def test_inputs_of_zeros_and_ones_are_masks():
    model = Masked()
    weights = model.main.tensor(SHAPE)
    model.main.ends([model.x, weights], [])
    rows = [[np.array([0.5, 1.0]), np.array([1.0, 1.0])], [np.array([0.0]), np.array([0.0])]]
    assert binary_inputs(model.ir, rows) == [1]
