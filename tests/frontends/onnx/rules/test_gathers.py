"""Gathers and scatters against ONNX Runtime."""

import numpy as np
import pytest
import tensorflow as tf

pytest.importorskip("onnxruntime")

from onnx_nodes import by_rules, case, check, floats, model, node, traced
from onnx_rules import arrays, called, check_forms, forms, value
from rnnlite.errors import UnsupportedError
from rnnlite.frontends.onnx.rules.gathers import _box
from rnnlite.frontends.onnx.values import Dims

X = floats(3, 4, 5)
IDS = np.asarray([[0, -1], [2, 1]])


def grid(*ranges):
    """Places of a box: (..., axes)."""
    return np.stack(np.meshgrid(*map(np.asarray, ranges), indexing="ij"), -1)


BOXES = [
    (grid([1]), floats(1, 4, 5)),
    (grid([-1]), floats(1, 4, 5)),
    (grid(range(3), range(1, 3)), floats(3, 2, 5)),
    (grid(range(3), range(4), range(2, 5)), floats(3, 4, 3)),
    (grid(range(1, 3), range(2, 4), range(1, 2)), floats(2, 2, 1)),
    (grid(range(3), range(4), range(5)), floats(3, 4, 5)),
]
SCATTERED = [
    (np.asarray([[2], [0]]), floats(2, 4, 5)),
    (grid([0, 2], [1, 3]), floats(2, 2, 5)),
    (np.asarray([[0, 1], [1, 2]]), floats(2, 5)),
]


def test_gather():
    check(
        *(case("Gather", X, IDS, axis=a) for a in (0, 1, -1)),
        *(case("Gather", X, np.asarray(n), axis=a) for a in (0, 2) for n in (1, -1)),
        case("Gather", X, IDS[:1].clip(0), data=2, axis=1),
    )
    check(*(case("Gather", X, IDS.clip(0), axis=a) for a in (0, 1)), free=True)


def test_elements():
    ids = np.asarray([[[0, -1, 1, 2, 3]]])
    check(
        case("GatherElements", X, np.asarray([[[2, 0], [1, -1]]]), axis=0),
        case("GatherElements", X, ids % 3, data=2, axis=0),
        case("GatherND", X, np.asarray([[0, 1], [2, 3]])),
        case("GatherND", X, np.asarray([[0], [1], [2]]), batch_dims=1),
        case("ScatterElements", X, ids, floats(1, 1, 5), axis=1),
        case("ScatterElements", X, ids, floats(1, 1, 5), axis=2, data=1),
    )


@pytest.mark.parametrize("free", [False, True])
def test_scatters(free):
    check(*(case("ScatterND", X, p, u) for p, u in [*BOXES, *SCATTERED]), free=free)


@pytest.mark.parametrize("free", [False, True])
def test_sums_at_places_that_come_twice(free):
    twice, ids = np.asarray([[1], [0], [1]]), np.asarray([[[2, 0, 2, -1, 0]]])
    whole = X[0].astype(np.int64)
    check(
        case("ScatterND", X, twice, floats(3, *X.shape[1:]), reduction="add"),
        case("ScatterND", whole, twice, whole[:3], reduction="add"),
        case("ScatterElements", X, ids, floats(1, 1, 5), axis=0, reduction="add"),
        free=free,
    )


def test_a_part_that_is_replaced_is_joined():
    """Joins have integer kernels; scatters have none."""
    kinds = {o.type for o in traced(*(case("ScatterND", X, p, u) for p, u in BOXES))}
    assert "ConcatV2" in kinds
    assert "ScatterNd" not in kinds


def test_a_reduction_is_refused():
    made = node("ScatterND", "x", "p", "u", reduction="max")
    places, updates = SCATTERED[0]
    proto = model([made], {"x": X}, {"p": places, "u": updates})
    with pytest.raises(UnsupportedError, match="has reduction='max'; expected none or add"):
        by_rules(proto, {"x": X})


ONE = floats(3, 1, 5)


@pytest.mark.parametrize("axis", [0, 1, 2, -1])
def test_gathers_in_any_order(axis):
    for ids in ([0], [[0, -1]], -1, 0, [-1, 0, -1]):
        check_forms("Gather", ONE, np.asarray(ids), axis=axis)
    check_forms("Gather", ONE, np.asarray([[0, 0]]), data=2, axis=axis)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_ids_count_from_the_end_of_any_size(axis):
    """Known ones: those that are computed are taken to count from the front."""
    check(*(case("Gather", X, np.asarray(i), axis=axis) for i in ([-1], [0, -2], -1)), free=True)


