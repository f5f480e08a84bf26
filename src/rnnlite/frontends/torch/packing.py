"""`pad_packed_sequence` for the exporter: pads to the longest sequence. Imports torch.

What enters: a packed sequence, while the exporter traces. What leaves: its padded rows and lengths.
Without `total_length`, PyTorch pads to the longest sequence. The exporter pads to the size of the
tensor that was packed; the rows past the longest sequence are cut off here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch.nn.utils.rnn import PackedSequence, pad_packed_sequence

_native = torch._VF._pad_packed_sequence
_whole: list[bool] = []
"""Not empty while `all_steps` runs, which keeps all rows."""


@contextmanager
def exportable() -> Iterator[None]:
    """Replace PyTorch's padding by one that cuts off the rows past the longest sequence."""
    torch._VF._pad_packed_sequence = _padded
    try:
        yield
    finally:
        torch._VF._pad_packed_sequence = _native


def all_steps(packed: PackedSequence) -> tuple[torch.Tensor, torch.Tensor]:
    """A packed sequence as rows (T, B, ...) and lengths; T is that of the tensor packed."""
    _whole.append(True)
    try:
        rows, counts = pad_packed_sequence(packed)
    finally:
        _whole.pop()
    return rows, counts


def _padded(
    data: torch.Tensor,
    batch_sizes: torch.Tensor,
    batch_first: bool,
    padding_value: float,
    total_length: int | torch.Tensor,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Like PyTorch's own, which only `pad_packed_sequence` calls."""
    rows, counts = _native(data, batch_sizes, batch_first, padding_value, total_length)
    if _whole or not _is_size_of(total_length, batch_sizes):
        return rows, counts
    longest = counts.max()
    return (rows[:, :longest] if batch_first else rows[:longest]), counts


def _is_size_of(length: int | torch.Tensor, batch_sizes: torch.Tensor) -> bool:
    """Whether a length is traced as the size of `batch_sizes`, so that the user gave none."""
    if not isinstance(length, torch.Tensor) or not torch.jit.is_tracing():
        return False
    names = [torch._C._get_value_trace(t) for t in (length, batch_sizes)]
    size, whole = names
    while size.node().kind() in ("prim::NumToTensor", "aten::Int"):
        size = next(iter(size.node().inputs()))
    node = size.node()
    return bool(
        node.kind() == "aten::size" and next(iter(node.inputs())).debugName() == whole.debugName()
    )
