"""Resize and Upsample against ONNX Runtime."""

import numpy as np
import pytest

pytest.importorskip("onnxruntime")

from onnx_nodes import by_rules, case, check, check_model, floats, model, node, traced
from rnnlite.errors import UnsupportedError

X = floats(1, 2, 5, 6)
SCALES = [(1, 1, 2, 3), (1, 1, 1.5, 2.5), (1, 1, 0.6, 0.5)]
SIZES = [(1, 2, 10, 6), (1, 2, 7, 9), (1, 2, 3, 1)]
WAYS = ("half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric", "half_pixel_symmetric")
ROUNDINGS = ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil")


def scaled(scales, **attributes):
    return case("Resize", X, None, np.asarray(scales, np.float32), **attributes)


def sized(sizes, **attributes):
    return case("Resize", X, None, None, np.asarray(sizes, np.int64), **attributes)


@pytest.mark.parametrize("free", [False, True])
@pytest.mark.parametrize("mode", ["nearest", "linear", "cubic"])
def test_modes(mode, free):
    given = [
        scaled(s, mode=mode, coordinate_transformation_mode=w)
        for w in WAYS
        for s in SCALES[free:]
        if w != "align_corners" or not (free or 1.5 in s)
    ]
    check(*given, *(sized(s, mode=mode) for s in SIZES[free:]), free=free, opset=19)


def test_roundings():
    check(
        *(
            scaled((1, 1, *f), coordinate_transformation_mode=w, nearest_mode=r)
            for f in ((3, 3), (1.6, 1.5))
            for w in ("half_pixel", "asymmetric", "align_corners")
            for r in ROUNDINGS
        )
    )


def test_axes():
    check(scaled((2, 1.5), axes=[3, 2], mode="linear"), opset=18)


def test_sizes_of_another_input():
    """As a decoder takes those of its encoder."""
    nodes = [
        node("Shape", "z", outputs=["s"]),
        node("Resize", "x", None, None, "s", mode="linear"),
    ]
    data = {"x": X, "z": floats(1, 2, 8, 3)}
    check_model(model(nodes, data, free=("x", "z")), data, free=("x", "z"))


def test_older_operator_sets():
    """They know scales alone, from the corner on."""
    scales = np.asarray([1, 1, 2, 1.5], np.float32)
    check(case("Upsample", X, mode="nearest", scales=scales.tolist()), opset=7)
    for op, opset in (("Upsample", 9), ("Resize", 10)):
        check(*(case(op, X, scales, mode=m) for m in ("linear", "nearest")), opset=opset)


def test_whole_factors_are_copies():
    """No rows are looked up."""
    kinds = {
        o.type
        for o in traced(
            scaled((1, 1, 2, 3), coordinate_transformation_mode="asymmetric", nearest_mode="floor")
        )
    }
    assert "Tile" in kinds
    assert not any("Gather" in k for k in kinds)


@pytest.mark.parametrize(
    ("attributes", "text"),
    [
        ({"coordinate_transformation_mode": "tf_crop_and_resize"}, "tf_crop_and_resize'; expected"),
        ({"antialias": 1, "mode": "linear"}, "has antialias or exclude_outside; expected neither"),
        ({"keep_aspect_ratio_policy": "not_larger"}, "has keep_aspect_ratio_policy; expected"),
    ],
)
def test_refusals(attributes, text):
    made = node("Resize", "x", None, None, "s", **attributes)
    proto = model([made], {"x": X}, {"s": np.asarray([1, 2, 7, 9])}, opset=19)
    with pytest.raises(UnsupportedError, match=text):
        by_rules(proto, {"x": X})


@pytest.mark.parametrize(("free", "scale"), [((), 1.5), (("x",), 1.6)])
def test_corners_at_a_size_that_may_not_be_whole_are_refused(free, scale):
    """The standard takes 7.5 as the new size, ONNX Runtime 7."""
    made = node("Resize", "x", None, "s", coordinate_transformation_mode="align_corners")
    scales = np.asarray([1, 1, scale, 1], np.float32)
    proto = model([made], {"x": X}, {"s": scales}, opset=19, free=free)
    with pytest.raises(
        UnsupportedError,
        match=rf"has align_corners with a scale of {scale}, for a size that may not be whole; "
        "expected sizes, or scales by which the size is whole: runtimes differ in others",
    ):
        by_rules(proto, {"x": X}, free)
