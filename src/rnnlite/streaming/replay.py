"""A cell that is not known, replayed in the function of a chunk.

The step of such a cell was traced once, with the model. Its ops are copied here. What enters: a
`TracedStep` and the emitter. What leaves: a `Cell` without an input projection. Tensors of the
model that the step reads besides its inputs and states may not change with time.
"""

from __future__ import annotations

from collections.abc import Sequence

from rnnlite.scan.scan import Tensor, TracedStep
from rnnlite.streaming.copying import read_by, replayed
from rnnlite.streaming.emit import Emitter
from rnnlite.streaming.values import SoFar, Timed, refused


class ReplayedCell:
    """A `Cell` whose step is a copy of a traced one.

    Args:
        emitter: gives the tensors of the model that the step reads.
        traced: the step.
        kind, units: of the cell.
        where: the recurrence in words.

    Raises:
        StreamingError: the step reads what changes with time.
    """

    hoisted = False
    cuts = None
    recurrent_weights = 0

    def __init__(
        self, emitter: Emitter, traced: TracedStep, kind: str, units: int | None, where: str
    ) -> None:
        self.kind, self.units = kind, units
        self.output_is_state = traced.output_state
        self._traced = traced
        self.outputs = traced.outputs
        self._results = (*traced.outputs, *traced.new_states)
        given = {t.name for t in (*traced.rows, *traced.states)}
        read = read_by(self._results, given)
        captured = {inner.name: outer for outer, inner in self._graph_captures()}
        self._read = [name for name in read if name in captured]
        self._weights = [self._static(emitter, captured[name], where) for name in self._read]

    def _graph_captures(self) -> list[tuple[Tensor, Tensor]]:
        return list(self._results[0].graph.captures)

    def _static(self, emitter: Emitter, outer: Tensor, where: str) -> Tensor:
        if not hasattr(outer, "graph"):
            return outer
        value = emitter.value(outer)
        if isinstance(value, Timed | SoFar):
            raise refused(where, f"its step reads '{outer.op.name}', which changes with time")
        return emitter.tensor(value, outer.op)

    def project(self, inputs: Sequence[Tensor]) -> list[Tensor]:
        """The inputs as they are."""
        return list(inputs)

    def weights(self) -> list[Tensor]:
        """What the step reads of the graph around it."""
        return list(self._weights)

    def step(
        self, projected: Sequence[Tensor], states: Sequence[Tensor], weights: Sequence[Tensor]
    ) -> tuple[list[Tensor], list[Tensor]]:
        """The step, copied op by op."""
        given = dict(zip(self._read, weights, strict=True))
        traced = self._traced
        for tensors, values in ((traced.rows, projected), (traced.states, states)):
            given.update(zip((t.name for t in tensors), values, strict=True))
        found = replayed(self._results, given)
        count = len(traced.outputs)
        return found[:count], found[count:]

    def identity_padding(self) -> None:
        """Not known."""
        return None
