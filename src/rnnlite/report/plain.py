"""Data for JSON, which has no NaN and no infinity.

What enters: dicts, lists, tuples and numbers. What leaves: the same data, with None for NaN and
infinity.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any


def plain(value: Any) -> Any:
    """Dicts, lists and numbers as JSON can have them: NaN and infinity become None.

    Keys stay as they are; tuples become lists.
    """
    if isinstance(value, Mapping):
        return {key: plain(v) for key, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def number(value: float | None, missing: float = math.nan) -> float:
    """The number; `missing` where `plain` has made it None."""
    return missing if value is None else value
