"""Modules as ONNX models: which axes of them hold at other sizes."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
ort = pytest.importorskip("onnxruntime")

from torch import nn  # noqa: E402

from rnnlite.errors import UnsupportedError  # noqa: E402
from rnnlite.frontends.torch.calls import call_of  # noqa: E402
from rnnlite.frontends.torch.exporting import exported  # noqa: E402
from rnnlite.frontends.torch.sizes import free_axes  # noqa: E402

X = torch.randn(2, 9, 6)


def both(module, *shapes):
    """The module and what was exported of it, at shapes of its input."""
    call = call_of(module.eval(), X)
    groups = free_axes(call)
    proto, kept = exported(call, groups)
    session = ort.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    (name,) = (i.name for i in session.get_inputs())
    for shape in shapes:
        x = np.random.default_rng(0).normal(size=shape).astype("float32")
        (found,) = session.run(None, {name: x})
        (wanted,) = call.run([x])
        np.testing.assert_allclose(found, wanted, atol=1e-5)
    return groups, kept


class Cells(nn.Module):
    """A loop over time in Python, which TorchScript takes."""

    def __init__(self):
        super().__init__()
        self.cell = nn.GRUCell(6, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = torch.zeros(x.shape[0], 4)
        for t in range(x.shape[1]):
            h = self.cell(x[:, t], h)
        return h


class Unrolled(Cells):
    """One that it does not take."""

    def forward(self, x):
        h = torch.zeros(x.shape[0], 4)
        for row in [*x.unbind(1)]:
            h = self.cell(row, h)
        return h


class Same(nn.Module):
    """A kernel with holes whose pads are not stated as numbers."""

    def __init__(self, kernel):
        super().__init__()
        self.conv = nn.Conv1d(6, 4, kernel, padding="same", dilation=2)

    def forward(self, x):
        return self.conv(x.transpose(1, 2))


@pytest.mark.parametrize("kernel", [2, 3])
def test_pads_of_kernels_with_holes(kernel):
    groups, kept = both(Same(kernel), (1, 20, 6), (3, 5, 6))
    assert kept == groups
    assert len(groups) == 2


class Last(nn.Module):
    """Of packed sequences, the last state alone."""

    def __init__(self, kind):
        super().__init__()
        self.rnn = getattr(nn, kind)(6, 4, batch_first=True, bidirectional=True)

    def forward(self, x, lengths):
        packed = nn.utils.rnn.pack_padded_sequence(
            x, lengths, batch_first=True, enforce_sorted=False
        )
        h = self.rnn(packed)[1]
        h = h[0] if isinstance(h, tuple) else h
        return torch.cat([h[0], h[1]], -1)


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN"])
def test_states_of_packed_sequences(kind):
    call = call_of(Last(kind).eval(), (torch.randn(3, 7, 6), torch.tensor([7, 4, 2])))
    proto, kept = exported(call, free_axes(call))
    assert [o.name for o in proto.graph.output] == ["output"]
    assert len(kept) == 2
    session = ort.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    x = np.random.default_rng(0).normal(size=(2, 11, 6)).astype("float32")
    lengths = np.asarray([3, 11])
    names = [i.name for i in session.get_inputs()]
    (found,) = session.run(None, dict(zip(names, (x, lengths), strict=True)))
    np.testing.assert_allclose(found, call.run([x, lengths])[0], atol=1e-5)


def test_a_loop_is_scripted():
    groups, kept = both(Cells(), (1, 20, 6), (5, 3, 6))
    assert kept == groups


def test_what_is_unrolled_stays_the_examples():
    groups, kept = both(Unrolled(), (4, 9, 6))
    assert len(kept) < len(groups)
    assert not any((0, 1) in group for group in kept)


def test_an_op_without_a_symbol_is_refused():
    class Odd(nn.Module):
        def forward(self, x):
            return torch.linalg.eigvalsh(x @ x.transpose(1, 2))

    call = call_of(Odd().eval(), X)
    with pytest.raises(UnsupportedError, match="PyTorch cannot export PyTorch module 'Odd' to ONN"):
        exported(call, free_axes(call))


class Masked(nn.Module):
    """A mask made of the lengths that a packed sequence gives back."""

    def __init__(self):
        super().__init__()
        self.rnn = nn.GRU(3, 4, batch_first=True)

    def forward(self, x, lengths):
        packed = nn.utils.rnn.pack_padded_sequence(
            x, lengths, batch_first=True, enforce_sorted=False
        )
        y, counts = nn.utils.rnn.pad_packed_sequence(self.rnn(packed)[0], batch_first=True)
        mask = torch.arange(y.shape[1])[None] < counts[:, None]
        return y.masked_fill(~mask[..., None], -9.0).max(1).values


def test_lengths_given_back_may_be_compared():
    """The exporter has them in int32, beside int64: such a model would not load."""
    module = Masked().eval()
    call = call_of(module, (torch.randn(2, 6, 3), torch.tensor([4, 6])))
    groups = free_axes(call)
    proto, kept = exported(call, groups)
    assert kept == groups
    session = ort.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    data = [np.random.default_rng(0).normal(size=(3, 9, 3)).astype("float32"), np.array([2, 9, 5])]
    (found,) = session.run(None, dict(zip(call.names, data, strict=True)))
    np.testing.assert_allclose(found, call.run(data)[0], atol=1e-5)
