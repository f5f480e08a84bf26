"""Recognise ONNX sources, without importing onnx.

What enters: a source of any kind. What leaves: a `SourceKind`, or None.
"""

from __future__ import annotations

import sys
from pathlib import Path

from rnnlite.frontends.paths import head_of
from rnnlite.frontends.registry import SourceKind

FILE = SourceKind("ONNX file", ("outputs", "constants"))
LIVE = SourceKind("live onnx.ModelProto", ("outputs", "constants"))


def detect(source: object) -> SourceKind | None:
    """The kind of a source; None where it is something else."""
    if isinstance(source, Path):
        return FILE if source.is_file() and _is_onnx(source) else None
    onnx = sys.modules.get("onnx")
    return LIVE if onnx is not None and isinstance(source, onnx.ModelProto) else None


def _is_onnx(path: Path) -> bool:
    """Whether a file ends in .onnx, or begins like a ModelProto: ir_version, then another field."""
    head = head_of(path)
    begins = head[:1] == b"\x08" and head[2:3] in (b"\x12", b"\x1a", b"\x3a", b"\x42")
    return begins if path.suffix.lower() not in (".onnx", ".ort") else path.suffix != ".ort"
