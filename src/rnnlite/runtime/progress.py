"""A progress bar on standard error, or nothing."""

from __future__ import annotations

import sys
from types import TracebackType


class Progress:
    """A context: `add` moves the bar; without `shown` nothing is printed."""

    def __init__(self, label: str, total: int, shown: bool) -> None:
        self._bar = None
        if shown:
            from rich.console import Console
            from rich.progress import Progress as Bar

            self._bar = Bar(console=Console(file=sys.stderr))
            self._task = self._bar.add_task(label, total=total)

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
        if self._bar is not None:
            self._bar.advance(self._task, count)
