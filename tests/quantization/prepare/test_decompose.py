"""Ops put together from others: equal in float, wide where they must be, left alone where told."""

import numpy as np
import pytest

from graphs import INT32, Model, one_loop, run
from integers import Head
from rnnlite.quantization.prepare.decompose import FAINT, decompose, faint_results
from rnnlite.quantization.recipes import all_int8, all_int16, int16_states

SHAPE = (1, 9)
POINTS = np.array([[-7.0, -3.0, -1.5, -0.5, 0.0, 0.25, 1.0, 3.0, 7.0]], np.float32)
"""Each side of every bend of the functions below, and the bends."""


def unary(kind, *more, **fields):
    """A model of one op on floats."""
    h = Head(SHAPE)
    y = h.op(kind, h.x, *(h.number(n) for n in more), **fields)
    return h.end(y)


def kinds_after(model, precision=all_int16, **how):
    decompose(model.ir, precision, **how)
    return model.main.kinds


def value_of(model, *arrays):
    (found,) = run(model.bytes(), *arrays)
    return found


ALWAYS = {
    "NEG": (["MUL"], lambda x: -x),
    "SQUARE": (["MUL"], np.square),
    "ZEROS_LIKE": (["SHAPE", "FILL"], np.zeros_like),
}
IN_INT16 = {
    "ELU": (
        ["MINIMUM", "EXP", "SUB", "RELU", "ADD"],
        lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
    ),
    "HARD_SWISH": (
        ["ADD", "RELU6", "MUL", "MUL"],
        lambda x: x * np.clip(x + 3, 0, 6) / 6,
    ),
    "RELU_0_TO_1": (["RELU", "MINIMUM"], lambda x: np.clip(x, 0, 1)),
    "RELU_N1_TO_1": (["MAXIMUM", "MINIMUM"], lambda x: np.clip(x, -1, 1)),
}


