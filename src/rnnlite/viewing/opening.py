"""Opens a file in Model Explorer or netron, whichever is installed.

What enters: a file, and node data. What leaves: nothing; the viewer runs until it is closed.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Sequence
from pathlib import Path

from rnnlite.errors import DependencyError

VIEWERS = ("model_explorer", "netron")


def viewer() -> str:
    """The viewer that is installed; Model Explorer is preferred to netron.

    Raises:
        DependencyError: neither is installed.
    """
    found = next((name for name in VIEWERS if importlib.util.find_spec(name) is not None), None)
    if found is None:
        raise DependencyError(
            "no viewer is installed",
            expected="Model Explorer or netron",
            remedy="Install one with: pip install 'rnnlite[view]'; or write node data alone with "
            "--export FILE.json --no-open",
        )
    return found


def open_in(name: str, model: Path, nodes: Sequence[Path]) -> None:
    """Open a file in a viewer, and return when that is closed.

    Args:
        name: the result of `viewer`.
        model: the file.
        nodes: files of node data, for Model Explorer; netron takes none.
    """
    package = importlib.import_module(name)
    if name == "netron":
        package.start(str(model))
        package.wait()
        return
    config = package.config()
    config.add_model_from_path(str(model))
    for path in nodes:
        config.add_node_data_from_path(str(path))
    package.visualize_from_config(config)
