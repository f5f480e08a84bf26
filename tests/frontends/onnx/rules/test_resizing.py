"""Resize and Upsample against ONNX Runtime."""

import numpy as np
import pytest
import tensorflow as tf

pytest.importorskip("onnxruntime")

from onnx_nodes import by_rules, case, check, check_model, floats, model, node, traced
from onnx_rules import called, check_forms, value
from rnnlite.errors import UnsupportedError
from rnnlite.frontends.onnx.rules.resizing import _factor, _repeats, _Sampling, _scaled

X = floats(1, 2, 5, 6)
SCALES = [(1, 1, 2, 3), (1, 1, 1.5, 2.5), (1, 1, 0.6, 0.5)]
SIZES = [(1, 2, 10, 6), (1, 2, 7, 9), (1, 2, 3, 1)]
COORDINATES = (
    "half_pixel",
    "pytorch_half_pixel",
    "align_corners",
    "asymmetric",
    "half_pixel_symmetric",
)
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
        for w in COORDINATES
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


def sampling(mode="nearest", coordinates="half_pixel", rounding="round_prefer_floor", cubic=-0.75):
    return _Sampling(mode, coordinates, rounding, cubic)


@pytest.mark.parametrize("mode", ["nearest", "linear", "cubic"])
def test_any_order_of_axes(mode):
    scales = np.asarray([1, 1, 2, 1.5], np.float32)
    check_forms("Resize", floats(1, 2, 3, 4), None, scales, mode=mode, tolerance=1e-4)
    check_forms("Resize", floats(1, 2, 3, 1), None, None, np.asarray([1, 2, 5, 3]), mode=mode)


@pytest.mark.parametrize(
    ("coordinates", "wanted"),
    [
        ("asymmetric", [0, 0.5, 1, 1.5, 2, 2.5]),
        ("half_pixel", [-0.25, 0.25, 0.75, 1.25, 1.75, 2.25]),
        ("pytorch_half_pixel", [-0.25, 0.25, 0.75, 1.25, 1.75, 2.25]),
        ("half_pixel_symmetric", [-0.25, 0.25, 0.75, 1.25, 1.75, 2.25]),
        ("align_corners", [0, 0.4, 0.8, 1.2, 1.6, 2]),
        ("tf_half_pixel_for_nn", [0.25, 0.75, 1.25, 1.75, 2.25, 2.75]),
    ],
)
def test_where_new_rows_lie(coordinates, wanted):
    """Three rows made six: as numbers, and as tensors where a size is not known."""
    one = sampling(coordinates=coordinates)
    np.testing.assert_allclose(one.places(3, 6, np.float32(2)), wanted, atol=1e-6)
    computed = one.places(tf.constant(3), tf.constant(6), np.float32(2))
    assert tf.is_tensor(computed)
    np.testing.assert_allclose(computed, wanted, atol=1e-6)


def test_a_single_new_row():
    for coordinates, wanted in (
        ("pytorch_half_pixel", 0),
        ("half_pixel", 1),
        ("align_corners", 0),
        ("half_pixel_symmetric", 1),
    ):
        one = sampling(coordinates=coordinates)
        for sizes in ((3, 1), (tf.constant(3), tf.constant(1))):
            np.testing.assert_allclose(one.places(*sizes, np.float32(1 / 3)), [wanted], atol=1e-6)


@pytest.mark.parametrize(
    ("rounding", "wanted"),
    [
        ("floor", [-1, 0, 0, 1, 2]),
        ("ceil", [0, 1, 1, 2, 3]),
        ("round_prefer_floor", [-1, 0, 1, 1, 2]),
        ("round_prefer_ceil", [0, 1, 1, 2, 3]),
    ],
)
def test_which_row_is_nearest(rounding, wanted):
    places = np.asarray([-0.5, 0.5, 0.7, 1.5, 2.5], np.float32)
    one = sampling(rounding=rounding)
    np.testing.assert_array_equal(one.nearest(places), wanted)
    np.testing.assert_array_equal(one.nearest(tf.constant(places)), wanted)