@pytest.mark.parametrize("kind", [*ALWAYS, *IN_INT16])
def test_parts_compute_what_the_op_does(kind):
    parts, function = {**ALWAYS, **IN_INT16}[kind]
    model = unary(kind)
    assert kinds_after(model) == parts
    wanted = function(POINTS.astype(np.float64))
    np.testing.assert_allclose(value_of(model, POINTS), wanted, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("kind", IN_INT16)
def test_ops_with_a_kernel_for_int8_stay_in_int8(kind):
    assert kinds_after(unary(kind), all_int8) == [kind]


@pytest.mark.parametrize("kind", ALWAYS)
def test_ops_without_any_kernel_never_stay(kind):
    assert kinds_after(unary(kind), all_int8) == ALWAYS[kind][0]


def test_gelu_by_a_tangent_is_off_by_less_than_half_a_thousandth():
    model = unary("GELU")
    assert "GELU" not in kinds_after(model)
    # x Phi(x), from a table of the normal distribution.
    table = {0.0: 0.0, 1.0: 0.8413447, 3.0: 2.9959503, -1.5: -0.1002108, -0.5: -0.1542688}
    found = value_of(model, POINTS)[0]
    for x, wanted in table.items():
        assert abs(found[list(POINTS[0]).index(x)] - wanted) < 5e-4


def test_prelu_has_a_slope_for_each_channel():
    h = Head((1, 3))
    slopes = h.number([0.1, 2.0, -1.0])
    model = h.end(h.op("PRELU", h.x, slopes))
    kinds_after(model)
    found = value_of(model, np.array([[-2.0, -3.0, -4.0]], np.float32))
    np.testing.assert_allclose(found, [[-0.2, -6.0, 4.0]], rtol=1e-6)
    found = value_of(model, np.array([[2.0, 3.0, 4.0]], np.float32))
    np.testing.assert_array_equal(found, [[2.0, 3.0, 4.0]])


def test_squared_difference_of_shapes_that_are_repeated():
    h = Head((1, 2, 3))
    other = h.number([[[1.0], [2.0]]])
    y = h.op("SQUARED_DIFFERENCE", h.x, other, options="SquaredDifferenceOptions")
    model = h.end(y)
    assert kinds_after(model) == ["SUB", "MUL"]
    found = value_of(model, np.arange(6, dtype=np.float32).reshape(1, 2, 3))
    np.testing.assert_array_equal(found, [[[1, 0, 1], [1, 4, 9]]])


def test_zeros_have_the_size_of_what_comes():
    h = Head((1, -1, 2))
    model = h.end(h.op("ZEROS_LIKE", h.x))
    kinds_after(model)
    for length in (1, 5):
        found = value_of(model, np.full((1, length, 2), np.nan, np.float32))
        np.testing.assert_array_equal(found, np.zeros((1, length, 2)))


# Casts


def cast(source, target, shape=(1, 4)):
    model = Model()
    x, y = model.main.tensor(shape, source), model.main.tensor(shape, target)
    types = {"bool": 6, "int32": 2, "int64": 4, "float32": 0}
    model.main.add(
        "CAST", [x], [y], "CastOptions", inDataType=types[source], outDataType=types[target]
    )
    model.main.ends([x], [y])
    return model


@pytest.mark.parametrize("dtype", ["int32", "int64"])
def test_whole_numbers_are_kept_to_what_int16_holds(dtype):
    model = cast(dtype, "float32")
    assert kinds_after(model) == ["MINIMUM", "MAXIMUM", "CAST"]
    numbers = np.array([[-(2**31) + 1, -32767, 32767, 2**31 - 1]], dtype)
    np.testing.assert_array_equal(value_of(model, numbers), [[-32767, -32767, 32767, 32767]])


def test_a_number_is_true_where_it_is_not_zero():
    model = cast("float32", "bool")
    assert kinds_after(model) == ["NOT_EQUAL"]
    found = value_of(model, np.array([[-1e-30, 0.0, -0.0, 2.0]], np.float32))
    np.testing.assert_array_equal(found, [[True, False, False, True]])


@pytest.mark.parametrize(("source", "target"), [("bool", "float32"), ("float32", "int32")])
def test_other_casts_of_floats_stay(source, target):
    assert kinds_after(cast(source, target)) == ["CAST"]


def test_casts_without_floats_are_none_of_ours():
    assert kinds_after(cast("int32", "bool")) == ["CAST"]
    assert kinds_after(cast("int64", "int32")) == ["CAST"]


# One-hot


def one_hot(on, off, dtype="float32"):
    model = Model()
    main = model.main
    ids = main.tensor((1, 3), "int32")
    y = main.tensor((1, 3, 4), dtype)
    numbers = [main.constant(on, dtype), main.constant(off, dtype)]
    inputs = [ids, main.constant(4, "int32"), *numbers]
    main.add("ONE_HOT", inputs, [y], "OneHotOptions", axis=-1)
    main.ends([ids], [y])
    return model


@pytest.mark.parametrize(("on", "off"), [(1.0, 0.0), (3.5, -0.5), (0.0, 1.0)])
def test_flags_are_made_of_whole_numbers(on, off):
    model = one_hot(on, off)
    plain = (on, off) == (1.0, 0.0)
    wanted = ["ONE_HOT", "CAST"] if plain else ["ONE_HOT", "CAST", "MUL", "ADD"]
    assert kinds_after(model) == wanted
    found = value_of(model, np.array([[2, 0, 7]], np.int32))
    flags = np.array([[[0, 0, 1, 0], [1, 0, 0, 0], [0, 0, 0, 0]]], bool)
    np.testing.assert_array_equal(found, np.where(flags, on, off))


def test_flags_of_computed_numbers_stay():
    model = Model()
    main = model.main
    ids, on = main.tensor((1, 3), "int32"), main.tensor(())
    y = main.tensor((1, 3, 4))
    inputs = [ids, main.constant(4, "int32"), on, main.constant(0.0)]
    main.add("ONE_HOT", inputs, [y], "OneHotOptions", axis=-1)
    main.ends([ids, on], [y])
    assert kinds_after(model) == ["ONE_HOT"]


# What is left, what is wide


def test_ops_that_are_to_stay_in_float_stay_as_they_are():
    model = unary("SQUARE")
    (op,) = model.main.ir.ops
    assert not decompose(model.ir, all_int16, left=frozenset({op}))
    assert model.main.kinds == ["SQUARE"]


def test_only_the_recurrence_is_taken_apart_where_only_it_is_in_int16():
    model, _, _ = one_loop()
    body = model.ir.graphs[2]
    (tangent,) = [op for op in body.ops if op.kind == "TANH"]
    h, new = tangent.input(0), tangent.output
    body.replace(tangent, body.op("ELU", [h], [new]))
    x = model.main.ir.inputs[0]
    y = model.main.tensor(x.shape)
    model.main.add("ELU", [x], [y])
    model.main.ends([x], [*model.main.ir.outputs, y])
    decompose(model.ir, int16_states)
    assert "ELU" not in {op.kind for op in body.ops}
    assert "ELU" in model.main.kinds
    # x + h W with h = 0, then elu, four times over in float64.
    array = np.array([[-1.0, 0.5, 2.0]], np.float32)
    kernel = np.array([[0.5, -0.3, 0.1], [0.2, 0.4, -0.6], [-0.1, 0.3, 0.7]])
    state = np.zeros((1, 3))
    for _ in range(4):
        total = array + state @ kernel
        state = np.where(total > 0, total, np.expm1(np.minimum(total, 0)))
    np.testing.assert_allclose(run(model.bytes(), array)[0], state, rtol=1e-5)


@pytest.mark.parametrize("kind", ["DIV", "CUMSUM", "SIN", "COS"])
def test_ops_that_span_many_orders_are_wide_in_any_trial(kind):
    h = Head(SHAPE)
    more = {"DIV": [h.x], "CUMSUM": [h.main.constant(1, "int32")]}.get(kind, [])
    model = h.end(h.op(kind, h.x, *more, options="CumsumOptions" if kind == "CUMSUM" else None))
    (op,) = model.main.ir.ops
    assert decompose(model.ir, all_int8) == {op}


def test_what_a_rule_leaves_behind_is_no_longer_there():
    """The squares in front of a root are read by nothing once it is taken of smaller ones."""
    h = Head((1, 3, 4))
    total = h.reduce("SUM", h.op("SQUARE", h.x))
    model = h.end(h.op("SQRT", total, shape=(1, 3, 1)))
    wide = decompose(model.ir, all_int8)
    assert all(op.graph is model.main.ir for op in wide)
    assert all(v.is_read for op in model.main.ir.ops for v in op.outputs)
    array = np.array([[[3, 4, 0, 0], [0, 0, 0, 0], [1, 1, 1, 1]]], np.float32)
    np.testing.assert_allclose(value_of(model, array)[0, :, 0], [5, 0, 2], atol=1e-6)


# Faint results


@pytest.mark.parametrize(
    ("kind", "limit"), [("LOGISTIC", FAINT), ("SOFTMAX", FAINT), ("TANH", FAINT), ("SIN", 0.5)]
)
def test_results_are_faint_below_a_limit(kind, limit):
    model = unary(kind)
    y = model.main.ir.outputs[0]
    for seen, faint in (
        ((0.0, limit), False),
        ((0.0, 0.99 * limit), True),
        ((-0.99 * limit, 0.0), True),
        ((-limit, 0.5 * limit), False),
        ((0.0, 0.0), False),
    ):
        assert (y in faint_results(model.ir, {y: seen})) is faint, seen
    assert not faint_results(model.ir, {})


def test_other_ops_are_never_faint():
    model = unary("RELU")
    y = model.main.ir.outputs[0]
    assert not faint_results(model.ir, {y: (0.0, 1e-4)})


FAINT_RULES = {
    "LOGISTIC": (np.linspace(-9, -5, 9), lambda x: 1 / (1 + np.exp(-x))),
    "TANH": (np.linspace(-0.01, 0.01, 9), np.tanh),
    "SIN": (np.linspace(-0.4, 0.4, 9), np.sin),
}


@pytest.mark.parametrize("kind", FAINT_RULES)
def test_faint_results_have_steps_of_their_own(kind):
    points, function = FAINT_RULES[kind]
    model, plain = unary(kind), unary(kind)
    decompose(plain.ir, all_int8)
    assert plain.main.kinds == [kind]
    wide = decompose(model.ir, all_int8, frozenset(model.main.ir.outputs))
    assert kind not in model.main.kinds
    assert wide == frozenset(model.main.ir.ops)
    x = points.astype(np.float32)[None]
    wanted = function(x.astype(np.float64))
    # The next term of the series: x**5 / 120 at 0.4.
    np.testing.assert_allclose(value_of(model, x), wanted, rtol=2.5e-4, atol=1e-9)


@pytest.mark.parametrize("beta", [1.0, 0.5])
def test_a_faint_softmax_keeps_its_factor(beta):
    model = unary("SOFTMAX", options="SoftmaxOptions", beta=beta)
    decompose(model.ir, all_int8, frozenset(model.main.ir.outputs))
    assert "SOFTMAX" not in model.main.kinds
    e = np.exp(beta * POINTS.astype(np.float64))
    np.testing.assert_allclose(value_of(model, POINTS), e / e.sum(), rtol=1e-5)


# Powers


@pytest.mark.parametrize("exponent", [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 0.0, -1.0, -2.0, -3.0])
def test_whole_powers_of_numbers_below_zero(exponent):
    model = unary("POW", exponent, options="PowOptions")
    kinds_after(model)
    x = np.array([[-2.0, -1.5, -1.0, -0.25, 0.5, 1.0, 1.25, 2.0, 3.0]], np.float32)
    np.testing.assert_allclose(value_of(model, x), x.astype(np.float64) ** exponent, rtol=1e-4)


@pytest.mark.parametrize("exponent", [0.0, 1.0, 2.0, 3.0, 4.0, 0.5])
def test_powers_of_zero(exponent):
    model = unary("POW", exponent, options="PowOptions")
    kinds_after(model)
    np.testing.assert_array_equal(value_of(model, np.zeros(SHAPE, np.float32)), 0.0**exponent)


@pytest.mark.parametrize("exponent", [0.5, -0.5, 0.3, 1.5, -1.7])
def test_other_powers_of_numbers_above_zero(exponent):
    model = unary("POW", exponent, options="PowOptions")
    assert "POW" not in kinds_after(model)
    x = np.geomspace(0.01, 50, 9).astype(np.float32)[None]
    np.testing.assert_allclose(value_of(model, x), x.astype(np.float64) ** exponent, rtol=1e-4)


@pytest.mark.parametrize("base", [2.0, 0.3, 1.0])
def test_a_number_to_what_comes(base):
    h = Head(SHAPE)
    model = h.end(h.op("POW", h.number(base), h.x, options="PowOptions"))
    assert kinds_after(model) == ["MUL", "EXP"]
    wanted = base ** POINTS.astype(np.float64)
    np.testing.assert_allclose(value_of(model, POINTS), wanted, rtol=1e-5)


# Functions that the converter fused into an op


FUSED = {"RELU": 1, "RELU_N1_TO_1": 2, "RELU6": 3}


def fused_root(h, kind):
    """sqrt(f(sum(x x) + 0.5))."""
    total = h.reduce("SUM", h.op("MUL", h.x, h.x))
    code = {"fusedActivationFunction": FUSED[kind]}
    return h.op("SQRT", h.op("ADD", total, h.number(0.5), shape=total.shape, **code), shape=(1, 3))


def fused_square(h, kind):
    """sqrt(mean(f(x x)))."""
    square = h.op("MUL", h.x, h.x, fusedActivationFunction=FUSED[kind])
    mean = h.reduce("MEAN", square)
    return h.op("SQRT", mean, shape=mean.shape)


def fused_variance(h, kind):
    """sqrt(f(mean(x x) - mean(x)^2))."""
    mean = h.reduce("MEAN", h.x)
    moment = h.reduce("MEAN", h.op("MUL", h.x, h.x))
    square = h.op("MUL", mean, mean, shape=mean.shape)
    code = {"fusedActivationFunction": FUSED[kind]}
    return h.op("SQRT", h.op("SUB", moment, square, shape=mean.shape, **code), shape=mean.shape)


def fused_softplus(h, kind):
    """log(f(exp(x) + 1))."""
    code = {"fusedActivationFunction": FUSED[kind]}
    return h.op("LOG", h.op("ADD", h.op("EXP", h.x), h.number(1.0), **code))


def fused_norm(h, kind):
    """(f(x - mean)) / sqrt(sum(d d)), d without f."""
    mean = h.reduce("MEAN", h.x)
    d = h.op("SUB", h.x, mean)
    cut = h.op("SUB", h.x, mean, fusedActivationFunction=FUSED[kind])
    total = h.reduce("SUM", h.op("MUL", d, d))
    return h.op("DIV", cut, h.op("SQRT", total, shape=total.shape))


def fused_layer_norm(h, kind):
    """x r + f(b - mean r)."""
    mean = h.reduce("MEAN", h.x)
    d = h.op("SUB", h.x, mean)
    thin = mean.shape
    variance = h.reduce("MEAN", h.op("MUL", d, d))
    inverse = h.op("RSQRT", h.op("ADD", variance, h.number(1e-3), shape=thin), shape=thin)
    moved = h.op("MUL", mean, inverse, shape=thin)
    code = {"fusedActivationFunction": FUSED[kind]}
    shift = h.op("SUB", h.number([0.5, -0.5, 0.1, 0.2]), moved, **code)
    return h.op("ADD", h.op("MUL", h.x, inverse), shift)


@pytest.mark.parametrize("kind", FUSED)
@pytest.mark.parametrize(
    "build",
    [fused_root, fused_square, fused_variance, fused_softplus, fused_norm, fused_layer_norm],
    ids=lambda f: f.__name__,
)
def test_a_fused_function_is_not_lost(build, kind):
    array = np.random.default_rng(0).normal(size=(1, 3, 4)).astype(np.float32)
    array *= np.array([0.3, 1.0, 4.0], np.float32)[:, None]
    model, plain = Head((1, 3, 4)), Head((1, 3, 4))
    made, source = model.end(build(model, kind)), plain.end(build(plain, kind))
    decompose(made.ir, all_int16)
    np.testing.assert_allclose(value_of(made, array), value_of(source, array), rtol=2e-5, atol=1e-5)


def test_a_deviation_whose_variance_is_cut_at_zero_is_still_one():
    """As the converter writes it, the RELU within the SUB."""
    h = Head((1, 3, 4))
    model = h.end(fused_variance(h, "RELU"))
    decompose(model.ir, all_int16)
    assert "REDUCE_MAX" in model.main.kinds
    # The difference of the moments would be lost in rounding: 1e4 +- 1.
    array = 1e4 + np.array([[[-1, 1, -1, 1]] * 3], np.float32)
    np.testing.assert_allclose(value_of(model, array), np.ones((1, 3, 1)), rtol=1e-3)


def test_shapes_are_read_as_integers():
    model = unary("ZEROS_LIKE")
    kinds_after(model)
    assert model.main.ir.ops[0].integer("outType") == INT32


@pytest.mark.parametrize(("dims", "wide"), [([], 1), ([-1], 1), ([-1, 1], 1), ([1, -1], 0)])
def test_numbers_of_steps_are_wide(dims, wide):
    """Int8 holds 127 of them; what has as many elements as steps stays."""
    h = Head(dims)
    h.x = h.main.tensor(dims, "int32")
    y = h.main.tensor(dims)
    h.main.add("CAST", [h.x], [y], "CastOptions", inDataType=2, outDataType=0)
    model = h.end(y)
    assert [op.kind for op in decompose(model.ir, all_int8)] == ["CAST"] * wide
