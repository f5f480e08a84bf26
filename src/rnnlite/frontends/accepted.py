"""Which options each kind of source takes: one table, asked by every door.

What enters: a source and a `Request`. What leaves: nothing, or a refusal that names the option. The
sizes and the schedule are taken by all kinds.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rnnlite.errors import OptionError
from rnnlite.frontends.program import Request
from rnnlite.frontends.sniff import Kind, sniff

GRAPH_OPTIONS = ("inputs", "outputs", "constants")
SIGNED = (*GRAPH_OPTIONS, "signature", "tags")
CODE = ("custom_objects", "trust")

LIVE_KERAS = "live Keras model"
LIVE_FUNCTION = "live tf.Module or tf.function"
BY_SIGNATURE = "SavedModel of Keras"

TAKES: dict[str, tuple[str, ...]] = {
    LIVE_KERAS: CODE,
    LIVE_FUNCTION: ("inputs", "outputs", "constants", "signature"),
    Kind.KERAS_ARCHIVE.value: CODE,
    Kind.KERAS_HDF5.value: CODE,
    Kind.KERAS_WEIGHTS.value: (*CODE, "architecture"),
    BY_SIGNATURE: (*SIGNED, *CODE),
    Kind.SAVED_MODEL.value: SIGNED,
    Kind.GRAPH.value: GRAPH_OPTIONS,
    Kind.CHECKPOINT.value: GRAPH_OPTIONS,
}
"""By kind of source. A SavedModel of Keras can be read both ways, but by one at a time."""

OPTIONS = (*SIGNED, *CODE, "architecture")
"""All that some kinds take, and others do not."""


def given(request: Request) -> dict[str, Any]:
    """The options of `OPTIONS` that a request has."""
    found = {name: getattr(request, name) for name in OPTIONS}
    return {name: value for name, value in found.items() if value or isinstance(value, Path)}


def reads_as_graph(kind: Kind, request: Request) -> bool:
    """Whether a SavedModel of Keras is read by its functions: where an option of these is given."""
    return kind is Kind.KERAS_SAVED_MODEL and any(name in SIGNED for name in given(request))


def kind_of(source: Any) -> str:
    """The name of a source's kind, as `TAKES` has it; "" where it is no source.

    Raises:
        SourceError: a path that is no source.
    """
    if isinstance(source, (str, Path)):
        kind = sniff(Path(source)).kind
        return BY_SIGNATURE if kind is Kind.KERAS_SAVED_MODEL else kind.value
    from rnnlite.frontends.keras.flavour import flavour_of

    if flavour_of(source) is not None:
        return LIVE_KERAS
    from rnnlite.frontends.tensorflow.live import is_live

    return LIVE_FUNCTION if is_live(source) else ""


def require_taken(source: Any, request: Request) -> None:
    """Refuse an option that the source has no use for.

    Raises:
        OptionError: naming it, the kind of source, and what takes it.
        SourceError: a path that is no source.
    """
    options = given(request)
    if not options:
        return
    kind = kind_of(source)
    if not kind:
        return
    taken = TAKES[kind]
    if kind == BY_SIGNATURE and any(name in SIGNED for name in options):
        taken, kind = SIGNED, f"{kind} that is read by its signature"
    for name, value in options.items():
        if name not in taken:
            raise OptionError(
                f"{name}={_shown(value)} is given, but the source is {_with_article(kind)}",
                expected=f"{_listed(taken)} at most",
                remedy="Leave it out: what takes it is "
                + ", ".join(
                    _with_article(k) for k in sorted(k for k, n in TAKES.items() if name in n)
                ),
            )


def _with_article(kind: str) -> str:
    """The name of a kind behind "a" or "an": "HDF5" is spoken "aitch"."""
    return f"{'an' if kind.startswith(('H', *'aeiouAEIO')) else 'a'} {kind}"


def _shown(value: Any) -> str:
    text = repr(str(value) if isinstance(value, Path) else value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _listed(names: tuple[str, ...]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}"
