"""The axes of slices, against NumPy's own indexing."""

import itertools

import numpy as np
import pytest

from rnnlite.slicing import Masks, SplitAxes, masks_of, split_axes

ENTRIES = {"all": slice(None), "index": 0, "new": np.newaxis, "ellipsis": Ellipsis}


def masks(kinds):
    bits = {name: sum(1 << k for k, kind in enumerate(kinds) if kind == name) for name in ENTRIES}
    return Masks(bits["new"], bits["index"], bits["ellipsis"])


def indexings():
    """All indexings of up to four entries with at most one ellipsis."""
    for count in range(1, 5):
        for kinds in itertools.product(ENTRIES, repeat=count):
            if kinds.count("ellipsis") <= 1 and kinds.count("all") + kinds.count("index") <= 3:
                yield kinds


def test_a_slice_without_its_new_axes_then_the_axes():
    x = np.arange(24).reshape(2, 3, 4)
    seen = 0
    for kinds in indexings():
        axes = split_axes(masks(kinds), len(kinds))
        result = x[tuple(ENTRIES[kinds[k]] for k in axes.kept)]
        for axis in axes.order():
            result = np.expand_dims(result, axis)
        expected = x[tuple(ENTRIES[kind] for kind in kinds)]
        assert result.shape == expected.shape, kinds
        np.testing.assert_array_equal(result, expected)
        seen += 1
    assert seen == 246


@pytest.mark.parametrize(
    ("given", "entries", "expected"),
    [
        (Masks(), 2, SplitAxes([], [0, 1])),
        (Masks(new_axis=0b10), 2, SplitAxes([1], [0])),
        # x[0, :, newaxis]: the index is gone in the result.
        (Masks(new_axis=0b100, shrink_axis=0b001), 3, SplitAxes([1], [0, 1])),
        # x[..., newaxis, 0]: counted from the end, where the index is gone too.
        (Masks(new_axis=0b010, shrink_axis=0b100, ellipsis=0b001), 3, SplitAxes([-1], [0, 2])),
        # Where bits overlap the ellipsis wins over a new axis, and that over an index.
        (Masks(new_axis=0b01, ellipsis=0b01), 2, SplitAxes([], [0, 1])),
        (Masks(new_axis=0b01, shrink_axis=0b01), 2, SplitAxes([0], [1])),
    ],
)
def test_masks(given, entries, expected):
    assert split_axes(given, entries) == expected


def test_axes_behind_an_ellipsis_are_entered_from_the_right():
    assert SplitAxes([0, 2, -3, -1], []).order() == [0, 2, -1, -3]


def test_masks_of_a_node():
    tf = pytest.importorskip("tensorflow")
    node = tf.compat.v1.NodeDef(op="StridedSlice")
    for name, bits in (("new_axis", 1), ("shrink_axis", 2), ("ellipsis", 4), ("begin", 8)):
        node.attr[f"{name}_mask"].i = bits
    assert masks_of(node) == Masks(new_axis=1, shrink_axis=2, ellipsis=4)
