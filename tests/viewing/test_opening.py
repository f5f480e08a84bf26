"""Which viewer opens a file."""

import importlib.util
import sys
import types
from pathlib import Path

import pytest

from rnnlite.errors import DependencyError
from rnnlite.viewing.opening import open_in, viewer


def test_none_installed(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(DependencyError, match="no viewer is installed; expected Model Explorer or"):
        viewer()


def test_model_explorer_comes_first(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    assert viewer() == "model_explorer"


def test_model_explorer_gets_node_data(monkeypatch):
    calls = []
    config = types.SimpleNamespace(
        add_model_from_path=lambda path: calls.append(("model", path)),
        add_node_data_from_path=lambda path: calls.append(("nodes", path)),
    )
    package = types.SimpleNamespace(
        config=lambda: config, visualize_from_config=lambda given: calls.append(("shown", given))
    )
    monkeypatch.setitem(sys.modules, "model_explorer", package)
    open_in("model_explorer", Path("m.tflite"), [Path("n.json"), Path("e.json")])
    shown = [("model", "m.tflite"), ("nodes", "n.json"), ("nodes", "e.json"), ("shown", config)]
    assert calls == shown
