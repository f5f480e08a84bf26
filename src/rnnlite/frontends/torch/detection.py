"""Recognises sources of PyTorch. It never imports PyTorch: a live object implies the import.

What enters: a source of any kind. What leaves: a `SourceKind`, or None.
"""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

from rnnlite.errors import SourceError
from rnnlite.frontends.paths import DAMAGED, head_of
from rnnlite.frontends.registry import SourceKind

MODULE = SourceKind("live torch.nn.Module", ("example",))
EXPORTED = SourceKind("torch ExportedProgram", ("example",))
PT2 = SourceKind("ExportedProgram file (.pt2)", ("example",))
SCRIPT = SourceKind("TorchScript file", ("example",))
PICKLE = SourceKind("pickle of PyTorch", ())
PACKAGE = SourceKind("torch.package archive", ())

NAMES = frozenset([".pt", ".pth", ".pt2"])
"""Suffixes of PyTorch's files."""

LEGACY = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19"
"""How files begin that torch.save wrote before PyTorch 1.6: its magic number, pickled."""


def detect(source: object) -> SourceKind | None:
    """The kind of a source; None if it is none of PyTorch's.

    Raises:
        SourceError: it is a truncated archive with a suffix of PyTorch.
    """
    if isinstance(source, Path):
        return _of_file(source) if source.is_file() else None
    torch = sys.modules.get("torch")
    if torch is None or not hasattr(torch, "nn"):
        return None
    if any(base.__module__.split(".")[0] in ("keras", "tf_keras") for base in type(source).__mro__):
        # Keras layers on the PyTorch backend are modules too; the front end of Keras reads them.
        return None
    if isinstance(source, torch.nn.Module):
        return MODULE
    export = sys.modules.get("torch.export")
    program = getattr(export, "ExportedProgram", None)
    return EXPORTED if program is not None and isinstance(source, program) else None


def _of_file(path: Path) -> SourceKind | None:
    if not zipfile.is_zipfile(path):
        head = head_of(path)
        if head[:4] == b"PK\x03\x04" and path.suffix.lower() in NAMES:
            raise _damaged(path, f"{path.stat().st_size} bytes without one")
        return PICKLE if head[: len(LEGACY)] == LEGACY else None
    try:
        with zipfile.ZipFile(path) as archive:
            names = {name.split("/", 1)[-1] for name in archive.namelist()}
    except DAMAGED as e:
        if path.suffix.lower() in NAMES:
            raise _damaged(path, str(e)) from e
        return None
    if ".data/extern_modules" in names:
        return PACKAGE
    if "archive_format" in names or "serialized_exported_program.json" in names:
        return PT2
    if "constants.pkl" in names and any(n.startswith("code/") for n in names):
        return SCRIPT
    return PICKLE if "data.pkl" in names else None


def _damaged(path: Path, found: str) -> SourceError:
    return SourceError(
        f"the PyTorch archive '{path}' is truncated or damaged",
        expected="a zip archive to its end",
        found=found,
        remedy="Save or download it again",
    )
