"""The Scan: one recurrence over time, whatever source it came from.

What enters: a cell, inputs, initial states, a direction, a mask, the outputs that are wanted. What
leaves: a `Scan`; of one that was lowered, a `ScanResult`.

In the sense of `jax.lax.scan` and ONNX Scan, with the part that does not depend on the state
taken out of the loop::

    p      = project(x)               once, for all time steps: one large matrix product
    y, s'  = step(p[t], s)            once a time step

Tensors here are symbolic TensorFlow tensors, time-major: (T, B, ...).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from rnnlite.scan.tensors import Array as Array
from rnnlite.scan.tensors import Tensor as Tensor

Cuts = tuple[tuple[int, int], ...]
"""Parts of the last axis, each from a place to another."""

Step = Callable[[Sequence[Tensor], Sequence[Tensor]], tuple[list[Tensor], list[Tensor]]]


class Cell(Protocol):
    """One recurrence step and the projection that is hoisted out of the loop.

    Attributes:
        kind: the name users know it by, e.g. "LSTM".
        units: width of the state, or None where the notion does not apply.
        hoisted: whether `project` does work (False: it hands its inputs on).
        output_is_state: index of the state that equals the output, or None if none surely does.
        recurrent_weights: number of weights that each time step reads; the schedule needs it.
        cuts: the parts of a projected row that `step` takes in its place, or None.
    """

    @property
    def kind(self) -> str: ...
    @property
    def units(self) -> int | None: ...
    @property
    def hoisted(self) -> bool: ...
    @property
    def output_is_state(self) -> int | None: ...
    @property
    def recurrent_weights(self) -> int: ...
    @property
    def cuts(self) -> Cuts | None: ...

    def project(self, inputs: Sequence[Tensor]) -> list[Tensor]:
        """From inputs (T, B, ...) to projected inputs (T, B, ...), all time steps at once."""
        ...

    def weights(self) -> list[Tensor]:
        """The constants that every step reads, made once outside the loop."""
        ...

    def step(
        self, projected: Sequence[Tensor], states: Sequence[Tensor], weights: Sequence[Tensor]
    ) -> tuple[list[Tensor], list[Tensor]]:
        """From projected inputs (B, ...), or their parts, states and `weights()` to outputs and
        new states."""
        ...

    def identity_padding(self) -> list[Array] | None:
        """Rows of the projected inputs, without batch axis, that keep a state of zeros at zero.

        None if there are none, or they are not known.
        """
        ...


@dataclass(frozen=True, eq=False)
class OfKernel:
    """What follows from the recurrent kernel of a cell.

    Attributes:
        kernel: (F, ...), of the inputs.
        recurrent_kernel: (H, ...), of the state.
    """

    kernel: Array
    recurrent_kernel: Array

    @property
    def units(self) -> int:
        """Width of the state."""
        return int(self.recurrent_kernel.shape[0])

    @property
    def recurrent_weights(self) -> int:
        """Weights that each step reads."""
        return int(self.recurrent_kernel.size)


@dataclass(frozen=True, eq=False)
class Scan:
    """A recurrence ready to be lowered.

    Attributes:
        cell: the step and its projection.
        inputs: time-major tensors (T, B, ...), at least one.
        initial_states: tensors (B, ...), one for each state.
        reverse: read the inputs from the last time step to the first. Outputs then stand in the
            order of computation, as Keras's `go_backwards` has them.
        mask: bool (T, B) or (T, B, ...) or None. A masked step keeps the state.
        zero_output_for_mask: a masked step's output is zero, not the output before it.
        all_outputs: whether the outputs of all time steps are wanted, or the last alone.
        last_output: whether the output of the last time step is wanted apart from them.
        batched: whether axis 1 of the inputs is the batch. A loop of a graph may read anything.
        name: name of the layer or loop it came from, for the report and for errors.
        previous: outputs (B, ...) of the step before the first, which a masked first step repeats;
            zeros where not given.
    """

    cell: Cell
    inputs: tuple[Tensor, ...]
    initial_states: tuple[Tensor, ...]
    reverse: bool = False
    mask: Tensor | None = None
    zero_output_for_mask: bool = False
    all_outputs: bool = False
    last_output: bool = True
    batched: bool = True
    name: str = "scan"
    previous: tuple[Tensor, ...] | None = None


@dataclass(frozen=True, eq=False)
class TracedStep:
    """One step of a cell that holds tensors of the graph it came from, as a graph of its own.

    What it reads of the graph around it, it has captured.

    Attributes:
        projected: what all time steps were projected to, (T, B, ...), in the graph around it.
        rows, states: what stands for a row of each of them and for the states, in its own graph.
        outputs, new_states: what it gives, in its own graph.
        output_state: index of the state that the output is, or None.
    """

    projected: tuple[Tensor, ...]
    rows: tuple[Tensor, ...]
    states: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    new_states: tuple[Tensor, ...]
    output_state: int | None


@dataclass(frozen=True, eq=False)
class ScanResult:
    """What a lowered Scan gives.

    Attributes:
        last: outputs of the last step computed, each (B, ...); none unless asked for.
        outputs: outputs of all steps, each (T, B, ...), or None unless asked for.
        states: final states, each (B, ...).
        step: a step of it, to be lowered again; None for cells that need none (`lowering.step`).
        number: of the lowering, unique in this process; the marks of its loops have it.
        projected: what all time steps were projected to, where that was made at once.
    """

    last: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...] | None
    states: tuple[Tensor, ...]
    step: TracedStep | None = None
    number: int = -1
    projected: tuple[Tensor, ...] = ()

    def tensors(self) -> list[Tensor]:
        """All of them, one after the other."""
        return [*self.last, *(self.outputs or ()), *self.states]

    def of(self, tensors: Sequence[Tensor]) -> ScanResult:
        """The same with other tensors, in the order of `tensors`."""
        rest = iter(tensors)
        last = tuple(next(rest) for _ in self.last)
        outputs = None if self.outputs is None else tuple(next(rest) for _ in self.outputs)
        return ScanResult(last, outputs, tuple(rest))


@dataclass(frozen=True, eq=False)
class Lowered:
    """A Scan and the tensors that it became in the graph that it was lowered into.

    Attributes:
        scan, result: its inputs and its outputs.
        unroll: time steps an iteration.
        thresholds: see `Recurrence.thresholds`.
        record: what the report says of it; None where there is no report.
    """

    scan: Scan
    result: ScanResult
    unroll: int = 1
    thresholds: tuple[int, ...] = ()
    record: Recurrence | None = None


@dataclass(frozen=True)
class Recurrence:
    """What the report says of one Scan.

    Attributes:
        name: layer or loop name in the source.
        kind: cell kind, e.g. "GRU".
        units: state width, if known.
        direction: "forward" or "backward".
        outputs: "last" or "all".
        masked: whether a mask is applied.
        hoisted: whether the input projection runs outside the loop.
        unroll: time steps an iteration.
        thresholds: lengths beyond which an output sequence is gathered by another strategy.
        schedule: how its loop is laid out, in words.
        weights: names of the constants that a graph's loop multiplies with; a layer's own else.
    """

    name: str
    kind: str
    units: int | None
    direction: str
    outputs: str
    masked: bool
    hoisted: bool
    unroll: int = 1
    thresholds: tuple[int, ...] = ()
    schedule: str = ""
    weights: str = ""

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**vars(self), "thresholds": list(self.thresholds)}
