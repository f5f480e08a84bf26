"""Memory by length, in a process of its own."""

import pytest

from rnnlite.errors import ModelError
from rnnlite.runtime import memory
from rnnlite.runtime.memory import memory_by_length


def test_longer_takes_more(exits):
    short, long = memory_by_length(exits.tflite, [60_000, 10])
    assert (short.length, long.length) == (10, 60_000)
    # Its input, two directions of four units and two outputs, in float32.
    assert long.peak - short.peak > 60_000 * 4 * (3 + 8 + 2)


def test_where_the_system_does_not_tell(exits, monkeypatch, tmp_path):
    monkeypatch.setattr(memory, "STATUS", tmp_path / "none")
    assert memory.peaks(exits.tflite, [10]) == []


def test_no_model():
    with pytest.raises(ModelError):
        memory_by_length(b"nonsense", [10])
