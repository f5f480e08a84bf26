"""What an evaluation found: as JSON, as text and as a page."""

import json
import math

import pytest

from rnnlite.errors import OutputError
from rnnlite.evaluation.records import (
    Agreement,
    Classification,
    ClassScore,
    Evaluation,
    LengthScore,
    Regression,
    WorstRow,
)

NAN = math.nan
LENGTHS = (LengthScore(1, 4, 3, 0.5), LengthScore(5, 9, 0, NAN))


def classes():
    scores = (ClassScore("no", 3, 0.75, 1.0, 6 / 7), ClassScore("yes", 0, NAN, NAN, NAN))
    return Classification(4, 0.75, 2, 1.0, ((3, 0), (1, 0)), scores, LENGTHS)


def numbers():
    return Regression(6, 0.25, 0.5, 1.5, NAN, -math.inf, LENGTHS)


@pytest.fixture
def evaluation():
    agreement = Agreement(8, 0.5, 0.1, math.inf, 0.2)
    return Evaluation(4, "label", classes(), numbers(), agreement, (WorstRow(2, 7, 0.9),))


def test_as_json_what_cannot_be_said_is_null(evaluation):
    text = json.dumps(evaluation.to_dict(), allow_nan=False)
    found = json.loads(text)
    assert found["scores"]["classes"][1] == {
        "name": "yes",
        "count": 0,
        "precision": None,
        "recall": None,
        "f1": None,
    }
    assert found["scores"]["confusion"] == [[3, 0], [1, 0]]
    assert found["scores"]["lengths"][1]["score"] is None
    assert found["other"]["correlation"] is None
    assert found["other"]["explained"] is None
    assert found["agreement"]["relative_rms"] is None
    assert found["worst"] == [{"row": 2, "length": 7, "difference": 0.9}]
    # Which kind of scores they are.
    assert (found["scores"]["task"], found["other"]["task"]) == ("classification", "regression")


def test_whole_numbers_and_texts_stay(evaluation):
    found = evaluation.to_dict()
    assert found["samples"] == 4
    assert found["output"] == "label"
    assert found["scores"]["accuracy"] == 0.75


def test_what_is_missing_is_null():
    found = Evaluation(2, "y", None, None, None, ()).to_dict()
    assert (found["scores"], found["other"], found["agreement"]) == (None, None, None)
    assert found["worst"] == []


def test_as_text(evaluation):
    text = str(evaluation)
    for part in ("label", "yes", "75"):
        assert part in text


def test_as_a_page(evaluation, tmp_path):
    path = evaluation.save_html(tmp_path / "a.html", title="Speakers & co", command="rnnlite x")
    assert path == tmp_path / "a.html"
    text = path.read_text()
    assert "Speakers &amp; co" in text
    assert "Speakers & co" not in text
    assert "rnnlite x" in text


def test_a_place_that_cannot_be_written_is_refused(evaluation, tmp_path):
    with pytest.raises(OutputError):
        evaluation.save_html(tmp_path / "missing" / "a.html")
    assert list(tmp_path.iterdir()) == []
