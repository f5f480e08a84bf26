"""Shapes, and what is computed of them, against ONNX Runtime."""

import numpy as np
import pytest
import tensorflow as tf

pytest.importorskip("onnxruntime")


from onnx_nodes import by_rules, case, check, check_model, floats, function_of, model, node
from onnx_rules import arrays, called, check_forms, forms, value
from rnnlite.errors import UnsupportedError
from rnnlite.frontends.onnx.rules.shapes import SMALL, filled, is_same
from rnnlite.frontends.onnx.values import Dims, Value

X = floats(2, 3, 4)


@pytest.mark.parametrize("free", [False, True])
def test_of_a_tensor(free):
    check(
        case("Shape", X),
        case("Shape", X, start=1),
        case("Shape", X, start=-2, end=-1),
        case("Size", X),
        case("Reshape", X, np.asarray([0, -1])),
        case("Reshape", X, np.asarray([6, 4])),
        case("Reshape", X, np.asarray([2, 0, 2, -1])),
        case("Expand", X[:1], np.asarray([5, 1, 4])),
        case("Expand", X, np.asarray([3, 1, 1, 1])),
        case("Identity", X),
        case("Dropout", X),
        free=free,
    )


def test_of_numbers():
    shape = np.asarray([2, 3])
    check(
        case("Add", X, np.asarray([1.0], np.float32)),
        case("ConstantOfShape", shape, data=0),
        case("Range", np.asarray(1), np.asarray(9), np.asarray(3), data=0),
        case(
            "Range",
            np.asarray(1.0, np.float32),
            np.asarray(2.5, np.float32),
            np.asarray(0.5, np.float32),
            data=0,
        ),
    )


CHAINS = {
    # x (B, T, F): heads of attention and back, a row of zeros a sample, places along time
    "heads": [
        node("Shape", "x", outputs=["s"]),
        node("Slice", "s", "zero", "two", outputs=["lead"]),
        node("Concat", "lead", "four", "minus", outputs=["split"], axis=0),
        node("Reshape", "x", "split", outputs=["y"]),
    ],
    "zeros": [
        node("Shape", "x", outputs=["s"]),
        node("Gather", "s", "first", outputs=["n"], axis=0),
        node("Unsqueeze", "n", "zero", outputs=["u"]),
        node("Concat", "u", "four", outputs=["z"], axis=0),
        node("ConstantOfShape", "z", outputs=["y"]),
    ],
    "places": [
        node("Shape", "x", outputs=["s"]),
        node("Gather", "s", "second", outputs=["n"], axis=0),
        node("Range", "first", "n", "second", outputs=["y"]),
    ],
    "arithmetic": [
        node("Shape", "x", outputs=["s"]),
        node("Gather", "s", "second", outputs=["n"], axis=0),
        node("Mul", "n", "three", outputs=["m"]),
        node("Sub", "m", "second", outputs=["k"]),
        node("Div", "k", "three", outputs=["d"]),
        node("Cast", "d", outputs=["y"], to=1),
    ],
}
NUMBERS = {
    "zero": [0],
    "two": [2],
    "four": [4],
    "minus": [-1],
    "first": 0,
    "second": 1,
    "three": 3,
}


@pytest.mark.parametrize("name", CHAINS)
@pytest.mark.parametrize("free", [(), ("x",)])
def test_chains(name, free):
    nodes = CHAINS[name]
    read = {i for n in nodes for i in n.input}
    constants = {k: np.asarray(v) for k, v in NUMBERS.items() if k in read}
    data = {"x": floats(3, 5, 8)}
    check_model(model(nodes, data, constants, free=free), data, free=free)


def test_sizes_that_are_known_stay_known():
    read = {i for n in CHAINS["heads"] for i in n.input}
    constants = {k: np.asarray(v) for k, v in NUMBERS.items() if k in read}
    data = {"x": floats(3, 5, 8)}
    proto = model(CHAINS["heads"], data, constants, free=("x",))
    function = function_of(proto, data, free={"x": (None, 5, 8)})
    assert function.outputs[0].shape.as_list() == [None, 5, 4, 2]


N = tf.constant(2)
"""A size that is computed: the first of X."""


@pytest.mark.parametrize(
    ("start", "end", "wanted"),
    [
        (0, None, [2, 3, 4]),
        (1, None, [3, 4]),
        (0, -1, [2, 3]),
        (-1, None, [4]),
        (2, 1, []),
        (0, 9, [2, 3, 4]),
    ],
)
def test_sizes_that_are_known_are_numbers(start, end, wanted):
    given = {"start": start} if end is None else {"start": start, "end": end}
    for one in forms(X):
        (found,) = called("Shape", one, **given)
        assert isinstance(found, np.ndarray)
        assert found.tolist() == wanted


def test_the_number_of_elements():
    (found,) = called("Size", value(X))
    assert found.known() == 24


