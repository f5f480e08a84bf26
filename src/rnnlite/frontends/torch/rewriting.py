"""Rewrites layers that the exporter does not know: LSTMs with projections, cells in scripts.

What enters: a module. What leaves: the same, or a copy in which each LSTM with `proj_size` is a
loop that TorchScript keeps, or each cell is a step of plain ops. Equations: PyTorch's
documentation.
"""

from __future__ import annotations

import copy
from typing import Any


def with_loops(module: Any) -> Any:
    """A copy of the module with its projected LSTMs as loops; the module itself if it has none."""
    import torch

    from rnnlite.frontends.torch.projections import Looped

    own = torch.nn.LSTM
    changed = None
    for name, part in module.named_modules():
        if isinstance(part, own) and type(part).forward is own.forward and part.proj_size > 0:
            changed = changed or copy.deepcopy(module)
            changed.get_submodule(name).__class__ = Looped
    return changed or module


def with_packed(module: Any) -> Any:
    """The module, which also returns the packed outputs of its layers, padded.

    The exporter fails on a layer of a packed sequence if nothing reads the outputs of the layer.
    """
    import torch

    layers = [part for part in module.modules() if isinstance(part, torch.nn.RNNBase)]
    if not layers:
        return module

    class Padded(torch.nn.Module):  # type: ignore[misc]
        """Returns the module's results, and the packed outputs of its layers, padded."""

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
    """A copy of the module with cells in plain ops, for TorchScript; the module itself if none."""
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
