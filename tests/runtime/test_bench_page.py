"""The page of a benchmark, of a file built in code."""

import re

import pytest

from rnnlite.errors import AbortError, ModelError, OutputError, SampleError
from rnnlite.report.timings import MemoryUse, Timing
from rnnlite.runtime import bench_page
from rnnlite.runtime.bench_page import save_bench_page
from runtime.files import doubled


def timing(length):
    return Timing(length, 1, 5, 4.0, 2.5, 3.0, 3.5, 2.0, length and 2500 / length)


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "small.tflite"
    path.write_bytes(doubled())
    return path


@pytest.fixture
def asked(monkeypatch):
    """The lengths whose memory was asked for; 4 MB each."""
    lengths = []

    def measured(data, wanted):
        lengths.append(list(wanted))
        return [MemoryUse(n, 4_000_000) for n in wanted]

    monkeypatch.setattr(bench_page, "memory_by_length", measured)
    return lengths


def test_the_page_has_the_file_its_times_and_memory(model, asked, tmp_path):
    page = tmp_path / "page.html"
    command = "rnnlite bench small.tflite --report page.html"
    save_bench_page(page, model, [timing(10), timing(100)], command=command)
    text = page.read_text(encoding="utf-8")
    assert text.lower().startswith("<!doctype html>")
    assert asked == [[10, 100]]
    text = re.sub("</?span>", "", text)
    for words in ("small.tflite", "2.5 ms", "4.0 MB", command):
        assert words in text


def test_a_pinned_length_has_no_memory_by_length(model, asked, tmp_path):
    save_bench_page(tmp_path / "page.html", model, [timing(None)])
    assert asked == [[]]


@pytest.mark.parametrize(
    "error", [AbortError("it ends"), SampleError("too long")], ids=lambda e: type(e).__name__
)
def test_where_memory_cannot_be_measured_the_page_has_the_rest(model, tmp_path, monkeypatch, error):
    def refuse(*_):
        raise error

    monkeypatch.setattr(bench_page, "memory_by_length", refuse)
    page = tmp_path / "page.html"
    save_bench_page(page, model, [timing(10)])
    assert "small.tflite" in page.read_text(encoding="utf-8")


def test_no_model_makes_no_page(tmp_path):
    path = tmp_path / "none.tflite"
    path.write_bytes(b"nonsense")
    with pytest.raises(ModelError):
        save_bench_page(tmp_path / "page.html", path, [timing(10)])
    assert not (tmp_path / "page.html").exists()


def test_a_place_that_cannot_be_written(model, asked, tmp_path):
    with pytest.raises(OutputError):
        save_bench_page(tmp_path / "no" / "folder" / "page.html", model, [timing(10)])
