"""Where the error of an integer model enters is named."""

import numpy as np

from graphs import Model
from rnnlite.quantization.calibration import Samples
from rnnlite.quantization.config import take_config
from rnnlite.quantization.measure.culprits import Culprit, _worst, op_errors, worst_tensors
from rnnlite.quantization.recipes import RECIPES


def test_the_op_that_loses_what_it_is_given():
    """A wide range that most values are small in: int8 keeps the largest alone."""
    model = Model()
    shape = (1, 2, 4)
    x = model.main.tensor(shape, name="x")
    power = model.main.tensor(shape, name="head/power")
    root = model.main.tensor(shape, name="head/root")
    model.main.add("EXP", [x], [power])
    model.main.add("MUL", [power, model.main.constant(2.0)], [root], "MulOptions")
    model.main.ends([x], [root])
    rows = [[np.linspace(-6, 6, 8, dtype=np.float32).reshape(2, 4)]]
    rows += [[np.full((2, 4), -2.0, np.float32)]] * 3
    order = take_config("int8", rows, None, allow_float=False, max_error=None, progress=False)
    samples = Samples(rows, rows[1:], ())
    (first,) = worst_tensors(model.ir, order, RECIPES["int8"][0], samples)[:1]
    assert first.startswith("EXP 'head/power' (")


def test_every_op_for_a_report():
    """The error of each op and of its operands, in the order of computation, by layer."""
    model = Model()
    x, a, b = (model.main.tensor((1, 2, 4), name=n) for n in ("x", "m/head/EXP", "m/tail/MUL"))
    model.main.add("EXP", [x], [a])
    model.main.add("MUL", [a, model.main.constant(2.0)], [b], "MulOptions")
    model.main.ends([x], [b])
    rows = [[np.linspace(-6, 6, 8, dtype=np.float32).reshape(2, 4)]] * 4
    order = take_config("int8", rows, None, allow_float=False, max_error=None, progress=False)
    first, second = op_errors(model.ir, order, RECIPES["int8"][0], Samples(rows, rows, ()))
    assert (first.op, first.layer, second.op, second.layer) == ("EXP", "head", "MUL", "tail")
    assert second.operands == first.error > 0
    assert second.error >= 0.5 * first.error


def test_a_value_beyond_its_range_in_one_sample_of_many():
    """Over all samples together the one that leaves its range would hardly count."""
    model = Model()
    x = model.main.tensor((1, 3), name="x")
    inverse, y = (model.main.tensor((1, 3), name=n) for n in ("inverse", "y"))
    model.main.add("DIV", [model.main.constant(1.0), x], [inverse], "DivOptions")
    model.main.add("MUL", [inverse, model.main.constant(3.0)], [y], "MulOptions")
    model.main.ends([x], [y])
    used = [[np.full(3, v, np.float32)] for v in np.linspace(1, 2, 20)]
    held_out = [[np.full(3, 1.5, np.float32)]] * 10
    held_out[4] = [np.full(3, 0.1, np.float32)]
    order = take_config("int16x8", used, None, allow_float=False, max_error=None, progress=False)
    samples = Samples(used, held_out, ())
    (first, *_) = worst_tensors(model.ir, order, RECIPES["int16x8"][0], samples)
    assert first.startswith("DIV 'inverse' (77.5 %, from 0.00")
    assert first.endswith(" %, its value 10 is beyond -2.25 to 2.25)")


def test_where_it_enters_comes_before_where_it_is_largest():
    found = [
        Culprit("FULLY_CONNECTED", "a", 0.02, 0.01),
        Culprit("RSQRT", "b", 0.9, 0.02),
        Culprit("MUL", "c", 1.5, 0.9),
    ]
    assert [c.name for c in _worst(found)] == ["b"]
    creeping = [Culprit("ADD", "a", 0.1, 0.09), Culprit("ADD", "b", 0.12, 0.1)]
    assert [c.name for c in _worst(creeping)] == ["b", "a"]


def test_in_words():
    assert str(Culprit("EXP", "'y'", 0.51234, 0.0123)) == "EXP 'y' (51.23 %, from 1.2 %)"
