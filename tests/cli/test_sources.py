"""Options that front ends declare, as parameters of a command."""

from pathlib import Path
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from rnnlite.cli import sources
from rnnlite.cli.sources import SourceOptions, parsed, with_source_options
from rnnlite.errors import SourceError
from rnnlite.frontends.registry import declared_options
from rnnlite.frontends.request import Option


def doubled(text):
    """ "a" as "aa"; "no" is wrong usage, "never" refused."""
    if text == "no":
        raise ValueError("expected another text; got 'no'")
    if text == "never":
        raise SourceError("it is never right")
    return 2 * text


OPTIONS = (
    Option("names", None, "Names of it.", "--names", parse=doubled),
    Option("factor", 1.0, "A factor.", "--factor", text=float, shown_default="one"),
    Option("trust", False, "Whether to trust it.", "--trust", text=bool),
    Option("fixed", (), "A value each.", "--fix", repeated=True, parse=tuple),
    Option("place", None, "A file.", "--place", text=Path),
    Option("object", None, "In code alone.", "", text=None, parse=doubled),
)


@pytest.fixture(autouse=True)
def _declared(monkeypatch):
    monkeypatch.setattr(sources, "declared_options", lambda: OPTIONS)


@pytest.fixture
def run():
    """A command with these options; gives what it was called with, or the failed call."""
    app = typer.Typer()
    got = []

    @app.command()
    @with_source_options
    def command(
        source: Annotated[Path, typer.Argument()],
        before: int = 1,
        source_options: SourceOptions = None,
        after: str = "z",
    ) -> None:
        """Do something with a source."""
        got.append((source, before, source_options, after))

    def call(*arguments):
        result = CliRunner().invoke(app, list(arguments), terminal_width=200)
        return got[-1] if got and result.exit_code == 0 else result

    return call


def test_each_option_is_one_of_the_command(run):
    source, before, options, after = run(
        *("model", "--before", "3", "--names", "x", "--factor", "2.5", "--trust"),
        *("--fix", "a", "--fix", "b", "--place", "here", "--after", "y"),
    )
    assert (source, before, after) == (Path("model"), 3, "y")
    assert options == {
        "names": "x",
        "factor": 2.5,
        "trust": True,
        "fixed": ["a", "b"],
        "place": Path("here"),
    }


def test_what_is_not_typed_is_nothing(run):
    """A front end's own default is then taken: the command does not repeat it."""
    _, before, options, after = run("model")
    assert (before, after) == (1, "z")
    assert options["names"] is None
    assert options["factor"] is None
    assert options["trust"] is False
    assert not options["fixed"]


def test_help_says_what_is_declared(run):
    text = run("--help").stdout
    for words in ("Names of it.", "--factor", "one", "--fix", "Do something with a source."):
        assert words in text
    # What only code can give has no flag.
    assert "In code alone." not in text
    assert "object" not in text


def test_a_text_of_another_type_is_wrong_usage(run):
    result = run("model", "--factor", "much")
    assert result.exit_code == 2
    assert "--factor" in result.stderr


def test_values_are_read():
    typed = {"names": "ab", "factor": 2.0, "trust": True, "fixed": ["x"], "place": None}
    assert parsed(typed) == {
        "names": "abab",
        "factor": 2.0,
        "trust": True,
        "fixed": ("x",),
        "place": None,
    }


@pytest.mark.parametrize("typed", [None, {}])
def test_nothing_typed_is_nothing(typed):
    assert parsed(typed) == {}


def test_what_was_not_typed_is_not_read():
    """An empty list is what typer gives for an option that may be repeated and was not."""
    assert parsed({"names": None, "fixed": []}) == {"names": None, "fixed": []}


def test_the_callers_options_are_left_alone():
    typed = {"names": "a"}
    parsed(typed)
    assert typed == {"names": "a"}


def test_a_text_that_an_option_does_not_take_is_wrong_usage():
    with pytest.raises(typer.BadParameter) as found:
        parsed({"names": "no"})
    assert str(found.value) == "expected another text; got 'no'"
    assert found.value.param_hint == "'--names'"


def test_a_refusal_of_an_options_reading_goes_through():
    with pytest.raises(SourceError, match="it is never right"):
        parsed({"names": "never"})


def test_a_command_keeps_its_name_and_text():
    def command(source_options: SourceOptions = None) -> None:
        """One line."""

    made = with_source_options(command)
    assert (made.__name__, made.__doc__) == ("command", "One line.")


def test_the_options_of_front_ends_have_flags_of_their_own():
    flags = [o.flag for o in declared_options() if o.text is not None]
    assert all(f.startswith("--") for f in flags)
    assert len(flags) == len(set(flags))
