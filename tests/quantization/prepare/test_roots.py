"""Norms, deviations and roots hold in integers, whatever the magnitude of what enters."""

import numpy as np
import pytest

from graphs import run
from integers import MAGNITUDES, SHAPE, Head, integer_model, relative_error, rows
from rnnlite.quantization.prepare.decompose import decompose
from rnnlite.quantization.prepare.parts import Parts
from rnnlite.quantization.prepare.roots import Squares, find_squares
from rnnlite.quantization.recipes import all_int16

LIMITS = {"int8": 0.06, "int16": 0.002}
"""What int8 inputs alone come to is 2 to 5 %."""


def unit_norm(h, least=1e-12):
    """x * rsqrt(max(sum(x x), least)), as tf.math.l2_normalize."""
    total = h.bound("MAXIMUM", h.reduce("SUM", h.op("SQUARE", h.x)), least)
    return h.op("MUL", h.x, h.op("RSQRT", total, shape=(*h.shape[:-1], 1)))


def bounded_unit_norm(h):
    """x * min(rsqrt(sum(x x)), 1e12), as Keras's UnitNormalization."""
    total = h.reduce("SUM", h.op("MUL", h.x, h.x))
    inverse = h.op("RSQRT", total, shape=(*h.shape[:-1], 1))
    return h.op("MUL", h.x, h.bound("MINIMUM", inverse, 1e12))


def quotient(h):
    """x / sqrt(sum(x x))."""
    total = h.reduce("SUM", h.op("MUL", h.x, h.x))
    return h.op("DIV", h.x, h.op("SQRT", total, shape=(*h.shape[:-1], 1)))


def deviation(h, axis=1):
    """sqrt(mean((x - mean)^2) + 1e-12) over time."""
    mean = h.reduce("MEAN", h.x, axis)
    square = h.op("SQUARED_DIFFERENCE", h.x, mean, options="SquaredDifferenceOptions")
    variance = h.reduce("MEAN", square, axis, keep=False)
    shape = [d for k, d in enumerate(h.shape) if k != axis]
    return h.op("SQRT", h.op("ADD", variance, h.number(1e-12), shape=shape), shape=shape)


def deviation_of_moments(h, axis=1):
    """sqrt(relu(mean(x x) - mean(x)^2) + 1e-12) over time."""
    shape = [d for k, d in enumerate(h.shape) if k != axis]
    mean = h.reduce("MEAN", h.x, axis, keep=False)
    moment = h.reduce("MEAN", h.op("MUL", h.x, h.x), axis, keep=False)
    variance = h.op("SUB", moment, h.op("MUL", mean, mean, shape=shape), shape=shape)
    variance = h.op("RELU", variance, shape=shape)
    return h.op("SQRT", h.op("ADD", variance, h.number(1e-12), shape=shape), shape=shape)


def layer_norm(h):
    """(x - mean) * rsqrt(variance + 1e-9), over features."""
    mean = h.reduce("MEAN", h.x)
    d = h.op("SUB", h.x, mean)
    variance = h.reduce("MEAN", h.op("MUL", d, d))
    thin = (*h.shape[:-1], 1)
    inverse = h.op("RSQRT", h.op("ADD", variance, h.number(1e-9), shape=thin), shape=thin)
    return h.op("MUL", d, inverse)


def normalized(x):
    return x / np.sqrt(np.sum(x * x, axis=-1, keepdims=True))


HEADS = {
    "unit norm": (unit_norm, normalized),
    "bounded unit norm": (bounded_unit_norm, normalized),
    "quotient": (quotient, normalized),
    "deviation": (deviation, lambda x: np.std(x, axis=1)),
    "deviation of moments": (deviation_of_moments, lambda x: np.std(x, axis=1)),
    "layer norm": (
        layer_norm,
        lambda x: (
            (x - x.mean(axis=-1, keepdims=True)) / np.sqrt(x.var(axis=-1, keepdims=True) + 1e-9)
        ),
    ),
}


@pytest.mark.parametrize("magnitude", MAGNITUDES)
@pytest.mark.parametrize("dtype", ["int8", "int16"])
@pytest.mark.parametrize("head", HEADS)
def test_heads(head, dtype, magnitude):
    build, function = HEADS[head]
    h = Head()
    model = h.end(build(h))
    array = rows(SHAPE, magnitude)
    expected = function(array.astype(np.float64))
    assert relative_error(model, [array], expected, dtype) < LIMITS[dtype]


def test_norms_that_differ_a_hundred_times():
    """Squares of the small rows would be below a step of int16."""
    h = Head()
    model = h.end(unit_norm(h))
    array = rows(SHAPE, 1.0, spread=0.0) * np.geomspace(0.01, 1, 40, dtype=np.float32)[:, None]
    expected = normalized(array.astype(np.float64))
    assert relative_error(model, [array], expected, "int16") < 0.01


@pytest.mark.parametrize("build", [unit_norm, bounded_unit_norm, quotient])
@pytest.mark.parametrize("dtype", ["int8", "int16"])
def test_rows_of_zeros_end_no_run(build, dtype):
    """LiteRT's DIV, SQRT and RSQRT refuse the integers that such rows give."""
    h = Head()
    model = h.end(build(h))
    array = rows(SHAPE, 1.0)
    data = integer_model(model, [array], dtype)
    array[:, 3:9] = 0.0
    (found,) = run(data, array)
    assert np.isfinite(found).all()
    assert np.max(np.abs(found[:, 3:9])) < 0.02


