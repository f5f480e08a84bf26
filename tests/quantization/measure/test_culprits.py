"""Where the error of an integer model enters is named."""

import numpy as np
import pytest

from graphs import Model
from rnnlite.quantization.calibration import Samples
from rnnlite.quantization.config import take_config
from rnnlite.quantization.measure.culprits import (
    Culprit,
    _differences,
    _worst,
    _worst_errors,
    op_errors,
    worst_tensors,
)
from rnnlite.quantization.params import QuantizationParams
from rnnlite.quantization.select import candidates


def rewritten(model, mode, samples):
    """A model in the first recipe of a mode, with what it was before."""
    options = {"allow_float": False, "max_error": None, "progress": False}
    config = take_config(mode, samples.used, None, **options)
    return next(candidates(model.ir, config, samples)).rewriting


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
    samples = Samples(rows, rows[1:], ())
    (first,) = worst_tensors(rewritten(model, "int8", samples), samples)[:1]
    assert first.startswith("EXP 'head/power' (")


def test_every_op_for_a_report():
    """The error of each op and of its operands, in the order of computation, by layer."""
    model = Model()
    x, a, b = (model.main.tensor((1, 2, 4), name=n) for n in ("x", "m/head/EXP", "m/tail/MUL"))
    model.main.add("EXP", [x], [a])
    model.main.add("MUL", [a, model.main.constant(2.0)], [b], "MulOptions")
    model.main.ends([x], [b])
    rows = [[np.linspace(-6, 6, 8, dtype=np.float32).reshape(2, 4)]] * 4
    samples = Samples(rows, rows, ())
    first, second = op_errors(rewritten(model, "int8", samples), samples)
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
    samples = Samples(used, held_out, ())
    (first, *_) = worst_tensors(rewritten(model, "int16x8", samples), samples)
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


def culprit(name, error, operands, op="MUL"):
    return Culprit(op, name, error, operands)


@pytest.mark.parametrize(
    ("errors", "wanted"),
    [
        ([], []),
        # Where it enters: its own error is large, that of its operands is not.
        ([(0.9, 0.1), (0.9, 0.9), (0.95, 0.9)], [0]),
        # In the order of computation, and three at most.
        ([(0.6, 0.0), (0.9, 0.1), (0.7, 0.0), (0.8, 0.0)], [0, 1, 2]),
        # It creeps in everywhere: the largest first.
        ([(0.3, 0.29), (0.5, 0.3), (0.4, 0.35), (0.1, 0.09)], [1, 2, 0]),
        # Beyond 100 % all are far off.
        ([(0.6, 0.4), (40.0, 0.6)], [0]),
    ],
)
def test_which_tensors_are_named(errors, wanted):
    found = [culprit(str(k), *pair) for k, pair in enumerate(errors)]
    assert [c.name for c in _worst(found)] == list(map(str, wanted))


class Ranges:
    """A plan: each value's range, and whether it is cut off on purpose."""

    def __init__(self, *narrowed):
        self.cut = narrowed

    def params(self, value):
        return QuantizationParams("int8", 1 / 64, 0)

    def narrowed(self, value):
        return value in self.cut


def differences(plain, quantized, *, cut=False):
    (value,) = values = [Model().main.tensor((1, 3))]
    plan = Ranges(value) if cut else Ranges()
    given = [None if a is None else np.asarray(a, float) for a in (plain, quantized)]
    return _differences(values, [given[0]], [given[1]], plan).get(value)


def test_mean_squares():
    found = differences([1.0, 1.5, -1.0], [1.0, 1.25, -1.25])
    assert found.noise == pytest.approx(0.125 / 3)
    assert found.signal == pytest.approx(4.25 / 3)
    assert found.leaves == ""


def test_a_value_beyond_its_range_is_told_with_it():
    found = differences([1.0, -5.0, 3.0], [1.0, -2.0, 2.0])
    assert found.leaves == ", its value -5 is beyond -2 to 1.984"


def test_what_a_range_cuts_off_on_purpose_is_no_error():
    """As large numbers that stand for a mask."""
    found = differences([1.0, -1e9, 1.0], [1.0, -2.0, 1.0], cut=True)
    assert (found.noise, found.leaves) == (0.0, "")


def test_values_that_are_not_finite_are_left_out():
    found = differences([1.0, np.inf, np.nan], [0.5, 0.0, 0.0])
    assert (found.noise, found.signal) == (0.25, 1.0)
    assert differences([np.nan] * 3, [0.0] * 3) is None


@pytest.mark.parametrize(
    ("plain", "quantized"), [(None, [0.0]), ([0.0], None), ([0.0, 1.0], [0.0])]
)
def test_what_both_did_not_compute_is_left_out(plain, quantized):
    assert differences(plain, quantized) is None


class Rows:
    """A model whose tensors have stated values, row by row."""

    def __init__(self, *rows):
        self.rows = rows

    def run(self, row):
        return [np.array([float(v)]) for v in self.rows[row]]


def test_the_row_whose_results_are_furthest_off_is_told():
    a, y = values = [Model().main.tensor((1,)) for _ in range(2)]
    plain = Rows((1.0, 1.0), (1.0, 1.0), (1.0, 1.0))
    off = Rows((1.5, 1.1), (1.0, 1.6), (1.9, 1.2))
    found = _worst_errors(values, plain, off, Ranges(), range(3), [y])
    assert found[a].size == 0.0
    assert found[y].size == pytest.approx(0.6)


def test_an_error_is_relative_to_all_rows_where_one_is_nearly_zero():
    (y,) = values = [Model().main.tensor((1,))]
    plain, off = Rows((1e-6,), (1.0,)), Rows((0.5,), (1.0,))
    found = _worst_errors(values, plain, off, Ranges(), range(2), [y])
    assert found[y].size == pytest.approx(0.5 / 0.5**0.5, rel=1e-5)


def test_a_value_of_zeros_has_no_error_to_tell():
    (y,) = values = [Model().main.tensor((1,))]
    assert _worst_errors(values, Rows((0.0,)), Rows((0.5,)), Ranges(), range(1), [y]) == {}


def test_words_say_where_a_value_goes():
    one = Culprit("DIV", "'y'", 0.5, 0.0, ", its value 10 is beyond -2 to 2")
    assert str(one) == "DIV 'y' (50 %, from 0 %, its value 10 is beyond -2 to 2)"
