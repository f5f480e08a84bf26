"""Read the beginning of a file, by which front ends recognise it.

What enters: a path. What leaves: the first bytes there.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from pathlib import Path

DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    RuntimeError,
    ValueError,
)
"""What reading a zip archive raises that is damaged: also names that are no UTF-8 (ValueError), and
versions, kinds of compression and passwords that no one has set (RuntimeError)."""


def head_of(path: Path, count: int = 16) -> bytes:
    """The first bytes of a file; b"" for a folder, no file, or one that cannot be read."""
    if not path.is_file():
        return b""
    try:
        with path.open("rb") as file:
            return file.read(count)
    except OSError:
        return b""
