"""The page of a conversion."""

from dataclasses import replace

import pytest

from rnnlite.errors import OutputError
from rnnlite.report.page.conversion import conversion_page
from rnnlite.report.records import OutputParity, Report, StreamParity


@pytest.fixture
def page(report, timings, memory):
    return conversion_page(report, timings=timings, memory=memory, command="rnnlite convert a")


def test_all_is_there(page):
    for words in (
        "2.0e-07",
        "1.2 %",
        "12.0 kB",
        "20.0 kB in float32",
        "LiteRT 2.0",
        "4 steps an iteration",
        "Which layers cost most",
        "Trials considered",
        "Sizes by tensor",
        "Peak memory",
        "short data",
        "rnnlite convert a",
    ):
        assert words in page, words


def test_no_name_is_taken_for_markup(page):
    assert "<img" not in page
    assert "&lt;img src=x" in page
    assert "\x00" not in page


def test_the_same_report_gives_the_same_page(report, timings, memory, page):
    again = Report.from_dict(report.to_dict())
    assert again == report
    options = {"timings": timings, "memory": memory, "command": "rnnlite convert a"}
    assert conversion_page(again, **options) == page


def test_with_little_in_it(report):
    bare = replace(
        report, parity=None, quantization=None, layers=(), tensors=(), notes=(), recurrences=()
    )
    page = conversion_page(bare)
    assert "not checked" in page
    for words in ("Quantization", "Running it", "Notes", "The command", "Sizes by tensor"):
        assert f"<h2>{words}" not in page


def test_a_stream(report):
    outputs = (OutputParity("y", 0.0, 0.0, 1.0, 1e-5),)
    stream = StreamParity(None, 2, 3, ("state/a/h",), outputs, (7,))
    page = conversion_page(replace(report, stream=stream))
    assert "Chunks of a multiple of 2 steps; 1 states are kept between them. Outputs come 3" in page


def test_a_place_that_cannot_be_written(report, tmp_path):
    with pytest.raises(OutputError, match="No such file or directory"):
        report.save_html(tmp_path / "none" / "out.html")
    saved = report.save_html(tmp_path / "out.html")
    assert saved.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_in_a_browser(page, report, require_readable):
    bare = conversion_page(replace(report, layers=(), quantization=None))
    require_readable(whole=page, bare=bare)
