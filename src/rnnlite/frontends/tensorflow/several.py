"""Split a request for several signatures of one source into a request for each.

What enters: a SavedModel or a live object, and a request that names one signature, several, or all.
What leaves: by the name of each signature in the file, a request that names this one signature.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rnnlite.errors import OptionError, SourceError
from rnnlite.frontends.program import SIGNATURE, Entry
from rnnlite.frontends.tensorflow.request import ALL, TensorFlowRequest


def asked(source: object, request: TensorFlowRequest) -> dict[str, TensorFlowRequest]:
    """A request for each signature that the given request names, by its name in the file.

    The file calls a signature as the source does. Where the request names none, one signature is
    taken, and the file calls it "serving_default".

    Raises:
        OptionError: the list of names is empty; or several are named, and other options name
            tensors, which belong to one graph.
        SourceError: all signatures are asked for, and the source has none.
    """
    named = request.signature
    if named is None:
        return {SIGNATURE: request}
    if named == ALL:
        known = _known(source, request)
        named = ALL if ALL in known else known
    if isinstance(named, str):
        return {named: replace(request, signature=named)}
    _check(named, request)
    return {key: replace(request, signature=key) for key in named}


def asked_one(source: object, request: TensorFlowRequest) -> TensorFlowRequest:
    """The request for a single signature.

    Raises:
        OptionError: the request names several.
    """
    found = asked(source, request)
    if len(found) > 1:
        raise OptionError(
            "a graph has one signature, and several are named",
            found=", ".join(f"'{key}'" for key in found),
            remedy="Freeze each into a graph of its own",
        )
    return next(iter(found.values()))


def origin_of(source: object, entries: Sequence[Entry]) -> str:
    """What the report calls the source. (Each entry says of which signature it is.)"""
    if len(entries) == 1:
        return entries[0].origin
    if isinstance(source, Path):
        folder = source if source.is_dir() else source.parent
        return f"SavedModel '{folder.name}'"
    return type(source).__name__


def _known(source: object, request: TensorFlowRequest) -> tuple[str, ...]:
    """All that the source has."""
    if isinstance(source, Path):
        from rnnlite.frontends.tensorflow.files import signatures_of

        found = signatures_of(source, request)
    else:
        from rnnlite.frontends.tensorflow.live import ready_functions

        found = ready_functions(source)
    if not found:
        raise SourceError(
            "all signatures are asked for, and the source has none",
            expected="a SavedModel with signatures, or functions with an input_signature",
        )
    return found


def _check(named: object, request: TensorFlowRequest) -> None:
    if (
        not isinstance(named, Sequence)
        or not named
        or not all(isinstance(name, str) and name for name in named)
        or len(set(named)) < len(named)
    ):
        raise OptionError(
            "signature names no signatures",
            expected="a name, a list of different names, or 'all'",
            found=repr(named)[:60],
        )
    for option in ("inputs", "outputs"):
        if len(named) > 1 and getattr(request, option) is not None:
            raise OptionError(
                f"{option} names tensors of one graph, and several signatures are named",
                found=", ".join(f"'{name}'" for name in named),
                remedy=f"Leave {option} out: signatures have inputs and outputs of their own",
            )
