"""Means that are written as a sum over a sum hold at lengths far beyond calibration's."""

import re

import numpy as np
import pytest

from graphs import Model, run
from integers import calibrated
from rnnlite.errors import InternalError
from rnnlite.quantization.prepare.decompose import decompose
from rnnlite.quantization.prepare.parts import Parts
from rnnlite.quantization.prepare.quotients import Sum, add_mean, add_steps, find_sum
from rnnlite.quantization.recipes import all_int16

WIDTH, CALIBRATED, FURTHEST = 6, 20, 2000
OPTIONS = {"MAXIMUM": "MaximumMinimumOptions", "SUM": "ReducerOptions"}


class Pooling:
    """A model of (1, T, 6) under construction; `mask` is (1, T, 1), its last feature beyond 0."""

    def __init__(self):
        self.model = Model()
        self.main = self.model.main
        self.x = self.free((1, -1, WIDTH))
        cut = [self.whole([0, 0, WIDTH - 1]), self.whole([0, 0, 0]), self.whole([1, 1, 1])]
        last = self.free((1, -1, 1))
        options = {"beginMask": 3, "endMask": 7}
        self.main.add("STRIDED_SLICE", [self.x, *cut], [last], "StridedSliceOptions", **options)
        self.valid = self.free((1, -1, 1), "bool")
        self.main.add("GREATER", [last, self.main.constant(0.0)], [self.valid], "GreaterOptions")
        self.mask = self.cast(self.valid, "float32")

    def free(self, shape, dtype="float32"):
        return self.main.tensor(shape, dtype)

    def whole(self, values):
        return self.main.constant(values, "int32")

    def cast(self, x, dtype):
        types = {"bool": 6, "int32": 2, "float32": 0}
        y = self.free(x.dims, dtype)
        self.main.add("CAST", [x], [y], "CastOptions", outDataType=types[dtype])
        return y

    def op(self, name, *inputs, shape=(1, -1, WIDTH)):
        y = self.free(shape)
        options = OPTIONS.get(name, f"{name.capitalize()}Options")
        self.main.add(name, list(inputs), [y], options)
        return y

    def sum(self, x, width, dtype="float32"):
        y = self.free((1, width), dtype)
        self.main.add("SUM", [x, self.whole([1])], [y], "ReducerOptions")
        return y

    def quotient(self, above, below):
        y = self.op("DIV", above, below, shape=(1, WIDTH))
        self.main.ends([self.x], [y])
        return self.model


def masked(h):
    return h.quotient(h.sum(h.op("MUL", h.x, h.mask), WIDTH), h.sum(h.mask, 1))


def bounded(h, least=1.0):
    count = h.op("MAXIMUM", h.sum(h.mask, 1), h.main.constant(least), shape=(1, 1))
    return h.quotient(h.sum(h.op("MUL", h.x, h.mask), WIDTH), count)


def with_a_little(h):
    return added(h, 1e-7)


def added(h, number=0.25):
    count = h.op("ADD", h.sum(h.mask, 1), h.main.constant(number), shape=(1, 1))
    return h.quotient(h.sum(h.op("MUL", h.x, h.mask), WIDTH), count)


def counted(h):
    """The steps are counted in integers."""
    count = h.cast(h.sum(h.cast(h.valid, "int32"), 1, "int32"), "float32")
    return h.quotient(h.sum(h.op("MUL", h.x, h.mask), WIDTH), count)


def weighted(h):
    """Weights above one."""
    weights = h.op("ADD", h.mask, h.main.constant(2.0), shape=(1, -1, 1))
    return h.quotient(h.sum(h.op("MUL", h.x, weights), WIDTH), h.sum(weights, 1))


def by_length(h):
    """sum(x) / T."""
    shape, steps = h.main.tensor([3], "int32"), h.main.tensor([], "int32")
    h.main.add("SHAPE", [h.x], [shape], "ShapeOptions", outType=2)
    cut = [h.whole([1]), h.whole([2]), h.whole([1])]
    options = {"shrinkAxisMask": 1}
    h.main.add("STRIDED_SLICE", [shape, *cut], [steps], "StridedSliceOptions", **options)
    return h.quotient(h.sum(h.x, WIDTH), h.cast(steps, "float32"))


def expected(build, x):
    m = (x[..., -1:] > 0).astype(float)
    if build is weighted:
        m = m + 2.0
    if build is by_length:
        return x.mean(1)
    extra = 0.25 if build is added else 0.0
    return (x * m).sum(1) / (m.sum(1) + extra)


def frames(length, seed):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(length, WIDTH)) + np.linspace(-2, 2, WIDTH)
    values[:, -1] = rng.choice([-1.0, 1.0], length)
    values[0, -1] = 1.0
    return values.astype(np.float32)


CASES = [masked, bounded, with_a_little, added, counted, weighted, by_length]


