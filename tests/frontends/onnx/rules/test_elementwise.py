"""Ops of two operands and more against ONNX Runtime."""

import numpy as np
import pytest
import tensorflow as tf

pytest.importorskip("onnxruntime")


from onnx_nodes import case, check, floats, traced
from onnx_rules import arrays, called, check_forms, value
from rnnlite.errors import UnsupportedError
from rnnlite.frontends.onnx.values import Dims

A, B = floats(2, 3), floats(2, 3)
N, M = np.asarray([[7, -7, 5], [-5, 9, 2]]), np.asarray([[3, 3, -3], [-3, 4, 5]])
T, F = np.asarray([[True, False, True]]), np.asarray([[True, True, False]])


@pytest.mark.parametrize("free", [False, True])
def test_of_floats(free):
    check(
        *(case(op, A, B, data=2) for op in ("Add", "Sub", "Mul", "Div")),
        case("Pow", np.abs(A) + 0.1, B, data=2),
        case("Pow", A, np.asarray(2.0, np.float32)),
        case("Pow", A, np.asarray(3)),
        *(case(op, A, np.where(A > 0, A, B)) for op in ("Equal", "Less", "Greater")),
        *(case(op, A, B) for op in ("LessOrEqual", "GreaterOrEqual")),
        *(case(op, A, B, A * B, data=3) for op in ("Max", "Min", "Sum", "Mean")),
        case("Mod", A, B + np.sign(B), data=2, fmod=1),
        case("Where", A > 0, A, B, data=3),
        case("Where", A > 0, A, np.asarray(0, np.float32)),
        free=free,
    )


def test_of_integers():
    check(
        *(case(op, N, M, data=2) for op in ("Add", "Sub", "Mul", "Mod")),
        case("Mod", N, M, data=2, fmod=1),
        case("Div", N, M, data=2),
        case("Div", N.astype(np.int32), M.astype(np.int32), data=2),
        case("Equal", N, np.asarray(7)),
        *(case(op, T, F, data=2) for op in ("And", "Or", "Xor")),
        case("Where", T, N[:1], M[:1]),
    )


def test_quotients_and_remainders_are_ops_that_litert_has():
    whole = [case("Div", N, M, data=2), case("Mod", N, M, data=2, fmod=1)]
    ops = {o.type for o in traced(*whole, case("Mod", A, B, data=2, fmod=1))}
    assert not ops & {"TruncateDiv", "TruncateMod"}
    divisions = [o for o in traced(whole[0]) if o.type == "Div"]
    assert [o.inputs[0].dtype for o in divisions] == [tf.int32]


def test_clip():
    low, high = np.asarray(-0.5, np.float32), np.asarray(0.4, np.float32)
    check(
        case("Clip", A, low, high),
        case("Clip", A, None, high),
        case("Clip", A, low),
        case("Clip", A),
        case("Clip", N, np.asarray(-5), np.asarray(5)),
    )
    check(case("Clip", A, min=-0.5, max=0.5), opset=10)


def test_cast():
    kinds = {"float": 1, "int32": 6, "int64": 7, "bool": 9}
    check(
        *(case("Cast", A * 4, to=k) for k in kinds.values()),
        *(case("Cast", N, to=kinds[k]) for k in ("float", "int32", "bool")),
        case("Cast", T, to=kinds["float"]),
        case("CastLike", N, A, data=2),
    )


ONE = floats(2, 1, 3)
FLOAT_OPS = ("Add", "Sub", "Mul", "Div", "Max", "Min", "Sum", "Mean")
ORDERS = ("Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual")
SHAPES = [(2, 1, 3), (2, 4, 3), (3,), (1, 1), (4, 1)]


@pytest.mark.parametrize("op", FLOAT_OPS)
def test_two_tensors_in_any_orders(op):
    for shape in SHAPES:
        check_forms(op, ONE, floats(*shape), data=2)


@pytest.mark.parametrize("op", [*FLOAT_OPS, *ORDERS])
def test_a_tensor_and_numbers_in_any_order(op):
    for shape in SHAPES:
        check_forms(op, ONE, floats(*shape))


@pytest.mark.parametrize("op", FLOAT_OPS[-4:])
@pytest.mark.parametrize("count", [1, 3])
def test_one_and_several(op, count):
    check_forms(op, *(floats(2, 1, 3)[: 1 + (k == 1)] for k in range(count)), data=count)


@pytest.mark.parametrize("dtype", [np.int32, np.int64])
def test_whole_numbers_are_cut_towards_zero(dtype):
    for op in ("Add", "Sub", "Mul", "Div", "Mod"):
        check_forms(op, N.astype(dtype), M.astype(dtype), data=2)
    check_forms("Mod", N.astype(dtype), M.astype(dtype), data=2, fmod=1)


def test_remainders_of_floats():
    check_forms("Mod", A * 5, np.abs(B) + 0.5, data=2, fmod=1, tolerance=1e-4)


@pytest.mark.parametrize("exponent", [2, 3, 0.5, -0.5, -1, 1.5, 0])
def test_powers_of_floats(exponent):
    x = np.abs(ONE) + 0.5
    check_forms("Pow", x, np.asarray(exponent, np.float32))
    check_forms("Pow", x, np.asarray([[exponent]], np.float32), data=2)
    if exponent == int(exponent):
        check_forms("Pow", -x, np.asarray(exponent, np.int64))


