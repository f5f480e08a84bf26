"""Read and write files whole: nothing half-written, nothing half-read.

What enters: a path or bytes. What leaves: bytes; a file that is whole.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from rnnlite.errors import ModelError, OutputError


class HasFile(Protocol):
    """An object that holds a LiteRT file, such as `Converted`."""

    @property
    def tflite(self) -> bytes:
        """The file."""


ModelSource = str | Path | bytes | HasFile
"""What is taken for a LiteRT file: a path, the content, or a finished conversion."""


def read_model(source: ModelSource) -> bytes:
    """The content of a LiteRT file.

    Raises:
        ModelError: there is no such file, it cannot be read, or the source is no path and no
            content.
    """
    content = getattr(source, "tflite", source)
    if isinstance(content, (bytes, bytearray, memoryview)):
        return bytes(content)
    if not isinstance(source, (str, os.PathLike)):
        raise ModelError(
            "this is no LiteRT model",
            expected="a path, the bytes of a file, or what rnnlite.convert gave",
            found=type(source).__name__,
        )
    try:
        data = Path(source).read_bytes()
    except OSError as e:
        raise ModelError(f"cannot read the LiteRT model '{source}': {e.strerror or e}") from e
    if not data:
        raise ModelError(f"the LiteRT model '{source}' is empty")
    return data


def require_place(out: str | Path, others: Iterable[ModelSource] = ()) -> None:
    """Refuse a place to write to, before anything is computed.

    Args:
        out: the file that is to be written.
        others: files that the same call reads or writes too; contents are passed over.

    Raises:
        OutputError: its folder does not exist, it is a folder itself, or it is one of `others`.
    """
    target = Path(out)
    if target.is_dir():
        raise OutputError(f"cannot write '{target}': it is a folder")
    if not target.resolve().parent.is_dir():
        raise OutputError(f"cannot write '{target}': there is no folder '{target.parent}'")
    if any(isinstance(o, (str, Path)) and _is_same(target, Path(o)) for o in others):
        raise OutputError(
            f"cannot write '{target}': the same call reads it, or writes it too",
            remedy="Give another output",
        )


def _is_same(one: Path, other: Path) -> bool:
    return one.resolve() == other.resolve() or (
        one.exists() and other.exists() and one.samefile(other)
    )


def write_whole(path: str | Path, content: bytes) -> None:
    """Write beside the path, then rename: an old file stays until the new one is finished.

    Raises:
        OutputError: the folder is missing or cannot be written.
    """
    target = Path(path)
    if target.is_dir():
        raise OutputError(f"cannot write '{target}': it is a folder")
    temporary = ""
    try:
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)
        os.replace(temporary, target)
    except OSError as e:
        if temporary and os.path.exists(temporary):
            os.unlink(temporary)
        raise OutputError(f"cannot write '{target}': {e.strerror or e}") from e
