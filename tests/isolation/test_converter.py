"""The official converter's native part in a worker: what goes in, what comes back."""

import sys
import types

import pytest

from rnnlite.isolation import converter
from rnnlite.isolation.converter import (
    CONVERT_SECONDS,
    KIND,
    LIBRARY,
    NATIVE,
    Translated,
    convert_apart,
    native_converter,
    warm,
)
from rnnlite.isolation.process import WorkerDied


class Worker:
    """Stands for a worker that has written some already.

    Args:
        answer: of the call, or what it raises.
    """

    def __init__(self, answer):
        self._answer, self._log, self.called = answer, "of an earlier call\n", None

    def log(self):
        return self._log

    def call(self, path, *args, seconds):
        self.called = path, args, seconds
        self._log += "error: no such op\n"
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None


@pytest.fixture
def use(monkeypatch):
    """Sets what a worker answers; gives it."""

    def used(answer):
        worker = Worker(answer)
        kinds = []
        monkeypatch.setattr(converter, "borrowed", lambda kind: kinds.append(kind) or worker)
        worker.kinds = kinds
        return worker

    return used


def test_messages_go_through_as_they_are(use):
    worker = use((b"file", "", []))
    found = convert_apart(b"model flags", b"flags", b"graph", None)
    assert found == Translated(b"file", "", [], "error: no such op\n")
    assert worker.kinds == [KIND]
    assert worker.called == (
        "rnnlite.isolation.native:convert",
        (b"model flags", b"flags", b"graph", None),
        CONVERT_SECONDS,
    )


def test_a_refusal_comes_with_what_was_written_of_it_alone(use):
    """A worker serves several conversions: what it wrote for the others is not told."""
    use((b"", "unsupported op", [b"collected"]))
    found = convert_apart(b"", b"", b"", b"debug")
    assert (found.data, found.refusal, found.errors) == (b"", "unsupported op", [b"collected"])
    assert found.log == "error: no such op\n"


def test_a_worker_that_ends_is_told(use):
    use(WorkerDied("signal 6", "check failed"))
    with pytest.raises(WorkerDied, match="signal 6"):
        convert_apart(b"", b"", b"", None)


def test_a_worker_gets_ready_for_it(monkeypatch):
    asked = []
    monkeypatch.setattr(converter, "start_early", lambda *given: asked.append(given))
    warm()
    assert asked == [("converter", "rnnlite.isolation.native")]


@pytest.fixture
def no_tensorflow(monkeypatch):
    """Nothing of TensorFlow is loaded, as in a worker; afterwards it is again."""
    kept = {n: m for n, m in sys.modules.items() if n.split(".")[0] == "tensorflow"}
    for name in kept:
        del sys.modules[name]
    yield
    for name in [n for n in sys.modules if n.split(".")[0] == "tensorflow"]:
        del sys.modules[name]
    sys.modules.update(kept)


def spec(origin):
    return types.SimpleNamespace(origin=origin)


@pytest.mark.parametrize("found", [None, spec(None)])
def test_where_tensorflow_is_not_installed(monkeypatch, no_tensorflow, found):
    monkeypatch.setattr(converter.importlib.util, "find_spec", lambda name: found)
    with pytest.raises(ImportError, match="TensorFlow is not installed"):
        native_converter()


def test_packages_are_made_without_what_they_import(monkeypatch, no_tensorflow):
    """Folders stand for packages; none of their own modules runs."""
    monkeypatch.setattr(
        converter.importlib.util, "find_spec", lambda name: spec("/site/tensorflow/__init__.py")
    )
    monkeypatch.setattr(converter, "_loaded", lambda: "the converter")
    assert native_converter() == "the converter"
    for name in (NATIVE, LIBRARY, "tensorflow", "tensorflow.python"):
        module = sys.modules[name]
        assert module.__path__ == ["/site/" + name.replace(".", "/")]
        assert not hasattr(module, "__file__")


def test_where_that_does_not_do_all_of_tensorflow_is_loaded(monkeypatch, no_tensorflow):
    monkeypatch.setattr(
        converter.importlib.util, "find_spec", lambda name: spec("/site/tensorflow/__init__.py")
    )
    calls = []

    def loaded():
        calls.append(sorted(n for n in sys.modules if n.split(".")[0] == "tensorflow"))
        if len(calls) == 1:
            raise ImportError("libtensorflow_framework.so.2 is elsewhere")
        return "the converter"

    imported = []
    monkeypatch.setattr(converter, "_loaded", loaded)
    monkeypatch.setattr(converter.importlib, "import_module", imported.append)
    assert native_converter() == "the converter"
    assert imported == ["tensorflow"]
    # Of what was made for the first try nothing is left for the second.
    assert NATIVE in calls[0]
    assert calls[1] == []
