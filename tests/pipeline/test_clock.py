"""Seconds of steps."""

import logging

import pytest

from rnnlite.pipeline import clock
from rnnlite.pipeline.clock import Clock


@pytest.fixture
def ticks(monkeypatch):
    """A clock that reads what it is told."""
    times = []
    monkeypatch.setattr(clock.time, "perf_counter", lambda: times.pop(0))
    return times


def test_a_step_that_comes_again_is_added_up(ticks):
    ticks += [0.0, 1.5, 10.0, 10.25, 20.0, 22.0]
    timed = Clock()
    for name in ("open", "check", "open"):
        with timed.step(name):
            pass
    assert timed.seconds == {"open": 3.5, "check": 0.25}
    assert list(timed.seconds) == ["open", "check"]


def test_steps_are_logged(ticks, caplog):
    ticks += [0.0, 0.126]
    with caplog.at_level(logging.INFO, "rnnlite.pipeline.clock"), Clock().step("open"):
        pass
    assert caplog.messages == ["step open: 0.13 s"]


def test_a_step_that_fails_has_no_time(ticks):
    ticks += [0.0, 1.0]
    timed = Clock()
    with pytest.raises(ZeroDivisionError), timed.step("open"):
        raise ZeroDivisionError
    assert timed.seconds == {}
