"""Tables, shapes, sizes and times as text."""

import pytest
from rich.text import Text

from rnnlite.report.rendering import (
    PLAIN_WIDTH,
    as_html,
    as_text,
    seconds_text,
    shape_text,
    size_text,
    table,
)


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 bytes"),
        (9_999, "9,999 bytes"),
        (10_000, "10.0 kB"),
        (12_345, "12.3 kB"),
        (1_234_567, "1,234.6 kB"),
    ],
)
def test_bytes(size, text):
    assert size_text(size) == text


@pytest.mark.parametrize(
    ("shape", "least", "text"),
    [
        (None, (), "any rank"),
        ((), (), "[]"),
        ((1, None, 12), (), "[1, any, 12]"),
        ((1, None, 12), (1, 4, 12), "[1, 4 or more, 12]"),
        ((None, None), (1, 1), "[any, any]"),
    ],
)
def test_shapes(shape, least, text):
    assert shape_text(shape, least) == text


def test_seconds():
    assert seconds_text({"translate": 0.514, "check": 2.0}) == "translate 0.51 s, check 2.00 s"
    assert seconds_text({}) == "not timed"


def test_cells_of_a_table():
    text = as_text(
        table("Title", ["name", "share", "there"], [["a", 0.123456, True], ["b", 2, None]])
    )
    assert [line.split() for line in text.splitlines()] == [
        ["Title"],
        ["name", "share", "there"],
        ["a", "0.123", "yes"],
        ["b", "2"],
    ]


def test_numbers_stand_to_the_right():
    lines = as_text(table("", ["name", "n"], [["long name", 5], ["b", 12345]])).splitlines()
    assert [line.rstrip()[-5:] for line in lines] == ["    n", "    5", "12345"]


def test_long_cells_are_folded_and_nothing_is_lost():
    text = as_text(table("", ["name"], [["x" * 250]]))
    assert text.count("x") == 250
    assert max(map(len, text.splitlines())) <= PLAIN_WIDTH


def test_text_has_neither_colours_nor_spaces_behind():
    text = as_text(Text("red   ", style="red"))
    assert text == "red"


def test_a_title_wider_than_its_table_stays_on_one_line():
    assert as_text(table("Scores of the other model", ["a"], [[1]])) == (
        "Scores of the other model\na\n1"
    )


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (True, "yes"),
        (False, "no"),
        (None, ""),
        (1234567, "1234567"),
        (1234567.0, "1.23e+06"),
        (0.5, "0.5"),
        (float("nan"), "nan"),
        ("[bold]", "[bold]"),
    ],
)
def test_a_cell(value, shown):
    """Text is never taken for markup."""
    assert as_text(table("", ["head"], [[value]])).split() == ["head", *shown.split()]


def test_a_column_of_numbers_and_words_stands_to_the_left():
    lines = as_text(table("", ["n", "wide column"], [[1, 1], [2, "b"]])).splitlines()
    assert lines[1] == "1  1"


def test_numbers_of_which_some_are_missing_stand_to_the_right():
    lines = as_text(table("", ["n", "end"], [[1, "."], [None, "."], [12345, "."]])).splitlines()
    assert lines[1:] == ["    1  .", "       .", "12345  ."]


def test_yes_and_no_are_words():
    lines = as_text(table("", ["masked", "n"], [[True, 1], [False, 20]])).splitlines()
    assert lines[1:] == ["yes      1", "no      20"]


def test_a_column_of_nothing_is_one_of_words():
    assert as_text(table("", ["head", "n"], [[None, 1]])).splitlines()[0] == "head  n"


def test_a_table_without_rows_is_its_head():
    assert as_text(table("T", ["a", "b"], [])) == "T\na  b"


def test_html_is_one_element_with_its_style():
    html = as_html(Text("a < b\nc", style="bold"))
    assert html.startswith(
        '<pre style="font-family: monospace; line-height: 1.3; overflow-x: auto">'
    )
    assert html.rstrip().endswith("</pre>")
    assert '<span style="font-weight: bold">a &lt; b</span>\n' in html
    assert "<html" not in html
