"""Tables on rich consoles and in notebooks."""

from io import StringIO

import pytest
from rich.console import Console
from rich.text import Text

import rnnlite
from rnnlite.report.rendering import table
from rnnlite.report.showing import Shown


class Few(Shown):
    def __rich__(self):
        return Text("one < two", style="bold")


def test_html_is_one_element_that_escapes():
    html = Few()._repr_html_()
    assert html.startswith("<pre style=")
    assert html.rstrip().endswith("</pre>")
    assert "one &lt; two" in html
    assert "font-weight: bold" in html


def printed(value):
    console = Console(width=100, record=True, file=StringIO())
    console.print(value)
    return console.export_text()


def test_results_show_their_tables(exits):
    report = str(exits.report)
    for value in (exits, exits.report):
        assert [line.rstrip() for line in printed(value).rstrip().splitlines()] == (
            report.splitlines()
        )
    assert "Inputs" in printed(rnnlite.load(exits.tflite)) or "frames" in printed(
        rnnlite.load(exits.tflite)
    )
    inspected = rnnlite.inspect(exits.tflite)
    assert printed(inspected).split() == str(inspected).split()
    assert len(repr(inspected).splitlines()) == 1
    assert f"{len(exits.tflite):,} bytes" in repr(inspected)
    for value in (exits, exits.report, inspected, rnnlite.load(exits.tflite)):
        assert "frames" in value._repr_html_()


def test_what_shows_nothing_says_so_to_who_writes_it():
    with pytest.raises(NotImplementedError):
        Shown().__rich__()


def test_no_name_of_a_model_is_taken_for_markup_of_the_console():
    class Named(Shown):
        def __rich__(self):
            return table("", ["name"], [["[red]layer[/red] <b>"]])

    assert "[red]layer[/red] &lt;b&gt;" in Named()._repr_html_()
    assert "[red]layer[/red] <b>" in printed(Named())
