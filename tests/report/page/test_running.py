"""Latency, memory and sizes."""

from rnnlite.report.page.running import bytes_text, running, sizes
from rnnlite.report.records import TensorSize
from rnnlite.report.timings import Timing


def test_latency_and_memory(timings, memory):
    shown = running(timings, memory)
    assert "10 steps: 7.0 MB" in shown
    assert '<td class="n">30</td>' in shown
    assert shown.count("curve") >= 2


def test_pinned_length():
    shown = running([Timing(None, 2, 5, 1.0, 0.5, 0.6, 0.7, 0.4, None)], [])
    assert "its own length: 0.5 ms" in shown
    assert "2 threads" in shown


def test_nothing_measured():
    assert running([], []) is None


def test_sizes():
    tensors = [TensorSize(f"t{k}", (k,), "int8", k) for k in range(1, 31)]
    shown = sizes(tensors, 1000)
    assert "465 bytes of 1,000 bytes are weights (46 %)." in shown
    assert "all else: ops, tables, names: 535 bytes" in shown
    assert "All 30 tensors" in shown
    assert sizes([], 1000) is None


def test_bytes():
    assert [bytes_text(n) for n in (999, 12_000, 7_151_616)] == ["999 bytes", "12.0 kB", "7.2 MB"]
