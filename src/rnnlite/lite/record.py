"""The record: what rnnlite stores in the metadata of a file when it converts.

What enters: a model, and plain data. What leaves: the model with the data as JSON in its metadata;
the data read again, {} where there is none.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from rnnlite.errors import ModelError
from rnnlite.lite.ir import Model

RECORD = "rnnlite"
"""Name of the metadata that rnnlite writes."""

GUARDED = "guarded_copies"
"""Key of the record: whether one interpreter may go on to larger inputs (`passes.borders`)."""


TARGET = "target"
"""Key of the record: the name of the target, where that is not LiteRT."""

SIGNATURES = "signatures"
"""Key of the record: entries that differ for further signatures, by signature (`merging`)."""

EXITS = "exits"
"""Key of the record: the exits, in the order in which they run."""

ENTRIES = "entries"
"""Key of the record: the signatures that were converted, where they are several."""


def record(model: Model) -> dict[str, Any]:
    """The record of a file: version, origin, recurrences, ...; empty for files of others.

    Raises:
        ModelError: the record is damaged.
    """
    content = model.metadata.get(RECORD)
    if content is None:
        return {}
    try:
        found = json.loads(content)
    except ValueError as e:
        raise ModelError("the LiteRT model is damaged", found=f"metadata '{RECORD}': {e}") from e
    return found if isinstance(found, dict) else {}


def of_signature(content: Mapping[str, Any], key: str) -> dict[str, Any]:
    """What a record says of one signature: its inputs, recurrences, notes.

    Args:
        content: the record of a file.
        key: the name of the signature.
    """
    return {**content, **content.get(SIGNATURES, {}).get(key, {})}


def set_record(model: Model, content: Mapping[str, Any]) -> None:
    """Store a record in place of the old one."""
    set_metadata(model, RECORD, json.dumps(dict(content)).encode())


def set_metadata(model: Model, name: str, content: bytes) -> None:
    """Store metadata under a name, as the last entry; an old entry of that name is replaced."""
    model.metadata.pop(name, None)
    model.metadata[name] = content
