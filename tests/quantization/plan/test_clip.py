"""Ranges are narrowed only where the values beyond cannot matter."""

import numpy as np
import pytest

from rnnlite.quantization.plan.clip import SATURATION, VANISHING, clip_ranges


class Plan:
    """A plan that knows one range by root."""

    def __init__(self, values):
        self.values = values

    def range(self, root):
        return self.values[root]

    def narrow(self, root, values):
        self.values[root] = values


@pytest.mark.parametrize(
    ("readers", "dtype", "given", "expected"),
    [
        ({"LOGISTIC"}, "int8", (-20.0, 9.0), (-6.25, 6.25)),
        ({"TANH"}, "int8", (-20.0, 1.0), (-3.5, 1.0)),
        # Of two readers the one that saturates later.
        ({"LOGISTIC", "TANH"}, "int16", (-20.0, 20.0), (-12.0, 12.0)),
        ({"EXP"}, "int8", (-50.0, 2.0), (-5.0, 2.0)),
        ({"EXP"}, "int16", (-3.0, 2.0), (-3.0, 2.0)),
        # Anything else needs all of it.
        ({"LOGISTIC", ""}, "int8", (-20.0, 9.0), (-20.0, 9.0)),
        ({"EXP", "LOGISTIC"}, "int8", (-20.0, 9.0), (-20.0, 9.0)),
        ({"ADD"}, "int8", (-20.0, 9.0), (-20.0, 9.0)),
        (set(), "int8", (-20.0, 9.0), (-20.0, 9.0)),
        # A group that stays in float has no type.
        ({"LOGISTIC"}, None, (-20.0, 9.0), (-20.0, 9.0)),
    ],
)
def test_ranges(readers, dtype, given, expected):
    plan = Plan({"root": given})
    clip_ranges(plan, {"root": readers}, {} if dtype is None else {"root": dtype})
    assert plan.values["root"] == expected


def logistic(x):
    return 1 / (1 + np.exp(-x))


@pytest.mark.parametrize("dtype", ["int8", "int16"])
@pytest.mark.parametrize(
    ("name", "function", "range_"), [("LOGISTIC", logistic, 1), ("TANH", np.tanh, 2)]
)
def test_beyond_the_function_is_within_a_step_of_its_limit(dtype, name, function, range_):
    """LiteRT's steps: 1 / 256 and 1 / 128 for int8, 2 ** -15 for int16."""
    step = range_ / 256 if dtype == "int8" else 2.0**-15
    assert 1 - function(SATURATION[name, dtype]) <= 0.51 * step


@pytest.mark.parametrize(("dtype", "levels"), [("int8", 255), ("int16", 32767)])
def test_exp_vanishes_below(dtype, levels):
    assert np.exp(VANISHING[dtype]) * levels < 0.51
