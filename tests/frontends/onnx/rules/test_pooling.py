"""Pooling against ONNX Runtime: along one to three axes, with pads, holes and rounding."""

import numpy as np
import pytest
import tensorflow as tf

pytest.importorskip("onnxruntime")

from onnx_nodes import by_rules, case, check, floats, model, node, traced
from onnx_rules import arrays, called, check_forms, value
from rnnlite.errors import UnsupportedError
from rnnlite.frontends.onnx.nodes import Node
from rnnlite.frontends.onnx.rules.pooling import _Pool, _rounded_up
from rnnlite.frontends.onnx.values import Value

INPUTS = {1: floats(2, 3, 11), 2: floats(2, 3, 9, 8), 3: floats(1, 2, 6, 7, 5)}
FORMS = [
    {"kernel_shape": [3]},
    {"kernel_shape": [3], "strides": [2], "pads": [1, 0]},
    {"kernel_shape": [2], "strides": [2], "ceil_mode": 1},
    {"kernel_shape": [3], "strides": [2], "auto_pad": "SAME_UPPER"},
    {"kernel_shape": [2, 3], "strides": [2, 1], "pads": [0, 1, 1, 0]},
    {"kernel_shape": [3, 2], "strides": [2, 2], "ceil_mode": 1, "pads": [1, 0, 1, 0]},
    {"kernel_shape": [2, 2], "strides": [2, 1], "auto_pad": "SAME_UPPER"},
    {"kernel_shape": [2, 2, 3]},
    {"kernel_shape": [2, 2, 1], "strides": [2, 1, 1], "pads": [1, 0, 0, 0, 1, 0]},
]
HOLES = [
    {"kernel_shape": [3], "dilations": [2]},
    {"kernel_shape": [2, 3], "dilations": [2, 1], "strides": [1, 2], "pads": [1, 1, 0, 0]},
    {"kernel_shape": [3], "dilations": [2], "strides": [3], "ceil_mode": 1},
]


def made(op, form, **more):
    return case(op, INPUTS[len(form["kernel_shape"])], **form, **more)


@pytest.mark.parametrize("free", [False, True])
def test_forms(free):
    given = [made(op, f) for op in ("MaxPool", "AveragePool") for f in FORMS]
    # A mean with holes: of operator set 19.
    given += [made(op, f) for op in ("MaxPool", "AveragePool") for f in HOLES]
    check(*given, free=free, opset=19)


def test_pads_that_count():
    check(*(made("AveragePool", f, count_include_pad=1) for f in FORMS[:7]), opset=19)


def test_lower_pads():
    form = {"kernel_shape": [2], "auto_pad": "SAME_LOWER"}
    check(*(made(op, form) for op in ("MaxPool", "AveragePool")), opset=19)


def test_the_whole():
    check(*(case(op, x) for op in ("GlobalAveragePool", "GlobalMaxPool") for x in INPUTS.values()))


def test_pads_of_any_size_are_left_to_the_op():
    kinds = {o.type for o in traced(made("MaxPool", FORMS[3]), free=True)}
    assert "MaxPool" in kinds
    assert not any(k.startswith("Pad") for k in kinds)


def test_windows_shorter_than_a_step_are_refused():
    proto = model(
        [node("MaxPool", "x", kernel_shape=[1], strides=[2], ceil_mode=1)],
        {"x": INPUTS[1]},
        free=("x",),
    )
    with pytest.raises(UnsupportedError, match="ceil_mode over an axis of any size with windows"):
        by_rules(proto, {"x": INPUTS[1]}, free=("x",))
    assert np.shape(by_rules(proto, {"x": INPUTS[1]})[0]) == (2, 3, 6)


def test_any_order_of_axes():
    for op in ("MaxPool", "AveragePool"):
        check_forms(op, floats(1, 3, 7, 1), kernel_shape=[3, 1], strides=[2, 1], pads=[1, 0, 1, 0])
    for op in ("GlobalMaxPool", "GlobalAveragePool"):
        check_forms(op, floats(1, 3, 4, 1))


