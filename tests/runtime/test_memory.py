"""Memory by length, in a process of its own."""

import re

import pytest

from rnnlite.errors import AbortError, ModelError
from rnnlite.isolation.process import WorkerDied
from rnnlite.report.timings import MemoryUse
from rnnlite.runtime import memory
from rnnlite.runtime.memory import memory_by_length
from runtime.files import doubled
from runtime.files import exits as pinned


def test_longer_takes_more():
    short, long = memory_by_length(doubled(width=20), [60_000, 10])
    assert (short.length, long.length) == (10, 60_000)
    # Its input and its output, in float32.
    assert long.peak - short.peak > 60_000 * 4 * (20 + 20)


class Worker:
    """Stands for a process; notes what it was called with, and that it was closed."""

    calls, closed = [], 0

    def __init__(self, answer=()):
        self._answer = answer
        type(self).calls, type(self).closed = [], 0

    def call(self, path, *args, seconds):
        self.calls.append((path, args[1:], seconds))
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer

    def close(self):
        type(self).closed += 1


def test_lengths_go_from_short_to_long_once_each(monkeypatch):
    monkeypatch.setattr(memory, "Worker", lambda: Worker([(2, 10), (9, 30)]))
    assert memory_by_length(doubled(), [9, 2, 9]) == [MemoryUse(2, 10), MemoryUse(9, 30)]
    ((path, (lengths,), seconds),) = Worker.calls
    assert (path, lengths, seconds) == ("rnnlite.runtime.memory:peaks", [2, 9], memory.SECONDS)
    assert Worker.closed == 1


@pytest.mark.parametrize(
    ("died", "error", "message"),
    [
        (
            WorkerDied("signal 9", "Out of memory"),
            AbortError,
            "the model ends the process that measures its memory; found signal 9: Out of memory.",
        ),
        (ModelError("it has no such op"), ModelError, "it has no such op."),
    ],
)
def test_the_process_ends_whatever_happens(monkeypatch, died, error, message):
    monkeypatch.setattr(memory, "Worker", lambda: Worker(died))
    with pytest.raises(error, match=re.escape(message)):
        memory_by_length(doubled(), [3])
    assert Worker.closed == 1


def test_peaks_are_counted_from_where_the_process_was(monkeypatch):
    told = iter([1000, 1500, 900])
    monkeypatch.setattr(memory, "_peak", lambda: next(told))
    # Less than before is nothing.
    assert memory.peaks(doubled(), [3, 4]) == [(3, 500), (4, 0)]


def test_a_pinned_length_is_run_once(monkeypatch):
    monkeypatch.setattr(memory, "_peak", lambda: 1000)
    assert memory.peaks(pinned(), [3, 4, 5]) == [(None, 0)]


@pytest.mark.parametrize("content", [None, "VmRSS: 12 kB\n"])
def test_where_the_system_does_not_tell(monkeypatch, tmp_path, content):
    if content is not None:
        (tmp_path / "status").write_text(content)
    monkeypatch.setattr(memory, "STATUS", tmp_path / "status")
    assert memory.peaks(doubled(), [10]) == []


def test_what_the_system_tells_is_in_kibibytes(monkeypatch, tmp_path):
    (tmp_path / "status").write_text("VmPeak:   99 kB\nVmHWM:\t   12 kB\nVmRSS:\t 7 kB\n")
    monkeypatch.setattr(memory, "STATUS", tmp_path / "status")
    assert memory._peak() == 12 * 1024


def test_no_model():
    with pytest.raises(ModelError):
        memory_by_length(b"nonsense", [10])
