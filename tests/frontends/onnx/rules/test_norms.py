"""Normalizations against ONNX Runtime."""

import numpy as np
import pytest
import tensorflow as tf

pytest.importorskip("onnxruntime")


from onnx_nodes import case, check, floats, traced
from onnx_rules import arrays, called, check_forms, value
from rnnlite.errors import UnsupportedError
from rnnlite.frontends.onnx.values import Value

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


ONE = floats(2, 1, 4, 3)


@pytest.mark.parametrize("op", ["Softmax", "LogSoftmax", "LpNormalization"])
@pytest.mark.parametrize("axis", [0, 1, 2, 3, -2])
def test_any_axis_in_any_order(op, axis):
    """An axis of one that is new has one element alone."""
    check_forms(op, ONE, axis=axis, tolerance=2e-5)


def test_a_norm_of_zero_leaves_zeros():
    for p in (1, 2):
        (found,) = arrays(called("LpNormalization", value(np.zeros((2, 3), np.float32)), p=p))
        np.testing.assert_array_equal(found, np.zeros((2, 3)))


def test_large_numbers_overflow_nowhere():
    """As masks have them."""
    x = np.asarray([[1e4, -1e9, 0.0], [-1e9, -1e9, -1e9]], np.float32)
    check_forms("Softmax", x)
    check_forms("LogSoftmax", x, tolerance=1e-4)


def test_a_softmax_of_older_operator_sets_over_the_last_axis_alone():
    """What lies behind the axis is of one: nothing is to be joined."""
    check_forms("Softmax", floats(2, 4, 1), axis=1, opset=11)
    kinds = {o.type for o in traced(case("Softmax", floats(2, 4, 1), axis=1), opset=11)}
    assert "Softmax" in kinds


@pytest.mark.parametrize("shape", [(2, 4), (2, 4, 5), (1, 4, 3, 2)])
def test_batch_normalization_of_any_rank(shape):
    check_forms("BatchNormalization", floats(*shape), SCALE, BIAS, MEAN, VARIANCE, tolerance=2e-5)


def test_normalizations_in_any_order():
    check_forms("InstanceNormalization", IMAGE, SCALE, BIAS, tolerance=1e-4)
    check_forms("LayerNormalization", ONE, floats(3), floats(3), tolerance=1e-4)
    check_forms("LayerNormalization", ONE, floats(4, 3), axis=2, tolerance=1e-4)


def test_mean_and_deviation_of_layers():
    """They are given where they are asked for."""
    check_forms("LayerNormalization", X, floats(5), floats(5), outputs=3, tolerance=1e-4)
    check_forms("LayerNormalization", X, floats(4, 5), axis=1, outputs=3, tolerance=1e-4)


@pytest.mark.parametrize(("opset", "count"), [(18, 2), (21, 4)])
def test_scales_of_groups_and_of_channels(opset, count):
    scale, bias = floats(count), floats(count)
    given = {"num_groups": 2, "opset": opset, "tolerance": 1e-4}
    check_forms("GroupNormalization", IMAGE, scale, bias, **given)
    check_forms("GroupNormalization", X, scale, bias, epsilon=0.1, **given)


def test_groups_of_channels_of_unknown_number_are_refused():
    @tf.function(input_signature=[tf.TensorSpec([2, None, 3])], autograph=False)
    def call(x):
        return called("GroupNormalization", Value.of(x), SCALE, BIAS, num_groups=2)[0].base

    with pytest.raises(UnsupportedError, match="channels of unknown number; expected a known num"):
        call.get_concrete_function()


def test_training_is_refused():
    given = (value(X), SCALE, BIAS, MEAN, VARIANCE)
    with pytest.raises(UnsupportedError, match="has training_mode; expected evaluation mode") as e:
        called("BatchNormalization", *given, training_mode=1)
    assert "model.eval()" in str(e.value)


@pytest.mark.parametrize(("place", "name"), [(1, "scale"), (3, "mean"), (4, "variance")])
def test_statistics_that_are_computed_are_refused(place, name):
    given = [value(X), SCALE, BIAS, MEAN, VARIANCE]
    given[place] = value(given[place])
    with pytest.raises(UnsupportedError, match=f"the {name} of BatchNormalization 'it' is comput"):
        called("BatchNormalization", *given)
