"""Samples as batches and back: stacking, filling up, integers, columns, counts of users."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnlite.errors import SampleError
from rnnlite.runtime.predicting import (
    as_batch,
    column,
    fixed_batch,
    positive,
    result_of,
    run_groups,
)
from rnnlite.specs import SignatureSpec, TensorSpec

FREE = TensorSpec("x", (None, None, 2), "float32")
PINNED = TensorSpec("p", (4, None, 2), "float32")
STEPS_FIRST = TensorSpec("t", (None, 3, 2), "float32", batch_axis=1)
RATE = TensorSpec("rate", (2,), "float32", batch_axis=None)
INTEGERS = TensorSpec("q", (None, None), "int8", quantization=(0.5, 3))


@pytest.mark.parametrize(
    ("specs", "batch"),
    [
        ([FREE], None),
        ([PINNED], 4),
        ([FREE, PINNED], 4),
        # What has no batch axis is one for all: samples then go one by one.
        ([FREE, RATE], 1),
        ([PINNED, RATE], 1),
        ([STEPS_FIRST], 3),
        ([], None),
    ],
)
def test_the_batch_that_a_model_pins(specs, batch):
    assert fixed_batch(specs) == batch


def samples(count, length=3):
    return [[np.full((length, 2), k, np.float32)] for k in range(count)]


def test_samples_of_one_shape_are_one_array():
    (found,) = as_batch(samples(3), [FREE])
    assert found.shape == (3, 3, 2)
    assert found[:, 0, 0].tolist() == [0, 1, 2]


def test_a_pinned_batch_is_filled_up_with_the_last():
    (found,) = as_batch(samples(2), [PINNED])
    assert found.shape == (4, 3, 2)
    assert found[:, 0, 0].tolist() == [0, 1, 1, 1]


def test_a_full_batch_is_left_as_it_is():
    (found,) = as_batch(samples(4), [PINNED])
    assert found[:, 0, 0].tolist() == [0, 1, 2, 3]


class Doubling:
    """Runs batches one after the other: y = 2 x, and what x adds up to."""

    def run_batches(self, work, batches):
        for group in batches:
            work(lambda arrays: [2 * arrays[0], arrays[0].sum((1, 2))], group)


class Counting:
    def __init__(self):
        self.added = []

    def add(self, count):
        self.added.append(count)


def test_results_of_groups_stand_in_the_samples_order():
    specs = SignatureSpec((FREE,), (FREE, TensorSpec("sum", (None,), "float32")))
    bar = Counting()
    found = run_groups(Doubling(), [[2, 0], [1]], samples(3), specs, raw=False, bar=bar)
    assert [y[0, 0] for y, _ in found] == [0, 2, 4]
    assert [float(total) for _, total in found] == [0, 6, 12]
    assert bar.added == [2, 1]


def test_integers_of_groups_become_real_numbers_unless_raw():
    specs = SignatureSpec((INTEGERS,), (INTEGERS, TensorSpec("sum", (None,), "float32")))

    class Same:
        def run_batches(self, work, batches):
            work(lambda arrays: [arrays[0], arrays[0].sum(1)], batches[0])

    given = [[np.array([0.5, 1.0], np.float32)]]
    ((real, _),) = run_groups(Same(), [[0]], given, specs, raw=False)
    ((raw, _),) = run_groups(Same(), [[0]], given, specs, raw=True)
    assert (real.tolist(), raw.tolist(), raw.dtype) == ([0.5, 1.0], [4, 5], np.int8)


def test_the_callers_list_of_samples_is_left_alone():
    given = samples(1)
    as_batch(given, [PINNED])
    assert len(given) == 1


def test_the_batch_axis_may_be_another():
    (found,) = as_batch(samples(3), [STEPS_FIRST])
    assert found.shape == (3, 3, 2)
    assert found[0, :, 0].tolist() == [0, 1, 2]


def test_what_has_no_batch_axis_goes_as_it_is():
    rate = np.array([1.0, 2.0], np.float32)
    x, found = as_batch([[np.ones((3, 2), np.float32), rate]], [FREE, RATE])
    assert x.shape == (1, 3, 2)
    np.testing.assert_array_equal(found, rate)


def test_integers_are_made_of_real_numbers():
    (found,) = as_batch([[np.array([0.0, 1.0, -1.5, 1e6], np.float32)]], [INTEGERS])
    assert (found.dtype, found.tolist()) == (np.int8, [[3, 5, 0, 127]])


@pytest.mark.parametrize(
    ("raw", "expected"), [(True, np.array([3, 5], np.int8)), (False, np.array([0.0, 1.0], "f"))]
)
def test_one_samples_result(raw, expected):
    found = result_of(INTEGERS, np.array([[9, 9], [3, 5]], np.int8), 1, raw)
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("raw", [True, False])
@pytest.mark.parametrize("spec", [FREE, INTEGERS, RATE], ids=lambda s: s.name)
def test_a_result_is_a_copy(spec, raw):
    """The runtime's buffer is used again; so is a batch of other samples."""
    output = np.ones((2, 2), np.dtype(spec.dtype))
    found = result_of(spec, output, 0, raw)
    output[:] = 0
    assert np.all(found != 0) or spec is INTEGERS
    assert not np.shares_memory(found, output)


def test_a_result_without_axes_is_one_for_all():
    found = result_of(
        TensorSpec("loss", (), "float32"), np.float32(3.5) * np.ones(()), 2, raw=False
    )
    assert found == 3.5


@settings(max_examples=30, deadline=None)
@given(count=st.integers(1, 6), length=st.integers(1, 4), axis=st.sampled_from([0, 1, None]))
def test_rows_come_back_from_a_batch(count, length, axis):
    rng = np.random.default_rng(count)
    given = [rng.standard_normal((length, 2)).astype(np.float32) for _ in range(count)]
    if axis is None:
        given = given[:1]
    shape = (
        [length, 2] if axis is None else [*([length] * axis), None, *([2] if axis else [length, 2])]
    )
    spec = TensorSpec("x", tuple(shape), "float32", batch_axis=axis)
    (batch,) = as_batch([[g] for g in given], [spec])
    for k, row in enumerate(given):
        np.testing.assert_array_equal(result_of(spec, batch, k, raw=False), row)


def test_columns_of_one_shape_are_one_array():
    assert column([np.zeros(3), np.ones(3)]).shape == (2, 3)
    assert column([np.zeros(())]).shape == (1,)


def test_columns_of_several_shapes_are_a_list():
    found = column([np.zeros((2, 3)), np.ones((4, 3))])
    assert isinstance(found, list)
    assert [f.shape for f in found] == [(2, 3), (4, 3)]


def test_no_results_are_no_column():
    assert column([]) == []


def test_a_count_is_the_users_or_the_default():
    assert positive("batch_size", None, 28) == 28
    assert positive("batch_size", 1, 28) == 1
    assert positive("max_batch_bytes", 5000, 1) == 5000


@pytest.mark.parametrize("value", [0, -1, 1.0, "8", True, False, [4]])
@pytest.mark.parametrize(
    ("name", "what"), [("batch_size", "batch size"), ("max_batch_bytes", "number of bytes")]
)
def test_what_is_no_count_is_refused(name, what, value):
    expected = f"{name} is no {what}; expected an int of 1 or more; found {value!r}."
    with pytest.raises(SampleError, match=f"^{re.escape(expected)}$"):
        positive(name, value, 1)
