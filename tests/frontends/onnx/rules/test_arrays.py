"""Ops that move elements against ONNX Runtime."""

import numpy as np
import pytest
import tensorflow as tf

pytest.importorskip("onnxruntime")


from onnx_nodes import by_rules, case, check, floats, model, node
from onnx_rules import arrays, called, check_forms, forms, value
from rnnlite.errors import UnsupportedError
from rnnlite.frontends.onnx.values import Dims, Value

X = floats(2, 3, 4)
IMAGE = floats(1, 8, 2, 3)


@pytest.mark.parametrize("free", [False, True])
def test_of_any_size(free):
    lengths = np.asarray([2, 3, 1])
    check(
        case("Transpose", X),
        case("Transpose", X, perm=[1, 2, 0]),
        case("Unsqueeze", X, np.asarray([0, -1])),
        case("Squeeze", X[:1], np.asarray([0])),
        case("Flatten", X, axis=2),
        case("Flatten", X, axis=-1),
        case("Flatten", X, axis=0),
        *(case("Concat", X, X[:, :, ::-1].copy(), data=2, axis=a) for a in (0, -1)),
        case("Concat", X, floats(2, 3, 4), axis=2),
        case("Split", X, np.asarray([1, 2]), axis=1, outputs=2),
        case("Tile", X, np.asarray([1, 2, 3])),
        *(case("Trilu", X, upper=u) for u in (0, 1)),
        case("Trilu", X, np.asarray(1), upper=1),
        case("Trilu", X, np.asarray(-1), upper=0),
        *(case("CumSum", X, np.asarray(a)) for a in (0, -1)),
        case("CumSum", X, np.asarray(1), exclusive=1, reverse=1),
        case("ReverseSequence", floats(3, 3, 2), lengths, data=2, time_axis=0, batch_axis=1),
        case("ReverseSequence", X, np.asarray([3, 2]), time_axis=1, batch_axis=0),
        free=free,
    )


N = np.asarray([[0, 2], [1, 1]])


def test_of_known_size():
    check(
        case("Split", X, axis=2, outputs=2),
        case("Squeeze", X[:1, :, :1]),
        case(
            "OneHot", np.asarray([[0, 2], [-1, 1]]), np.asarray(4), np.asarray([2, 5], np.float32)
        ),
        *(case("OneHot", N, np.asarray(3), floats(2), axis=a) for a in (0, -2, 1, 2)),
        *(case("DepthToSpace", IMAGE, blocksize=2, mode=m) for m in ("DCR", "CRD")),
        case("SpaceToDepth", floats(1, 2, 4, 6), blocksize=2),
        case("ReverseSequence", X, np.asarray([3, 3]), time_axis=1, batch_axis=0),
    )


def test_parts_that_do_not_come_out_even():
    check(case("Split", floats(7, 2), axis=0, outputs=3, num_outputs=3), opset=18)


def test_equal_parts_of_any_size_are_refused():
    proto = model(
        [node("Split", "x", outputs=["y", "z"])], {"x": X}, outputs=["y", "z"], opset=13, free="x"
    )
    with pytest.raises(UnsupportedError, match="equal parts of an axis of any size; expected an"):
        by_rules(proto, {"x": X}, free=("x",))


ONE = floats(2, 1, 4)


@pytest.mark.parametrize("perm", [None, [0, 1, 2], [2, 0, 1], [1, 0, 2], [2, 1, 0]])
def test_transposes_of_any_order(perm):
    check_forms("Transpose", ONE, **({} if perm is None else {"perm": perm}))


@pytest.mark.parametrize("axes", [[0], [1], [-1], [0, 3], [-1, -2], [3, 0]])
def test_new_axes(axes):
    check_forms("Unsqueeze", ONE, np.asarray(axes))
    check_forms("Unsqueeze", floats(1, 2), np.asarray(axes))


@pytest.mark.parametrize("axes", [[0], [2], [0, -1], None])
def test_axes_that_go(axes):
    given = [] if axes is None else [np.asarray(axes)]
    check_forms(
        "Squeeze", floats(1, 3, 1, 2)[..., :1] if axes == [0, -1] else floats(1, 3, 1), *given
    )


