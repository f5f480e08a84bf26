"""What front ends look at to recognise a file.

What enters: a path. What leaves: the first bytes there.
"""

from __future__ import annotations

from pathlib import Path


def head_of(path: Path, count: int = 16) -> bytes:
    """The first bytes of a file; b"" of a folder, of nothing, and of what cannot be read."""
    if not path.is_file():
        return b""
    try:
        with path.open("rb") as file:
            return file.read(count)
    except OSError:
        return b""
