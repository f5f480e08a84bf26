"""Layers in the paths of tensors."""

import pytest

from rnnlite.lite.paths import layer_of


@pytest.mark.parametrize(
    ("path", "layer"),
    [
        ("functional_1/label_1/MatMul", "label"),
        ("functional/label_1/MatMul", "label_1"),
        ("functional_1/bidirectional_1/backward_lstm_1/step/MatMul;x/Add", "backward_lstm"),
        ("functional_1/tags_1/Tensordot/MatMul", "tags"),
        ("demo_1/conv_1/convolution/ExpandDims", "conv"),
        ("demo_1/norm_1/moments/mean", "norm"),
        ("demo/norm/moments/mean", "norm"),
        ("moments/mean", ""),
        ("MatMul", ""),
        ("", ""),
    ],
)
def test_layer_of_a_path(path, layer):
    assert layer_of(path) == layer
