"""The options of graphs of TensorFlow.

What enters: what the user gives. What leaves: a `TensorFlowRequest`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rnnlite.frontends.request import GraphRequest, names, option

ALL = "all"
"""In place of the name of a signature: all signatures of the source."""


def one_or_several(texts: Sequence[str]) -> str | list[str]:
    """A name as it is, several as a list."""
    return texts[0] if len(texts) == 1 else list(texts)


@dataclass(frozen=True)
class TensorFlowRequest(GraphRequest):
    """A Request for a graph, a function or a SavedModel of TensorFlow.

    Attributes:
        signature: the name of a signature of a SavedModel, or of a function of a tf.Module. Several
            names, or "all", make a file with a signature for each.
        tags: the tags of the graph to take from a SavedModel.
    """

    signature: str | Sequence[str] | None = option(
        None,
        "Of a SavedModel; given several times, or 'all', each becomes one of the file.",
        repeated=True,
        shown_default="serving_default",
        parse=one_or_several,
    )
    tags: Sequence[str] | None = option(
        None, "Of a SavedModel's graph, with commas.", shown_default="serve", parse=names
    )
