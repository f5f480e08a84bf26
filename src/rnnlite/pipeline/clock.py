"""Seconds of each step of a conversion, for its report and the log.

What enters: names of steps, as they run. What leaves: seconds by name; a line of the log for each.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

LOG = logging.getLogger(__name__)


class Clock:
    """Times steps. The times of a step that runs several times are added.

    Attributes:
        seconds: name of a step -> its seconds.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time the `with` block."""
        begin = time.perf_counter()
        yield
        spent = time.perf_counter() - begin
        self.seconds[name] = self.seconds.get(name, 0.0) + spent
        LOG.info("step %s: %.2f s", name, spent)