@pytest.mark.parametrize(
    ("attributes", "wanted"),
    [
        ({"value": np.asarray([[1, 2]])}, np.asarray([[1, 2]])),
        ({"value_float": 1.5}, np.float32(1.5)),
        ({"value_floats": [1.5, 2.0]}, np.float32([1.5, 2])),
        ({"value_int": 7}, np.int64(7)),
        ({"value_ints": [7, 8]}, np.asarray([7, 8])),
    ],
    ids=["array", "float", "floats", "int", "ints"],
)
def test_constants(attributes, wanted):
    (found,) = called("Constant", **attributes)
    assert (found.dtype, found.tolist()) == (wanted.dtype, wanted.tolist())


def test_a_constant_of_text_is_refused():
    proto = model([node("Constant", value_string="it")], {})
    with pytest.raises(UnsupportedError, match="'y' takes or gives strings, which LiteRT models"):
        by_rules(proto, {})


@pytest.mark.parametrize("operand", [np.ones(1), Dims(3), value(X)], ids=["array", "size", "x"])
def test_identity_is_the_operand_itself(operand):
    assert called("Identity", operand)[0] is operand


def test_dropout_is_off():
    x = value(X)
    for ratio, training in ((None, None), (0.5, False), (0.0, True)):
        given = [None if n is None else np.asarray(n) for n in (ratio, training)]
        assert called("Dropout", x, *given) == [x]
    same, mask = called("Dropout", x, outputs=2)
    assert same is x
    assert arrays([mask])[0].all()


def test_dropout_in_training_is_refused():
    with pytest.raises(UnsupportedError, match="node Dropout 'it' has training_mode; expected"):
        called("Dropout", value(X), np.asarray(0.5), np.asarray(True))


@pytest.mark.parametrize(
    "shape", [[24], [4, 6], [-1], [0, 12], [0, 0, -1], [2, -1, 1], [1, 0, -1], [6, 4, 1, 1]]
)
def test_reshapes_in_any_order(shape):
    check_forms("Reshape", X, np.asarray(shape))
    check_forms("Reshape", floats(2, 1, 3), np.asarray([3, -1]))
    (old,) = arrays(called("Reshape", value(X), shape=shape, opset=1))
    (new,) = arrays(called("Reshape", value(X), np.asarray(shape)))
    np.testing.assert_array_equal(old, new)


def test_a_size_of_zero_is_one():
    """Where allowzero says so; else it is the size that stands there."""
    empty = np.zeros((2, 0, 3), np.float32)
    check_forms("Reshape", empty, np.asarray([0, 6]), allowzero=1)
    check_forms("Reshape", empty, np.asarray([3, 0, 1]))


def test_shapes_that_are_computed():
    (found,) = arrays(called("Reshape", value(X), value(np.asarray([6, -1]))))
    np.testing.assert_array_equal(found, X.reshape(6, 4))
    (found,) = arrays(called("Expand", value(X[:1]), value(np.asarray([2, 1, 1]))))
    np.testing.assert_array_equal(found, np.broadcast_to(X[:1], X.shape))
    (found,) = arrays(called("ConstantOfShape", value(np.asarray([2, 1])), value=np.int64([7])))
    assert found.tolist() == [[7], [7]]


def test_sizes_are_reshaped_as_numbers():
    (found,) = called("Reshape", Dims(N), np.asarray([1]))
    assert found.flat() == [N]
    with pytest.raises(UnsupportedError, match="the shape of Reshape 'it' is computed from"):
        called("Reshape", Dims(N), value(np.asarray([1])))


def shape_of(shape, wanted, entries):
    """The static shape of a reshape at an unknown batch; ops that compute it."""

    @tf.function(input_signature=[tf.TensorSpec(shape)], autograph=False)
    def call(x):
        given = Value.of(x)
        sizes = [given.size(e[0]) if isinstance(e, tuple) else e for e in entries]
        (found,) = called("Reshape", given, Dims.vector(sizes))
        return found.plain()

    made = call.get_concrete_function()
    assert made.outputs[0].shape.as_list() == wanted
    return [o.type for o in made.graph.get_operations()]


@pytest.mark.parametrize(
    ("shape", "entries", "wanted"),
    [
        ((None, 3, 4), [(0,), -1], [None, 12]),
        ((None, 3, 4), [(0,), 2, -1], [None, 2, 6]),
        ((None, None, 4), [(0,), (1,), 2, -1], [None, None, 2, 2]),
        ((None, 3, 4), [-1, 12], [None, 12]),
        ((None, None, 4), [-1, 4], [None, 4]),
    ],
)
def test_what_follows_from_the_other_sizes_is_known(shape, entries, wanted):
    """The same size on both sides counts once."""
    kinds = shape_of(shape, wanted, entries)
    assert "FloorDiv" not in kinds


def test_a_rest_that_is_computed():
    kinds = shape_of((None, None, 4), [None, None], [(1,), -1])
    assert "FloorDiv" in kinds or "Mul" in kinds


