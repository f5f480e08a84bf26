"""What rnnlite stores in a file on converting, and how it is found again.

What enters: a model, and plain data. What leaves: the data as JSON in its metadata; {} where there
is none.
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
"""Key in it: an interpreter that has run the file may go on to larger inputs (`passes.borders`)."""


TARGET = "target"
"""Key in it: the name of what the file was made for, where that is not LiteRT."""

SIGNATURES = "signatures"
"""Key in it: what is said otherwise of further signatures, by name (`merging`)."""

EXITS = "exits"
"""Key in it: the exits, in the order in which they are run (`exits`)."""

ENTRIES = "entries"
"""Key in it: the signatures that the source has too, where they are several."""


def record(model: Model) -> dict[str, Any]:
    """What rnnlite stored on converting: version, origin, recurrences, ...; empty for other files.

    Raises:
        ModelError: it is damaged.
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
        key: the signature.
    """
    return {**content, **content.get(SIGNATURES, {}).get(key, {})}


def set_record(model: Model, content: Mapping[str, Any]) -> None:
    """Store it, in place of what was there."""
    set_metadata(model, RECORD, json.dumps(dict(content)).encode())


def set_metadata(model: Model, name: str, content: bytes) -> None:
    """Store named metadata behind all other, in place of what has the name."""
    model.metadata.pop(name, None)
    model.metadata[name] = content
