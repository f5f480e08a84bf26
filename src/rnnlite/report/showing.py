"""Show results as tables: on rich consoles, and in notebooks.

What enters: a record that has tables. What leaves: what a rich console or a notebook shows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import RenderableType


class Shown:
    """A result that is shown as tables."""

    def __rich__(self) -> RenderableType:
        """The tables, for rich consoles."""
        raise NotImplementedError

    def _repr_html_(self) -> str:
        """The tables as HTML, for notebooks."""
        from rnnlite.report.rendering import as_html

        return as_html(self.__rich__())
