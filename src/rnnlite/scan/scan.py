"""The Scan: one recurrence over time, whatever source it came from.

What enters: a cell, inputs, initial states, a direction, a mask, the outputs that are wanted. What
leaves: a `Scan`; once it is lowered, a `ScanResult`.

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
"""Parts of the last axis, each as (begin, end)."""

Step = Callable[[Sequence[Tensor], Sequence[Tensor]], tuple[list[Tensor], list[Tensor]]]


class Cell(Protocol):
    """One recurrence step and the projection that is hoisted out of the loop.

    Attributes:
        kind: the name users know it by, e.g. "LSTM".
        units: width of the state, or None where the notion does not apply.
        hoisted: whether `project` projects; if not, it hands its inputs on.
        output_is_state: index of the state that always equals the output, or None.
        recurrent_weights: number of weights that each time step reads; the schedule needs it.
        cuts: the parts that a projected row is cut into for `step`; None where it is not cut.
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
        """One time step: outputs and new states.

        Args:
            projected: the projected inputs (B, ...) of the step, or their parts.
            states: the states before the step.
            weights: what `weights()` gives.
        """
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
        kernel: (F, ...), which the inputs are multiplied with.
        recurrent_kernel: (H, ...), which the state is multiplied with.
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
            order of computation, as with Keras's `go_backwards`.
        mask: bool (T, B) or (T, B, ...) or None. A masked step keeps the state.
        zero_output_for_mask: a masked step's output is zero, not the output before it.
        all_outputs: whether the outputs of all time steps are wanted.
        last_output: whether the output of the last computed step is wanted, as a tensor of its own.
        batched: whether axis 1 of the inputs is the batch. A loop of a graph may read other
            tensors.
        name: the name of the layer or loop in the source, for the report and for errors.
        previous: outputs (B, ...) that masked steps in front of all others give; zeros if None.
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
    """One step of a cell as a graph of its own, for cells that hold tensors of the outer graph.

    Tensors of the outer graph that it reads are captured.

    Attributes:
        projected: the projected inputs of all time steps (T, B, ...), in the outer graph.
        rows, states: placeholders for a row of each of these, and for the states, in the step's
            graph.
        outputs, new_states: the results of the step, in its graph.
        output_state: index of the state that equals the output, or None.
    """

    projected: tuple[Tensor, ...]
    rows: tuple[Tensor, ...]
    states: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    new_states: tuple[Tensor, ...]
    output_state: int | None


@dataclass(frozen=True, eq=False)
class ScanResult:
    """The results of a lowered Scan.

    Attributes:
        last: outputs of the last computed step, each (B, ...); empty where they are not wanted.
        outputs: outputs of all steps, each (T, B, ...); None where they are not wanted.
        states: final states, each (B, ...).
        step: one step as a graph, from which the Scan can be lowered again; None for cells that
            need none (`lowering.step`).
        number: the number of the Scan, unique in this process; the marks of its loops have it.
        projected: the projected inputs of all time steps, where they were made at once.
    """

    last: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...] | None
    states: tuple[Tensor, ...]
    step: TracedStep | None = None
    number: int = -1
    projected: tuple[Tensor, ...] = ()

    def tensors(self) -> list[Tensor]:
        """All tensors: `last`, `outputs`, `states`."""
        return [*self.last, *(self.outputs or ()), *self.states]

    def of(self, tensors: Sequence[Tensor]) -> ScanResult:
        """A result with other tensors, given in the order of `tensors`."""
        rest = iter(tensors)
        last = tuple(next(rest) for _ in self.last)
        outputs = None if self.outputs is None else tuple(next(rest) for _ in self.outputs)
        return ScanResult(last, outputs, tuple(rest))


@dataclass(frozen=True, eq=False)
class Lowered:
    """A Scan and its results in the graph that it was lowered into.

    Attributes:
        scan, result: the Scan, and its results.
        unroll: time steps in an iteration.
        thresholds: see `Recurrence`.
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
        name: the name of the layer or loop in the source.
        kind: cell kind, e.g. "GRU".
        units: state width, if known.
        direction: "forward" or "backward".
        outputs: "last" or "all".
        masked: whether a mask is applied.
        hoisted: whether the input projection runs outside the loop.
        unroll: time steps in an iteration.
        thresholds: lengths beyond which an output sequence is gathered by another strategy.
        schedule: the schedule in words.
        weights: names of the constants that a loop of a graph multiplies with; "" for a layer.
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
        """As plain data, for JSON."""
        return {**vars(self), "thresholds": list(self.thresholds)}
