"""Data for JSON, which has no NaN and no infinity: they are null there.

What enters: dicts, lists, tuples and numbers. What leaves: the same as JSON has it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any


def plain(value: Any) -> Any:
    """Dicts, lists and numbers as JSON has them: what is no finite number as None.

    Keys stay as they are; tuples become lists.
    """
    if isinstance(value, Mapping):
        return {key: plain(v) for key, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def number(value: float | None, missing: float = math.nan) -> float:
    """A number that `plain` may have made None of, or what stands for it."""
    return missing if value is None else value