@pytest.mark.parametrize("mode", ["linear", "cubic"])
@pytest.mark.parametrize("numbers", [True, False])
def test_weights_sum_to_one_and_rows_lie_inside(mode, numbers):
    places = np.linspace(-0.9, 4.9, 30, dtype=np.float32)
    given = (places, 5) if numbers else (tf.constant(places), tf.constant(5))
    taps = sampling(mode=mode).taps(*given)
    assert len(taps) == {"linear": 2, "cubic": 4}[mode]
    np.testing.assert_allclose(sum(w for _, w in taps), np.ones(30), atol=1e-5)
    for rows, _ in taps:
        assert np.min(rows) >= 0
        assert np.max(rows) <= 4


def test_cubic_weights_at_a_row_are_that_row():
    weights = [float(w[0]) for _, w in sampling(mode="cubic").taps(np.float32([2]), 5)]
    np.testing.assert_allclose(weights, [0, 1, 0, 0], atol=1e-6)


def test_the_coefficient_of_cubic_weights():
    check(*(scaled((1, 1, 1.5, 2.5), mode="cubic", cubic_coeff_a=a) for a in (-0.5, -0.75, -1.0)))


@pytest.mark.parametrize(
    ("size", "new", "scale", "wanted"),
    [
        (5, 10, None, 2),
        (5, 5, None, 1),
        (5, 12, None, None),
        (5, 3, None, None),
        (5, 10, 2.0, 2),
        (5, 7, 1.5, None),
        (5, 2, 0.5, None),
        (tf.constant(5), tf.constant(10), 2.0, 2),
        (tf.constant(5), 10, None, None),
    ],
)
def test_whole_factors(size, new, scale, wanted):
    assert _factor(size, new, None if scale is None else np.float32(scale)) == wanted


@pytest.mark.parametrize(
    ("size", "scale", "wanted"), [(5, 2, 10), (5, 1.5, 7), (5, 0.6, 3), (7, 1, 7)]
)
def test_the_size_by_a_scale(size, scale, wanted):
    """It is cut off, of a size that is not known too."""
    assert _scaled(size, np.float32(scale)) == wanted
    assert int(_scaled(tf.constant(size), np.float32(scale))) == wanted


@pytest.mark.parametrize(
    ("mode", "coordinates", "rounding", "factor", "wanted"),
    [
        ("nearest", "asymmetric", "floor", 3, True),
        ("nearest", "asymmetric", "ceil", 3, False),
        ("nearest", "half_pixel", "round_prefer_floor", 2, True),
        ("nearest", "half_pixel", "floor", 2, False),
        ("nearest", "align_corners", "floor", 2, False),
        ("nearest", "half_pixel_symmetric", "round_prefer_floor", 2, False),
        ("linear", "asymmetric", "floor", 2, False),
    ],
)
def test_what_takes_each_row_as_often(mode, coordinates, rounding, factor, wanted):
    assert _repeats(sampling(mode, coordinates, rounding), factor) == wanted


def test_its_own_size_computes_nothing():
    x = value(X)
    assert called("Resize", x, None, None, np.asarray(X.shape)) == [x]
    assert called("Resize", x, None, np.ones(4, np.float32)) == [x]


@pytest.mark.parametrize(
    ("attributes", "text"),
    [
        ({"mode": "area"}, "has mode='area'; expected nearest, linear, cubic"),
        ({"nearest_mode": "up"}, "has nearest_mode='up'; expected round_prefer_floor, round_pref"),
        ({"exclude_outside": 1}, "has antialias or exclude_outside; expected neither"),
    ],
)
def test_ways_without_a_rule_are_refused(attributes, text):
    with pytest.raises(UnsupportedError, match=text):
        called("Resize", value(X), None, None, np.asarray([1, 2, 7, 9]), opset=19, **attributes)


@pytest.mark.parametrize(("place", "what"), [(2, "scales"), (3, "sizes")])
def test_scales_and_sizes_that_are_computed_are_refused(place, what):
    given = [None, None, None]
    given[place - 1] = value(np.ones(4, np.float32 if place == 2 else np.int64))
    with pytest.raises(UnsupportedError, match=f"the {what} of Resize 'it' is computed from"):
        called("Resize", value(X), *given)
