"""Convolutions against ONNX Runtime: along one to three axes, in groups, with holes and pads."""

import numpy as np
import pytest
import tensorflow as tf

pytest.importorskip("onnxruntime")

from onnx_nodes import (
    by_rules,
    case,
    check,
    check_model,
    floats,
    function_of,
    model,
    node,
    traced,
)
from onnx_rules import called, check_forms, value
from rnnlite.errors import UnsupportedError
from rnnlite.frontends.onnx.nodes import Node
from rnnlite.frontends.onnx.rules.convolutions import (
    _padding,
    _spread_out,
    channels_last,
    is_same_upper,
    same_pads,
    windows,
)
from rnnlite.frontends.onnx.values import Value

SIZES = {1: (11,), 2: (9, 8), 3: (4, 5, 3)}
INPUTS = {k: floats(2, 4, *size) for k, size in SIZES.items()}


def conv(kernel, groups=1, outputs=6, bias=True, **attributes):
    x = INPUTS[len(kernel)]
    w = floats(outputs, 4 // groups, *kernel, scale=0.5)
    b = [floats(outputs)] if bias else []
    return case("Conv", x, w, *b, group=groups, **attributes)


def spread(kernel, groups=1, outputs=6, bias=True, **attributes):
    x = INPUTS[len(kernel)]
    w = floats(4, outputs // groups, *kernel, scale=0.5)
    b = [floats(outputs)] if bias else []
    return case("ConvTranspose", x, w, *b, group=groups, **attributes)


FORMS = [
    conv([3]),
    conv([3], pads=[1, 1], bias=False),
    conv([3], pads=[2, 0], strides=[2]),
    conv([2], dilations=[3], pads=[0, 3]),
    conv([3], groups=4, outputs=4, pads=[1, 1]),
    conv([3], groups=4, outputs=8, dilations=[2]),
    conv([3], groups=2),
    conv([3], strides=[2], auto_pad="SAME_UPPER"),
    conv([4], auto_pad="SAME_LOWER"),
    conv([3], auto_pad="VALID"),
    conv([3, 2], pads=[1, 0, 1, 1], strides=[2, 1]),
    conv([3, 3], groups=4, outputs=4, pads=[1, 1, 1, 1]),
    conv([3, 2], groups=4, outputs=4, strides=[2, 1]),
    conv([3, 2], groups=2, dilations=[1, 2]),
    conv([2, 3], strides=[2, 3], auto_pad="SAME_UPPER"),
    conv([2, 3, 2], pads=[0, 1, 0, 1, 1, 0]),
]
SPREAD = [
    spread([3]),
    spread([3], strides=[2], pads=[1, 1], output_padding=[1]),
    spread([2], strides=[3], bias=False),
    spread([3], dilations=[2], groups=2),
    spread([4], strides=[2], auto_pad="SAME_UPPER"),
    spread([3], strides=[2], auto_pad="SAME_LOWER"),
    spread([2], strides=[3], auto_pad="SAME_UPPER"),
    spread([3, 2], strides=[2, 1], pads=[1, 0, 0, 1]),
    spread([3, 3], groups=2, strides=[2, 2], output_padding=[1, 0]),
    spread([2, 3, 2], strides=[1, 2, 1], pads=[0, 1, 0, 1, 0, 0]),
]


@pytest.mark.parametrize("free", [False, True])
def test_forms(free):
    # A depthwise or grouped kernel says how many channels there are; no other size is known.
    given = [c for c in FORMS if c.attributes["group"] == 1] if free else FORMS
    check(*given, free=free)


def test_transposed():
    check(*SPREAD, spread([3], strides=[2], output_shape=[20]))


def test_transposed_at_any_length():
    """The channels are known, as they are in models."""
    for one in SPREAD:
        if len(one.inputs[1].shape) == 3:
            x = INPUTS[1]
            made = node(
                "ConvTranspose", "x", "w", *(["b"] if len(one.inputs) > 2 else []), **one.attributes
            )
            constants = dict(zip("wb", one.inputs[1:], strict=False))
            proto = model([made], {"x": x}, constants)
            proto.graph.input[0].type.tensor_type.shape.dim[2].dim_param = "T"
            check_model(proto, {"x": x}, free={"x": (None, 4, None)})


def test_bias_that_is_computed():
    nodes = [node("Relu", "b", outputs=["c"]), node("Conv", "x", "w", "c")]
    data = {"x": INPUTS[1], "b": floats(6)}
    check_model(model(nodes, data, {"w": floats(6, 4, 3)}), data)


def test_transposes_between_convolutions_cancel():
    nodes = [
        node("Conv", "x", "w", outputs=["a"]),
        node("Relu", "a", outputs=["r"]),
        node("Conv", "r", "v"),
    ]
    data = {"x": INPUTS[2]}
    proto = model(nodes, data, {"w": floats(5, 4, 3, 3), "v": floats(2, 5, 1, 1)})
    kinds = [o.type for o in function_of(proto, data).graph.get_operations()]
    assert kinds.count("Transpose") == 2


def test_pads_of_any_size_are_left_to_the_op():
    kinds = {o.type for o in traced(FORMS[7], free=True)}
    assert not any(k.startswith("Pad") for k in kinds)


@pytest.mark.parametrize(
    ("op", "x", "attributes", "text"),
    [
        ("Conv", 1, {"auto_pad": "SAME_LOWER", "strides": [2]}, "SAME_LOWER with strides over"),
        ("ConvTranspose", 1, {"output_shape": [20]}, "output_shape for an axis of any size"),
    ],
)
def test_what_depends_on_the_size_is_refused(op, x, attributes, text):
    data = {"x": INPUTS[x]}
    proto = model([node(op, "x", "w", **attributes)], data, {"w": floats(4, 4, 3)}, free=("x",))
    with pytest.raises(UnsupportedError, match=text):
        by_rules(proto, data, free={"x": (None, 4, None)})


def test_weights_that_are_computed_are_refused():
    data = {"x": INPUTS[1], "w": floats(4, 4, 3)}
    with pytest.raises(UnsupportedError, match="the weights of Conv 'y' is computed from the inp"):
        by_rules(model([node("Conv", "x", "w")], data), data)
    assert np.ndim(data["w"]) == 3


HOLES = [
    {"strides": [2], "dilations": [2]},
    {"strides": [1], "dilations": [3]},
    {"strides": [3], "dilations": [1]},
    {"strides": [2, 2], "dilations": [2, 2]},
    {"strides": [2, 1], "dilations": [1, 1]},
    {"strides": [1, 1], "dilations": [1, 2]},
    {"strides": [1, 2], "dilations": [2, 1]},
    {"strides": [2, 2, 1], "dilations": [1, 1, 1]},
]


@pytest.mark.parametrize("form", HOLES)
@pytest.mark.parametrize(("groups", "outputs"), [(1, 3), (2, 4), (4, 4), (4, 8)])
def test_steps_and_holes_in_groups(form, groups, outputs):
    """TensorFlow's own convolution of single channels leaves a step out beside holes."""
    rank = len(form["strides"])
    check(conv([2] * rank, groups, outputs, **form))


@pytest.mark.parametrize("groups", [1, 4])
def test_one_convolution_for_all_single_channels(groups):
    kinds = [o.type for o in traced(conv([3], groups, 4, pads=[1, 1]))]
    assert kinds.count("DepthwiseConv2dNative") == (groups == 4)
    assert "Split" not in kinds


def test_any_order_of_axes():
    x, w = floats(1, 3, 5, 1), floats(2, 3, 2, 1)
    check_forms("Conv", x, w, floats(2), tolerance=1e-4)
    check_forms("ConvTranspose", x, floats(3, 2, 2, 2), floats(2), strides=[2, 1], tolerance=1e-4)


@pytest.mark.parametrize(
    ("pads", "wanted"),
    [
        ([1, 1], ("SAME", [])),
        ([0, 0], ("VALID", [])),
        ([2, 0], ("VALID", [(2, 0)])),
        ([0, 2], ("VALID", [(0, 2)])),
        ([1, 2], ("VALID", [(1, 2)])),
    ],
)
def test_pads_that_are_those_of_tensorflow(pads, wanted):
    """They need no op of their own."""
    assert _padding([3], [1], [1], pads) == wanted


def test_pads_with_holes_and_steps():
    assert _padding([3], [1], [2], [2, 2]) == ("SAME", [])
    assert _padding([4], [1], [1], [1, 2]) == ("SAME", [])
    assert _padding([4], [1], [1], [2, 1]) == ("VALID", [(2, 1)])
    assert _padding([3], [2], [1], [1, 1]) == ("VALID", [(1, 1)])
    assert _padding([3, 3], [1, 1], [1, 1], [1, 0, 1, 0]) == ("VALID", [(1, 1), (0, 0)])


def form_of(**attributes):
    return Node("Conv", "", "it", ("x",), ("y",), attributes, 17)


def test_windows_and_their_defaults():
    assert windows(form_of(), [3, 2]) == ([1, 1], [1, 1], [0, 0, 0, 0])
    stated = {"strides": [2, 1], "dilations": [1, 3], "pads": [1, 0, 0, 2]}
    assert windows(form_of(**stated), [3, 2]) == ([2, 1], [1, 3], [1, 0, 0, 2])


@pytest.mark.parametrize(
    ("auto", "kernel", "stride", "dilation", "wanted"),
    [
        ("NOTSET", 3, 1, 1, None),
        ("", 3, 1, 1, None),
        ("VALID", 3, 1, 1, [0, 0]),
        ("SAME_UPPER", 3, 1, 1, [1, 1]),
        ("SAME_UPPER", 4, 1, 1, [1, 2]),
        ("SAME_LOWER", 4, 1, 1, [2, 1]),
        ("SAME_LOWER", 3, 1, 2, [2, 2]),
        ("SAME_UPPER", 3, 2, 1, [1, 1]),
        ("SAME_LOWER", 4, 2, 1, [2, 1]),
        ("SAME_UPPER", 3, 3, 1, [0, 1]),
        ("SAME_UPPER", 1, 4, 1, [0, 0]),
    ],
)
def test_pads_that_a_node_leaves_to_its_sizes(auto, kernel, stride, dilation, wanted):
    x = Value.of(tf.zeros([1, 2, 11]))
    assert same_pads(form_of(auto_pad=auto), x, [kernel], [stride], [dilation]) == wanted


@pytest.mark.parametrize(
    ("auto", "stride", "wanted"),
    [("SAME_UPPER", 2, True), ("SAME_UPPER", 1, False), ("SAME_LOWER", 2, False)],
)
def test_pads_that_litert_computes_for_any_size(auto, stride, wanted):
    assert is_same_upper(form_of(auto_pad=auto), [stride]) == wanted


def test_channels_stand_last():
    x = floats(2, 3, 4, 5)
    found = channels_last(Value.of(tf.constant(x)))
    np.testing.assert_array_equal(found.base, x.transpose(0, 2, 3, 1))
    assert (found.shape, found.axes) == ((2, 3, 4, 5), (0, 3, 1, 2))
    assert channels_last(found).base is found.base


@pytest.mark.parametrize("dilations", [(1, 1), (2, 1), (1, 3), (2, 2)])
def test_zeros_between_the_elements_of_a_kernel(dilations):
    w = floats(2, 3, 2, 3)
    found = _spread_out(w, dilations)
    assert found.shape == (2, 3, dilations[0] + 1, 2 * dilations[1] + 1)
    np.testing.assert_array_equal(found[:, :, :: dilations[0], :: dilations[1]], w)
    assert np.count_nonzero(found) == w.size


@pytest.mark.parametrize("auto", ["NOTSET", "SAME_UPPER", "SAME_LOWER"])
@pytest.mark.parametrize("size", [18, 20, 21, 22, 24])
def test_a_stated_size_is_cut_or_filled_up(auto, size):
    """11 rows by steps of 2 and a kernel of 3 give 23."""
    options = {} if auto == "NOTSET" else {"auto_pad": auto}
    check(spread([3], strides=[2], output_shape=[size], **options))


def test_a_bias_of_a_transposed_convolution_that_is_computed_is_refused():
    given = (value(INPUTS[1]), floats(4, 6, 3), value(floats(6)))
    with pytest.raises(UnsupportedError, match="the bias of ConvTranspose 'it' is computed from"):
        called("ConvTranspose", *given)


def test_four_axes_are_refused():
    given = (value(floats(1, 1, 2, 2, 2, 2)), floats(1, 1, 1, 1, 1, 1))
    with pytest.raises(UnsupportedError, match="has four axes or more; expected one to three axes"):
        called("ConvTranspose", *given)


@pytest.mark.parametrize("op", ["Conv", "ConvTranspose"])
def test_weights_tell_the_number_of_channels(op):
    """Where a shape that is computed does not, as behind `view(batch * time, -1)`."""
    with tf.Graph().as_default():
        x = Value.of(tf.compat.v1.placeholder(tf.float32, [None, None, None]))
        found = called(op, x, floats(4, 4, 3))[0]
        kernels = [o for o in found.base.graph.get_operations() if o.type.startswith("Conv2D")]
        (data,) = {o.inputs[0 if op == "Conv" else 2].shape[-1] for o in kernels}
    assert data == 4
