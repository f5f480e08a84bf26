"""Gathers and scatters against ONNX Runtime."""

import numpy as np
import pytest

pytest.importorskip("onnxruntime")

from onnx_nodes import by_rules, case, check, floats, model, node, traced
from rnnlite.errors import UnsupportedError

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


def test_a_part_that_is_replaced_is_joined():
    """Joins have integer kernels; scatters have none."""
    kinds = {o.type for o in traced(*(case("ScatterND", X, p, u) for p, u in BOXES))}
    assert "ConcatV2" in kinds
    assert "ScatterNd" not in kinds


def test_a_reduction_is_refused():
    made = node("ScatterND", "x", "p", "u", reduction="add")
    places, updates = SCATTERED[0]
    proto = model([made], {"x": X}, {"p": places, "u": updates})
    with pytest.raises(UnsupportedError, match="has reduction='add'; expected none"):
        by_rules(proto, {"x": X})
