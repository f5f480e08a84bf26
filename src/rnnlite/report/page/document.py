"""A page and its parts: head, figures, sections, tables, and the command that made it.

What enters: a title, and pieces of HTML. What leaves: a page; tables, lists and headings for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from rnnlite._version import __version__
from rnnlite.report.page.markup import Child, Markup, tag

STYLE = (Path(__file__).parent / "style.css").read_text(encoding="utf-8")


def document(
    title: str, *children: Child, kicker: str = "", lead: str = "", command: str = ""
) -> str:
    """A whole page.

    Args:
        title: the heading of the page.
        children: figures and sections, in order.
        kicker: a line above the title, which names the kind of report.
        lead: a line below the title.
        command: the command that made it; "" where there was none.
    """
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="generator", content=f"rnnlite {__version__}"),
        tag("title", f"{title} - rnnlite"),
        tag("style", Markup(STYLE)),
    )
    made = section("The command", tag("pre", _words(command))) if command else None
    header = tag(
        "header",
        tag("p", kicker, class_="kicker") if kicker else None,
        tag("h1", title),
        tag("p", lead, class_="lead") if lead else None,
    )
    footer = tag("footer", f"Made by rnnlite {__version__}.")
    body = tag("body", tag("main", header, children, made, footer))
    return f"<!DOCTYPE html>\n{tag('html', head, body, lang='en')}\n"


def _words(command: str) -> list[Child]:
    """The words of a command; a word with hyphens is not broken where there is room for it."""
    pieces = re.split(r"(\s+)", command)
    return [tag("span", piece) if "-" in piece else piece for piece in pieces]


def section(title: str, *children: Child, lead: str = "", class_: str | None = None) -> Markup:
    """A part of the page under a heading."""
    return tag(
        "section",
        tag("h2", title),
        tag("p", lead, class_="soft small") if lead else None,
        children,
        class_=class_,
    )


def figures(found: Iterable[tuple[str, str, str]]) -> Markup:
    """Large figures side by side: (value, what it is, "good", "bad" or "")."""
    return tag(
        "div",
        [
            tag("div", tag("b", value), tag("span", what), class_=f"figure {state}".strip())
            for value, what, state in found
        ],
        class_="figures",
    )


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Markup:
    """A table that scrolls sideways on a narrow screen; columns of numbers stand to the right."""
    cells = [[_cell(value) for value in row] for row in rows]
    numeric = [
        bool(cells) and all(shown is not None and number for shown, number in column)
        for column in zip(*cells, strict=True)
    ] or [False] * len(columns)
    kinds = [
        "n" if number else "s" if all(_is_short(row[k][0]) for row in cells) else "t"
        for k, number in enumerate(numeric)
    ]
    head = [tag("th", name, class_=kind) for name, kind in zip(columns, kinds, strict=True)]
    body = [
        tag("tr", [tag("td", c[0], class_=k) for c, k in zip(row, kinds, strict=True)])
        for row in cells
    ]
    parts = tag("thead", tag("tr", head)), tag("tbody", body)
    return tag("div", tag("table", parts), class_="wide", tabindex="0")


NARROW = 20
"""Columns of texts that have at most so many letters are kept on one line."""


def _is_short(shown: Child) -> bool:
    return len(str(shown)) <= NARROW


def _cell(value: object) -> tuple[Child, bool]:
    """What is shown, and whether it is a number."""
    if value is None:
        return "", True
    if isinstance(value, bool):
        return ("yes" if value else "no"), False
    if isinstance(value, int):
        return f"{value:,}", True
    if isinstance(value, float):
        return ("" if value != value else f"{value:.4g}"), True
    return value, False


def details(summary: str, *children: Child) -> Markup:
    """A part of the page that is shown on a click."""
    return tag("details", tag("summary", summary), children)


def key(*entries: tuple[str, str]) -> Markup:
    """The key of a chart: (class of the colour, its meaning)."""
    return tag(
        "div", [tag("span", tag("i", class_=c), words) for c, words in entries], class_="key"
    )


def items(lines: Iterable[object]) -> Markup:
    """Lines as a list."""
    return tag("ul", [tag("li", line) for line in lines])


def name_of(origin: str) -> str:
    """A short title from the origin of a model: the last part of a path."""
    return Path(origin).name if "/" in origin and "\n" not in origin else origin


def page_bytes(page: str) -> bytes:
    """The page as bytes, in UTF-8."""
    return page.encode("utf-8", "replace")
