"""What the exporter does not know, in other words: LSTMs with projections, cells in scripts.

What enters: a module. What leaves: the same, or a copy in which each LSTM with `proj_size` is a
loop that TorchScript keeps, or each cell a step of plain ops. Equations: PyTorch's documentation.
"""

from __future__ import annotations

import copy
from typing import Any


def with_loops(module: Any) -> Any:
    """The module, its LSTMs with projections as loops; itself where it has none."""
    import torch

    found = [
        name
        for name, part in module.named_modules()
        if isinstance(part, torch.nn.LSTM) and part.proj_size > 0
    ]
    if not found:
        return module
    changed = copy.deepcopy(module)
    for name in found:
        parent, _, last = name.rpartition(".")
        owner = changed.get_submodule(parent)
        setattr(owner, last, _looped(torch, owner.get_submodule(last)))
    return changed


def with_packed(module: Any) -> Any:
    """The module with its packed sequences, padded again, as further results.

    The exporter ends where nothing reads the sequence of a layer that was given a packed one.
    """
    import torch

    layers = [part for part in module.modules() if isinstance(part, torch.nn.RNNBase)]
    if not layers:
        return module

    class Padded(torch.nn.Module):  # type: ignore[misc]
        """Gives what the module gives, and its packed sequences."""

        def __init__(self) -> None:
            super().__init__()
            self.inner = module

        def train(self, mode: bool = True) -> Any:
            self.training = False
            return self

        def forward(self, *tensors: Any) -> tuple[Any, ...]:
            packed: list[Any] = []

            def keep(part: Any, given: Any, result: Any) -> None:
                if isinstance(result[0], torch.nn.utils.rnn.PackedSequence):
                    packed.append(torch.nn.utils.rnn.pad_packed_sequence(result[0])[0])

            hooks = [layer.register_forward_hook(keep) for layer in layers]
            try:
                return (*self.inner(*tensors), *packed)
            finally:
                for hook in hooks:
                    hook.remove()

    return Padded().eval()


def with_steps(module: Any) -> Any:
    """The module, its cells in plain ops, which TorchScript can be exported with."""
    from rnnlite.frontends.torch.steps import CELLS

    found = [name for name, part in module.named_modules() if type(part) in CELLS]
    if not found:
        return module
    changed = copy.deepcopy(module)
    for name in found:
        parent, _, last = name.rpartition(".")
        owner = changed.get_submodule(parent)
        cell = owner.get_submodule(last)
        setattr(owner, last, CELLS[type(cell)](cell))
    return changed


def _looped(torch: Any, layer: Any) -> Any:
    """A module that is called as the layer is."""
    from rnnlite.frontends.torch.steps import lstm, masked_lstm

    tools = torch.nn.utils.rnn

    def turned(rows: Any, direction: int) -> Any:
        return rows.flip(0) if direction else rows

    class Loops(torch.nn.Module):  # type: ignore[misc]
        """Each layer and direction as a loop."""

        def __init__(self) -> None:
            super().__init__()
            self.layer = layer
            # Nothing here is found by name any more.
            self.eval()

        def forward(self, x: Any, states: Any = None) -> Any:
            if isinstance(x, tools.PackedSequence):
                rows, counts = tools.pad_packed_sequence(x)
                there = torch.arange(rows.shape[0])[:, None] < counts[None]
                y, last = self.over_time(rows, states, there[..., None])
                return tools.pack_padded_sequence(y, counts, enforce_sorted=False), last
            if x.dim() == 2:
                # Without a batch.
                given = None if states is None else tuple(s[:, None] for s in states)
                y, last = self.over_time(x[:, None], given)
                return y[:, 0], tuple(s[:, 0] for s in last)
            y, last = self.over_time(x.transpose(0, 1) if layer.batch_first else x, states)
            return y.transpose(0, 1) if layer.batch_first else y, last

        def over_time(self, rows: Any, states: Any, there: Any = None) -> Any:
            """Rows (T, B, F) to outputs and states; `there` (T, B, 1) says which steps are."""
            directions = 2 if layer.bidirectional else 1
            if states is None:
                count, batch = layer.num_layers * directions, rows.shape[1]
                states = (
                    torch.zeros(count, batch, layer.proj_size),
                    torch.zeros(count, batch, layer.hidden_size),
                )
            found = []
            for k in range(layer.num_layers):
                parts = []
                for d in range(directions):
                    place = k * directions + d
                    given = (
                        turned(rows, d),
                        states[0][place],
                        states[1][place],
                        *self.weights(k, d),
                    )
                    y, *last = (
                        lstm(*given) if there is None else masked_lstm(turned(there, d), *given)
                    )
                    parts.append(turned(y, d))
                    found.append(last)
                rows = torch.cat(parts, -1) if directions == 2 else parts[0]
            return rows, tuple(torch.stack(s) for s in zip(*found, strict=True))

        def weights(self, k: int, d: int) -> tuple[Any, ...]:
            """Of a layer and direction: kernel, recurrent kernel, bias, projection."""
            end = f"_l{k}" + ("_reverse" if d else "")
            w, u, p = (getattr(layer, n + end).t() for n in ("weight_ih", "weight_hh", "weight_hr"))
            if not layer.bias:
                return w, u, torch.zeros(w.shape[1]), p
            return w, u, getattr(layer, "bias_ih" + end) + getattr(layer, "bias_hh" + end), p

    return Loops()
