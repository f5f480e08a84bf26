"""Which axes are freed, of sources that are written here as lengths: what each takes, refuses."""

from dataclasses import replace

import numpy as np
import pytest

from rnnlite.frontends.keras.free_axes import (
    OTHERS,
    Probes,
    Traced,
    freed,
    may_be_freed,
    other_lengths,
    with_free,
)
from rnnlite.lengths.lengths import Lengths, Steps
from rnnlite.lengths.sizes import Axis, floor_div
from rnnlite.lengths.sizes import free as size_of
from rnnlite.lengths.values import evaluate
from rnnlite.specs import TensorSpec

X = TensorSpec("x", (1, 15, 3), "float32")
MASK = TensorSpec("mask", (1, 15), "bool")
IMAGE = TensorSpec("image", (1, 8, 9, 1), "float32")


@pytest.mark.parametrize(
    ("shape", "dtype", "may"),
    [
        ((1, 15, 3), "float32", True),
        ((None, 15, 3), "float32", True),
        ((1, 8, 9, 1), "float32", True),
        ((1, 15), "int32", True),
        ((1, 15), "bool", True),
        ((1, 15), "float32", False),
        ((1,), "int32", False),
        ((1, None, 3), "float32", False),
        ((1, None, 9, 1), "float32", False),
    ],
)
def test_inputs_that_may_be_sequences(shape, dtype, may):
    """Features of shape (B, F) are none; what has a free axis already needs no freeing."""
    assert may_be_freed(TensorSpec("x", shape, dtype)) == may


def test_inputs_with_free_axes():
    found = with_free((X, IMAGE), {1: (1, 2)})
    assert [p.shape for p in found] == [(1, 15, 3), (1, None, None, 1)]
    assert found[0] is not None
    assert found[0] == X


class Source:
    """A model that is told by the lengths of its recurrences.

    Args:
        steps: sizes of its recurrences, of the axes that are free.
        takes: axes that may be free at all.
        runs: whether it runs at inputs of some shapes.
        channels_first: see `Probes`.
    """

    def __init__(self, steps, takes, runs=lambda shapes: True, *, channels_first=False):
        self.steps, self.takes, self.runs = steps, takes, runs
        self.traced, self.ran = [], []
        self.probes = Probes(self.trace, self.reference, self.sample, channels_first)

    def trace(self, inputs):
        axes = tuple(
            Axis(k, a)
            for k, p in enumerate(inputs)
            for a, d in enumerate(p.shape)
            if a and d is None
        )
        self.traced.append(axes)
        if not set(axes) <= set(self.takes):
            raise ValueError(f"does not take {set(axes) - set(self.takes)} free")
        sizes = {
            Axis(k, a): size_of(Axis(k, a)) if d is None else d
            for k, p in enumerate(inputs)
            for a, d in enumerate(p.shape)
        }
        steps = tuple(Steps(s(sizes)) for s in self.steps)
        return Traced(None, (), (), (), Lengths(axes, steps))

    def reference(self, inputs):
        def run(arrays):
            shapes = [a.shape for a in arrays]
            self.ran.append(shapes)
            if not self.runs(shapes):
                raise ValueError("the shapes do not fit")
            return []

        return run

    def sample(self, inputs, length):
        def size(k, a, d):
            if d is not None:
                return d
            return length if isinstance(length, int) else length[Axis(k, a)]

        return [
            np.zeros([size(k, a, d) for a, d in enumerate(p.shape)]) for k, p in enumerate(inputs)
        ]


TIME, FEATURES = Axis(0, 1), Axis(0, 2)


def test_a_sequence_is_freed_along_its_time():
    source = Source([lambda s: s[TIME]], [TIME])
    found = freed((X,), source.probes)
    assert (found.free, found.kept) == ({0: (1,)}, {})
    # Confirmed by running it at two other lengths.
    lengths = [shapes[0][1] for shapes in source.ran]
    assert len(lengths) == OTHERS
    assert len({15, *lengths}) == OTHERS + 1


def test_time_may_be_the_second_axis():
    """A model that turns its input: the recurrence runs over the last axis."""
    source = Source([lambda s: s[FEATURES]], [TIME, FEATURES])
    found = freed((X,), source.probes)
    assert found.free == {0: (2,)}
    assert {shapes[0][:2] for shapes in source.ran} == {(1, 15)}


def test_what_cannot_be_traced_is_kept_with_the_failure():
    source = Source([lambda s: 15], [])
    found = freed((X,), source.probes)
    assert found.free == {}
    assert str(found.failure).startswith("does not take")
    assert found.kept == {0: [(1, 16, 3), (1, 17, 3), (1, 30, 3)]}
    assert source.ran == []


