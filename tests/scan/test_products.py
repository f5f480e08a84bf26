"""The products of a step, against NumPy."""

import numpy as np
import pytest
import tensorflow as tf

from rnnlite.scan.products import (
    COUNTS,
    by_remainder_rows,
    dense_over_time,
    gates,
    projected_row,
    step_weights,
)
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


RNG = np.random.default_rng(5)


def floats(*shape):
    return RNG.standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize("shape", [(6, 2, 3), (None, 2, 3), (6, None, 3), (None, None, 3)])
@pytest.mark.parametrize("biased", [False, True])
def test_all_time_steps_at_once(shape, biased):
    x, kernel, bias = floats(6, 2, 3), floats(3, 5), floats(5) if biased else None
    made = tf.function(
        lambda v: dense_over_time(v, kernel, bias), autograph=False
    ).get_concrete_function(tf.TensorSpec(shape))
    wanted = x @ kernel + (bias if biased else 0)
    np.testing.assert_allclose(made(tf.constant(x)), wanted, rtol=1e-5, atol=1e-5)
    # The batch stays known where it is; the width always is.
    assert made.outputs[0].shape.as_list()[1:] == [shape[1], 5]
    kinds = [op.type for op in made.graph.get_operations()]
    assert kinds.count("MatMul") == 1
    assert kinds.count("BiasAdd") == biased


def test_a_batch_that_is_known_computes_no_shape():
    made = tf.function(
        lambda v: dense_over_time(v, floats(3, 5), None), autograph=False
    ).get_concrete_function(tf.TensorSpec([None, 2, 3]))
    assert "Shape" not in {op.type for op in made.graph.get_operations()}


@pytest.mark.parametrize(("batch", "count"), [(1, 1), (3, 3), (3, 1), (5, 2)])
def test_remainder_rows_are_products_of_their_own(batch, count):
    made = tf.function(by_remainder_rows(count), autograph=False).get_concrete_function(
        tf.TensorSpec([batch, 3]), tf.TensorSpec([3, 2])
    )
    shapes = [
        op.inputs[0].shape.as_list() for op in made.graph.get_operations() if op.type == "MatMul"
    ]
    together = [] if batch == count else [[batch - count, 3]]
    assert shapes == [*together, *[[1, 3]] * count]


def test_a_row_that_is_projected_already_stays():
    row = tf.constant(floats(2, 4))
    assert projected_row(tf.matmul, row, []) is row


def test_a_row_and_its_weights():
    row, kernel, bias = floats(2, 3), floats(3, 4), floats(4)
    found = projected_row(tf.matmul, tf.constant(row), [tf.constant(kernel), tf.constant(bias)])
    np.testing.assert_allclose(found, row @ kernel + bias, rtol=1e-5)


@pytest.mark.parametrize("place", Projection)
def test_the_shapes_of_a_steps_weights(place):
    kernel, recurrent, bias = floats(3, 8), floats(2, 8), floats(8)
    shapes = [tuple(w.shape) for w in step_weights(place, kernel, recurrent, bias)]
    assert (
        shapes
        == {
            Projection.HOISTED: [(2, 8)],
            Projection.IN_LOOP: [(2, 8), (3, 8), (8,)],
            Projection.FUSED: [(5, 8), (8,)],
        }[place]
    )


def test_the_fused_kernel_stands_above_the_recurrent_one():
    kernel, recurrent = floats(3, 8), floats(2, 8)
    both, bias = step_weights(Projection.FUSED, kernel, recurrent, None)
    np.testing.assert_array_equal(both, np.concatenate([kernel, recurrent]))
    np.testing.assert_array_equal(bias, np.zeros(8))


@pytest.mark.parametrize("place", Projection)
def test_a_step_multiplies_as_it_is_told(place):
    """The product is the cell's: of a batch, its last rows may stand alone."""
    met = []

    def product(rows, kernel):
        met.append(rows.shape.as_list())
        return tf.matmul(rows, kernel)

    kernel, recurrent = floats(3, 8), floats(2, 8)
    row = floats(4, 8) if place is Projection.HOISTED else floats(4, 3)
    weights = step_weights(place, kernel, recurrent, None)
    gates(place, product, tf.constant(row), tf.constant(floats(4, 2)), weights)
    assert (
        met
        == {
            Projection.HOISTED: [[4, 2]],
            Projection.IN_LOOP: [[4, 3], [4, 2]],
            Projection.FUSED: [[4, 5]],
        }[place]
    )
