"""What is divided by its own norm: which forms are read as that, and what they give."""

import numpy as np
import pytest

from graphs import run
from integers import Head
from rnnlite.quantization.prepare.decompose import decompose
from rnnlite.quantization.recipes import all_int16

SHAPE = (1, 4, 3)
THIN = (1, 4, 1)
ROWS = np.array([[[3.0, 4.0, 0.0], [1.0, -1.0, 1.0], [1e-3, 0.0, 0.0], [0.0, 0.0, 0.0]]])
ROWS = ROWS.astype(np.float32)


def squares(h, d=None):
    d = h.x if d is None else d
    return h.reduce("SUM", h.op("MUL", d, d))


def inverse(h, total):
    return h.op("RSQRT", total, shape=THIN)


def norm(h, total):
    return h.op("SQRT", total, shape=THIN)


def after(build):
    """The kinds of a model's ops once it is decomposed, and what it computes before and after."""
    plain, h = Head(SHAPE), Head(SHAPE)
    source, model = plain.end(build(plain)), h.end(build(h))
    decompose(model.ir, all_int16)
    return model.main.kinds, run(source.bytes(), ROWS)[0], run(model.bytes(), ROWS)[0]


def is_bounded(kinds):
    """The last quotient is of the unit; no inverse root is made."""
    return kinds.count("REDUCE_MAX") == 1 and "RSQRT" not in kinds and kinds.count("SQRT") == 1


FORMS = {
    "x r": lambda h: h.op("MUL", h.x, h.bound("MINIMUM", inverse(h, squares(h)), 1e6)),
    "r x": lambda h: h.op("MUL", h.bound("MINIMUM", inverse(h, squares(h)), 1e6), h.x),
    "x / n": lambda h: h.op("DIV", h.x, h.bound("MAXIMUM", norm(h, squares(h)), 1e-6)),
}


@pytest.mark.parametrize("form", FORMS)
def test_forms_of_a_unit_vector(form):
    kinds, _, found = after(FORMS[form])
    assert is_bounded(kinds)
    third = 3**-0.5
    wanted = [[[0.6, 0.8, 0], [third, -third, third], [1, 0, 0], [0, 0, 0]]]
    np.testing.assert_allclose(found, wanted, atol=1e-6)


def test_factors_behind_a_norm_come_last():
    def build(h):
        r = h.bound("MINIMUM", inverse(h, squares(h)), 1e6)
        return h.op("MUL", h.x, h.op("MUL", r, h.number([2.0, 10.0, -1.0])))

    kinds, wanted, found = after(build)
    assert is_bounded(kinds)
    assert kinds[-2:] == ["DIV", "MUL"]
    np.testing.assert_allclose(found[0, 0], [1.2, 8.0, 0.0], rtol=1e-6)
    np.testing.assert_allclose(found, wanted, atol=1e-6)


@pytest.mark.parametrize("least", [0.01, 2.0])
def test_a_norm_is_not_below_its_bound(least):
    kinds, wanted, found = after(
        lambda h: h.op("DIV", h.x, h.bound("MAXIMUM", norm(h, squares(h)), least))
    )
    assert kinds.count("MAXIMUM") == 2
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(found[0, 2, 0], 1e-3 / least, rtol=1e-5)


def test_the_larger_of_two_bounds_holds():
    def build(h):
        n = h.bound("MAXIMUM", norm(h, squares(h)), 0.5)
        return h.op("DIV", h.x, h.bound("MAXIMUM", n, 0.1))

    _, wanted, found = after(build)
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(found[0, 2, 0], 2e-3, rtol=1e-5)


NONE = {
    "another vector": lambda h: h.op(
        "MUL", h.op("ABS", h.x), h.bound("MINIMUM", inverse(h, squares(h)), 1e3)
    ),
    "a norm that is bounded from above": lambda h: h.op(
        "DIV", h.x, h.op("ADD", h.bound("MINIMUM", norm(h, squares(h)), 1.0), h.number(1.0))
    ),
    "an inverse bounded from below": lambda h: h.op(
        "MUL",
        h.x,
        h.bound("MAXIMUM", h.bound("MINIMUM", inverse(h, squares(h)), 1e3), 0.5, shape=THIN),
    ),
    "a norm with a factor below": lambda h: h.op(
        "DIV",
        h.x,
        h.bound("MAXIMUM", h.op("MUL", norm(h, squares(h)), h.number(2.0), shape=THIN), 0.1),
    ),
    "a function in the product": lambda h: h.op(
        "MUL",
        h.x,
        h.bound("MINIMUM", inverse(h, squares(h)), 1e3),
        fusedActivationFunction=1,
    ),
    "a function in the quotient": lambda h: h.op(
        "DIV",
        h.x,
        h.bound("MAXIMUM", norm(h, squares(h)), 0.1),
        fusedActivationFunction=1,
    ),
}


