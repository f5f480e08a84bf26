"""LSTMs with projected state, as loops that TorchScript keeps. Imports torch.

What enters: a `torch.nn.LSTM` with `proj_size`. What leaves: the class to give it, by which it
computes the same with one loop for each layer and direction.
"""

from __future__ import annotations

import torch
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence

from rnnlite.frontends.torch.packing import all_steps
from rnnlite.frontends.torch.steps import lstm, masked_lstm

States = tuple[torch.Tensor, torch.Tensor]


class Looped(torch.nn.LSTM):  # type: ignore[misc]
    """An LSTM with one loop for each layer and direction. Modules may ask its kind and sizes."""

    def forward(
        self, x: torch.Tensor | PackedSequence, states: States | None = None
    ) -> tuple[torch.Tensor | PackedSequence, States]:
        """The outputs and final states (h, c).

        Rows are (B, T, F) with `batch_first`, else (T, B, F); or (T, F); or a packed sequence.
        """
        if isinstance(x, PackedSequence):
            rows, counts = all_steps(x)
            there = torch.arange(rows.shape[0])[:, None] < counts[None]
            y, last = self.over_time(rows, states, there[..., None])
            return pack_padded_sequence(y, counts, enforce_sorted=False), last
        if x.dim() == 2:
            given = None if states is None else (states[0][:, None], states[1][:, None])
            y, (h, c) = self.over_time(x[:, None], given)
            return y[:, 0], (h[:, 0], c[:, 0])
        y, last = self.over_time(x.transpose(0, 1) if self.batch_first else x, states)
        return y.transpose(0, 1) if self.batch_first else y, last

    def over_time(
        self, rows: torch.Tensor, states: States | None, there: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, States]:
        """Rows (T, B, F) to outputs and states; `there` (T, B, 1) is False at padding."""
        directions = 2 if self.bidirectional else 1
        if states is None:
            count, batch = self.num_layers * directions, rows.shape[1]
            states = (
                torch.zeros(count, batch, self.proj_size),
                torch.zeros(count, batch, self.hidden_size),
            )
        found = []
        for k in range(self.num_layers):
            parts = []
            for d in range(directions):
                place = k * directions + d
                given = (_turned(rows, d), states[0][place], states[1][place], *self.weights(k, d))
                y, h, c = lstm(*given) if there is None else masked_lstm(_turned(there, d), *given)
                parts.append(_turned(y, d))
                found.append((h, c))
            rows = torch.cat(parts, -1) if directions == 2 else parts[0]
        return rows, (torch.stack([h for h, _ in found]), torch.stack([c for _, c in found]))

    def weights(self, k: int, d: int) -> tuple[torch.Tensor, ...]:
        """Kernel, recurrent kernel, bias and projection of layer `k` in direction `d`."""
        end = f"_l{k}" + ("_reverse" if d else "")
        w, u, p = (getattr(self, n + end).t() for n in ("weight_ih", "weight_hh", "weight_hr"))
        if not self.bias:
            return w, u, torch.zeros(w.shape[1]), p
        return w, u, getattr(self, "bias_ih" + end) + getattr(self, "bias_hh" + end), p


def _turned(rows: torch.Tensor, direction: int) -> torch.Tensor:
    return rows.flip(0) if direction else rows
