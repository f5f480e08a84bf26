"""Open any source: ask the front end that knows it for its Program, or for its graph.

What enters: a path or a live object, and a `Request`. What leaves: a `Program`, or a `FrozenGraph`;
or a refusal: no front end knows the source, it is damaged, or it does not take an option.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from rnnlite.errors import (
    DependencyError,
    FrontEndError,
    OptionError,
    RnnliteError,
    SourceError,
    TrustError,
    UnsupportedError,
)
from rnnlite.frontends.program import FrozenGraph, Program
from rnnlite.frontends.registry import (
    FrontEnd,
    Match,
    declared_options,
    failures,
    front_ends,
    is_path,
)
from rnnlite.frontends.request import Request, given

T = TypeVar("T")
REFUSALS = (SourceError, TrustError, UnsupportedError)
"""Refusals after which another front end that knows the source may try."""


@dataclass(frozen=True, eq=False)
class Candidate:
    """A front end that knows a source, and its answer."""

    front_end: FrontEnd[Any]
    match: Match

    @property
    def takes(self) -> tuple[str, ...]:
        """The options that the front end takes for this source."""
        return self.match.kind.options

    def asked(self, request: Request) -> Request:
        """The request in the front end's own form, with the options that the source takes."""
        taken = {n: value for n, value in request.options.items() if n in self.takes}
        asked: Request = self.front_end.request.of(replace(request, options=taken))
        return asked


def open_program(source: object, request: Request) -> Program:
    """Open a path or a live object.

    Raises:
        SourceError: no front end knows the source, or it is damaged, or lacks a tensor that is
            named.
        OptionError: an option is given that the source has no use for.
        TrustError: the source holds code that is not allowed.
        ShapeError: the source does not take the batch size or length that is asked for.
        UnsupportedError: the source holds something that LiteRT has no form for.
        DependencyError: a package that reads the source is not installed.
        FrontEndError: the front end gives no Program.
    """
    program, note = _first(
        source, request, lambda c, found: c.front_end.open(found, c.asked(request))
    )
    # It imports TensorFlow, which is there by now: a file runs without.
    from rnnlite.frontends.domains import with_domain

    entries = tuple(with_domain(entry) for entry in program.entries)
    notes = (note, *program.notes) if note else program.notes
    return replace(program, entries=entries, notes=notes)


def open_frozen(source: object, request: Request) -> FrozenGraph:
    """Open a path or a live object as a graph to be written.

    Raises:
        SourceError, OptionError, TrustError, UnsupportedError, DependencyError: see `open_program`.
        FrontEndError: the front end gives no graph.
    """
    return _first(source, request, lambda c, found: c.front_end.freeze(found, c.asked(request)))[0]


def environment_of(source: object) -> Mapping[str, str]:
    """Environment variables of another process that the source must be opened in; {} for none.

    Raises:
        SourceError: no front end knows the source.
    """
    best = candidates(source)[0]
    return best.front_end.environment(as_source(source))


def as_source(source: object) -> object:
    """A str as a Path; anything else unchanged."""
    return Path(source) if isinstance(source, str) else source


def chosen(source: object, request: Request) -> list[Candidate]:
    """The front ends that know a source and take the options given, the best one first.

    Raises:
        OptionError: an option is given that the source has no use for.
        SourceError: no front end knows the source, or two know it equally well.
    """
    found = candidates(source)
    options = given(request.options, declared_options())
    fit = [c for c in found if options.keys() <= set(c.takes)]
    if not fit:
        raise _refused_option(options, found)
    best = [c for c in fit if c.match.confidence is fit[0].match.confidence]
    if len(best) > 1:
        raise SourceError(
            "more than one front end knows the source equally well",
            expected="one",
            found=" and ".join(f"'{c.front_end.name}'" for c in best),
            remedy="Remove one: rnnlite.frontends.unregister(name)",
        )
    permissions = {o.name for o in declared_options() if o.permission}
    steering = options.keys() - permissions
    others = [c for c in found if c not in fit and steering <= set(c.takes)]
    return [fit[0], *(c for c in [*fit[1:], *others] if _less(c, fit[0]))]


def _less(one: Candidate, other: Candidate) -> bool:
    return one.match.confidence < other.match.confidence


def candidates(source: object) -> list[Candidate]:
    """All front ends that know a source, the one that knows it best first.

    Raises:
        SourceError: there is none.
    """
    if source == "":
        raise SourceError("the source is an empty text", expected="the path of a model")
    source = as_source(source)
    found, refusals = [], []
    for front_end in front_ends():
        try:
            match = front_end.recognise(source)
        except RnnliteError as e:
            refusals.append(e)
            continue
        if match is not None:
            found.append(Candidate(front_end, match))
    if not found:
        raise refusals[0] if refusals else _unknown(source)
    return sorted(found, key=lambda c: -c.match.confidence)


