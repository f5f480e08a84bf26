"""A progress bar on standard error, with rate and remaining time; or nothing.

What enters: how many items there are, and how many more are done. What leaves: text on standard
error.
"""

from __future__ import annotations

import sys
from types import TracebackType


class Progress:
    """A context manager: `add` moves the bar. Without `shown`, nothing is printed.

    Args:
        label: what is being done.
        total: how many items there are.
        shown: whether there is a bar.
        done: items that were done before; they do not count for the rate.
    """

    def __init__(self, label: str, total: int, shown: bool, *, done: int = 0) -> None:
        self._bar = None
        if shown:
            from rich import progress
            from rich.console import Console

            self._bar = progress.Progress(
                progress.TextColumn("{task.description}"),
                progress.BarColumn(),
                progress.MofNCompleteColumn(),
                progress.TextColumn("{task.fields[rate]}"),
                progress.TimeRemainingColumn(),
                console=Console(file=sys.stderr),
            )
            self._task = self._bar.add_task(label, total=total, completed=done, rate="")

    def __enter__(self) -> Progress:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def add(self, count: int = 1) -> None:
        """Advance by a number of items."""
        if self._bar is None:
            return
        self._bar.advance(self._task, count)
        speed = self._bar.tasks[0].speed
        self._bar.update(self._task, rate=f"{speed:,.0f}/s" if speed else "")
