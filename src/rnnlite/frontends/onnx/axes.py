"""Find the batch axis and the time axis of an ONNX input, by names and by recurrences.

What enters: inputs as the model declares them, whose free axes may have names; axes that
recurrences run over. What leaves: the index of an axis, or None.
"""

from __future__ import annotations

from collections.abc import Set

from rnnlite.frontends.onnx.nodes import ValueInfo

BATCH_NAMES = frozenset(["b", "n", "bs", "bsz", "nb", "batchsize", "minibatch", "num_batch"])


def named_batch(info: ValueInfo) -> int | None:
    """The axis with the name of a batch; else the first that is free or of size 1; else None."""
    shape = info.shape or ()
    for k, size in enumerate(shape):
        if isinstance(size, str) and is_batch_name(size):
            return k
    others = [k for k, size in enumerate(shape) if not isinstance(size, int) or size == 1]
    unnamed = [k for k in others if not _is_time_name(shape[k])]
    return next(iter(unnamed), None) if len(shape) != 1 or unnamed else None


def is_batch_name(name: str) -> bool:
    """Whether an axis has the name of a batch."""
    plain = name.lower().replace("-", "_")
    return plain.startswith("batch") or plain.endswith("batch") or plain in BATCH_NAMES


def _is_time_name(name: object) -> bool:
    plain = str(name).lower()
    return plain in ("t", "l", "s") or any(
        w in plain for w in ("seq", "time", "len", "step", "fram")
    )


def batch_axis_beside(info: ValueInfo, times: Set[int]) -> int | None:
    """The first axis that no recurrence runs over: a free one, else one of size 1."""
    shape = info.shape or ()
    free = [k for k, s in enumerate(shape) if not isinstance(s, int) and k not in times]
    ones = [k for k, s in enumerate(shape) if s == 1 and k not in times]
    return next(iter([*free, *ones]), None)


def time_axis_beside(info: ValueInfo, batch: int | None) -> int | None:
    """The first free axis beside the batch."""
    shape = info.shape or ()
    free = [k for k, s in enumerate(shape) if not isinstance(s, int) and k != batch]
    return free[0] if free else None
