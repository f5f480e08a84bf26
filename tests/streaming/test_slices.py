"""Slices: along other axes as they are, along time as rows that come later, fewer or one."""

import re

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnlite.errors import StreamingError
from rnnlite.streaming.rows import Rows
from rnnlite.streaming.slices import Cut
from rnnlite.streaming.values import SoFar
from streaming.emission import Emission, kinds
from streaming.walking import follows, kept, walked

SHAPE = (1, None, 6)

CUTS = {
    "all": (lambda x: x[:], Rows(1), {}),
    "front": (lambda x: x[:, 2:], Rows(1, 1, 2, -2), {}),
    "end": (lambda x: x[:, :-2], Rows(1, 1, 2, -2), {"delay": 2}),
    "both": (lambda x: x[:, 1:-1], Rows(1, 1, 2, -2), {"delay": 1}),
    "more in front than behind": (lambda x: x[:, 3:-1], Rows(1, 1, 4, -4), {"delay": 1}),
    "every third": (lambda x: x[:, ::3], Rows(1, 3, 0, 2), {}),
    "every third from the second on": (lambda x: x[:, 1::3], Rows(1, 3, 0, 1), {}),
    "every third from the fifth on": (lambda x: x[:, 4::3], Rows(1, 3, 1, -2), {}),
    "every second but the last": (lambda x: x[:, :-1:2], Rows(1, 2, 0, 0), {"delay": 1}),
    "begin mask": (lambda x: tf.slice(x, [0, 1, 0], [1, -1, 6]), Rows(1, 1, 1, -1), {}),
}
"""Slices along time -> the rows they give, and how many rows are kept under which name."""


@pytest.mark.parametrize("name", CUTS)
def test_a_slice_along_time_gives_these_rows(name):
    function, rows, states = CUTS[name]
    walk = Emission(function, SHAPE, chunk=None, tail=True)
    assert walk.value().rows == rows
    assert {name: shape[1] for name, shape in kept(walk).items()} == states
    follows(walk)


