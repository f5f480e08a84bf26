"""A PyTorch source as a function of a flat list of tensors.

What enters: a module, an ExportedProgram or a file, and an example of its inputs. What leaves: a
`Call`: the module in evaluation mode on the CPU, wrapped so that it takes and returns flat tuples
of tensors, and the names of its inputs and outputs.
"""

from __future__ import annotations

import copy
import inspect
import logging
import re
import threading
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rnnlite.errors import DependencyError, SourceError, TrustError, UnsupportedError
from rnnlite.frontends.torch import detection
from rnnlite.frontends.torch.examples import arguments_of
from rnnlite.scan.tensors import Array

_turns = threading.RLock()
_KIND = re.compile(r"^[\w.]*(?:Error|Exception|Interrupt): ", re.MULTILINE)
"""What precedes the message of an error in a trace: the name of its class."""


@contextmanager
def quiet() -> Iterator[None]:
    """Run PyTorch without its warnings and on one thread; only one caller at a time.

    Its threads wait for one another while other programs run: an LSTM then takes a hundred times as
    long.
    """
    import torch

    loggers = [logging.getLogger(n) for n in ("torch.onnx", "torch")]
    with _turns, warnings.catch_warnings():
        # Read with the lock held: without it, these may be what another thread has set.
        levels, threads = [one.level for one in loggers], torch.get_num_threads()
        warnings.simplefilter("ignore")
        for one in loggers:
            one.setLevel(logging.ERROR)
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(threads)
            for one, level in zip(loggers, levels, strict=True):
                one.setLevel(level)


@dataclass(frozen=True, eq=False)
class Call:
    """A module and how to call it.

    Attributes:
        wrapped: the module that takes tensors and returns a tuple of tensors.
        inner: the module itself.
        origin: what it is, for messages.
        inputs: the example's tensors, in order.
        names: names of the inputs.
        outputs: names of the outputs.
    """

    wrapped: Any
    inner: Any
    origin: str
    inputs: tuple[Any, ...]
    names: tuple[str, ...]
    outputs: tuple[str, ...]

    def run(self, arrays: Sequence[Array]) -> list[Array]:
        """What the module itself computes.

        Args:
            arrays: one for each input, of the example's rank; cast to the example's dtype.

        Returns:
            a NumPy array for each output.
        """
        import torch

        given = [
            torch.from_numpy(np.ascontiguousarray(a)).to(t.dtype)
            for a, t in zip(arrays, self.inputs, strict=True)
        ]
        with quiet(), torch.no_grad():
            found = self.wrapped(*given)
        return [t.detach().numpy() for t in found]


def require_torch() -> Any:
    """Import and return the package torch.

    Raises:
        DependencyError: a package that this front end needs is not installed.
    """
    try:
        import onnx  # noqa: F401
        import torch
    except ImportError as e:
        raise DependencyError(
            f"reading PyTorch models needs the package '{e.name}'",
            expected="the packages torch, onnx and onnxruntime",
            remedy="Install them: pip install 'rnnlite[convert,torch]'",
        ) from e
    return torch


def call_of(source: Any, example: Any) -> Call:
    """Load a source, run it once on the example and wrap it.

    Raises:
        SourceError: the source cannot be read, is in training mode or fails on the example, or
            there is no example.
        TrustError: loading it would run code from it: a pickle, or an archive of torch.package.
        UnsupportedError: it returns something other than tensors.
    """
    torch = require_torch()
    kind = detection.detect(source)
    origin = _origin(source)
    own: Any = None
    if kind in (detection.PT2, detection.EXPORTED):
        program = _loaded(torch.export.load, source, origin) if kind is detection.PT2 else source
        own = program.example_inputs
        with quiet():
            module = program.module()
    elif kind is detection.SCRIPT:
        module = _loaded(torch.jit.load, source, origin)
        module.eval()
    elif kind is detection.PICKLE:
        raise TrustError(
            f"'{source}' is a pickle, whose loading would run code from it",
            expected="an ExportedProgram (.pt2), TorchScript, or a live module",
            found="weights alone, or a whole module, as torch.save writes them",
            remedy="Build the module, load its weights (torch.load(path, weights_only=True)), and "
            "convert it live",
        )
    elif kind is detection.PACKAGE:
        raise TrustError(
            f"'{source}' is an archive of torch.package, whose loading would run code from it",
            expected="an ExportedProgram (.pt2), TorchScript, or a live module",
            remedy="If you trust it, load the module "
            "(torch.package.PackageImporter(path).load_pickle(package, name)), and convert it live",
        )
    else:
        module = source
        _refuse_training(module, origin)
        module = _copied(module)
    arguments, keywords = arguments_of(torch, example, own, origin)
    return _wrapped(torch, module, arguments, keywords, origin)


def _origin(source: object) -> str:
    if isinstance(source, Path):
        return f"PyTorch program '{source.name}'"
    name = type(source).__name__
    return "torch ExportedProgram" if name == "ExportedProgram" else f"PyTorch module '{name}'"