def test_new_axes_and_their_ends_compute_nothing():
    x = value(ONE)
    (wider,) = called("Unsqueeze", x, np.asarray([0, 2]))
    (back,) = called("Squeeze", wider, np.asarray([0, 2]))
    assert wider.base is back.base is x.base
    assert back.is_plain


def test_sizes_as_vectors_and_as_numbers():
    size = tf.constant(3)
    (vector,) = called("Unsqueeze", Dims(size), np.asarray([0]))
    (number,) = called("Squeeze", vector, np.asarray([0]))
    assert (vector.shape, number.shape) == ((1,), ())
    assert number.flat()[0] is size
    two = Dims.vector([size, 2])
    assert called("Squeeze", two) == [two]
    (matrix,) = arrays(called("Unsqueeze", two, np.asarray([0])))
    assert matrix.tolist() == [[3, 2]]


@pytest.mark.parametrize("axis", [0, 1, 2, 3, -1, -3])
def test_flat(axis):
    check_forms("Flatten", floats(2, 1, 3), axis=axis)


@pytest.mark.parametrize("axis", [0, 1, 2, -1])
def test_joins_in_any_orders(axis):
    other = floats(*(3 if k == axis % 3 else n for k, n in enumerate(ONE.shape)))
    check_forms("Concat", ONE, other, data=2, axis=axis)
    check_forms("Concat", ONE, other, axis=axis)


def test_joins_leave_out_what_is_empty():
    empty = np.zeros((2, 0, 4), np.float32)
    check_forms("Concat", ONE, empty, axis=1)
    check_forms("Concat", empty, ONE, axis=1)
    check_forms("Concat", empty, empty, axis=1)


def test_joins_of_sizes():
    size = tf.constant(3)
    (found,) = called("Concat", Dims.vector([size]), np.asarray([4, -1]), Dims(5), axis=0)
    assert found.flat() == [size, 4, -1, 5]
    (mixed,) = arrays(called("Concat", Dims.vector([size]), value(np.asarray([9])), axis=0))
    assert mixed.tolist() == [3, 9]


@pytest.mark.parametrize("axis", [0, -1])
def test_parts_in_any_order(axis):
    x = floats(4, 1, 6) if axis else floats(4, 1, 3)
    check_forms("Split", x, axis=axis, outputs=2, opset=13)
    check_forms("Split", x, np.asarray([1, x.shape[axis] - 1]), axis=axis, outputs=2)
    check_forms("Split", x, axis=axis, outputs=2, split=[1, x.shape[axis] - 1], opset=11)


def test_parts_of_sizes():
    size = tf.constant(3)
    one, two = called("Split", Dims.vector([size, 2, 3]), np.asarray([1, 2]), outputs=2)
    assert (one.flat()[0] is size, two.flat()) == (True, [2, 3])
    halves = called("Split", Dims.vector([1, 2, 3, 4]), outputs=2)
    assert [h.flat() for h in halves] == [[1, 2], [3, 4]]


def test_parts_of_a_new_axis():
    new = forms(ONE)[-1]
    assert called("Split", new, axis=1) == [new]
    with pytest.raises(UnsupportedError, match="has parts of an axis of one; expected one part"):
        called("Split", new, np.asarray([0, 1]), axis=1, outputs=2)


@pytest.mark.parametrize("repeats", [[1, 1, 1], [2, 3, 1], [1, 2, 2], [0, 1, 1]])
def test_tiles(repeats):
    wanted = np.tile(ONE, repeats)
    for given in forms(ONE):
        for numbers in (np.asarray(repeats), Dims.vector(repeats), value(np.asarray(repeats))):
            (found,) = arrays(called("Tile", given, numbers))
            np.testing.assert_array_equal(found, wanted)


def reversed_rows(x, lengths, time, batch):
    """As the standard states it, sequence by sequence."""
    moved = np.moveaxis(x, (batch, time), (0, 1)).copy()
    for row, n in zip(moved, lengths, strict=True):
        row[:n] = row[:n][::-1].copy()
    return np.moveaxis(moved, (0, 1), (batch, time))


