"""Loops over time and steps of cells in TorchScript, which the exporter keeps. Imports torch.

What enters: inputs (B, F), or (T, B, F) for a loop, and states (B, H), all float32. What leaves:
new states; from a loop, the outputs too.
"""

import torch


@torch.jit.script  # type: ignore[untyped-decorator]
def lstm_step(
    x: torch.Tensor,
    h: torch.Tensor,
    c: torch.Tensor,
    w: torch.Tensor,
    u: torch.Tensor,
    b: torch.Tensor,
) -> tuple[torch.Tensor, torch.Tensor]:
    """One step of an LSTM: h (B, H), before any projection, and c (B, H).

    Gates are in the order i, f, g, o. w is (F, 4H), b (4H,); u is (P, 4H) for a state h (B, P).
    """
    z = torch.matmul(x, w) + torch.matmul(h, u) + b
    i, f, g, o = torch.chunk(z, 4, dim=1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c


@torch.jit.script  # type: ignore[untyped-decorator]
def lstm(
    x: torch.Tensor,
    h: torch.Tensor,
    c: torch.Tensor,
    w: torch.Tensor,
    u: torch.Tensor,
    b: torch.Tensor,
    p: torch.Tensor,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """An LSTM whose state is projected by p (H, P): x (T, B, F) to outputs (T, B, P) and states."""
    rows = []
    for t in range(x.size(0)):
        wide, c = lstm_step(x[t], h, c, w, u, b)
        h = torch.matmul(wide, p)
        rows.append(h)
    return torch.stack(rows), h, c


@torch.jit.script  # type: ignore[untyped-decorator]
def masked_lstm(
    there: torch.Tensor,
    x: torch.Tensor,
    h: torch.Tensor,
    c: torch.Tensor,
    w: torch.Tensor,
    u: torch.Tensor,
    b: torch.Tensor,
    p: torch.Tensor,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """`lstm` over padded sequences: `there` (T, B, 1) is False at padding.

    Padding keeps the states and gives zeros as outputs.
    """
    rows = []
    for t in range(x.size(0)):
        wide, new = lstm_step(x[t], h, c, w, u, b)
        row = torch.matmul(wide, p)
        c = torch.where(there[t], new, c)
        h = torch.where(there[t], row, h)
        rows.append(torch.where(there[t], row, torch.zeros_like(row)))
    return torch.stack(rows), h, c


class GRUStep(torch.nn.Module):  # type: ignore[misc]
    """A `torch.nn.GRUCell` in plain ops: gates r, z, n; the equations of its documentation."""

    def __init__(self, cell: torch.nn.GRUCell) -> None:
        super().__init__()
        self.units = cell.hidden_size
        self.w, self.u, self.b, self.rb = weights(cell, 3)

    def forward(self, x: torch.Tensor, hx: torch.Tensor | None = None) -> torch.Tensor:
        """Inputs (B, F) and the state (B, H) to the new state."""
        if hx is None:
            hx = torch.zeros(x.size(0), self.units)
        a = torch.matmul(x, self.w) + self.b
        c = torch.matmul(hx, self.u) + self.rb
        ar, az, an = torch.chunk(a, 3, dim=1)
        cr, cz, cn = torch.chunk(c, 3, dim=1)
        z = torch.sigmoid(az + cz)
        n = torch.tanh(an + torch.sigmoid(ar + cr) * cn)
        return n + z * (hx - n)


class LSTMStep(torch.nn.Module):  # type: ignore[misc]
    """A `torch.nn.LSTMCell` in plain ops: gates i, f, g, o."""

    def __init__(self, cell: torch.nn.LSTMCell) -> None:
        super().__init__()
        self.units = cell.hidden_size
        self.w, self.u, self.b, self.rb = weights(cell, 4)

    def forward(
        self, x: torch.Tensor, hx: tuple[torch.Tensor, torch.Tensor] | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Inputs (B, F) and the states (B, H) to the new states."""
        if hx is None:
            zeros = torch.zeros(x.size(0), self.units)
            hx = (zeros, zeros)
        h, c = hx
        return lstm_step(x, h, c, self.w, self.u, self.b + self.rb)


class RNNStep(torch.nn.Module):  # type: ignore[misc]
    """A `torch.nn.RNNCell` in plain ops."""

    def __init__(self, cell: torch.nn.RNNCell) -> None:
        super().__init__()
        self.units = cell.hidden_size
        self.is_relu = cell.nonlinearity == "relu"
        self.w, self.u, self.b, self.rb = weights(cell, 1)

    def forward(self, x: torch.Tensor, hx: torch.Tensor | None = None) -> torch.Tensor:
        """Inputs (B, F) and the state (B, H) to the new state."""
        if hx is None:
            hx = torch.zeros(x.size(0), self.units)
        both = torch.matmul(x, self.w) + torch.matmul(hx, self.u) + (self.b + self.rb)
        return torch.relu(both) if self.is_relu else torch.tanh(both)


def weights(cell: torch.nn.RNNCellBase, gates: int) -> tuple[torch.Tensor, ...]:
    """Kernels (F, G*H), (H, G*H) and both biases (G*H,) of a cell with G gates, copied."""
    zeros = torch.zeros(gates * cell.hidden_size)
    biases = (cell.bias_ih, cell.bias_hh) if cell.bias else (zeros, zeros)
    found = (cell.weight_ih.t(), cell.weight_hh.t(), *biases)
    return tuple(t.detach().clone() for t in found)


CELLS = {
    torch.nn.GRUCell: GRUStep,
    torch.nn.LSTMCell: LSTMStep,
    torch.nn.RNNCell: RNNStep,
}
"""What replaces a cell in a module that is compiled; the exporter does not know cells."""
