"""The options of graphs of TensorFlow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rnnlite.frontends.request import GraphRequest, names, option


@dataclass(frozen=True)
class TensorFlowRequest(GraphRequest):
    """A Request for a graph, a function or a SavedModel of TensorFlow.

    Attributes:
        signature: of a SavedModel, or the function of a tf.Module.
        tags: of a SavedModel's graph.
    """

    signature: str | None = option(None, "Of a SavedModel.", shown_default="serving_default")
    tags: Sequence[str] | None = option(
        None, "Of a SavedModel's graph, with commas.", shown_default="serve", parse=names
    )
