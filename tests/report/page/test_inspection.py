"""The page of a file that was run."""

import re
from dataclasses import replace

import pytest

import rnnlite
from rnnlite.lite.inspection import Inspection
from rnnlite.report.page.inspection import inspection_page
from rnnlite.report.records import TensorSize
from rnnlite.report.timings import MemoryUse, Timing
from rnnlite.specs import TensorSpec


def test_page(exits, timings, memory, require_readable):
    found = rnnlite.inspect(exits.tflite)
    page = inspection_page(found, "exits.tflite", timings=timings, memory=memory)
    assert "3 ms" in page
    assert "median at 100 steps" in page
    assert "forward_lstm" in page
    assert found.tensors[0].name in page
    require_readable(bench=page)


def inspection(**more):
    port = TensorSpec("x", (1, None, 3), "float32")
    made = Inspection(
        size=12_345,
        inputs=(port,),
        outputs=(TensorSpec("y", (1, 2), "int8", quantization=(0.5, 3)),),
        ops={"ADD": 1},
        custom_ops=(),
        weights=1234,
        weight_bytes={"float32": 4936},
        loops=0,
        min_runtime="LiteRT 1.0",
        late=(),
        signatures={},
        record=None,
    )
    return replace(made, **more)


def figures_of(page):
    return re.findall(r'<div class="figure"><b>([^<]*)</b><span>([^<]*)</span>', page)


FILE = [("1,234", "weights"), ("12.3 kB", "file"), ("LiteRT 1.0", "least runtime")]


def test_figures_of_a_file_that_did_not_run():
    page = inspection_page(inspection(), "a.tflite")
    assert figures_of(page) == FILE
    assert '<p class="kicker">Benchmark</p><h1>a.tflite</h1>' in page
    for words in ("Running it", "The command", "Sizes by tensor", "How each recurrence runs"):
        assert words not in page


@pytest.mark.parametrize(
    ("length", "words"), [(None, "median"), (12_000, "median at 12,000 steps")]
)
def test_the_last_timing_is_the_first_figure(length, words):
    timings = [
        Timing(n, 1, 5, 1.0, median, 1.0, 1.0, 0.1, None)
        for n, median in [(5, 0.5), (length, 1.23456)]
    ]
    page = inspection_page(inspection(), "a", timings=timings)
    assert figures_of(page) == [("1.23 ms", words), *FILE]


def test_a_file_that_runs_nowhere_says_so():
    page = inspection_page(inspection(min_runtime=""), "a", command="rnnlite bench a.tflite")
    assert ("none known", "least runtime") in figures_of(page)
    assert "Runs on no release of the standard runtime that is known here." in page
    assert "<pre>rnnlite bench a.tflite</pre>" in page


def test_what_the_file_says_of_itself():
    recurrence = {
        "name": "lstm",
        "kind": "LSTM",
        "units": 8,
        "direction": "forward",
        "outputs": "all",
        "masked": False,
        "hoisted": False,
        "schedule": "one step an iteration",
    }
    found = inspection(
        record={"recurrences": [recurrence]}, tensors=(TensorSize("k", (4,), "int8", 4),)
    )
    page = inspection_page(found, "a", memory=[MemoryUse(None, 5_000_000)])
    assert "<b>lstm</b>: inputs projected in the loop; one step an iteration" in page
    assert '<td class="s">0.5 (q - 3)</td>' in page
    assert "k [4] int8: 4 bytes" in page
    assert "its own length: 5.0 MB" in page
