"""Pads against ONNX Runtime."""

import numpy as np
import pytest
import tensorflow as tf

pytest.importorskip("onnxruntime")


from onnx_nodes import by_rules, case, check, check_model, floats, model, node
from onnx_rules import arrays, called, check_forms, value
from rnnlite.errors import UnsupportedError
from rnnlite.frontends.onnx.values import Dims

X = floats(2, 3, 5)
PADS = np.asarray([0, 1, 2, 0, 0, 1])
CUT = np.asarray([0, -1, 1, 0, 0, -2])
NUMBER = np.asarray(1.5, np.float32)


@pytest.mark.parametrize("free", [False, True])
def test_forms(free):
    check(
        case("Pad", X, PADS),
        case("Pad", X, PADS, NUMBER),
        case("Pad", X, CUT),
        *(case("Pad", X, PADS, mode=m) for m in ("edge", "reflect")),
        case("Pad", X, np.asarray([1, 2]), NUMBER, np.asarray([-1])),
        free=free,
        opset=18,
    )


def test_of_older_operator_sets():
    check(case("Pad", X, pads=PADS.tolist(), value=2.5, mode="constant"), opset=10)


def test_pads_that_follow_from_a_size():
    """As what makes a length a multiple of a number."""
    nodes = [
        node("Shape", "x", outputs=["s"], start=2),
        node("Concat", "z", "s", outputs=["pads"], axis=0),
        node("Pad", "x", "pads"),
    ]
    data = {"x": X}
    proto = model(nodes, data, {"z": np.asarray([0, 0, 0, 0, 0])}, free=("x",))
    check_model(proto, data, free=("x",))


def test_a_number_that_is_computed_has_any_rank():
    """Casts of constants of one element are no constants to the rules."""
    nodes = [node("Neg", "n", outputs=["m"]), node("Pad", "x", "pads", "m")]
    data = {"x": X, "n": np.asarray([1.5], np.float32)}
    check_model(model(nodes, data, {"pads": PADS}), data)


def test_a_mode_without_a_rule_is_refused():
    proto = model([node("Pad", "x", "p", mode="other")], {"x": X}, {"p": PADS}, opset=19)
    with pytest.raises(UnsupportedError, match="mode='other'; expected constant, reflect, edge or"):
        by_rules(proto, {"x": X})


MODES = [("constant", NUMBER), ("edge", None), ("reflect", None)]


@pytest.mark.parametrize(("mode", "number"), MODES)
@pytest.mark.parametrize(
    "pads",
    [
        [0, 0, 0, 0, 0, 0],
        [0, 1, 2, 0, 1, 0],
        [0, -1, 0, 0, 0, 1],
        [0, 0, -1, 0, 0, -2],
        [-1, 0, 3, 0, -1, 1],
    ],
)
def test_pads_and_cuts_in_any_order_of_axes(mode, number, pads):
    check_forms("Pad", X, np.asarray(pads), number, mode=mode, opset=18)


@pytest.mark.parametrize("mode", ["constant", "edge"])
def test_a_new_axis_grows(mode):
    check_forms("Pad", floats(2, 1, 4), np.asarray([0, 2, 0, 1, 1, 0]), mode=mode, opset=18)


def test_axes_that_are_named():
    pads, axes = np.asarray([1, 2, 0, 1]), np.asarray([2, 0])
    for mode in ("constant", "edge"):
        check_forms("Pad", X, pads, NUMBER, axes, mode=mode, opset=18)


def test_whole_numbers():
    whole = np.arange(6).reshape(2, 3)
    check_forms("Pad", whole, np.asarray([0, 1, 1, 0]), np.asarray(7))
    check_forms("Pad", whole, np.asarray([0, 1, 1, 0]), mode="edge")


def test_a_filler_that_is_computed():
    filler = value(np.asarray(2.5, np.float32))
    (found,) = arrays(called("Pad", value(X), PADS, filler))
    wanted = np.pad(X, [(0, 0), (1, 0), (2, 1)], constant_values=2.5)
    np.testing.assert_array_equal(found, wanted)


def test_no_pads_compute_nothing():
    x = value(X)
    (found,) = called("Pad", x, np.zeros(6, np.int64))
    assert found.base is x.base


def test_edges_of_sizes_that_are_computed_are_refused():
    pads = Dims.vector([0, 0, tf.constant(1), 0, 0, 0])
    with pytest.raises(UnsupportedError, match="has pads computed from the inputs; expected numb"):
        called("Pad", value(X), pads, mode="edge")


def test_pads_that_are_computed_are_refused():
    with pytest.raises(UnsupportedError, match="the pads of Pad 'it' is computed from the inputs"):
        called("Pad", value(X), value(PADS))


@pytest.mark.parametrize("free", [False, True])
@pytest.mark.parametrize("pads", [[0, 2, 0, 1], [1, 0, 0, 3], [0, 0, 5, 0], [0, 7, 0, 9]])
def test_a_ring(free, pads):
    """Also with more rows than there are, where ONNX Runtime reads outside of them."""
    x = np.arange(12, dtype=np.float32).reshape(3, 4)
    proto = model([node("Pad", "x", "p", mode="wrap")], {"x": x}, {"p": np.asarray(pads)}, opset=19)
    widths = list(zip(pads[:2], pads[2:], strict=True))
    (found,) = by_rules(proto, {"x": x}, ("x",) if free else ())
    np.testing.assert_array_equal(found, np.pad(x, widths, mode="wrap"))
