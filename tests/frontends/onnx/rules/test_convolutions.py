"""Convolutions against ONNX Runtime: along one to three axes, in groups, with holes and pads."""

import numpy as np
import pytest

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
from rnnlite.errors import UnsupportedError

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
