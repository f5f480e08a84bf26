"""Latency, memory and sizes."""

import re

import pytest

from rnnlite.report.page.running import SHOWN, bytes_text, running, sizes
from rnnlite.report.records import TensorSize
from rnnlite.report.timings import MemoryUse, Timing


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


def timing(length, median, **more):
    values = {"cold": 2 * median, "p90": median, "p99": median, "minimum": median / 2, **more}
    return Timing(
        length, values.pop("threads", 1), 5, median=median, microseconds_a_step=None, **values
    )


@pytest.mark.parametrize(
    ("threads", "words"), [(1, ">1 thread, random"), (4, ">4 threads, random")]
)
def test_how_many_threads(threads, words):
    assert words in running([timing(5, 1.0, threads=threads)], [])


@pytest.mark.parametrize("lengths", [(5,), (None,), (None, 5)])
def test_one_length_is_a_bar(lengths):
    shown = running([timing(n, 1.5) for n in lengths], [])
    assert shown.count('class="main"') == len(lengths)
    assert "Latency by length" not in shown


def test_two_lengths_are_a_curve_with_its_band_and_the_first_runs():
    shown = running([timing(10, 1.0), timing(100, 4.0)], [])
    assert "<title>Latency by length</title>" in shown
    assert shown.count('class="band"') == 1
    assert shown.count('class="curve second"') == 1
    dots = re.findall(r"<title>(\d+): ([\d.]+)</title>", shown)
    assert dots == [("10", "2"), ("100", "8"), ("10", "1"), ("100", "4")]


def test_memory_alone():
    shown = running([], [MemoryUse(1000, 2_500_000), MemoryUse(None, 5_000)])
    assert "1,000 steps: 2.5 MB" in shown
    assert "its own length: 5,000 bytes" in shown
    for words in ("Latency", "All figures"):
        assert words not in shown


def test_all_figures_stand_in_a_table():
    shown = running([Timing(7, 1, 5, 9.0, 3.0, 4.0, 5.0, 2.0, 428.6), timing(None, 1.0)], [])
    cells = re.findall(r"<td[^>]*>([^<]*)</td>", shown)
    assert cells[:7] == ["7", "9", "2", "3", "4", "5", "428.6"]
    assert cells[7:] == ["pinned", "2", "0.5", "1", "1", "1", ""]


def test_bytes_by_type_are_shares_of_the_file():
    tensors = [
        TensorSize("a", (10,), "float32", 400),
        TensorSize("b", (100,), "int8", 100),
        TensorSize("c", (100,), "int8", 100),
    ]
    shown = sizes(tensors, 1000)
    kinds = re.findall(r"<title>(float32|int8|all else)[^<]*: (\d+) bytes</title>", shown)
    assert kinds == [("float32", "400"), ("int8", "200"), ("all else", "400")]
    widths = re.findall(r'width="([\d.]+)" height="8" rx="4" class="main"', shown)
    # By type, of the file; by tensor, of the largest one.
    assert widths == ["136", "68", "136", "340", "85", "85"]


def test_tensors_of_one_size_stand_by_their_names():
    tensors = [TensorSize(name, (2,), "int8", 2) for name in "cab"]
    shown = sizes(tensors, 6)
    assert re.findall(r"<title>([abc]) \[2\] int8: 2 bytes", shown) == ["a", "b", "c"]


@pytest.mark.parametrize(("size", "share", "rest"), [(8, 100, 0), (6, 133, 0), (0, 0, 0)])
def test_weights_that_are_shared_leave_nothing_else(size, share, rest):
    shown = sizes([TensorSize("a", (8,), "int8", 8)], size)
    assert f"are weights ({share} %)." in shown
    assert f"all else: ops, tables, names: {rest} bytes" in shown


def test_many_tensors_have_few_bars():
    tensors = [TensorSize(f"t{k:02}", (k,), "int8", k) for k in range(1, 31)]
    shown = sizes(tensors, 1000)
    bars = re.findall(r"<title>(t\d\d) ", shown)
    assert bars == [f"t{k:02}" for k in range(30, 30 - SHOWN, -1)]


@pytest.mark.parametrize(
    ("size", "text"),
    [(999_999, "1,000.0 kB"), (1_000_000, "1.0 MB"), (1_234_567_890, "1,234.6 MB")],
)
def test_megabytes(size, text):
    assert bytes_text(size) == text