def _first(
    source: object, request: Request, ask: Callable[[Candidate, object], T]
) -> tuple[T, str]:
    """The answer of the best front end, or of the next if it refuses; and a note on the refusal."""
    found = as_source(source)
    best, *others = chosen(found, request)
    _require_tensorflow()
    try:
        return _answer(best, found, ask), ""
    except REFUSALS as refusal:
        for other in others:
            try:
                note = f"{other.match.note}: {refusal.what}"
                return _answer(other, found, ask), note
            except RnnliteError:
                continue
        raise


def _answer(candidate: Candidate, source: object, ask: Callable[[Candidate, object], T]) -> T:
    result = ask(candidate, source)
    if not isinstance(result, Program | FrozenGraph):
        raise FrontEndError(
            f"the front end '{candidate.front_end.name}' gives no model",
            expected="a Program of open, a FrozenGraph of freeze",
            found=type(result).__name__,
        )
    return result


def _refused_option(options: Mapping[str, object], found: Sequence[Candidate]) -> OptionError:
    """The refusal of an option that the source does not take, or of several that do not fit."""
    kind = found[0].match.kind
    taken = tuple(dict.fromkeys(name for c in found for name in c.takes))
    for name, value in options.items():
        if name not in taken:
            kinds = [k.name for f in front_ends() for k in f.kinds if name in k.options]
            return OptionError(
                f"{name}={_shown(value)} is given, but the source is {_with_article(kind.name)}",
                expected=f"{_listed(taken)} at most" if taken else "no option",
                remedy="Leave it out: what takes it is "
                + ", ".join(_with_article(k) for k in sorted(kinds)),
            )
    return OptionError(
        f"{_listed(options, 'and')} are given, but {_with_article(kind.name)} is read in one way "
        "at a time",
        expected="; or ".join(f"{_listed(c.takes)}, as {c.match.kind.name}" for c in found),
        remedy="Leave one out",
    )


def _unknown(source: object) -> SourceError:
    """The refusal of a source that no front end knows, with what was found."""
    if not is_path(source):
        return SourceError(
            "the source is no path and no model",
            expected=", ".join(["a path", *(f.objects for f in front_ends() if f.objects)]),
            found=type(source).__name__,
            remedy=_broken(),
        )
    path = Path(str(source))
    if not path.exists():
        return SourceError(f"there is no file or folder '{path}'")
    expected = ", ".join(f.files for f in front_ends() if f.files)
    if path.is_dir():
        inside = ", ".join(sorted(p.name for p in path.iterdir())[:5]) or "nothing"
        return SourceError(
            f"the folder '{path}' is no model that rnnlite knows",
            expected=expected,
            found=inside,
            remedy=_broken(),
        )
    try:
        with path.open("rb") as file:
            head = file.read(8)
    except OSError as e:
        return SourceError(f"cannot read '{path}': {e.strerror or e}")
    if not head:
        return SourceError(f"'{path}' is empty")
    if head[4:8] == b"TFL3":
        return SourceError(
            f"'{path}' is a LiteRT model already",
            expected=expected,
            remedy="Run it with rnnlite predict, or look into it with rnnlite inspect",
        )
    return SourceError(
        f"'{path}' is no model that rnnlite knows",
        expected=expected,
        found=f"a file beginning with {head!r}",
        remedy=_broken(),
    )


def _broken() -> str:
    """A remedy that names front ends which could not be loaded; "" where all were."""
    found = failures()
    if not found:
        return ""
    return "If it is theirs, mend " + ", ".join(
        f"the front end {name}, which cannot be loaded ({why})" for name, why in found.items()
    )


def _with_article(kind: str) -> str:
    """The name of a kind with "a" or "an" in front; names with H, such as HDF5, get "an"."""
    return f"{'an' if kind.startswith(('H', *'aeiouAEIO')) else 'a'} {kind}"


def _shown(value: object) -> str:
    text = repr(str(value) if isinstance(value, Path) else value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _listed(names: Collection[str], word: str = "or") -> str:
    *first, last = names
    return f"{', '.join(first)} {word} {last}" if first else last


def _require_tensorflow() -> None:
    try:
        import tensorflow  # noqa: F401
    except ImportError as e:
        raise DependencyError(
            "converting needs TensorFlow, which is not installed",
            remedy="Install it with: pip install 'rnnlite[convert]'",
        ) from e
