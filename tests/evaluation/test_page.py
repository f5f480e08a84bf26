"""The page of an evaluation."""

import math

import pytest

from rnnlite.errors import OutputError
from rnnlite.evaluation.page import evaluation_page
from rnnlite.evaluation.records import (
    Agreement,
    Classification,
    ClassScore,
    Evaluation,
    LengthScore,
    Regression,
    WorstRow,
)

LENGTHS = (LengthScore(1, 9, 40, 0.9), LengthScore(10, 19, 60, 0.95))
SCORES = Classification(
    100,
    0.93,
    2,
    0.99,
    ((50, 5, 0), (2, 43, 0), (0, 0, 0)),
    (
        ClassScore("<b>", 55, 0.96, 0.91, 0.93),
        ClassScore("two", 45, 0.9, 0.95, 0.92),
        ClassScore("none", 0, math.nan, math.nan, math.nan),
    ),
    LENGTHS,
)
CLASSES = Evaluation(
    100,
    "label",
    SCORES,
    SCORES,
    Agreement(300, 0.98, 0.01, 0.02, 0.3),
    tuple(WorstRow(k, 7, 0.5) for k in range(30)),
)
NUMBERS = Evaluation(
    10, "value", Regression(10, 0.1, 0.2, 0.5, math.nan, 0.9, LENGTHS[:1]), None, None, ()
)


def test_classes():
    page = evaluation_page(CLASSES, title="m.tflite", command="rnnlite evaluate m.tflite")
    for words in ("93.00 %", "other model: accuracy", "98.00 %", "All 30", "rnnlite evaluate"):
        assert words in page
    assert "&lt;b&gt; taken for two: 5" in page
    assert "<b>&lt;b&gt;" not in page
    assert "nan" not in page


def test_numbers():
    page = evaluation_page(NUMBERS)
    for words in ("0.2", "mean absolute error", "1 to 9", "none"):
        assert words in page
    assert "nan" not in page


def test_saved(tmp_path):
    saved = CLASSES.save_html(tmp_path / "a.html", title="m.tflite")
    assert saved.read_text(encoding="utf-8") == evaluation_page(CLASSES, title="m.tflite")
    with pytest.raises(OutputError, match="cannot write"):
        CLASSES.save_html(tmp_path / "none" / "a.html")