@pytest.mark.parametrize("exponent", [2, 3, 0.5, 1.5, 1])
def test_powers_of_whole_numbers(exponent):
    """The result is whole: what the float is cut off to."""
    whole = np.asarray([4, 9, 2, 1])
    check_forms("Pow", whole, np.asarray([exponent], np.float32))
    check_forms("Pow", whole, np.asarray([exponent], np.float32), data=2)
    check_forms("Pow", whole, np.asarray([2, 1, 5, 3]), data=2)


def test_truths_and_bits():
    for op in ("And", "Or", "Xor"):
        check_forms(op, T, F, data=2)
    for op in ("BitwiseAnd", "BitwiseOr"):
        check_forms(op, N.astype(np.int32), M.astype(np.int32), data=2, opset=18)


@pytest.mark.parametrize("shape", [(3,), (1, 3), (2, 1, 1), (1,)])
def test_slopes(shape):
    check_forms("PRelu", floats(2, 4, 3), floats(3))
    if len(shape) == 3:
        check_forms("PRelu", floats(2, 4, 3), floats(4, 1))
    else:
        check_forms("PRelu", ONE, floats(*shape))


@pytest.mark.parametrize("condition", [True, False])
@pytest.mark.parametrize(
    ("a", "b"), [((2, 3), (2, 3)), ((1, 3), (2, 3)), ((2, 3), (1, 3)), ((3,), (2, 1))]
)
def test_a_choice_that_is_known_keeps_the_shape_of_both(condition, a, b):
    for shape in ((), (1,), (1, 1), (1, 1, 1)):
        chosen = np.full(shape, condition)
        tensors = floats(*a), floats(*b)
        (found,) = arrays(called("Where", chosen, *map(value, tensors)))
        np.testing.assert_array_equal(found, np.where(chosen, *tensors))


def test_a_choice_that_is_known_computes_nothing():
    one, other = value(A), value(B)
    for condition, wanted in ((True, one), (False, other)):
        (found,) = called("Where", np.asarray(condition), one, other)
        assert found is wanted


def test_choices_in_any_order():
    check_forms("Where", ONE > 0, ONE, floats(2, 4, 3), data=3)
    check_forms("Where", ONE > 0, np.asarray(0, np.float32), floats(3))


def test_choices_between_sizes():
    size = tf.constant(7)
    (found,) = called("Where", np.asarray([True, False]), Dims.vector([size, 2]), np.asarray([5]))
    assert found.flat() == [size, 5]


LIMITS = np.asarray(-0.5, np.float32), np.asarray(0.4, np.float32)


def test_limits():
    low, high = LIMITS
    check_forms("Clip", ONE, low, high, data=3)
    check_forms("Clip", ONE, high, low)
    check_forms("Clip", ONE, low)
    check_forms("Clip", ONE, None, high)
    check_forms("Clip", ONE, max=0.0, opset=10)
    check_forms("Clip", N, np.asarray(-5), np.asarray(5))


FLOATS = np.asarray([-1.9, -0.5, 0.0, 0.5, 1.9], np.float32)
KINDS = {2: "uint8", 3: "int8", 5: "int16", 6: "int32", 7: "int64", 9: "bool", 1: "float32"}


@pytest.mark.parametrize("kind", KINDS)
def test_types(kind):
    check_forms("Cast", np.abs(FLOATS), to=kind)
    check_forms("Cast", np.asarray([0, 1, 5], np.int32), to=kind)
    check_forms("Cast", np.asarray([True, False]), to=kind)
    if KINDS[kind][0] != "u":
        check_forms("Cast", FLOATS, to=kind)
    check_forms("CastLike", np.abs(FLOATS), np.zeros(1, KINDS[kind]), data=2)


@pytest.mark.parametrize("kind", [10, 11, 16])
def test_other_floats_become_float32(kind):
    (found,) = arrays(called("Cast", value(N), to=kind))
    assert (found.dtype, found.tolist()) == (np.float32, N.tolist())


def test_sizes_stay_sizes_as_whole_numbers():
    sizes = Dims.vector([tf.constant(3), 4])
    for kind in (6, 7):
        assert called("Cast", sizes, to=kind) == [sizes]
    (found,) = arrays(called("Cast", sizes, to=1))
    assert (found.dtype, found.tolist()) == (np.float32, [3, 4])


def test_the_same_type_computes_nothing():
    x = value(A)
    assert called("Cast", x, to=1) == [x]


def test_text_is_refused():
    with pytest.raises(UnsupportedError, match="has the type 8 as its result; expected numbers or"):
        called("Cast", value(A), to=8)


def test_numbers_narrower_than_a_byte():
    """Constants of four bits are computed with; no tensor is of them."""
    ml_dtypes = pytest.importorskip("ml_dtypes")
    narrow = np.asarray([-8, 0, 7], ml_dtypes.int4)
    (found,) = arrays(called("Cast", narrow, to=1))
    assert found.tolist() == [-8, 0, 7]
    with pytest.raises(UnsupportedError, match="has the type int4 as its result; expected numbers"):
        called("CastLike", value(np.float32([1.0])), narrow)
