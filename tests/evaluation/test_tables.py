"""An evaluation as text."""

import pytest

from rnnlite.evaluation.records import (
    Agreement,
    Classification,
    ClassScore,
    Evaluation,
    LengthScore,
    Regression,
    WorstRow,
)

LENGTHS = (LengthScore(3, 3, 4, 0.5), LengthScore(4, 9, 6, 0.75))


def classes(count, top_k=1):
    scores = tuple(ClassScore(f"c{k}", k, 0.5, float("nan"), 0.25) for k in range(count))
    confusion = tuple(tuple(10 * i + j for j in range(count)) for i in range(count))
    return Classification(100, 0.5, top_k, 0.875, confusion, scores, LENGTHS)


NUMBERS = Regression(100, 0.125, 0.25, 1.5, 0.99, 0.98, LENGTHS)
SAME = Agreement(300, 0.75, 0.01, 0.02, 0.5)


def text(scores=None, other=None, agreement=None, worst=()):
    return str(Evaluation(1234, "tags", scores, other, agreement, worst)).splitlines()


def table(lines, title):
    """What stands under a title, cells apart, up to the next empty line."""
    begin = lines.index(title) + 1
    end = next((k for k in range(begin, len(lines)) if k > begin and not lines[k]), len(lines))
    return [line.split() for line in lines[begin:end] if line]


def test_classes():
    lines = text(classes(3))
    assert lines[0] == "1,234 samples, output 'tags'"
    assert table(lines, "Scores") == [["accuracy", "50.00", "%"], ["labels", "compared", "100"]]
    assert table(lines, "By class")[1] == ["c0", "0", "50.00", "%", "25.00", "%"]
    matrix = table(lines, "Label (row) and picked class (column)")
    assert matrix[1:] == [
        ["c0", "0", "1", "2"],
        ["c1", "10", "11", "12"],
        ["c2", "20", "21", "22"],
    ]
    assert table(lines, "By length")[1:] == [
        ["3", "4", "50.00", "%"],
        ["4", "to", "9", "6", "75.00", "%"],
    ]


@pytest.mark.parametrize(("top_k", "shown"), [(1, False), (2, True), (3, False)])
def test_the_best_few_are_shown_where_they_say_something(top_k, shown):
    found = [row[0] for row in table(text(classes(3, top_k)), "Scores")]
    assert ("top" in found) == shown


@pytest.mark.parametrize(("count", "shown"), [(20, True), (21, False)])
def test_large_matrices_are_left_to_the_page(count, shown):
    assert ("Label (row) and picked class (column)" in text(classes(count))) == shown


def test_numbers():
    lines = text(NUMBERS)
    assert {" ".join(row[:-1]): row[-1] for row in table(lines, "Scores")} == {
        "mean absolute error": "0.125",
        "RMS error": "0.25",
        "largest error": "1.5",
        "correlation": "0.9900",
        "R squared": "0.9800",
    }
    assert table(lines, "By length")[1:] == [["3", "4", "0.5"], ["4", "to", "9", "6", "0.75"]]


def test_two_models():
    lines = text(classes(2), classes(2), SAME)
    assert "Scores of the other model" in lines
    assert lines.count("By class") == 1, "the other model's classes are on the page"
    assert table(lines, "Agreement with the other model") == [
        ["same", "class", "75.00", "%"],
        ["RMS", "difference", "0.01", "(2.00", "%)"],
        ["largest", "difference", "0.5"],
    ]
    lines = text(agreement=Agreement(9, None, 0.01, float("nan"), 0.5))
    assert table(lines, "Agreement with the other model") == [
        ["RMS", "difference", "0.01"],
        ["largest", "difference", "0.5"],
    ]


@pytest.mark.parametrize(
    ("agreement", "title"),
    [(None, "Rows furthest from their labels"), (SAME, "Rows that differ most")],
)
def test_all_worst_rows_that_were_asked_for(agreement, title):
    worst = tuple(WorstRow(k, k + 2, 1 / (k + 1)) for k in range(20))
    rows = table(text(classes(2), agreement=agreement, worst=worst), title)[1:]
    assert [int(row[0]) for row in rows] == list(range(20))
    assert rows[2] == ["2", "4", "0.3333"]
    assert title not in text(classes(2), agreement=agreement)
