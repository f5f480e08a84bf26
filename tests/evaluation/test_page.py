"""The page of an evaluation."""

import math
import re
from dataclasses import replace

import pytest

from rnnlite.errors import OutputError
from rnnlite.evaluation.page import MOST_CLASSES, evaluation_page
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


def evaluated(**changed):
    return replace(CLASSES, **changed)


def words(page):
    """The text of a page, tag by tag."""
    body = page.partition("<main")[2]
    return [t.strip() for t in re.split(r"<[^>]*>", body) if t.strip()]


def test_what_cannot_be_said_is_no_number():
    """A model that gives zeros alone has nothing to be relative to."""
    nothing = Agreement(8, math.nan, 0.5, math.nan, 0.5)
    for agreement in (nothing, replace(nothing, same_class=None)):
        page = evaluation_page(evaluated(agreement=agreement))
        assert not {"nan", "nan %"} & set(words(page))


@pytest.mark.parametrize(
    ("changed", "there", "gone"),
    [
        ({"agreement": None}, "Rows furthest from their labels", "Agreement with the other model"),
        ({}, "Rows that differ most", "Rows furthest from their labels"),
        ({"scores": None, "other": None}, "Agreement with the other model", "By class"),
        ({"worst": ()}, "By class", "Rows that differ most"),
        ({"worst": CLASSES.worst[:20]}, "Rows that differ most", "All 20"),
        ({"worst": CLASSES.worst[:21]}, "All 21", "All 20"),
        ({"scores": replace(SCORES, top_k=1)}, "accuracy", "among the best 1"),
        ({"scores": replace(SCORES, top_k=3)}, "accuracy", "among the best 3"),
        ({"scores": replace(SCORES, lengths=())}, "By class", "By length"),
    ],
)
def test_there_is_a_section_for_what_is_known(changed, there, gone):
    found = words(evaluation_page(evaluated(**changed)))
    assert there in found
    assert gone not in found


def many(count):
    names = [ClassScore(f"class {k}", 1, 1.0, 1.0, 1.0) for k in range(count)]
    counts = tuple(tuple(int(a == b) for a in range(count)) for b in range(count))
    return replace(SCORES, classes=tuple(names), confusion=counts)


@pytest.mark.parametrize(("count", "drawn"), [(MOST_CLASSES, True), (MOST_CLASSES + 1, False)])
def test_a_matrix_is_drawn_of_so_many_classes_alone(count, drawn):
    found = words(evaluation_page(evaluated(scores=many(count))))
    assert ("Labels and picked classes" in found) is drawn
    # The table has all of them whatever their number.
    assert f"class {count - 1}" in found


def test_of_many_classes_the_worst_are_drawn():
    """What has no label and is never picked has no F1, and is not among them."""
    told = many(MOST_CLASSES + 3)
    last = replace(told.classes[-1], f1=0.25)
    none = replace(told.classes[0], f1=math.nan)
    scores = replace(told, classes=(none, *told.classes[1:-1], last))
    page = evaluation_page(evaluated(scores=scores))
    assert f"F1, lowest {MOST_CLASSES} of {MOST_CLASSES + 3} classes" in words(page)
    drawn = page.partition("lowest")[2].partition("</svg>")[0]
    bars = re.findall(r"<text[^>]*>(class \d+)</text>", drawn)
    assert bars[0] == last.name
    assert len(bars) == MOST_CLASSES
    assert none.name not in bars


def test_a_page_is_called_after_its_model_or_its_output():
    assert "<title>m.tflite" in evaluation_page(CLASSES, title="m.tflite")
    page = evaluation_page(CLASSES)
    assert "Output 'label'" in words(page) or "Output &#x27;label&#x27;" in page
    assert any("100 samples" in w for w in words(page))


def test_the_other_models_scores_stand_beside_by_their_range():
    """Ranges that it does not have are left out, not shifted."""
    other = replace(SCORES, lengths=(LengthScore(10, 19, 60, 0.5),))
    found = words(evaluation_page(evaluated(other=other)))
    assert "the other" in found
    rows = found[found.index("the other", found.index("By length")) :]
    assert "50" in rows


def test_one_range_of_length_is_a_bar():
    page = evaluation_page(evaluated(scores=replace(SCORES, lengths=LENGTHS[:1])))
    assert "1 to 9" in words(page)
    one = replace(SCORES, lengths=(LengthScore(7, 7, 3, 0.5),))
    assert "7" in words(evaluation_page(evaluated(scores=one)))


def test_figures_of_numbers():
    scores = Regression(10, 0.125, 0.25, 0.5, 0.98765, 0.912345, LENGTHS)
    found = words(evaluation_page(replace(NUMBERS, scores=scores, other=scores)))
    for figure, name in (
        ("0.25", "RMS error"),
        ("0.125", "mean absolute error"),
        ("0.9877", "correlation"),
        ("0.9123", "R squared"),
    ):
        assert found[found.index(name) - 1] == figure
        assert f"other model: {name}" in found


def test_text_is_text():
    """Names of the user's own are no markup."""
    page = evaluation_page(evaluated(output="<i>y"), title="<script>", command="rnnlite <x>")
    assert "<script>" not in page.partition("<main")[2]
    assert "<i>y" not in page
    assert "rnnlite &lt;x&gt;" in page
