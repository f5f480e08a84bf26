"""Pieces of HTML and SVG.

What enters: names and texts. What leaves: markup in which every text is escaped, so that no name of
a layer or tensor is taken for markup.

"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable

Child = object
"""A piece of markup as it is, an iterable of children, or anything else as text."""

_UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
"""Characters that a document may not hold."""

_VOID = frozenset({"meta", "br", "rect", "line", "circle", "path", "polyline", "polygon"})


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def text(value: object) -> Markup:
    """A text, escaped; characters that HTML has no place for are shown as unknown."""
    return Markup(html.escape(_UNFIT.sub("\ufffd", str(value)), quote=True))


def tag(name: str, /, *children: Child, **attributes: object) -> Markup:
    """An element.

    Args:
        name: the name of the element.
        children: `Markup` is kept as it is, all else becomes escaped text, None is left out.
        attributes: names and values. An underline at the end of a name is dropped, others stand for
            "-". None and False are left out; True gives an attribute without value. Floats are
            rounded to two digits.
    """
    shown = "".join(
        f" {_attribute(key)}" if value is True else f' {_attribute(key)}="{text(_number(value))}"'
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    if name in _VOID and not children:
        return Markup(f"<{name}{shown}>" if name in ("meta", "br") else f"<{name}{shown}/>")
    return Markup(f"<{name}{shown}>{joined(children)}</{name}>")


def joined(children: Iterable[Child]) -> Markup:
    """Children, one behind the other."""
    return Markup("".join(_piece(child) for child in children))


def _piece(child: Child) -> str:
    if child is None:
        return ""
    if isinstance(child, Markup):
        return child
    if isinstance(child, (list, tuple)):
        return joined(child)
    return text(_number(child))


def _attribute(key: str) -> str:
    return "viewBox" if key == "viewBox" else key.removesuffix("_").replace("_", "-")


def _number(value: object) -> object:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else value
