"""Modules in other words give what they gave, and are left alone."""

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from rnnlite.frontends.torch.calls import quiet  # noqa: E402
from rnnlite.frontends.torch.rewriting import with_loops, with_packed, with_steps  # noqa: E402


def test_modules_without_projections_are_themselves():
    module = nn.Sequential(nn.LSTM(5, 4), nn.Linear(4, 2))
    assert with_loops(module) is module
    with quiet():
        assert with_steps(module) is module
    linear = nn.Linear(4, 2)
    assert with_packed(linear) is linear


def test_cells_within_modules():
    torch.manual_seed(0)
    module = nn.ModuleDict({"a": nn.Sequential(nn.Linear(5, 5), nn.GRUCell(5, 4))})
    with quiet():
        changed = with_steps(module)
    assert type(changed["a"][1]).__name__ == "GRUStep"
    assert type(module["a"][1]) is nn.GRUCell
    x = torch.randn(3, 5)
    with torch.no_grad():
        torch.testing.assert_close(changed["a"](x), module["a"](x), atol=1e-6, rtol=0)


class Packed(nn.Module):
    """Gives the state of packed sequences alone."""

    def __init__(self):
        super().__init__()
        self.rnn = nn.GRU(5, 4, batch_first=True)

    def forward(self, x, lengths):
        packed = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True)
        return (self.rnn(packed)[1],)


def test_packed_sequences_are_further_results():
    torch.manual_seed(0)
    module = Packed().eval()
    x, lengths = torch.randn(2, 6, 5), torch.tensor([6, 3])
    with torch.no_grad():
        state, rows = with_packed(module)(x, lengths)
        (wanted,) = module(x, lengths)
    assert torch.equal(state, wanted)
    assert rows.shape == (6, 2, 4)
    assert torch.equal(rows[2, 1], wanted[0, 1])
    assert torch.equal(rows[5, 0], wanted[0, 0])
    assert not module.rnn._forward_hooks
