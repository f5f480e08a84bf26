"""Memory that a model takes by sequence length, in a process that does nothing else.

What enters: a file and lengths. What leaves: the peak memory of the process, less what it had
before the file was read. Only Linux tells it; elsewhere nothing is measured.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from rnnlite.errors import AbortError
from rnnlite.isolation.process import Worker, WorkerDied
from rnnlite.lite.files import ModelSource, read_model
from rnnlite.report.timings import MemoryUse

SECONDS = 600.0

STATUS = Path("/proc/self/status")


def memory_by_length(model: ModelSource, lengths: Sequence[int]) -> list[MemoryUse]:
    """Peak memory at each length, from short to long in one process.

    Args:
        model: path or content.
        lengths: sequence lengths; a model of pinned length is run once.

    Returns:
        one record for each length; none where the system does not tell.

    Raises:
        ModelError: the file is no LiteRT model.
        SampleError: the model does not run at one of the lengths.
        AbortError: the model ends the process.
    """
    data = read_model(model)
    worker = Worker()
    try:
        found = worker.call(f"{__name__}:peaks", data, sorted(set(lengths)), seconds=SECONDS)
    except WorkerDied as e:
        raise AbortError(
            "the model ends the process that measures its memory", found=e.reason
        ) from e
    finally:
        worker.close()
    return [MemoryUse(length, peak) for length, peak in found]


def peaks(data: bytes, lengths: Sequence[int]) -> list[tuple[int | None, int]]:
    """Each length, and the peak bytes up to it. Called in a worker."""
    import numpy as np

    from rnnlite.runtime.bench import random_arrays
    from rnnlite.runtime.model import load

    before = _peak()
    if before is None:
        return []
    found: list[tuple[int | None, int]] = []
    with load(data) as model:
        free = any(None in spec.sample_shape for spec in model.inputs)
        for length in lengths if free else [None]:
            model.run(random_arrays(model, length, np.random.default_rng(0)))
            found.append((length, max((_peak() or 0) - before, 0)))
    return found


def _peak() -> int | None:
    """The peak memory of this process, in bytes. `getrusage` would count the parent process too."""
    try:
        known = re.search(r"VmHWM:\s*(\d+) kB", STATUS.read_text())
    except OSError:
        return None
    return None if known is None else 1024 * int(known[1])
