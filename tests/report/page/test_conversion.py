"""The page of a conversion."""

import re
from dataclasses import replace

import pytest

from rnnlite.errors import OutputError
from rnnlite.report.page.conversion import conversion_page, first_up
from rnnlite.report.parity import OutputParity, Parity, StreamParity
from rnnlite.report.quantization import OutputAccuracy, Quantization
from rnnlite.report.records import Report, SignatureReport


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
    long = "scope_without_a_place_to_break/" * 4 + "probabilities"
    parity = Parity((OutputParity(long, 1e-7, 2e-7, 0.5, 1e-5, {1: 0.0, 9: 1e-7}),), (9, 1), (), 1)
    named = replace(report, origin=long, parity=parity, notes=(long,))
    require_readable(whole=page, bare=bare, long=conversion_page(named))


def figures_of(page):
    """State, value and words of each figure."""
    return re.findall(r'<div class="figure ?(\w*)"><b>([^<]*)</b><span>([^<]*)</span>', page)


def bare(**changed):
    port = {"name": "x", "shape": (1, None, 3), "least": (), "dtype": "float32"}
    made = Report(
        origin="models/a.keras",
        inputs=(port,),
        outputs=({**port, "name": "y"},),
        size=12_345,
        weights=678,
        ops={"ADD": 2, "WHILE": 1, "MUL": 2},
        recurrences=(),
        parity=None,
        notes=(),
        seconds={},
    )
    return replace(made, **changed)


def parity_of(*differences, bound=1e-5):
    outputs = tuple(OutputParity(f"y{k}", d, d, 1.0, bound, {}) for k, d in enumerate(differences))
    return Parity(outputs, (19, 1), (1, 3), 6)


QUANTIZED = Quantization(
    "int8",
    "int8",
    "",
    40_000,
    (),
    {},
    accuracy=(OutputAccuracy("y", 0.05, 26.0, None),),
    max_error=0.1,
)


@pytest.mark.parametrize(
    ("changed", "figures"),
    [
        ({}, [("", "not checked", "parity with the source"), ("", "12.3 kB", "file")]),
        (
            {"parity": parity_of(1e-7, 2e-6)},
            [("good", "2.0e-06", "float32 equals the source: largest difference")],
        ),
        ({"parity": parity_of(1e-7, 2e-3)}, [("bad", "2.0e-03", "off, of the scale")]),
        (
            {"quantization": QUANTIZED},
            [
                ("good", "5 %", "RMS error of int8"),
                ("", "12.3 kB", "file; 40.0 kB in float32"),
            ],
        ),
        (
            {"quantization": replace(QUANTIZED, max_error=0.01, size_before=0)},
            [("bad", "5 %", "RMS error of int8"), ("", "12.3 kB", "file")],
        ),
        (
            {"quantization": replace(QUANTIZED, accuracy=())},
            [("", "not measured", "RMS error of int8")],
        ),
        ({"min_runtime": "LiteRT 1.3"}, [("", "LiteRT 1.3", "least runtime")]),
        ({"min_runtime": ""}, [("", "none known", "least runtime")]),
        ({"weights": 1234567}, [("", "1,234,567", "weights")]),
    ],
)
def test_figures_stand_above_all(changed, figures):
    found = figures_of(conversion_page(bare(**changed)))
    assert [f for f in figures if f not in found] == []


def test_the_worst_of_several_signatures_is_the_figure():
    def signature(name, difference, error):
        q = replace(QUANTIZED, accuracy=(OutputAccuracy("y", error, 0.0, None),))
        return SignatureReport(name, (), (), (), parity_of(difference), q)

    report = bare(
        quantization=QUANTIZED,
        signatures=(signature("a", 1e-7, 0.02), signature("b", 3e-4, 0.5)),
    )
    page = conversion_page(report)
    found = figures_of(page)
    assert ("bad", "3.0e-04", "off, of the scale") in found
    assert ("bad", "50 %", "RMS error of int8") in found
    for name in ("a", "b"):
        assert f"<h2>Parity with the source: signature &#x27;{name}&#x27;</h2>" in page
        assert f"<h2>Quantization: signature &#x27;{name}&#x27;</h2>" in page