def _loaded(load: Any, source: object, origin: str) -> Any:
    try:
        with quiet():
            return load(str(source))
    except Exception as e:
        raise SourceError(
            f"{origin} cannot be loaded",
            expected="a file that this release of PyTorch reads",
            found=reason(e, 200),
            remedy="Export it again",
        ) from e


def reason(error: Exception, most: int = 300) -> str:
    """The message of an error of PyTorch, as one line, without TorchScript's trace before it."""
    text = str(error)
    if "Traceback" in text:
        text = _KIND.split(text)[-1]
    return " ".join(text.split())[:most]


def _refuse_training(module: Any, origin: str) -> None:
    training = [name or "the module itself" for name, m in module.named_modules() if m.training]
    if training:
        raise SourceError(
            f"{origin} is in training mode",
            expected="evaluation mode, in which dropout is off",
            found=f"training: {', '.join(training[:3])}",
            remedy="Call module.eval() first",
        )


def _copied(module: Any) -> Any:
    """A copy on the CPU in float32; the module itself if it cannot be copied."""
    try:
        return copy.deepcopy(module).cpu().float()
    except Exception:  # noqa: BLE001 - of any kind: hooks, locks, tensors with a history
        return module


def _flat(value: Any) -> Iterator[Any]:
    if isinstance(value, list | tuple):
        for part in value:
            yield from _flat(part)
    else:
        yield value


def _packed(like: Any, tensors: Iterator[Any]) -> Any:
    """The next tensors, nested like an argument of the example."""
    if isinstance(like, list | tuple):
        return tuple(_packed(part, tensors) for part in like)
    return next(tensors)


def _wrapped(
    torch: Any, module: Any, arguments: tuple[Any, ...], keywords: dict[str, Any], origin: str
) -> Call:
    order = list(keywords)

    class Flat(torch.nn.Module):  # type: ignore[misc]
        """Takes and returns flat tuples of tensors."""

        def __init__(self) -> None:
            super().__init__()
            self.inner = module

        def train(self, mode: bool = True) -> Any:
            # Exporters call it. The inner module is in evaluation mode already, and an
            # ExportedProgram's module raises an error in its own `train`.
            self.training = False
            return self

        def forward(self, *tensors: Any) -> tuple[Any, ...]:
            rest = iter(tensors)
            given = [_packed(a, rest) for a in arguments]
            named = {k: _packed(keywords[k], rest) for k in order}
            return tuple(t for _, t in _named(torch, self.inner(*given, **named)))

    inputs = tuple(_flat([*arguments, *keywords.values()]))
    wrapped = Flat().eval()
    try:
        with quiet(), torch.no_grad():
            results = _named(torch, module(*arguments, **keywords))
    except Exception as e:
        raise SourceError(
            f"{origin} does not run on the example",
            expected="inputs as its forward takes them, with batch axis",
            found=reason(e),
        ) from e
    if not results or not all(torch.is_tensor(t) for _, t in results):
        raise UnsupportedError(
            f"{origin} gives what is no tensor",
            expected="tensors, or tuples and dicts of them",
            found=type(results[0][1]).__name__ if results else "nothing",
            remedy="Wrap it in a module that gives tensors; of packed sequences, unpack them",
        )
    names = _input_names(module, arguments, keywords)
    return Call(wrapped, module, origin, inputs, names, tuple(n for n, _ in results))


def _named(torch: Any, result: Any, prefix: str = "") -> list[tuple[str, Any]]:
    """(name, result) of each result, in order; dicts, named tuples and lists are opened."""
    if torch.is_tensor(result):
        return [(prefix or "output", result)]
    if isinstance(result, Mapping):
        return [p for k, v in result.items() for p in _named(torch, v, _joined(prefix, str(k)))]
    if hasattr(result, "_fields") and not hasattr(result, "batch_sizes"):
        pairs = zip(result._fields, result, strict=True)
        return [p for k, v in pairs if v is not None for p in _named(torch, v, _joined(prefix, k))]
    if isinstance(result, list | tuple) and not hasattr(result, "batch_sizes"):
        several = len(result) > 1
        return [
            p
            for k, v in enumerate(result)
            if v is not None
            for p in _named(torch, v, _joined(prefix or "output", str(k)) if several else prefix)
        ]
    return [(prefix or "output", result)]


def _joined(prefix: str, name: str) -> str:
    return f"{prefix}_{name}" if prefix else name


def _input_names(
    module: Any, arguments: tuple[Any, ...], keywords: Mapping[str, Any]
) -> tuple[str, ...]:
    """The name of each input: its parameter's; within a tuple, with a number after it."""
    try:
        parameters = list(inspect.signature(module.forward).parameters.values())
        known = [
            p.name
            for p in parameters
            if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) and p.name != "self"
        ]
    except (TypeError, ValueError):
        known = []
    names = [known[k] if k < len(known) else f"input_{k}" for k in range(len(arguments))]
    found: list[str] = []
    for name, value in zip([*names, *keywords], [*arguments, *keywords.values()], strict=True):
        parts = list(_flat(value))
        found += [name] if len(parts) == 1 else [f"{name}_{k}" for k in range(len(parts))]
    return tuple(found)
