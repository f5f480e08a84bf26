"""The error family: every refusal of rnnlite is an `RnnliteError`.

What enters: what is at fault, what was expected, what was found, the remedy. What leaves: an error
whose message has these four; and its plain data, from which another process makes the error again.

The command line prints the message alone and exits with status 1.
"""

from __future__ import annotations

import importlib.metadata
import platform
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


class RnnliteError(Exception):
    """Base of every refusal.

    Args:
        what: the offending thing, by name, and what is wrong with it.
        expected: what would have been accepted.
        found: what was there instead.
        remedy: what the user can do.
    """

    def __init__(self, what: str, *, expected: str = "", found: str = "", remedy: str = "") -> None:
        self.what = what
        self.expected = expected
        self.found = found
        self.remedy = remedy
        super().__init__(what, expected, found, remedy)

    def __str__(self) -> str:
        text = self.what.rstrip(".")
        if self.expected:
            text += f"; expected {self.expected}"
        if self.found:
            text += f"; found {self.found}"
        text += "."
        if self.remedy:
            text += f" {self.remedy.rstrip('.')}."
        return text

    def __reduce__(self) -> tuple[Any, ...]:
        """For pickle, which would give keyword arguments as positional ones."""
        return _again, (type(self), *self.args), vars(self)


def _again(
    kind: type[RnnliteError], what: str, expected: str, found: str, remedy: str
) -> RnnliteError:
    return kind(what, expected=expected, found=found, remedy=remedy)


class SourceError(RnnliteError):
    """The source cannot be opened: missing, empty, truncated, or no model at all."""


class OptionError(SourceError):
    """An option was given that this kind of source has no use for."""


class TrustError(RnnliteError):
    """Opening the source would run code from it, and the user has not allowed that."""


class UnsupportedError(RnnliteError):
    """The source holds something that has no form in builtin LiteRT ops."""


class StreamingError(RnnliteError):
    """A model cannot be streamed, for instance as it needs more of the sequence than has come."""


class ShapeError(RnnliteError):
    """A batch size or sequence length was asked for that the source does not allow."""


class QuantizationError(RnnliteError):
    """A quantization was asked for that does not exist, lacks its data, or changes nothing."""


class ScheduleError(RnnliteError):
    """A way of laying out loops was asked for that does not exist."""


class ParityError(RnnliteError):
    """The LiteRT model does not compute what its source computes."""


class ModelError(RnnliteError):
    """A file or bytes that should be a LiteRT model cannot be read or run as one."""


class SampleError(RnnliteError):
    """A sample does not fit the model: rank, width, dtype, length or value."""


class DataError(SampleError):
    """A data set cannot be read, lacks a column, or does not go with the labels."""


class FrontEndError(RnnliteError):
    """A front end does not keep to the contract of the registry."""


class DependencyError(RnnliteError):
    """A package that the call needs is not installed."""


class OutputError(RnnliteError):
    """A result cannot be written where it was asked for."""


class AbortError(RnnliteError):
    """The LiteRT runtime or the official converter ended its process; this one goes on."""


class InternalError(RnnliteError):
    """A fault of rnnlite itself. The message says what to send us.

    Args:
        what: what went wrong.
        expected, found: see `RnnliteError`.
        remedy: what the user can do; if not given, to report the fault.
    """

    def __init__(self, what: str, *, expected: str = "", found: str = "", remedy: str = "") -> None:
        super().__init__(
            what,
            expected=expected,
            found=found,
            remedy=remedy
            or "This is a fault of rnnlite: please report it with the traceback, the source model "
            f"(or its layers), the call, and these versions: {_versions()}",
        )


PACKAGES = ("rnnlite", "numpy", "ai-edge-litert", "tensorflow", "keras", "tf-keras")


def _versions() -> str:
    """The versions of all packages that a conversion depends on."""
    found = [f"Python {platform.python_version()} on {platform.machine()}"]
    for name in PACKAGES:
        try:
            found.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            found.append(f"no {name}")
    return ", ".join(found)


def as_data(error: RnnliteError) -> dict[str, str]:
    """A refusal as plain data, to be handed to another process."""
    return {
        "kind": type(error).__name__,
        "what": error.what,
        "expected": error.expected,
        "found": error.found,
        "remedy": error.remedy,
    }


def restored(data: Mapping[str, str]) -> RnnliteError:
    """The refusal that `as_data` was given."""
    parts = dict(data)
    kind = globals().get(parts.pop("kind"), RnnliteError)
    what = parts.pop("what")
    refusal: RnnliteError = kind(what, **parts)
    return refusal