def test_head_and_foot_of_the_page():
    page = conversion_page(bare(min_runtime="LiteRT 1.0", seconds={"trace": 0.5}))
    assert '<p class="kicker">Conversion to LiteRT</p><h1>a.keras</h1>' in page
    assert "<p>From models/a.keras. Time: trace 0.50 s.</p>" in page
    assert "<summary>All 5 ops</summary>" in page
    # The most frequent first, then by name.
    cells = re.findall(r'<td class="s">([A-Z]+)</td><td class="n">(\d)</td>', page)
    assert cells == [("ADD", "2"), ("MUL", "2"), ("WHILE", "1")]


def test_a_check_says_what_ran_and_who_is_off():
    page = conversion_page(bare(parity=parity_of(0.0, 1.0)))
    assert "6 runs of the float32 model beside the source; lengths 19, 1; batches 1, 3." in page
    assert '<td class="s">equal</td>' in page
    assert '<td class="s">off</td>' in page
    pinned = replace(parity_of(0.0), lengths=())
    assert "lengths none free;" in conversion_page(bare(parity=pinned))


@pytest.mark.parametrize(
    ("by_length", "charts", "tables"),
    [
        ({}, 0, 0),
        ({5: 1e-7}, 0, 0),
        ({5: 1e-7, 9: 2e-7}, 1, 1),
        # Nothing differs: there is no place for it on a logarithmic axis.
        ({5: 0.0, 9: 0.0}, 0, 1),
    ],
)
def test_differences_by_length(by_length, charts, tables):
    outputs = (OutputParity("y", 0.0, 0.0, 1.0, 1e-5, by_length),)
    page = conversion_page(bare(parity=Parity(outputs, (5, 9), (1,), 2)))
    assert page.count("<title>Difference of y by length</title>") == charts
    assert page.count("Figures by length") == tables


def test_an_output_that_was_not_run_at_a_length_has_an_empty_cell():
    outputs = tuple(
        OutputParity(name, 0.0, 0.0, 1.0, 1e-5, by_length)
        for name, by_length in [("a", {5: 1e-7, 9: 2e-7}), ("b", {5: 3e-7})]
    )
    page = conversion_page(bare(parity=Parity(outputs, (5, 9), (1,), 2)))
    assert '<tr><td class="n">9</td><td class="n">2e-07</td><td class="n"></td></tr>' in page


@pytest.mark.parametrize(
    ("stream", "words"),
    [
        (StreamParity(None, 1, 0, ("s",)), "Chunks of any length; 1 states are kept between"),
        (StreamParity(4, 4, 0, ()), "Chunks of 4 steps; 0 states are kept between them.</p>"),
        (StreamParity(None, 6, 2, ()), "Chunks of a multiple of 6 steps; 0 states"),
        (StreamParity(None, 6, 2, ()), "Outputs come 2 steps later.</p><p>Not checked.</p>"),
        (
            StreamParity(1, 1, 0, ("s/h",), parity_of(0.5).outputs, (7, 9)),
            "<p>Random cuttings against the whole, lengths 7, 9.</p>",
        ),
        (
            StreamParity(1, 1, 0, ("s/h",), parity_of(0.5).outputs, (7, 9)),
            "<summary>States</summary><ul><li>s/h</li></ul>",
        ),
    ],
)
def test_what_is_said_of_a_stream(stream, words):
    assert words in conversion_page(bare(stream=stream))


def test_notes_are_a_warning():
    page = conversion_page(bare(notes=("one", "two")))
    assert '<section class="warn"><h2>Notes</h2><ul><li>one</li><li>two</li></ul>' in page


@pytest.mark.parametrize(("words", "sentence"), [("runs here", "Runs here"), ("", ""), ("X", "X")])
def test_a_sentence_begins_with_a_capital(words, sentence):
    assert first_up(words) == sentence