@settings(max_examples=30, deadline=None)
@given(
    begin=st.integers(0, 4),
    end=st.integers(0, 4),
    step=st.integers(1, 3),
    cut=st.sampled_from([(3,), (6,), (1, 2), (2, 1, 3)]),
)
def test_any_slice_gives_the_rows_it_says(begin, end, step, cut):
    """However it is cut into chunks of multiples of the step, as streams feed them."""
    parts = [step * n for n in cut * (6 // sum(cut))]
    walk = Emission(
        lambda x: x[:, begin : -end or None : step], (1, None, 2), chunk=None, tail=True
    )
    (rows,) = follows(walk, sum(parts), parts)
    assert rows.stride == step
    # As many rows as Python counts.
    for n in (12, 18, 24):
        assert rows.length(n) == len(range(n)[begin : -end or None : step])


INDICES = {
    "a feature": (lambda x: x[..., 2], 1, (1, None)),
    "the last feature": (lambda x: x[:, :, -1], 1, (1, None)),
    "features": (lambda x: x[:, :, 1:5:2], 1, (1, None, 2)),
    "features turned round": (lambda x: x[..., ::-1], 1, (1, None, 6)),
    "without batch": (lambda x: x[0], 0, (None, 6)),
    "without batch, a feature": (lambda x: x[0, :, 3], 0, (None,)),
    "an axis in front": (lambda x: x[None], 2, (1, 1, None, 6)),
    "an axis before time": (lambda x: x[:, None], 2, (1, 1, None, 6)),
    "an axis behind time": (lambda x: x[:, :, None, 1:3], 1, (1, None, 1, 2)),
    "an axis at the end": (lambda x: x[..., None], 1, (1, None, 6, 1)),
}


@pytest.mark.parametrize("name", INDICES)
def test_other_axes_are_cut_as_they_are(name):
    function, axis, shape = INDICES[name]
    walk = Emission(function, SHAPE, chunk=None)
    value = walk.value()
    assert value.rows == Rows(axis)
    assert tuple(value.tensor.shape) == shape
    assert kept(walk) == {}
    follows(walk)


def test_what_takes_all_is_not_emitted():
    walk = Emission(lambda x: tf.slice(x[:, :, :], [0, 0, 0], [-1, -1, -1]), SHAPE, chunk=None)
    walk.value()
    assert not {"Slice", "StridedSlice"} & set(kinds(walk))


@pytest.mark.parametrize("single", [True, False])
def test_the_last_row_of_what_is_always_there(single):
    """It is the last of the chunk: nothing is kept."""
    walk = Emission(lambda x: x[:, -1] if single else x[:, -1:], SHAPE, chunk=None)
    value = walk.value()
    assert isinstance(value, SoFar)
    assert value.rows == Rows(1)
    x = np.arange(30, dtype=np.float32).reshape(1, 5, 6)
    (found,) = walked(walk, [value.tensor], [x], [2, 3])
    for row, place in zip(found, (1, 4), strict=True):
        np.testing.assert_array_equal(row, x[:, place] if single else x[:, place : place + 1])
    assert kept(walk) == {}


def test_the_last_row_of_what_ends_is_kept():
    """Steps beyond the end do not replace it."""
    walk = Emission(lambda x: x[:, -1], SHAPE, chunk=None, tail=True)
    value = walk.value()
    assert kept(walk) == {"last": (1, 1, 6)}
    x = np.arange(36, dtype=np.float32).reshape(1, 6, 6)
    (found,) = walked(walk, [value.tensor], [x], [2, 2, 2], 3)
    np.testing.assert_array_equal(np.concatenate(found), x[0, [1, 2, 2]])


REFUSED = {
    "the first rows": (lambda x, s: x[:, :3], "it takes rows at fixed places of the sequence"),
    "one row": (lambda x, s: x[:, 2], "it takes rows at fixed places of the sequence"),
    "the last rows": (lambda x, s: x[:, -3:], "it takes rows at fixed places of the sequence"),
    "the last but one": (lambda x, s: x[:, -2], "it takes rows at fixed places of the sequence"),
    "a row that ends": (lambda x, s: x[:, 1:4], "it takes rows at fixed places of the sequence"),
    "turned round": (
        lambda x, s: x[:, ::-2],
        "it turns the sequence round, whose end has not come",
    ),
    "half": (
        lambda x, s: x[:, tf.shape(x)[1] // 2 :],
        "it takes rows at places that the length decides",
    ),
    "a third": (
        lambda x, s: x[:, : tf.shape(x)[1] // 3],
        "it takes rows at places that the length decides",
    ),
    "a feature as the data say": (
        lambda x, s: x[:, :, tf.cast(s[0], tf.int32)],
        "the data decide what is cut out of the sequence",
    ),
    "features up to the length": (
        lambda x, s: x[..., : tf.shape(x)[1]],
        "it computes with the length of the whole sequence",
    ),
    "a block at the front": (
        lambda x, s: tf.slice(x, [0, 0, 0], [1, 2, 6]),
        "it takes rows at fixed places of the sequence",
    ),
    "a block as the data say": (
        lambda x, s: tf.slice(x, tf.stack([0, tf.cast(s[0], tf.int32), 0]), [1, 2, 6]),
        "the data decide what is cut out of the sequence",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_a_chunk_cannot_cut_is_refused(name):
    function, why = REFUSED[name]
    with pytest.raises(StreamingError, match=re.escape(f"cannot be streamed: {why}")):
        Emission(function, SHAPE, (2,)).value()


def test_a_slice_of_a_result_so_far_is_one():
    walk = Emission(lambda x: tf.reduce_max(x, 1)[:, 1:3], SHAPE, chunk=None)
    value = walk.value()
    assert isinstance(value, SoFar)
    assert value.tensor.shape.as_list() == [1, 2]


def test_a_cut_is_of_rows_unless_it_says_a_single_one():
    assert Cut(1, None) == Cut(1, None, 1, single=False)
