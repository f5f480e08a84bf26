"""What a report says of running a file (never how long it took)."""

import pytest

from rnnlite.errors import AbortError, ModelError, SampleError
from rnnlite.report.timings import MemoryUse, Timing
from rnnlite.runtime import measuring
from rnnlite.runtime.measuring import LENGTHS, MOST_SECONDS, REPEATS, measured
from runtime.files import doubled


def test_lengths():
    timings, memory = measured(doubled(), lengths=(3, 20))
    assert [t.length for t in timings] == [3, 20]
    assert [m.length for m in memory] == [3, 20]
    assert all(m.peak > 0 for m in memory)


class Timed:
    """Stands for `time_model`: a run takes a millisecond a step.

    Args:
        refused: lengths that the model does not take.
        pinned: whether its length is.
    """

    def __init__(self, refused=(), *, pinned=False):
        self.refused, self.pinned, self.asked = refused, pinned, []

    def __call__(self, model, *, lengths, repeats):
        (length,) = lengths
        self.asked.append((length, repeats))
        if length in self.refused:
            raise SampleError("too short")
        known = None if self.pinned else length
        return [Timing(known, 1, repeats, length, length, length, length, length, 1.0)]


@pytest.fixture
def timed(monkeypatch):
    """Sets what stands for `time_model`; memory is 100 bytes a step."""

    def memory(model, lengths):
        return [MemoryUse(n, 100 * n) for n in lengths]

    def use(*args, **options):
        found = Timed(*args, **options)
        monkeypatch.setattr(measuring, "time_model", found)
        monkeypatch.setattr(measuring, "memory_by_length", memory)
        return found

    return use


def test_long_runs_are_repeated_less(timed):
    """Each length is run three times, then as often as the time allows."""
    found = timed()
    timings, memory = measured("m", lengths=(1, 100, 900))
    assert (REPEATS, MOST_SECONDS) == (50, 2.0)
    assert found.asked == [(1, 3), (1, 50), (100, 3), (100, 20), (900, 3)]
    assert [t.repeats for t in timings] == [50, 20, 3]
    assert [m.peak for m in memory] == [100, 10_000, 90_000]


def test_lengths_by_default(timed):
    timed()
    assert tuple(t.length for t in measured("m")[0]) == LENGTHS == (10, 100, 1000)


def test_lengths_that_the_model_does_not_take_are_left_out(timed):
    timed((10, 1000))
    timings, memory = measured("m")
    assert [t.length for t in timings] == [100]
    assert [m.length for m in memory] == [100]


def test_no_length_that_it_takes(timed):
    timed(LENGTHS)
    assert measured("m") == ([], [])


def test_a_pinned_length_is_measured_once(timed):
    found = timed(pinned=True)
    timings, memory = measured("m")
    assert [t.length for t in timings] == [None]
    assert {length for length, _ in found.asked} == {10}
    # And no length is asked for its memory.
    assert memory == []


@pytest.mark.parametrize(
    "error", [AbortError("it ends"), SampleError("too long")], ids=lambda e: type(e).__name__
)
def test_where_memory_cannot_be_measured_times_stand_alone(timed, monkeypatch, error):
    timed()

    def refuse(*_):
        raise error

    monkeypatch.setattr(measuring, "memory_by_length", refuse)
    timings, memory = measured("m", lengths=(5,))
    assert ([t.length for t in timings], memory) == ([5], [])


def test_no_model():
    with pytest.raises(ModelError):
        measured(b"nonsense")
