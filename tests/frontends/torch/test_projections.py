"""LSTMs with projections as loops give what they gave."""

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from rnnlite.frontends.torch.calls import quiet  # noqa: E402
from rnnlite.frontends.torch.rewriting import with_loops  # noqa: E402


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("given", [False, True])
def test_projections(layers, bidirectional, batch_first, given):
    torch.manual_seed(0)
    layer = nn.LSTM(
        5,
        4,
        proj_size=2,
        num_layers=layers,
        bidirectional=bidirectional,
        batch_first=batch_first,
        bias=given,
    ).eval()
    module = nn.Sequential(layer).eval()
    with quiet():
        changed = with_loops(module)
    count = layers * (2 if bidirectional else 1)
    states = ((torch.randn(count, 3, 2), torch.randn(count, 3, 4)),) if given else ()
    x = torch.randn(3, 6, 5) if batch_first else torch.randn(6, 3, 5)
    with torch.no_grad():
        found, wanted = changed[0](x, *states), layer(x, *states)
    torch.testing.assert_close(found, wanted, atol=1e-6, rtol=0)
    assert module[0] is layer
    assert not any(m.training for m in changed.modules())


class PackedProjections(nn.Module):
    """Padded sequences through a layer with projections, and its states."""

    def __init__(self):
        super().__init__()
        self.rnn = nn.LSTM(5, 4, 2, proj_size=3, bidirectional=True)

    def forward(self, x, lengths):
        packed = nn.utils.rnn.pack_padded_sequence(x, lengths, enforce_sorted=False)
        y, states = self.rnn(packed)
        return (nn.utils.rnn.pad_packed_sequence(y, total_length=len(x))[0], *states)


def test_projections_of_packed_sequences():
    torch.manual_seed(0)
    module = PackedProjections().eval()
    with quiet():
        changed = with_loops(module)
    x, lengths = torch.randn(7, 3, 5), torch.tensor([4, 7, 1])
    with torch.no_grad():
        for found, wanted in zip(changed(x, lengths), module(x, lengths), strict=True):
            torch.testing.assert_close(found, wanted, atol=1e-6, rtol=0)


def test_projections_without_a_batch():
    torch.manual_seed(0)
    layer = nn.LSTM(5, 4, proj_size=3).eval()
    with quiet():
        changed = with_loops(nn.Sequential(layer))[0]
    x, states = torch.randn(6, 5), (torch.randn(1, 3), torch.randn(1, 4))
    with torch.no_grad():
        for given in ((x,), (x, states)):
            torch.testing.assert_close(changed(*given), layer(*given), atol=1e-6, rtol=0)


class AsksItsLayer(nn.Module):
    """Takes what states it needs from the kind and sizes of its layer."""

    def __init__(self):
        super().__init__()
        self.rnn = nn.LSTM(5, 4, 2, proj_size=3, bidirectional=True)

    def forward(self, x):
        count = self.rnn.num_layers * (2 if self.rnn.bidirectional else 1)
        h = torch.ones(count, x.size(1), self.rnn.proj_size)
        states = (h, h.new_ones(count, x.size(1), self.rnn.hidden_size))
        return self.rnn(x, states if isinstance(self.rnn, nn.LSTM) else h)[0]


def test_a_module_may_ask_the_layer_for_its_kind_and_sizes():
    torch.manual_seed(0)
    module, x = AsksItsLayer().eval(), torch.randn(7, 3, 5)
    with quiet():
        changed = with_loops(module)
    assert type(module.rnn) is nn.LSTM
    with torch.no_grad():
        torch.testing.assert_close(changed(x), module(x), atol=1e-6, rtol=0)


class Doubled(nn.LSTM):
    """A layer with a forward of its own."""

    def forward(self, x):
        return super().forward(2 * x)


def test_a_layer_with_a_forward_of_its_own_keeps_it():
    module = Doubled(5, 4, proj_size=3).eval()
    assert with_loops(module) is module
