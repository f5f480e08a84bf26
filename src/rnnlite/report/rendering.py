"""Tables and texts for people: how numbers, shapes, sizes and times are written.

What enters: rows of values, or anything that rich renders. What leaves: a table of rich; its text
or HTML; a number as text. `tables` and `page/` choose what is shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from io import StringIO
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

PLAIN_WIDTH = 100


def as_text(renderable: RenderableType) -> str:
    """Render without colours at a fixed width."""
    sink = StringIO()
    Console(file=sink, width=PLAIN_WIDTH, no_color=True, highlight=False).print(renderable)
    return "\n".join(line.rstrip() for line in sink.getvalue().rstrip().splitlines())


def as_html(renderable: RenderableType) -> str:
    """Render as one element of HTML, with its style in it."""
    console = Console(file=StringIO(), width=PLAIN_WIDTH, record=True, highlight=False)
    console.print(renderable)
    style = "font-family: monospace; line-height: 1.3; overflow-x: auto"
    return console.export_html(
        inline_styles=True, code_format=f'<pre style="{style}">{{code}}</pre>'
    )


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Table:
    """A table for a terminal: columns of numbers are aligned to the right."""
    rows = [list(row) for row in rows]
    # A title may be wider than its table: it stays on one line.
    head = Text(title, style="bold", no_wrap=True, overflow="ignore") if title else None
    result = Table(title=head, title_justify="left", box=None, pad_edge=False)
    for k, name in enumerate(columns):
        numeric = _is_numeric([row[k] for row in rows])
        result.add_column(name, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        result.add_row(*[Text(_cell(value)) for value in row])
    return result


def spaced(parts: Sequence[RenderableType]) -> list[RenderableType]:
    """The parts, with an empty line before and after each table."""
    result: list[RenderableType] = []
    for k, part in enumerate(parts):
        blocks = (Table, Group)
        if k and (isinstance(part, blocks) or isinstance(parts[k - 1], blocks)):
            result.append(Text(""))
        result.append(part)
    return result


def _is_numeric(column: Sequence[Any]) -> bool:
    """Whether a column holds numbers, of which some may be None; bools are shown as words."""
    known = [value for value in column if value is not None]
    return bool(known) and all(
        isinstance(value, (int, float)) and not isinstance(value, bool) for value in known
    )


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.3g}"
    return "" if value is None else str(value)


def shape_text(shape: Sequence[int | None] | None, least: Sequence[int] = ()) -> str:
    """A shape as text, such as "[1, any, 12]" or "[1, 4 or more, 12]"."""
    if shape is None:
        return "any rank"
    free = [f"{n} or more" if n > 1 else "any" for n in least] or ["any"] * len(shape)
    sizes = [any_ if d is None else str(d) for d, any_ in zip(shape, free, strict=True)]
    return "[" + ", ".join(sizes) + "]"


def size_text(size: int) -> str:
    """A number of bytes as text."""
    return f"{size:,} bytes" if size < 10_000 else f"{size / 1000:,.1f} kB"


def seconds_text(seconds: Mapping[str, float]) -> str:
    """The times of steps as text."""
    return ", ".join(f"{name} {value:.2f} s" for name, value in seconds.items()) or "not timed"