def stated_mean(x, size, stride, pads, dilation, *, ceil, includes):
    """A mean over windows of one axis, window by window."""
    begin, end = pads
    extent = (size - 1) * dilation + 1
    room = len(x) + begin + end - extent
    count = (-(-room // stride) if ceil else room // stride) + 1
    # No window begins behind the rows and the pad in front.
    count -= ceil and (count - 1) * stride >= len(x) + begin
    found = []
    for k in range(count):
        places = [k * stride + j * dilation - begin for j in range(size)]
        inside = [x[p] for p in places if 0 <= p < len(x)]
        there = sum(-begin <= p < len(x) + end for p in places) if includes else len(inside)
        found.append(np.sum(inside) / there)
    return found


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("pads", [(0, 0), (1, 0), (1, 1), (0, 1)])
@pytest.mark.parametrize("ceil", [0, 1])
@pytest.mark.parametrize("includes", [0, 1])
def test_what_a_mean_counts(stride, pads, ceil, includes):
    """Pads where they are said to count; never what rounding up adds."""
    for length in (5, 6, 7):
        x = floats(length)
        for size, dilation in ((2, 1), (3, 1), (2, 2)):
            if size * dilation > length or max(pads) >= size:
                continue
            form = {"kernel_shape": [size], "strides": [stride], "pads": list(pads)}
            form |= {"dilations": [dilation], "ceil_mode": ceil, "count_include_pad": includes}
            (found,) = arrays(called("AveragePool", value(x[None, None]), opset=19, **form))
            wanted = stated_mean(x, size, stride, pads, dilation, ceil=ceil, includes=includes)
            np.testing.assert_allclose(found[0, 0], wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("auto", ["SAME_UPPER", "SAME_LOWER", "VALID"])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_pads_that_are_left_to_the_size(auto, stride):
    form = {"kernel_shape": [3], "strides": [stride], "auto_pad": auto}
    check(*(made(op, form) for op in ("MaxPool", "AveragePool")), opset=19)


def test_a_maximum_of_negative_numbers_is_never_a_pad():
    x = -np.abs(floats(1, 2, 5)) - 1
    (found,) = arrays(called("MaxPool", value(x), kernel_shape=[3], pads=[2, 2]))
    assert (found < 0).all()
    assert found.shape == (1, 2, 7)


def test_the_places_of_maxima_are_refused():
    form = {"kernel_shape": [2], "outputs": ("y", "i")}
    proto = model([node("MaxPool", "x", **form)], {"x": INPUTS[1]}, outputs=("y", "i"))
    text = "node MaxPool 'y' is asked for its result 'i', which is not computed; expected the first"
    with pytest.raises(UnsupportedError, match=text):
        by_rules(proto, {"x": INPUTS[1]})


@pytest.mark.parametrize(
    ("kernel", "dilations", "plain", "extents"),
    [
        ((3,), (1,), True, [3]),
        ((3, 2), (1, 1), True, [3, 2]),
        ((3,), (2,), False, [5]),
        ((2, 2, 2), (1, 1, 1), False, [2, 2, 2]),
    ],
)
def test_windows_that_there_is_an_op_for(kernel, dilations, plain, extents):
    pool = _Pool(kernel, (1,) * len(kernel), dilations, is_max=True)
    assert (pool.is_plain, pool.extents) == (plain, extents)


@pytest.mark.parametrize(
    ("size", "extent", "stride", "pads", "wanted"),
    [
        (5, 2, 2, (0, 0), (0, 1)),
        (6, 2, 2, (0, 0), (0, 0)),
        (7, 3, 2, (1, 0), (1, 1)),
        (5, 3, 3, (0, 1), (0, 1)),
        (4, 1, 3, (0, 0), (0, 0)),
        (None, 3, 2, (1, 1), (1, 2)),
        (None, 2, 2, (0, 0), (0, 1)),
    ],
)
def test_the_last_window_is_whole(size, extent, stride, pads, wanted):
    found = []

    @tf.function(input_signature=[tf.TensorSpec([1, 2, size])], autograph=False)
    def call(x):
        one = Node("MaxPool", "", "it", ("x",), ("y",), {}, 19)
        found.extend(_rounded_up(one, Value.of(x), [extent], [stride], [pads]))
        return x

    call.get_concrete_function()
    assert found == [wanted]