@pytest.mark.parametrize(("time", "batch"), [(0, 1), (1, 0)])
@pytest.mark.parametrize("lengths", [[3, 3, 3], [1, 2, 3], [3, 1, 1]])
def test_sequences_turned(time, batch, lengths):
    x = floats(3, 3, 2)
    wanted = reversed_rows(x, lengths, time, batch)
    for given in forms(x):
        for counts in (np.asarray(lengths), value(np.asarray(lengths))):
            options = {"time_axis": time, "batch_axis": batch}
            (found,) = arrays(called("ReverseSequence", given, counts, **options))
            np.testing.assert_array_equal(found, wanted)


def test_whole_sequences_are_reversed_at_once():
    """Known by a number, by the size itself, and by a tensor that is filled with it."""
    x = value(floats(3, 2, 2))
    filled = Value.of(tf.fill([2], tf.constant(3, tf.int64)))
    filled.number = 3
    for counts in (np.asarray([3, 3]), Dims.vector([3, 3]), filled):
        (found,) = called("ReverseSequence", x, counts, time_axis=0, batch_axis=1)
        np.testing.assert_array_equal(found.base, x.base[::-1])


@pytest.mark.parametrize("upper", [0, 1])
@pytest.mark.parametrize("k", [-3, -1, 0, 1, 4])
def test_triangles(upper, k):
    check_forms("Trilu", floats(2, 3, 4), np.asarray(k), upper=upper)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_one_hot_vectors(axis):
    """Ids count from the end too; those outside give no one."""
    ids = np.asarray([[0, 2], [-1, 1], [5, -5]])
    check_forms("OneHot", ids, np.asarray(4), np.asarray([2, 5], np.float32), axis=axis)
    check_forms("OneHot", ids, np.asarray([4]), np.asarray([0, 1]), axis=axis)


@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("exclusive", [0, 1])
@pytest.mark.parametrize("reverse", [0, 1])
def test_sums_so_far(axis, exclusive, reverse):
    """Along a new axis too: nothing stands in front of its one element."""
    check_forms("CumSum", ONE, np.asarray(axis), exclusive=exclusive, reverse=reverse)


@pytest.mark.parametrize("mode", ["DCR", "CRD"])
def test_depth_and_space(mode):
    x = floats(2, 18, 2, 1)
    check_forms("DepthToSpace", x, blocksize=3, mode=mode)
    (there,) = called("DepthToSpace", value(x), blocksize=3)
    (back,) = arrays(called("SpaceToDepth", there, blocksize=3))
    np.testing.assert_array_equal(back, x)


@pytest.mark.parametrize(("axis", "wanted"), [(0, (0, 1, 2)), (1, (1, 0, 2)), (-1, (1, 2, 0))])
def test_rows_of_a_loop(axis, wanted):
    (found,) = called("StackedRows", value(X), axis=axis)
    assert found.axes == wanted
    np.testing.assert_array_equal(arrays([found])[0], np.moveaxis(X, 0, axis))


@pytest.mark.parametrize(
    ("op", "given", "what"),
    [
        ("Unsqueeze", (value(np.asarray([0])),), "axes"),
        ("Trilu", (value(np.asarray(1)),), "k"),
        ("CumSum", (value(np.asarray(1)),), "axis"),
        ("OneHot", (value(np.asarray(3)), np.asarray([0, 1])), "depth"),
        ("Split", (value(np.asarray([1, 1])),), "split"),
    ],
)
def test_numbers_that_are_computed_are_refused(op, given, what):
    with pytest.raises(UnsupportedError, match=f"the {what} of {op} 'it' is computed from the inp"):
        called(op, value(np.asarray([[1, 2], [0, 1]])), *given)


@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("size", [1, 3])
def test_rows_joined_along_their_own_axis(axis, size):
    rows = floats(5, 2, size) if axis else floats(5, size, 2)
    wanted = np.concatenate(list(rows), axis)
    for operand in forms(rows):
        (found,) = arrays(called("StackedRows", operand, axis=axis, joins=True))
        np.testing.assert_array_equal(found, wanted)
