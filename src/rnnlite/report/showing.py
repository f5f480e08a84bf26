"""How results are shown where tables can be: on rich consoles, and in notebooks.

What enters: a record that has tables. What leaves: what a rich console or a notebook shows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import RenderableType


class Shown:
    """Something that is shown as tables."""

    def __rich__(self) -> RenderableType:
        """For rich consoles."""
        raise NotImplementedError

    def _repr_html_(self) -> str:
        """For notebooks."""
        from rnnlite.report.rendering import as_html

        return as_html(self.__rich__())
