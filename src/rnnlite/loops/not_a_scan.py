"""Why a loop is no Scan.

What enters: a reason, in words. What leaves: `NotAScan`, which the reader gives in place of a Scan.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class NotAScan:
    """The loop is no recurrence over time. No error: it is kept as a plain loop.

    Attributes:
        reason: a sentence without subject: "its condition has no bound".
    """

    reason: str
