"""Cells and loops in plain ops, beside PyTorch's own."""

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from rnnlite.frontends.torch.calls import quiet  # noqa: E402

with quiet():
    # PyTorch warns of its own scripts.
    from rnnlite.frontends.torch.steps import CELLS, lstm

CASES = [
    (nn.GRUCell, {}),
    (nn.LSTMCell, {}),
    (nn.RNNCell, {}),
    (nn.RNNCell, {"nonlinearity": "relu"}),
]


@pytest.mark.parametrize(("kind", "options"), CASES)
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("given", [True, False])
def test_steps_of_cells(kind, options, bias, given):
    torch.manual_seed(0)
    cell = kind(5, 4, bias=bias, **options).eval()
    with quiet():
        step = torch.jit.script(CELLS[kind](cell))
    x, h, c = torch.randn(3, 5), torch.randn(3, 4), torch.randn(3, 4)
    states = ((h, c) if kind is nn.LSTMCell else h,) if given else ()
    with torch.no_grad():
        torch.testing.assert_close(step(x, *states), cell(x, *states), atol=1e-6, rtol=0)


def test_the_step_holds_copies():
    cell = nn.GRUCell(2, 3)
    step = CELLS[nn.GRUCell](cell)
    before = step.w.clone()
    with torch.no_grad():
        cell.weight_ih.zero_()
    assert torch.equal(step.w, before)
    assert not step.w.requires_grad


@pytest.mark.parametrize("length", [1, 6])
def test_a_loop_of_projected_states(length):
    torch.manual_seed(0)
    layer = nn.LSTM(5, 4, proj_size=2)
    x, h, c = torch.randn(length, 3, 5), torch.randn(1, 3, 2), torch.randn(1, 3, 4)
    w, u, p = (layer.weight_ih_l0.t(), layer.weight_hh_l0.t(), layer.weight_hr_l0.t())
    with quiet(), torch.no_grad():
        y, (last_h, last_c) = layer(x, (h, c))
        found = lstm(x, h[0], c[0], w, u, layer.bias_ih_l0 + layer.bias_hh_l0, p)
    torch.testing.assert_close(found, (y, last_h[0], last_c[0]), atol=1e-6, rtol=0)