def test_what_traces_but_does_not_run_is_kept():
    """As a Reshape to sizes that were written down."""
    source = Source([lambda s: s[TIME]], [TIME], lambda shapes: shapes[0][1] == 15)
    found = freed((X,), source.probes)
    assert found.free == {}
    assert str(found.failure) == "the shapes do not fit"
    assert list(found.kept) == [0]


def test_two_inputs_are_freed_together():
    source = Source(
        [lambda s: s[TIME]],
        [TIME, Axis(1, 1)],
        lambda shapes: shapes[0][1] == shapes[1][1],
    )
    found = freed((X, MASK), source.probes)
    assert (found.free, found.kept) == ({0: (1,), 1: (1,)}, {})
    assert all(a[1] == b[1] for a, b in source.ran)


def test_of_two_inputs_one_may_be_pinned():
    source = Source([lambda s: s[TIME]], [TIME])
    found = freed((X, MASK), source.probes)
    assert found.free == {0: (1,)}
    assert list(found.kept) == [1]
    assert {shapes[1] for shapes in source.ran} == {(1, 15)}


@pytest.mark.parametrize(("channels_first", "axes"), [(False, (1, 2)), (True, (2, 3))])
def test_the_axis_of_an_image_that_is_read_as_time(channels_first, axes):
    """Of the space of an image the recurrence runs over the second axis."""
    time = Axis(0, axes[1])
    source = Source([lambda s: s[time]], [Axis(0, a) for a in axes], channels_first=channels_first)
    image = IMAGE if not channels_first else TensorSpec("image", (1, 1, 8, 9), "float32")
    assert freed((image,), source.probes).free == {0: (axes[1],)}


def test_images_of_a_sequence_have_time_in_front_of_channels():
    images = TensorSpec("images", (1, 10, 3, 8, 8), "float32")
    space = [Axis(0, a) for a in (2, 3, 4)]
    source = Source([lambda s: s[TIME]], [TIME, *space], channels_first=True)
    assert freed((images,), source.probes).free == {0: (1,)}


def test_an_image_that_no_recurrence_reads_stays():
    source = Source([], [Axis(0, 1), Axis(0, 2)])
    found = freed((IMAGE,), source.probes)
    assert (found.free, found.kept) == ({}, {})


def test_a_sequence_without_recurrence_is_freed_too():
    """As a convolution over time."""
    source = Source([], [TIME])
    assert freed((X,), source.probes).free == {0: (1,)}


@pytest.mark.parametrize("by", [1, 2, 4])
def test_other_lengths_take_other_numbers_of_steps(by):
    """Pooling by 4 gives 4 steps for 16 to 19: those lengths show nothing."""
    steps = floor_div(size_of(TIME), by)
    lengths = Lengths((TIME,), (Steps(steps),))
    found = other_lengths(lengths, {TIME: 15})
    assert len(found) == OTHERS
    assert all(values[TIME] > 15 for values in found)
    taken = [evaluate(steps, values) for values in ({TIME: 15}, *found)]
    assert len(set(taken)) == OTHERS + 1


def test_other_lengths_without_a_recurrence():
    found = other_lengths(Lengths((TIME,)), {TIME: 15})
    assert found == [{TIME: 16}, {TIME: 17}]


def test_other_lengths_where_no_recurrence_runs_over_the_axis():
    """Their steps are the same at each length, so that any length shows what the model takes."""
    found = other_lengths(Lengths((TIME,), (Steps(6),)), {TIME: 15})
    assert found == [{TIME: 16}, {TIME: 17}]


def test_a_length_that_recurrences_take_as_features_is_kept():
    """A branch that turns its input, beside one that does not: the features cannot be free."""
    source = Source([lambda s: s[FEATURES]], [TIME], lambda shapes: shapes[0][1] == 15)
    found = freed((X,), source.probes)
    assert found.free == {}
    assert "does not take" in str(found.failure)
    assert [shapes[0][1] for shapes in source.ran] == [16]


def test_axes_that_the_model_leaves_free_take_lengths_too():
    """Beside a fixed input, one of free length: it is sampled whenever the other is tried."""
    second = Axis(1, 1)
    source = Source([lambda s: s[TIME], lambda s: s[second]], [TIME, second])
    found = freed((X, replace(X, shape=(1, None, 3))), source.probes)
    assert (found.free, found.failure) == ({0: (1,)}, None)
    assert [[shape[1] for shape in shapes] for shapes in source.ran] == [[16, 16], [17, 17]]
