"""Open a file in netron or Model Explorer, whichever is installed.

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
    """The package that is installed, Model Explorer before netron.

    Raises:
        DependencyError: neither is.
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
    """Open a file; returns when the viewer does.

    Args:
        name: what `viewer` gave.
        model: the file.
        nodes: node data, for Model Explorer.
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
