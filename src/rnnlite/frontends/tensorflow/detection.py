"""What kind of TensorFlow source a path is, told by its content. No TensorFlow.

What enters: a path. What leaves: a `SourceKind`, or None.
"""

from __future__ import annotations

from pathlib import Path

from rnnlite.frontends.paths import head_of
from rnnlite.frontends.registry import SourceKind

ENDS = ("inputs", "outputs", "constants")
SIGNED = (*ENDS, "signature", "tags")

LIVE = SourceKind("live tf.Module or tf.function", (*ENDS, "signature"))
SAVED_MODEL = SourceKind("SavedModel", SIGNED)
KERAS_SAVED_MODEL = SourceKind("SavedModel of Keras that is read by its signature", SIGNED)
GRAPH = SourceKind("graph", ENDS)
CHECKPOINT = SourceKind("checkpoint", ENDS)


def detect(path: Path) -> SourceKind | None:
    """Recognise a file or folder of TensorFlow; None where it is something else."""
    if not path.exists():
        return CHECKPOINT if path.with_name(path.name + ".meta").exists() else None
    if path.is_dir():
        if (path / "saved_model.pb").exists():
            return KERAS_SAVED_MODEL if (path / "keras_metadata.pb").exists() else SAVED_MODEL
        is_checkpoint = (path / "checkpoint").exists() and any(path.glob("*.meta"))
        return CHECKPOINT if is_checkpoint else None
    if path.suffix in (".meta", ".index") and path.with_suffix(".meta").exists():
        return CHECKPOINT
    head = head_of(path)
    if head[:1] == b"\x08" and path.name == "saved_model.pb":
        return detect(path.parent)
    # The first field of a GraphDef is a node; written as text, its name.
    return GRAPH if head[:1] == b"\n" or head.lstrip()[:4] == b"node" else None
