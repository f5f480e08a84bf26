"""Exits in reports: as the file's record states them, in text, on the page, through JSON."""

import json

import pytest

from rnnlite.report.exits import COLUMNS, Exit, exit_rows
from rnnlite.report.page.conversion import conversion_page
from rnnlite.report.records import Report

SAID = [
    {
        "output": name,
        "signature": f"exit/{name}",
        "inputs": ["x", "boundary/0"][k:][:1],
        "outputs": [name, "boundary/0"][: 2 - k],
        "ops": ops,
    }
    for k, (name, ops) in enumerate([("early", 30), ("late", 12)])
]
EXITS = tuple(map(Exit.of, SAID))


@pytest.fixture
def report():
    ends = ({"name": "x", "shape": (1, None), "dtype": "float32", "least": ()},)
    return Report("a model", ends, ends, 9, 2, {"ADD": 1}, (), None, (), {}, exits=EXITS)


def test_as_the_record_says():
    assert EXITS[0] == Exit("early", "exit/early", ("x",), ("early", "boundary/0"), 30)
    assert EXITS[1] == Exit("late", "exit/late", ("boundary/0",), ("late",), 12)


def test_what_has_run_adds_up():
    assert exit_rows(EXITS) == [["early", "exit/early", 30, 30], ["late", "exit/late", 12, 42]]
    assert exit_rows(()) == []


def test_through_json(report):
    assert Report.from_dict(json.loads(json.dumps(report.to_dict()))).exits == EXITS


def test_as_text(report):
    lines = str(report).splitlines()
    at = lines.index("Exits, run in this order")
    assert [line.split() for line in lines[at + 2 : at + 4]] == [
        ["early", "exit/early", "30", "30"],
        ["late", "exit/late", "12", "42"],
    ]


def test_on_the_page(report):
    page = conversion_page(report)
    assert "Exits, run in this order" in page
    assert "exit/late" in page


@pytest.mark.parametrize("missing", ["output", "signature", "inputs", "outputs", "ops"])
def test_a_record_without_a_field_is_no_exit(missing):
    said = {key: value for key, value in SAID[0].items() if key != missing}
    with pytest.raises(KeyError, match=missing):
        Exit.of(said)


def test_what_else_a_record_says_is_left():
    assert Exit.of({**SAID[0], "kept": True}) == EXITS[0]


def test_a_row_has_as_many_cells_as_the_table_has_columns():
    assert {len(row) for row in exit_rows(EXITS)} == {len(COLUMNS)}
