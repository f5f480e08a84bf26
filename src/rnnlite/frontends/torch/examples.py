"""The example of a PyTorch module's inputs: live tensors, arrays, or a file of them.

What enters: an example as the user gives it, or as an ExportedProgram holds it. What leaves:
positional and keyword arguments: tensors on the CPU, floats in float32 (those of an ExportedProgram
unchanged).
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from rnnlite.errors import SourceError
from rnnlite.scan.tensors import Array


def arguments_of(
    torch: Any, example: Any, own: Any, origin: str
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Positional and keyword arguments of a call.

    Args:
        torch: the package.
        example: a tensor or an array; a tuple of them, or a dict by parameter name; the path of a
            file; or None.
        own: the (positional, keyword) arguments that an ExportedProgram was exported with, or None.
        origin: what the source is, for messages.

    Raises:
        SourceError: there is neither `example` nor `own`, the file cannot be read, or a value is no
            tensor.
    """
    if example is None and own is not None:
        arguments, keywords = own
        return tuple(arguments), dict(keywords)
    if example is None:
        raise SourceError(
            f"{origin} does not say what it takes",
            expected="an example of its inputs",
            remedy="Give one: example=torch.randn(1, 20, features) (--example FILE.npz)",
        )
    if isinstance(example, str | Path):
        example = _read_example(Path(example))
    if isinstance(example, Mapping):
        return (), {str(k): _tensor(torch, v, f"example['{k}']") for k, v in example.items()}
    if isinstance(example, list | tuple):
        return tuple(_tensor(torch, v, f"example {k}") for k, v in enumerate(example)), {}
    return (_tensor(torch, example, "the example"),), {}


def _read_example(path: Path) -> Array | tuple[Array, ...] | dict[str, Array]:
    """The arrays of a file: of an .npy its array, of an .npz a tuple, or a dict by name."""
    try:
        with path.open("rb") as file:
            loaded = np.load(file)
            if isinstance(loaded, np.ndarray):
                return loaded
            found = {name: loaded[name] for name in loaded.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as e:
        raise SourceError(
            f"the example '{path}' cannot be read",
            expected="a file that numpy.savez or numpy.save wrote",
            found="no such file" if isinstance(e, FileNotFoundError) else "something else",
            remedy='Write it: numpy.savez("example.npz", inputs)',
        ) from e
    if all(name == f"arr_{k}" for k, name in enumerate(found)):
        return tuple(found.values())
    return found


def _tensor(torch: Any, value: Any, what: str) -> Any:
    """A tensor, or a tuple of them, on the CPU; floats of any width in float32."""
    if isinstance(value, list | tuple):
        return tuple(_tensor(torch, v, what) for v in value)
    try:
        tensor = torch.as_tensor(value).detach().cpu()
    except (TypeError, ValueError, RuntimeError) as e:
        raise SourceError(
            f"{what} is no tensor",
            expected="tensors, or tuples of them",
            found=type(value).__name__,
        ) from e
    return tensor.float() if tensor.is_floating_point() else tensor
