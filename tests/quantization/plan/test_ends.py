"""The bounds beyond which an op gives one result: by what the op computes there."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnlite.quantization.plan.ends import ABOVE, BELOW, GONE, MARGIN, Bound, bound_of, flipped


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


SATURATING = {
    "LOGISTIC": sigmoid,
    "TANH": np.tanh,
    "ELU": lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
    "RELU": lambda x: np.maximum(x, 0),
    "RELU6": lambda x: np.clip(x, 0, 6),
    "RELU_0_TO_1": lambda x: np.clip(x, 0, 1),
}
SIDES = [(name, -1) for name in SATURATING] + [
    (name, 1) for name in ("LOGISTIC", "TANH", "RELU6", "RELU_0_TO_1")
]
RANGES = st.tuples(st.floats(-50, 50), st.floats(0, 50)).map(lambda p: (p[0], p[0] + p[1]))


@pytest.mark.parametrize("dtype", ["int8", "int16"])
@pytest.mark.parametrize(("name", "side"), SIDES)
@settings(max_examples=40)
@given(plain=RANGES)
def test_a_saturated_op_gives_its_limit_at_the_stand_in(name, side, dtype, plain):
    bound = bound_of(name, side, plain, dtype)
    function = SATURATING[name]
    # A mask that points up is handed over mirrored.
    ends = [-side * bound.enough, -side * bound.true, side * np.float64(1e4)]
    with np.errstate(over="ignore"):
        found = function(np.array(ends))
    assert np.ptp(found) < 4e-4
    assert bound.true <= bound.enough <= plain[0]


@pytest.mark.parametrize("dtype", ["int8", "int16"])
@pytest.mark.parametrize("name", ["SOFTMAX", "EXP", "LOG_SOFTMAX"])
@settings(max_examples=40)
@given(plain=RANGES)
def test_an_exponential_keeps_less_of_what_is_masked_than_a_step(name, dtype, plain):
    bound = bound_of(name, -1, plain, dtype)
    # Beside the smallest of all that is not masked: under half a step of 1/256, or 1/65536.
    assert np.exp(bound.enough - plain[0]) < {"int8": 0.5 / 256, "int16": 0.5 / 65536}[dtype]
    assert np.exp(bound.true - plain[0]) == pytest.approx(np.exp(-16.0))
    assert bound == Bound(plain[0] - MARGIN[dtype], plain[0] - GONE)


@pytest.mark.parametrize("name", ["REDUCE_MAX", "MAX_POOL_2D", "ARG_MAX"])
@settings(max_examples=40)
@given(plain=RANGES)
def test_a_largest_element_is_never_a_masked_one(name, plain):
    bound = bound_of(name, -1, plain, "int8")
    assert bound.enough < plain[0]
    assert bound.true < bound.enough
    # Off by more than a step of the widened int8 range, so that the two stay apart there.
    assert plain[0] - bound.enough > 0.9 * 1.05 * (plain[1] - plain[0]) / 255


@pytest.mark.parametrize(
    ("name", "side", "plain", "dtype", "enough", "true"),
    [
        ("SOFTMAX", -1, (-3.0, 5.0), "int8", -11.0, -19.0),
        ("SOFTMAX", -1, (-3.0, 5.0), "int16", -19.0, -19.0),
        ("LOGISTIC", -1, (-3.0, 5.0), "int8", -12.0, -13.0),
        ("LOGISTIC", -1, (-30.0, 5.0), "int8", -30.0, -31.0),
        ("TANH", 1, (-3.0, 5.0), "int8", -6.0, -7.0),
        ("RELU", -1, (1.0, 5.0), "int8", 0.0, -1.0),
        ("RELU6", 1, (-3.0, 5.0), "int16", -6.0, -7.0),
        ("RELU_0_TO_1", 1, (-0.5, 0.0), "int16", -1.0, -2.0),
        ("ELU", -1, (0.0, 5.0), "int16", -8.0, -9.0),
        ("REDUCE_MAX", -1, (2.0, 4.0), "int8", 1.899, -1.0),
        ("ARG_MIN", 1, (0.0, 10.0), "int16", -0.501, -11.0),
    ],
)
def test_bounds(name, side, plain, dtype, enough, true):
    assert name in (BELOW if side < 0 else ABOVE)
    found = bound_of(name, side, plain, dtype)
    assert (found.enough, found.true) == (pytest.approx(enough), pytest.approx(true))


@settings(max_examples=40)
@given(plain=RANGES, side=st.sampled_from([-1, 1]))
def test_a_mirrored_range_comes_back(plain, side):
    assert flipped(flipped(plain, side), side) == plain
    low, high = flipped(plain, side)
    assert low <= high
    assert high - low == plain[1] - plain[0]


def test_which_way_a_range_is_mirrored():
    assert flipped((-1.0, 3.0), -1) == (-1.0, 3.0)
    assert flipped((-1.0, 3.0), 1) == (-3.0, 1.0)