def test_one_size():
    @tf.function(input_signature=[tf.TensorSpec([None, None])] * 2, autograph=False)
    def call(x, y):
        a, again, b, other = tf.shape(x)[0], tf.shape(x)[0], tf.shape(x)[1], tf.shape(y)[0]
        assert is_same(a, a)
        assert is_same(a, again)
        assert not is_same(a, b)
        assert not is_same(a, other)
        assert not is_same(a, 3)
        assert not is_same(a + 0, again)
        return x

    call.get_concrete_function()


def test_the_two_directions_of_a_recurrence_are_joined_at_once():
    """Where a Reshape of (T, B, 2, H) asks for (T, B, 2H), the tensor before the split is given."""
    joined = tf.constant(floats(5, 2, 6))
    base = tf.reshape(joined, [5, 2, 2, 3])
    both = Value(base, (0, 1, 2, 3), joined)
    for shape in ([0, 0, -1], [5, 2, 6]):
        (found,) = called("Reshape", both, np.asarray(shape))
        assert found.base is joined
    (turned,) = called("Reshape", Value(base, (1, 0, 2, 3), joined), np.asarray([0, 0, -1]))
    assert turned.base is not joined
    (other,) = arrays(called("Reshape", both, np.asarray([5, 3, 4])))
    np.testing.assert_array_equal(other, joined.numpy().reshape(5, 3, 4))


@pytest.mark.parametrize(
    "shape", [[2, 3, 4], [1, 1, 1], [5, 2, 3, 4], [1], [1, 3, 1], [2, 5, 1, 3, 4]]
)
def test_expansions_in_any_order(shape):
    check_forms("Expand", floats(2, 1, 4), np.asarray(shape))


def test_an_expansion_to_its_own_shape_computes_nothing():
    x = value(X)
    for shape in ([2, 3, 4], [1], [1, 1, 4], []):
        assert called("Expand", x, np.asarray(shape, np.int64)) == [x]


def test_one_number_expanded():
    (known,) = called("Expand", np.asarray([3]), np.asarray([2, 2]))
    (size,) = called("Expand", Dims.vector([N]), np.asarray([3]))
    assert known.tolist() == [[3, 3], [3, 3]]
    assert size.number is N
    assert arrays([size])[0].tolist() == [2, 2, 2]


@pytest.mark.parametrize("number", [None, np.float32([1.5]), np.int64([0]), np.int32([3])])
def test_filled(number):
    given = {} if number is None else {"value": number}
    wanted = np.float32(0) if number is None else number[0]
    (known,) = called("ConstantOfShape", np.asarray([2, 3]), **given)
    (computed,) = called("ConstantOfShape", Dims.vector([N, 3]), **given)
    assert isinstance(known, np.ndarray)
    for one in (known, arrays([computed])[0]):
        assert (one.dtype, one.shape) == (wanted.dtype, (2, 3))
        assert (one == wanted).all()


def test_large_fills_are_tensors():
    assert isinstance(filled([SMALL], np.float32(1)), np.ndarray)
    assert isinstance(filled([SMALL + 1], np.float32(1)), Value)


@pytest.mark.parametrize("dtype", [np.int32, np.int64, np.float32])
@pytest.mark.parametrize(("start", "end", "delta"), [(0, 5, 1), (1, 9, 3), (5, 0, -2), (3, 3, 1)])
def test_ranges_keep_their_type(dtype, start, end, delta):
    check_forms("Range", *(np.asarray(n, dtype) for n in (start, end, delta)), data=3)


def test_ranges_of_fractions():
    check_forms("Range", *(np.asarray(n, np.float32) for n in (0.5, 2.1, 0.4)), data=3)


def test_a_range_of_sizes():
    (found,) = arrays(called("Range", np.asarray(0), Dims(N), np.asarray(1)))
    assert (found.dtype, found.tolist()) == (np.int64, [0, 1])


@pytest.mark.parametrize(("start", "end", "step"), [(5, 2, 1), (2, 5, -1), (2, 2, 1), (7, 2, -2)])
def test_ranges_that_end_before_they_start(start, end, step):
    """LiteRT refuses them where both are computed: the end is the start there."""
    data = {"a": np.asarray(start), "b": np.asarray(end)}
    nodes = [node("Range", "a", "b", "step")]
    proto = model(nodes, data, {"step": np.asarray(step)})
    check_model(proto, data)
    function = function_of(proto, data)
    kinds = [o.type for o in function.graph.get_operations()]
    assert ("Maximum" if step > 0 else "Minimum") in kinds


def test_ranges_up_to_a_size_are_left_alone():
    nodes = [node("Shape", "x", outputs=("s",)), node("Gather", "s", "at", outputs=("n",))]
    nodes.append(node("Range", "zero", "n", "one"))
    numbers = {"at": np.asarray(0), "zero": np.asarray(0), "one": np.asarray(1)}
    proto = model(nodes, {"x": floats(4)}, numbers, free=("x",))
    check_model(proto, {"x": floats(4)}, ("x",))
    function = function_of(proto, {"x": floats(4)}, ("x",))
    assert "Maximum" not in [o.type for o in function.graph.get_operations()]
