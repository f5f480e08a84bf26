"""What integers of inputs and outputs cost by themselves; the file is stood in for."""

from types import SimpleNamespace

import numpy as np
import pytest

from rnnlite.quantization.measure import rounding
from rnnlite.quantization.measure.rounding import Rounded, rounded_alone
from rnnlite.specs import TensorSpec

COARSE = (0.5, 10)
"""Scale and zero point."""


@pytest.fixture
def cost(monkeypatch):
    """The cost of the scales of input and output (None: floats), of what is twice its input."""

    def run(first, last, rows=((1.0, 0.7),), batch=1, axis=0):
        closed, batches = [], []

        def spec(name, known):
            dtype = "float32" if known is None else "int8"
            shape = (batch, None) if axis == 0 else (None, batch)
            return TensorSpec(name, shape, dtype, batch_axis=axis, quantization=known)

        def file(data, *, signature):
            return SimpleNamespace(
                inputs=(spec("x", first),),
                outputs=(spec("y", last),),
                close=lambda: closed.append((data, signature)),
            )

        def source(arrays):
            batches.append(arrays[0].shape)
            return [2 * arrays[0]]

        monkeypatch.setattr(rounding, "ModelApart", file)
        samples = [[np.array(row, np.float32)] for row in rows]
        (found,) = rounded_alone(source, b"file", samples, signature="a")
        assert closed == [(b"file", "a")]
        return found, batches

    return run


def test_inputs_and_output_are_rounded_apart(cost):
    # 0.7 comes as 0.5, so that 1.4 becomes 1; 1.4 itself comes as 1.5.
    signal = np.sqrt(2.0**2 + 1.4**2)
    assert cost(COARSE, None)[0] == Rounded(pytest.approx(0.4 / signal, rel=1e-5), 0.0)
    assert cost(None, COARSE)[0] == Rounded(0.0, pytest.approx(0.1 / signal, rel=1e-5))
    both = cost(COARSE, COARSE)[0]
    assert (both.inputs, both.output) == (
        cost(COARSE, None)[0].inputs,
        cost(None, COARSE)[0].output,
    )


def test_floats_cost_nothing(cost):
    assert cost(None, None)[0] == Rounded(0.0, 0.0)


def test_what_leaves_its_range_costs(cost):
    found, _ = cost(None, COARSE, rows=[(100.0,)])
    assert found.output == pytest.approx((200 - 117 * 0.5) / 200)


def test_all_samples_count_together_up_to_a_number(cost):
    many = [(0.0, 1.0)] * rounding.MOST_SAMPLES
    assert cost(COARSE, None, rows=[*many, (0.7, 0.7)])[0].inputs == 0.0
    assert cost(COARSE, None, rows=[*many[1:], (0.7, 0.7)])[0].inputs > 0.0


@pytest.mark.parametrize(("axis", "shape"), [(0, (3, 2)), (1, (2, 3))])
def test_batches_are_of_the_files_size(cost, axis, shape):
    assert cost(COARSE, None, batch=3, axis=axis)[1] == [shape, shape]