@pytest.mark.parametrize("build", CASES, ids=lambda f: f.__name__)
@pytest.mark.parametrize("dtype", ["int8", "int16"])
def test_lengths_beyond_calibration(build, dtype):
    rows = [[frames(t, t)] for t in range(2, CALIBRATED)]
    data = calibrated(rows, build(Pooling()), dtype)
    for length in (CALIBRATED, 200, FURTHEST):
        x = frames(length, 1)[None]
        (found,) = run(data, x)
        wanted = expected(build, x.astype(np.float64))
        error = np.sqrt(np.mean((found - wanted) ** 2) / np.mean(wanted**2))
        assert error < (0.03 if dtype == "int8" else 0.01), (length, error)


@pytest.mark.parametrize("build", CASES, ids=lambda f: f.__name__)
def test_equal_in_float(build):
    model, plain = build(Pooling()), build(Pooling())
    decompose(model.ir, all_int16)
    for length in (1, 7, 300):
        x = frames(length, length)[None]
        (found,), (wanted,) = run(model.bytes(), x), run(plain.bytes(), x)
        np.testing.assert_allclose(found, wanted, rtol=2e-5, atol=1e-6)


def test_sums_over_other_axes_stay():
    """A divisor of which nothing says that it is over the same steps."""
    h = Pooling()
    other = h.free((1, -1, 1))
    above = h.sum(h.x, WIDTH)
    y = h.op("DIV", above, h.sum(other, 1), shape=(1, WIDTH))
    h.main.ends([h.x, other], [y])
    decompose(h.model.ir, all_int16)
    x, weights = frames(9, 0)[None], np.ones((1, 3, 1), np.float32)
    (found,) = run(h.model.bytes(), x, weights)
    np.testing.assert_allclose(found, x.sum(1) / 3, rtol=1e-5)


FUSED = {"RELU": 1, "RELU_N1_TO_1": 2, "RELU6": 3}


@pytest.mark.parametrize("kind", FUSED)
@pytest.mark.parametrize("above", [True, False])
def test_a_function_that_is_fused_into_what_stands_between_is_not_lost(kind, above):
    """f(sum(x m) + 1) / sum(m), and sum(x m) / f(sum(m) + 1)."""

    def built():
        h = Pooling()
        sums = [h.sum(h.op("MUL", h.x, h.mask), WIDTH), h.sum(h.mask, 1)]
        place = 0 if above else 1
        y = h.free(sums[place].dims)
        code = {"fusedActivationFunction": FUSED[kind]}
        h.main.add("ADD", [sums[place], h.main.constant(1.0)], [y], "AddOptions", **code)
        sums[place] = y
        return h.quotient(*sums)

    model, plain = built(), built()
    decompose(model.ir, all_int16)
    x = frames(9, 3)[None]
    (found,), (wanted,) = run(model.bytes(), x), run(plain.bytes(), x)
    np.testing.assert_allclose(found, wanted, rtol=1e-5)


def test_a_factor_of_a_sum_stays_one_of_its_mean():
    """2.5 sum(x m) / (3 sum(m)), reshaped on the way."""

    def built():
        h = Pooling()
        above = h.op("MUL", h.sum(h.op("MUL", h.x, h.mask), WIDTH), h.main.constant(2.5))
        above.shape = above.signature = [1, WIDTH]
        below = h.op("MUL", h.main.constant(3.0), h.sum(h.mask, 1), shape=(1, 1))
        flat = h.free((1, 1))
        h.main.add("RESHAPE", [below, h.whole([1, 1])], [flat], "ReshapeOptions")
        return h.quotient(above, flat)

    model, plain = built(), built()
    decompose(model.ir, all_int16)
    kinds = model.main.kinds
    assert kinds.count("MEAN") == 2
    assert "SUM" not in kinds
    x = frames(50, 3)[None]
    (found,), (wanted,) = run(model.bytes(), x), run(plain.bytes(), x)
    np.testing.assert_allclose(found, wanted, rtol=1e-5)


def test_a_number_below_zero_is_no_guard():
    """sum(m) - 0.25: what is taken away would have no mean of its own sign."""
    model = added(Pooling(), -0.25)
    decompose(model.ir, all_int16)
    assert "MEAN" not in model.main.kinds


def test_sums_over_a_known_axis_or_two_axes_are_none_over_time():
    h = Pooling()
    fixed = h.free((1, 4, WIDTH))
    assert find_sum(h.sum(fixed, WIDTH)) is None
    both = h.free((1,))
    h.main.add("SUM", [h.x, h.whole([1, 2])], [both], "ReducerOptions")
    assert find_sum(both) is None
    axes = h.free((1,), "int32")
    computed = h.free((1, WIDTH))
    h.main.add("SUM", [h.x, axes], [computed], "ReducerOptions")
    assert find_sum(computed) is None
    assert find_sum(h.x) is None
    assert find_sum(h.sum(h.x, WIDTH)) == Sum(h.x, 1)


@pytest.mark.parametrize("ask", [add_mean, add_steps])
def test_what_is_no_sum_has_no_mean(ask):
    h = Pooling()
    y = h.op("EXP", h.x)
    for value in (h.x, y):
        with pytest.raises(InternalError, match=re.escape(f"{value!r} is no sum. This is a fault")):
            ask(Parts(h.main.ir), value)
