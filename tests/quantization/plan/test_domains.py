"""Integers that a kernel does not take are moved to the nearest that it does: by LiteRT itself."""

import math

import numpy as np
import pytest

from graphs import Model, run
from rnnlite.lite.ir import Quantization
from rnnlite.quantization.plan.domains import DOMAINS, drop_small_quotients, keep_in_domain

LIMITS = {"int8": (-128, 127), "int16": (-32768, 32767)}


def kept(kind, dtype, *, zero=0, signed=False, scale=0.1, result=(0.1, 0)):
    """What each integer becomes in front of a kernel, run; with the kinds of the ops."""
    model = Model()
    main = model.main
    values = np.arange(-128, 128, dtype=dtype).reshape(1, -1)
    if dtype == "int16":
        values = np.append(values, [[-32768, -32767, 32766, 32767]], axis=1).astype(dtype)
    x = main.tensor(values.shape, dtype, "x", Quantization.of(scale, zero))
    y = main.tensor(values.shape, dtype, "y", Quantization.of(*result))
    ops, taken = keep_in_domain(x, DOMAINS[kind], signed=signed, result=y)
    main.ir.append(*ops)
    main.ends([x], [taken])
    assert taken.quantization == x.quantization
    assert taken.shape == x.shape
    (found,) = run(model.bytes(), values)
    assert found.dtype == np.dtype(dtype)
    return values.astype(int), found.astype(int), main.kinds


TYPES = [("int8", 0), ("int8", -128), ("int8", 20), ("int8", 127), ("int16", 0)]


@pytest.mark.parametrize(("dtype", "zero"), TYPES)
@pytest.mark.parametrize(("kind", "least"), [("RSQRT", 1), ("LOG", 1), ("SQRT", 0), ("DIV", 1)])
def test_what_lies_too_low_is_raised(kind, least, dtype, zero):
    before, after, kinds = kept(kind, dtype, zero=zero)
    floor = min(zero + least, LIMITS[dtype][1])
    assert np.array_equal(after, np.where(before < floor, floor, before))
    assert kinds == ["MAXIMUM"]


@pytest.mark.parametrize(("dtype", "zero"), [("int8", 0), ("int8", -5), ("int16", 0)])
def test_a_divisor_of_either_sign_only_leaves_zero(dtype, zero):
    before, after, kinds = kept("DIV", dtype, zero=zero, signed=True)
    assert np.array_equal(after, np.where(before == zero, zero + 1, before))
    assert kinds == ["CAST", "EQUAL", "SELECT_V2"]


@pytest.mark.parametrize("kind", ["RSQRT", "LOG", "SQRT"])
def test_a_sign_does_not_matter_where_one_side_alone_is_taken(kind):
    for signed in (False, True):
        _, after, kinds = kept(kind, "int8", signed=signed)
        assert kinds == ["MAXIMUM"]
        assert after.min() == (0 if kind == "SQRT" else 1)


@pytest.mark.parametrize(
    ("dtype", "zero", "scale", "result"),
    [
        ("int8", 0, 0.05, (0.1, -128)),
        ("int8", 30, 0.05, (0.5, 0)),
        ("int16", 0, 0.001, (1e-4, 0)),
        ("int16", 0, 0.05, (1e-4, 0)),
    ],
)
def test_an_exponential_ends_at_the_largest_value_of_its_result(dtype, zero, scale, result):
    before, after, kinds = kept("EXP", dtype, zero=zero, scale=scale, result=result)
    assert kinds == ["MINIMUM"]
    top = result[0] * (LIMITS[dtype][1] - result[1])
    assert np.all(np.exp((after - zero) * scale) <= top * (1 + 1e-6))
    # None is moved without need, and what is moved goes to the largest that fits.
    with np.errstate(over="ignore"):
        fits = np.exp((before - zero) * scale) <= top
    assert np.array_equal(after[fits], before[fits])
    assert set(after[~fits]) <= {zero + math.floor(math.log(top) / scale)}
    assert fits.any()


@pytest.mark.parametrize("dtype", ["int8", "int16"])
def test_an_exponential_whose_limit_is_off_the_range_is_not_bound(dtype):
    before, after, _ = kept("EXP", dtype, scale=1e-5, result=(1.0, 0))
    assert np.array_equal(before, after)


SCALES = [(1.2e-4, 7e-4, 1e-4), (1e-4, 1e-3, 1e-4), (3e-5, 7e-4, 3e-5), (1e-3, 1e-4, 2.0)]


@pytest.mark.parametrize("scales", SCALES)
@pytest.mark.parametrize("signed", [False, True])
def test_a_quotient_of_less_than_half_a_step_is_none(scales, signed):
    """LiteRT's DIV gives the end of the range there."""
    steps = np.arange(-300, 301, dtype=np.int16).reshape(-1, 1)
    sizes = np.array([1, 5, 300, 1422, 4266, 12798, 32767], np.int16)
    sizes = np.concatenate([-sizes, sizes] if signed else [sizes]).reshape(1, -1)

    def divided(*, mended):
        model = Model()
        main = model.main
        a, b, y = (
            main.tensor(shape, "int16", name, Quantization.of(scale, 0))
            for name, shape, scale in zip(
                "aby",
                (steps.shape, sizes.shape, (steps.size, sizes.size)),
                scales,
                strict=True,
            )
        )
        taken = a
        if mended:
            ops, taken = drop_small_quotients(a, b, y, signed=signed)
            main.ir.append(*ops)
        main.add("DIV", [taken, b], [y], "DivOptions")
        main.ends([a, b], [y])
        (found,) = run(model.bytes(), steps, sizes)
        return found.astype(int)

    exact = steps * scales[0] / (sizes * scales[1]) / scales[2]
    exact = np.clip(exact, -32768, 32767)
    assert np.abs(divided(mended=False) - exact).max() > 30_000
    # Its rounding is off by a step and a half at most.
    assert np.abs(divided(mended=True) - exact).max() <= 1.5


def test_where_no_quotient_is_so_small_nothing_is_added():
    main = Model().main
    a, b, y = (
        main.tensor((2,), "int16", n, Quantization.of(s, 0))
        for n, s in zip("aby", (1.0, 1e-3, 1e-3), strict=True)
    )
    assert drop_small_quotients(a, b, y, signed=False) == ([], a)
