"""Axes at which a module runs at other sizes, and those that change together."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from torch import nn  # noqa: E402

from rnnlite.frontends.torch.calls import call_of  # noqa: E402
from rnnlite.frontends.torch.sizes import (  # noqa: E402
    batch_of,
    counts_of,
    examples,
    free_axes,
    names_of,
    runs,
)


class Sum(nn.Module):
    """Frames, and a weight for each of their features."""

    def forward(self, frames, weights):
        return (frames * weights).sum(-1)


class Named(nn.Module):
    """Frames with ids."""

    def forward(self, frames, ids):
        return frames[:, -1] + ids[:, None]


def axes(module, *example):
    call = call_of(module.eval(), example)
    return call, [set(g) for g in free_axes(call)]


def test_a_recurrent_layer():
    call, groups = axes(nn.GRU(6, 4, batch_first=True), torch.zeros(2, 9, 6))
    assert groups == [{(0, 0)}, {(0, 1)}]
    assert names_of(call, free_axes(call)) == {"input": {0: "batch", 1: "axis_1"}}


class Halved(nn.Module):
    """Half of the steps, made up again, beside what they were made of."""

    def forward(self, frames):
        half = nn.functional.avg_pool1d(frames, 2)
        return torch.cat([nn.functional.interpolate(half, scale_factor=2.0), frames], 1)


def test_an_axis_of_multiples():
    call, groups = axes(Halved(), torch.zeros(2, 4, 10))
    assert groups == [{(0, 0)}, {(0, 1)}, {(0, 2)}]
    assert runs(call, {(0, 2): 13}) is None
    assert axes(Halved(), torch.zeros(2, 4, 12))[1] == groups


def test_the_batch_stands_second():
    call, groups = axes(nn.GRU(6, 4), torch.zeros(9, 2, 6))
    assert groups == [{(0, 0)}, {(0, 1)}]
    assert batch_of(call, free_axes(call)) == {(0, 1)}


def test_a_state_has_the_batch_of_its_sequence():
    example = (torch.zeros(3, 9, 6), torch.zeros(1, 3, 4))
    call, groups = axes(nn.GRU(6, 4, batch_first=True), *example)
    assert groups == [{(0, 0), (1, 1)}, {(0, 1)}]
    assert batch_of(call, free_axes(call)) == {(0, 0), (1, 1)}


def test_features_that_two_inputs_share():
    _, groups = axes(Sum(), torch.zeros(2, 9, 6), torch.zeros(6))
    assert {(0, 2), (1, 0)} in groups


def test_what_is_pinned():
    _, groups = axes(nn.Flatten(), torch.zeros(2, 3, 4))
    assert groups == [{(0, 0)}, {(0, 1)}, {(0, 2)}]
    _, groups = axes(nn.Sequential(nn.Flatten(), nn.Linear(12, 2)), torch.zeros(2, 3, 4))
    assert groups == [{(0, 0)}]


def test_no_axis_is_a_batch():
    """Turned round in time, the results of a state are others."""
    call = call_of(nn.Softmax(0).eval(), torch.zeros(5))
    assert batch_of(call, []) is None
    assert names_of(call, []) == {}


def test_examples_at_other_sizes():
    call = call_of(Named().eval(), (torch.zeros(2, 9, 6), torch.tensor([4, 7])))
    frames, ids = examples(call, {(0, 0): 5, (1, 0): 5, (0, 1): 3})
    assert (frames.shape, frames.dtype) == ((5, 3, 6), np.float32)
    np.testing.assert_array_equal(ids, [4, 7, 4, 7, 4])
    assert frames.std() > 0.5
    assert runs(call, {(0, 0): 5, (1, 0): 5})[0].shape == (5, 6)
    assert runs(call, {(0, 0): 5}) is None


class Counted(nn.Module):
    """Frames with their numbers, and a label each."""

    def forward(self, x, lengths, label):
        packed = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True)
        return packed.data.sum() + label


def test_a_batch_that_stands_second_goes_with_its_lengths():
    """Alone it runs too: lengths that are sorted pick as many sequences as there are lengths."""

    class Sorted(nn.Module):
        def forward(self, x, lengths):
            order = torch.argsort(lengths)
            return x.index_select(1, order) * lengths[order, None]

    _, groups = axes(Sorted(), torch.zeros(9, 2, 6), torch.tensor([9, 4]))
    assert groups == [{(0, 0)}, {(0, 1), (1, 0)}, {(0, 2)}]


def test_numbers_of_time_steps():
    example = (torch.zeros(2, 9, 6), torch.tensor([9, 4]), torch.tensor([1, 2]))
    assert counts_of(call_of(Counted().eval(), example)) == {"lengths"}


class Cached(nn.Module):
    """A causal convolution: the rows before the first are given, and the last given back."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(6, 6, 5)

    def forward(self, frames, cache):
        rows = torch.cat([cache, frames], 1)
        return self.conv(rows.transpose(1, 2)).transpose(1, 2), rows[:, -4:]


@pytest.mark.parametrize("steps", [1, 4, 9])
def test_a_cache_keeps_its_size(steps):
    """As many rows come back as the convolution looks back, however many are given."""
    _, groups = axes(Cached(), torch.zeros(2, steps, 6), torch.zeros(2, 4, 6))
    assert groups == [{(0, 0), (1, 0)}, {(0, 1)}]