@pytest.mark.parametrize("form", NONE)
def test_other_forms_compute_what_they_did(form):
    _, wanted, found = after(NONE[form])
    np.testing.assert_allclose(found, wanted, rtol=2e-5, atol=1e-6)


# Layer normalizations


def layer_norm(h, ending):
    """r, the mean, and x r + the rest that `ending` makes of them."""
    mean = h.reduce("MEAN", h.x)
    d = h.op("SUB", h.x, mean)
    variance = h.reduce("MEAN", h.op("MUL", d, d))
    r = inverse(h, h.op("ADD", variance, h.number(1e-3), shape=THIN))
    return ending(h, mean, r)


def times(h, a, b):
    return h.op("MUL", a, b, shape=THIN)


BIAS = [0.5, -1.0, 2.0]
ENDINGS = {
    "x r + (b - m r)": lambda h, m, r: h.op(
        "ADD", h.op("MUL", h.x, r), h.op("SUB", h.number(BIAS), times(h, m, r))
    ),
    "(b - r m) + r x": lambda h, m, r: h.op(
        "ADD", h.op("SUB", h.number(BIAS), times(h, r, m)), h.op("MUL", r, h.x)
    ),
    "x r + (-m) r": lambda h, m, r: h.op(
        "ADD", h.op("MUL", h.x, r), times(h, times(h, m, h.number(-1.0)), r)
    ),
    "x r + ((-m) r + b)": lambda h, m, r: h.op(
        "ADD",
        h.op("MUL", h.x, r),
        h.op("ADD", times(h, r, times(h, m, h.number(-1.0))), h.number(BIAS)),
    ),
    "x r + (b + (-m) r)": lambda h, m, r: h.op(
        "ADD",
        h.op("MUL", h.x, r),
        h.op("ADD", h.number(BIAS), times(h, times(h, m, h.number(-1.0)), r)),
    ),
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_endings_of_a_layer_normalization(ending):
    kinds, _, found = after(lambda h: layer_norm(h, ENDINGS[ending]))
    assert is_bounded(kinds)
    x = ROWS.astype(np.float64)
    wanted = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-3)
    wanted = wanted + (np.array(BIAS) if "b" in ending else 0)
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5)


NO_ENDINGS = {
    "a number beside the mean": lambda h, m, r: h.op(
        "ADD", h.op("MUL", h.x, r), h.op("SUB", times(h, m, r), h.number(BIAS))
    ),
    "half the mean": lambda h, m, r: h.op(
        "ADD", h.op("MUL", h.x, r), times(h, times(h, m, h.number(-0.5)), r)
    ),
    "the mean alone": lambda h, m, r: h.op("ADD", h.op("MUL", h.x, r), m),
    "a computed rest": lambda h, m, r: h.op(
        "ADD", h.op("MUL", h.x, r), h.op("ADD", times(h, m, r), h.x)
    ),
    "another vector": lambda h, m, r: h.op(
        "ADD",
        h.op("MUL", h.op("ABS", h.x), r),
        h.op("SUB", h.number(BIAS), times(h, m, r)),
    ),
    "no product": lambda h, m, r: h.op(
        "ADD", h.op("ABS", h.x), h.op("SUB", h.number(BIAS), times(h, m, r))
    ),
    "a function in the sum": lambda h, m, r: h.op(
        "ADD",
        h.op("MUL", h.x, r),
        h.op("SUB", h.number(BIAS), times(h, m, r)),
        fusedActivationFunction=3,
    ),
    "a function in the product": lambda h, m, r: h.op(
        "ADD",
        h.op("MUL", h.x, r, fusedActivationFunction=1),
        h.op("SUB", h.number(BIAS), times(h, m, r)),
    ),
}


@pytest.mark.parametrize("ending", NO_ENDINGS)
def test_what_only_looks_like_one(ending):
    _, wanted, found = after(lambda h: layer_norm(h, NO_ENDINGS[ending]))
    np.testing.assert_allclose(found, wanted, rtol=2e-5, atol=2e-5)