def test_one_row_is_a_slice():
    """It needs no lookup, and keeps the order of the axes."""
    turned = value(X).transposed([2, 0, 1])
    (found,) = called("Gather", turned, np.asarray(1), axis=1)
    assert found.axes == (1, 0)
    np.testing.assert_array_equal(arrays([found])[0], X.transpose(2, 0, 1)[:, 1])
    kinds = {o.type for o in traced(case("Gather", X, np.asarray(-1), axis=1))}
    assert not any("Gather" in k for k in kinds)


def test_sizes_are_picked():
    size = tf.constant(7)
    shape = Dims.vector([size, 5, 6])
    (one,) = called("Gather", shape, np.asarray(0))
    (two,) = called("Gather", shape, np.asarray([-1, 1]))
    assert (one.shape, one.flat()[0] is size) == ((), True)
    assert two.flat() == [6, 5]


def test_rows_of_a_table():
    """As embeddings are."""
    table = floats(6, 3)
    (found,) = arrays(called("Gather", table, value(np.asarray([[5, 0], [2, 2]]))))
    np.testing.assert_array_equal(found, table[[[5, 0], [2, 2]]])
    (found,) = arrays(called("Gather", table, Dims.vector([tf.constant(4), 1])))
    np.testing.assert_array_equal(found, table[[4, 1]])


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_elements_along_any_axis(axis):
    ids = np.asarray([[[0, -1, 1], [1, 0, 0]]])
    part = {0: X[:, :2, :3], 1: X[:1, :, :3], -1: X[:1, :2]}[axis]
    wanted = np.take_along_axis(part, ids, axis)
    for given in forms(X):
        for places in (ids, value(ids)):
            (found,) = arrays(called("GatherElements", given, places, axis=axis))
            np.testing.assert_array_equal(found, wanted)


def test_elements_count_from_the_end_of_any_size():
    ids = np.asarray([[[0, -1, 1]]])
    check(*(case("GatherElements", X, ids, axis=a) for a in (0, 1, 2)), free=True)


@pytest.mark.parametrize(
    ("ids", "batch"),
    [([[0, 1], [-1, -1]], 0), ([[0, 1, 2]], 0), ([[-1]], 0), ([[[0]], [[-1]], [[2]]], 1)],
)
def test_places_of_several_axes(ids, batch):
    check_forms("GatherND", X, np.asarray(ids), batch_dims=batch)
    check(case("GatherND", X, np.asarray(ids), batch_dims=batch), free=True)
    positive = np.maximum(ids, 0)
    check_forms("GatherND", X, positive, data=2, batch_dims=batch)


@pytest.mark.parametrize("k", range(len(BOXES)))
def test_boxes_in_any_order(k):
    check_forms("ScatterND", X, *BOXES[k])
    if (BOXES[k][0] >= 0).all():
        check_forms("ScatterND", X, *BOXES[k], data=2)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_scattered_elements(axis):
    ids, updates = np.asarray([[[0, -1], [1, 0]]]), floats(1, 2, 2)
    if axis != 1:
        ids = np.asarray([[[0, -1], [1, 2]]])
    check_forms("ScatterElements", X, ids, updates, axis=axis)


@pytest.mark.parametrize(
    ("places", "shape", "wanted"),
    [
        ([[1]], (3,), [(1, 2)]),
        ([[-2], [-1]], (3,), [(1, 3)]),
        ([[0, 1], [0, 2]], (3, 4), [(0, 1), (1, 3)]),
        ([[0, 1], [1, 1]], (3, 4), [(0, 2), (1, 2)]),
        ([[1], [0]], (3,), None),
        ([[0], [2]], (3,), None),
        ([[0], [0]], (3,), None),
        ([[0, 0], [1, 1]], (3, 4), None),
        ([[0, 1], [0, 0]], (3, 4), None),
        ([[3]], (3,), None),
        ([[0]], (None,), None),
        (np.zeros((0, 1), int), (3,), None),
    ],
)
def test_what_a_box_is(places, shape, wanted):
    """All places between two corners, each once, in order, inside, at sizes that are known."""
    assert _box(np.asarray(places), shape) == wanted


@pytest.mark.parametrize("op", ["ScatterND", "ScatterElements"])
@pytest.mark.parametrize("way", ["mul", "max", "min"])
def test_every_other_reduction_is_refused(op, way):
    with pytest.raises(UnsupportedError, match=f"node {op} 'it' has reduction='{way}'; expected"):
        called(op, value(X), np.asarray([[0]]), X[:1], reduction=way)
