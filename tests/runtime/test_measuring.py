"""What a report says of running a file (never how long it took)."""

from rnnlite.runtime.measuring import measured


def test_lengths(exits):
    timings, memory = measured(exits.tflite, lengths=(3, 20))
    assert [t.length for t in timings] == [3, 20]
    assert [m.length for m in memory] == [3, 20]
    assert all(m.peak > 0 for m in memory)


def test_no_length_that_it_takes(exits, monkeypatch):
    from rnnlite.errors import SampleError
    from rnnlite.runtime import measuring

    def refuse(*_, **__):
        raise SampleError("too short")

    monkeypatch.setattr(measuring, "time_model", refuse)
    assert measured(exits.tflite) == ([], [])
