"""The products of a step, against NumPy."""

import numpy as np
import pytest
import tensorflow as tf

from rnnlite.scan.products import COUNTS, by_remainder_rows, gates, step_weights
from rnnlite.scan.projection import Projection


@pytest.mark.parametrize(("batch", "count"), [(2, 1), (2, 2), (8, 1), (9, 2), (15, 1)])
def test_remainder_rows_give_the_same_product(batch, count):
    rng = np.random.default_rng(0)
    x, w = (rng.standard_normal(s).astype(np.float32) for s in ((batch, 5), (5, 7)))
    np.testing.assert_allclose(by_remainder_rows(count)(tf.constant(x), w), x @ w, atol=1e-5)


@pytest.mark.parametrize("place", Projection)
@pytest.mark.parametrize("biased", [False, True])
def test_gates_are_the_same_wherever_inputs_are_projected(place, biased):
    rng = np.random.default_rng(0)
    x, h, kernel, recurrent, bias = (
        rng.standard_normal(s).astype(np.float32) for s in ((3, 4), (3, 5), (4, 6), (5, 6), (6,))
    )
    expected = x @ kernel + h @ recurrent + bias * biased
    weights = step_weights(place, kernel, recurrent, bias if biased else None)
    assert len(weights) == COUNTS[place]
    row = x @ kernel + bias * biased if place is Projection.HOISTED else x
    found = gates(place, tf.matmul, tf.constant(row), tf.constant(h), weights)
    np.testing.assert_allclose(found, expected, atol=1e-5)
