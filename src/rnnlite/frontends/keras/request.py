"""The options of Keras sources.

What enters: what the user gives, as text or as objects. What leaves: a `KerasRequest`.
"""

from __future__ import annotations

import runpy
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rnnlite.errors import SourceError
from rnnlite.frontends.request import Request, option


def load_objects(path: Path) -> dict[str, Any]:
    """Run a Python file of the user's and give its public classes and functions.

    Raises:
        SourceError: there is no such file, or it fails.
    """
    if not path.is_file():
        raise SourceError(
            f"there is no file '{path}'", remedy="--custom-objects takes a Python file"
        )
    try:
        names = runpy.run_path(str(path))
    except Exception as e:
        raise SourceError(f"the custom objects file '{path}' fails: {type(e).__name__}: {e}") from e
    return {
        name: value for name, value in names.items() if not name.startswith("_") and callable(value)
    }


@dataclass(frozen=True)
class KerasRequest(Request):
    """A Request for a Keras model.

    Attributes:
        architecture: path of a model's configuration, for a file of weights alone.
        custom_objects: classes and functions by name, for files that need them.
        trust: whether code from the file may run (Lambda layers).
    """

    architecture: str | Path | None = option(
        None,
        "The model's configuration (model.to_json()), for an .h5 of weights alone.",
        text=Path,
    )
    custom_objects: Mapping[str, Any] | None = option(
        None,
        "A Python file with the classes and functions that a Keras file needs. It is run.",
        text=Path,
        parse=load_objects,
    )
    trust: bool = option(
        False,
        "Allow code in a Keras file (Lambda layers) to run.",
        text=bool,
        permission=True,
    )
