"""Normalizations against ONNX Runtime."""

import numpy as np
import pytest

pytest.importorskip("onnxruntime")


from onnx_nodes import case, check, floats

X = floats(2, 4, 5)
IMAGE = floats(2, 4, 3, 5)
SCALE, BIAS = floats(4), floats(4)
MEAN, VARIANCE = floats(4), np.abs(floats(4)) + 0.5


def test_over_channels():
    check(
        *(case("BatchNormalization", x, SCALE, BIAS, MEAN, VARIANCE) for x in (X, IMAGE)),
        case("BatchNormalization", IMAGE, SCALE, BIAS, MEAN, VARIANCE, epsilon=0.1),
        *(case("InstanceNormalization", x, SCALE, BIAS) for x in (X, IMAGE)),
        tolerance=2e-5,
    )


@pytest.mark.parametrize("free", [False, True])
def test_over_axes(free):
    check(
        case("LayerNormalization", X, floats(5), floats(5)),
        case("LayerNormalization", X, floats(5), epsilon=0.01),
        case("LayerNormalization", X, floats(4, 5), floats(4, 5), axis=1),
        *(case(op, X, axis=a) for op in ("Softmax", "LogSoftmax") for a in (-1, 1, 0)),
        *(case("LpNormalization", X, p=p, axis=a) for p in (1, 2) for a in (-1, 1)),
        free=free,
        tolerance=2e-5,
    )


def test_over_groups():
    """In the operator set that states a scale for each channel."""
    check(case("GroupNormalization", IMAGE, SCALE, BIAS, num_groups=2), opset=21, tolerance=2e-5)


def test_softmax_of_older_operator_sets():
    """It is over all axes from one on."""
    check(*(case(op, X, axis=1) for op in ("Softmax", "LogSoftmax")), opset=11, tolerance=2e-5)
