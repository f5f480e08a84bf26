"""The feature that an input's one scale leaves too few steps of."""

import numpy as np
import pytest

from rnnlite.quantization.measure.features import unlike_features
from rnnlite.specs import TensorSpec

SPECS = [TensorSpec("ids", (1, None), "int32"), TensorSpec("x", (1, None, 3), "float32")]


def samples(*scales):
    values = np.linspace(-1, 1, 20)[:, None] * np.array(scales)
    return [[np.arange(20, dtype=np.int32), values.astype(np.float32)]]


def test_like_features_are_fine():
    assert unlike_features(samples(1, 2, 5), SPECS, "int8") == ""
    # One that never varies has nothing to lose.
    assert unlike_features(samples(1, 2, 0), SPECS, "int8") == ""


def test_the_poorest_is_named():
    words = unlike_features(samples(1, 0.02, 0.01), SPECS, "int8")
    assert words == (
        "input 'x' has one integer scale for all its features: feature 2, -0.01 to 0.01, "
        "has 2.3 steps of its 2"
    )
    assert unlike_features(samples(1, 0.02, 0.01), SPECS, "int16") == ""


FRAMES = TensorSpec("x", (1, None, 2), "float32")


def rows(*arrays):
    return [[np.asarray(a, np.float32)] for a in arrays]


def test_a_range_is_over_all_samples():
    """A feature that is small in one sample alone is none of the poor."""
    poor = np.linspace(-1, 1, 20)[:, None] * [1, 0.01]
    rich = np.linspace(-1, 1, 20)[:, None] * [1, 0.5]
    assert "feature 1" in unlike_features(rows(poor), [FRAMES], "int8")
    assert unlike_features(rows(poor, rich), [FRAMES], "int8") == ""


@pytest.mark.parametrize(("scale", "poor"), [(0.05, True), (0.06, True), (0.08, False)])
def test_sixteen_steps_are_enough(scale, poor):
    """int8 has 256 of a range that is a tenth wider than what was seen."""
    found = unlike_features(rows(np.linspace(-1, 1, 9)[:, None] * [1, scale]), [FRAMES], "int8")
    assert bool(found) == poor


def test_an_input_of_one_feature_has_none_that_is_unlike():
    spec = TensorSpec("x", (1, None, 1), "float32")
    assert unlike_features(rows(np.linspace(-1, 1, 9)[:, None]), [spec], "int8") == ""


def test_a_vector_has_one_feature():
    spec = TensorSpec("x", (1, None), "float32")
    assert unlike_features(rows([0.0, 1e-6, 1.0]), [spec], "int8") == ""
    assert unlike_features(rows(0.5, 0.75), [TensorSpec("x", (1,), "float32")], "int8") == ""


def test_every_axis_of_a_fixed_size_has_features():
    """A spectrum of 3 bins, real and imaginary parts, at each time step."""
    spec = TensorSpec("x", (1, 3, None, 2), "float32")
    bins = np.linspace(-1, 1, 8).reshape(1, 4, 2) * np.reshape([1, 0.5, 0.01], (3, 1, 1))
    assert unlike_features(rows(bins), [spec], "int8") == (
        "input 'x' has one integer scale for all its features: place 2 along axis 0, "
        "-0.01 to 0.01, has 2.3 steps of its 2"
    )
    free = TensorSpec("x", (1, None, None, 2), "float32")
    assert unlike_features(rows(bins), [free], "int8") == ""


def test_images_of_any_width_have_lines():
    spec = TensorSpec("x", (1, 1, 2, None), "float32")
    lines = [np.linspace(-1, 1, 2 * n).reshape(1, n, 2).transpose(0, 2, 1) for n in (5, 8)]
    assert unlike_features(rows(*lines), [spec], "int8") == ""
    faint = [a * [[1], [0.01]] for a in lines]
    assert "place 1 along axis 1, -0.0" in unlike_features(rows(*faint), [spec], "int8")


def test_states_have_a_type_of_their_own():
    assert unlike_features(samples(1, 0.02, 0.01), SPECS, "int8", {1}) == ""


def test_features_that_lie_far_from_zero():
    """A range holds zero: what varies little far out has few steps."""
    found = unlike_features(rows(np.linspace(1000, 1001, 9)[:, None] * [1, 1]), [FRAMES], "int8")
    assert found.endswith("feature 0, 1000 to 1001, has 0.23 steps of its 1001")


def test_the_poorest_of_all_inputs():
    specs = [FRAMES, TensorSpec("z", (1, None, 2), "float32")]
    line = np.linspace(-1, 1, 9)[:, None]
    sample = [np.float32(line * [1, 0.05]), np.float32(line * [0.01, 1])]
    assert unlike_features([sample], specs, "int8").startswith("input 'z'")
    assert unlike_features([sample[::-1]], specs, "int8").startswith("input 'x'")


def test_without_samples_nothing_is_said():
    assert unlike_features([], [FRAMES], "int8") == ""