def magnitude_of_two(h):
    """sqrt(x x + y y), as of a spectrum; y is x turned round."""
    y = h.op("REVERSE_V2", h.x, h.main.constant([1], "int32"))
    total = h.op("ADD", h.op("MUL", h.x, h.x), h.op("MUL", y, y))
    return h.op("SQRT", h.op("ADD", total, h.number(1e-12)))


@pytest.mark.parametrize("dtype", ["int8", "int16"])
def test_magnitudes_of_spectra_that_differ_a_hundred_times(dtype):
    """Squares of the faint ones would be below a step of int16."""
    h = Head()
    model = h.end(magnitude_of_two(h))
    array = rows(SHAPE, 1.0, spread=0.0) * np.geomspace(0.01, 1, 40, dtype=np.float32)[:, None]
    faint = slice(12, 28)
    expected = np.hypot(array, array[:, ::-1])
    (found,) = run(integer_model(model, [array], dtype), array)
    error = np.sqrt(np.mean((found - expected)[:, faint] ** 2) / np.mean(expected[:, faint] ** 2))
    assert error < {"int8": 0.15, "int16": 0.002}[dtype]


def test_l2_normalization_in_both_types():
    for dtype in ("int8", "int16"):
        h = Head()
        model = h.end(h.op("L2_NORMALIZATION", h.x, options="L2NormOptions"))
        array = rows(SHAPE, 30.0)
        expected = normalized(array.astype(np.float64))
        assert relative_error(model, [array], expected, dtype) < LIMITS[dtype]


def test_numbers_in_front_of_squares_are_read():
    h = Head()
    total = h.reduce("SUM", h.op("MUL", h.x, h.x))
    thin = (*SHAPE[:-1], 1)
    scaled = h.op("MUL", h.op("ADD", total, h.number(2.0), shape=thin), h.number(0.5), shape=thin)
    top = h.bound("MAXIMUM", h.op("ADD", scaled, h.number(3.0), shape=thin), 5.0)
    parts = Parts(h.main.ir)
    axes = h.main.ir.ops[1].input(1)
    assert find_squares(parts, top) == Squares(
        (h.x,), "SUM", axes, factor=0.5, offset=4.0, floor=5.0
    )
    assert find_squares(parts, h.x) is None


def test_squares_that_are_added_are_read():
    h = Head()
    y = h.op("NEG", h.x)
    both = h.op("ADD", h.op("MUL", h.x, h.x), h.op("MUL", y, y))
    parts = Parts(h.main.ir)
    assert find_squares(parts, both) == Squares((h.x, y))
    mean = h.reduce("MEAN", both)
    axes = h.main.ir.ops[-1].input(1)
    assert find_squares(parts, mean) == Squares((h.x, y), "MEAN", axes)
    assert find_squares(parts, h.op("ADD", h.op("MUL", h.x, h.x), h.op("MUL", h.x, y))) is None


def keras_layer_norm(h):
    """x r + (b - mean r), r = g rsqrt(variance + 1e-9), as Keras writes it."""
    mean = h.reduce("MEAN", h.x)
    variance = h.reduce("MEAN", h.op("SQUARED_DIFFERENCE", h.x, mean))
    thin = (*h.shape[:-1], 1)
    inverse = h.op("RSQRT", h.op("ADD", variance, h.number(1e-9), shape=thin), shape=thin)
    scaled = h.op("MUL", inverse, h.number(np.linspace(0.5, 2, 6)))
    moved = h.op("MUL", h.op("NEG", mean, shape=thin), scaled)
    moved = h.op("ADD", moved, h.number(np.linspace(-1, 1, 6)))
    return h.op("ADD", h.op("MUL", h.x, scaled), moved)


def keras_normalized(x):
    unit = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-9)
    return unit * np.linspace(0.5, 2, 6) + np.linspace(-1, 1, 6)


def bounded_quotient(h):
    """x / max(sqrt(sum(x x)), 1e-3)."""
    total = h.reduce("SUM", h.op("MUL", h.x, h.x))
    return h.op("DIV", h.x, h.bound("MAXIMUM", h.op("SQRT", total, shape=total.shape), 1e-3))


@pytest.mark.parametrize("dtype", ["int8", "int16"])
@pytest.mark.parametrize(
    ("build", "function"),
    [
        (unit_norm, normalized),
        (bounded_unit_norm, normalized),
        (quotient, normalized),
        (bounded_quotient, normalized),
        (layer_norm, HEADS["layer norm"][1]),
        (keras_layer_norm, keras_normalized),
    ],
    ids=lambda f: f.__name__,
)
def test_norms_below_all_that_calibration_saw(build, function, dtype):
    """The inverse of such a norm lies beyond its range."""
    h = Head()
    model = h.end(build(h))
    array = rows(SHAPE, 1.0, spread=0.0)
    data = integer_model(model, [array], dtype)
    smaller = array / (5 if dtype == "int8" else 100)
    (found,) = run(data, smaller)
    expected = function(smaller.astype(np.float64))
    error = np.sqrt(np.mean((found - expected) ** 2) / np.mean(expected**2))
    assert error < (0.1 if dtype == "int8" else 0.01)


@pytest.mark.parametrize(
    "build",
    [
        *(unit_norm, bounded_unit_norm, quotient, bounded_quotient, layer_norm, keras_layer_norm),
        magnitude_of_two,
    ],
)
def test_equal_in_float(build):
    h, plain = Head(), Head()
    model, wanted = h.end(build(h)), plain.end(build(plain))
    decompose(model.ir, all_int16)
    for magnitude in (1e-4, 1.0, 1e3):
        array = rows(SHAPE, magnitude)
        (a,), (b,) = run(model.bytes(), array), run(wanted.bytes(), array)
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
