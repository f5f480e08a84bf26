"""Read the beginning of a file, by which front ends recognise it.

What enters: a path. What leaves: the first bytes there.
"""

from __future__ import annotations

from pathlib import Path


def head_of(path: Path, count: int = 16) -> bytes:
    """The first bytes of a file; b"" for a folder, no file, or one that cannot be read."""
    if not path.is_file():
        return b""
    try:
        with path.open("rb") as file:
            return file.read(count)
    except OSError:
        return b""
