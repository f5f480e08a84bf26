"""Write any source as one frozen graph: variables as constants, names as the source has them.

What enters: a source, as `convert` takes it. What leaves: a GraphDef, and its `GraphSignature`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rnnlite.frontends.request import Request
from rnnlite.specs import TensorSpec


@dataclass(frozen=True)
class GraphSignature:
    """Inputs and outputs of a frozen graph. It prints as a table, and unpacks as (inputs, outputs).

    Attributes:
        inputs, outputs: names (the tensor is NAME:0), shapes (None where free) and dtypes.
    """

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]

    def __iter__(self) -> Iterator[tuple[TensorSpec, ...]]:
        return iter((self.inputs, self.outputs))

    def to_dict(self) -> dict[str, Any]:
        """As plain data, for JSON."""
        return {
            "inputs": [t.to_dict() for t in self.inputs],
            "outputs": [t.to_dict() for t in self.outputs],
        }

    def __str__(self) -> str:
        from rnnlite.report.rendering import as_text
        from rnnlite.report.tables import signature_table

        return as_text(signature_table(self.inputs, self.outputs))


def freeze(source: Any, request: Request) -> tuple[bytes, GraphSignature]:
    """A source as one serialized GraphDef, and the inputs and outputs of the graph.

    Raises:
        RnnliteError: the source cannot be opened.
    """
    from rnnlite.frontends.opening import open_frozen

    frozen = open_frozen(source, request)
    return frozen.content, GraphSignature(frozen.inputs, frozen.outputs)
