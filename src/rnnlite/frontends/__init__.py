"""Front ends: each opens one family of sources, and gives a `Program`.

What enters: a live object or a path, and a `Request`. What leaves: a `Program`: TensorFlow
functions, names, the reference.

A front end of another package needs what is here, and `building`, which imports TensorFlow; see
docs/adding_a_frontend.md.
"""

from rnnlite.frontends.paths import head_of
from rnnlite.frontends.program import Entry, FrozenGraph, Program
from rnnlite.frontends.registry import (
    Confidence,
    FrontEnd,
    Match,
    SourceKind,
    front_ends,
    register,
    unregister,
)
from rnnlite.frontends.request import GraphRequest, Option, Request, option

__all__ = [
    "Confidence",
    "FrontEnd",
    "FrozenGraph",
    "GraphRequest",
    "Match",
    "Option",
    "Entry",
    "Program",
    "Request",
    "SourceKind",
    "front_ends",
    "head_of",
    "option",
    "register",
    "unregister",
]
