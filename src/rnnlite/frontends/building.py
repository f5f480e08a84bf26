"""A Program from a function that emits a model in TensorFlow ops, its recurrences as Scans."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from rnnlite.errors import ShapeError
from rnnlite.frontends.functions import Runner, id_ranges, perturbed, trace
from rnnlite.frontends.program import Program, with_lengths
from rnnlite.frontends.randomness import refuse_random
from rnnlite.frontends.request import Request
from rnnlite.lengths.tracing import lengths_of
from rnnlite.lowering.lower import lower
from rnnlite.lowering.schedule import Options, Schedule
from rnnlite.scan.place import Place
from rnnlite.scan.scan import Lowered, Recurrence, Scan, ScanResult, Tensor
from rnnlite.specs import TensorSpec, with_values


@dataclass(eq=False)
class Recurrences:
    """The recurrences of a model while it is emitted, in the order in which they are met.

    Attributes:
        options: what the caller decides about loops.
        records: what the report says of each.
        lowered: the tensors of each, in the graph that is traced.
    """

    options: Options
    records: list[Recurrence] = field(default_factory=list)
    lowered: list[Lowered] = field(default_factory=list)

    def lower(self, scan: Scan) -> ScanResult:
        """Emit a Scan in the current graph."""
        result, schedule = lower(scan, self.options)
        self.add(scan, result, schedule)
        return result

    def add(self, scan: Scan, result: ScanResult, schedule: Schedule) -> None:
        """Keep what is said of a Scan that was lowered."""
        self.lowered.append(Lowered(scan, result, schedule.unroll, schedule.turns))
        self.records.append(
            Recurrence(
                name=scan.name,
                kind=scan.cell.kind,
                units=scan.cell.units,
                direction="backward" if scan.reverse else "forward",
                outputs="all" if scan.all_outputs else "last",
                masked=scan.mask is not None,
                hoisted=scan.cell.hoisted and schedule.place is Place.BEFORE,
                unroll=schedule.unroll,
                turns=schedule.turns,
                schedule=str(schedule),
            )
        )


Emit = Callable[[Sequence[Tensor], Recurrences], Mapping[str, Tensor]]
"""From one tensor an input to the outputs by name, in their order."""


def build(
    emit: Emit,
    inputs: Sequence[TensorSpec],
    request: Request,
    *,
    origin: str,
    reference: Runner,
    notes: Sequence[str] = (),
) -> Program:
    """Trace a model for its inputs, as a Program.

    Args:
        emit: called once.
        inputs: of the sizes asked for; see `sized`.
        origin, reference, notes: see `Program`.
    """
    recurrences = Recurrences(request.schedule)
    names: list[str] = []

    def flat(tensors: Sequence[Tensor]) -> list[Tensor]:
        outputs = emit(tensors, recurrences)
        names.extend(outputs)
        return list(outputs.values())

    function = trace(flat, inputs, autograph=False)
    refuse_random(function)
    lengths = lengths_of(function, inputs, recurrences.lowered)
    return Program(
        origin=origin,
        inputs=with_values(with_lengths(inputs, lengths), id_ranges(function, inputs), {}),
        outputs=tuple(
            TensorSpec(name, tuple(t.shape), t.dtype.name)
            for name, t in zip(names, function.outputs, strict=True)
        ),
        function=function,
        reference=reference,
        perturbed=lambda amount, seed: perturbed(function, amount, seed),
        recurrences=tuple(dict.fromkeys(recurrences.records)),
        notes=tuple(notes),
        lengths=lengths,
        scans=tuple(recurrences.lowered),
    )


def sized(port: TensorSpec, request: Request, *, time_axis: int | None = None) -> TensorSpec:
    """An input at the batch size and the sequence length asked for.

    Args:
        port: as the source states it, None where it leaves an axis free.
        time_axis: of the time steps; None where there is none.

    Raises:
        ShapeError: the source pins another size.
    """
    shape = list(port.shape)
    if port.batch_axis is not None:
        wanted = request.batch_size
        if wanted == "auto":
            wanted = shape[port.batch_axis] or 1
        shape[port.batch_axis] = _size(port, port.batch_axis, wanted, "batch size")
    if time_axis is not None and request.sequence_length != "auto":
        shape[time_axis] = _size(port, time_axis, request.sequence_length, "sequence length")
    return replace(port, shape=tuple(shape))


def _size(port: TensorSpec, axis: int, wanted: int | str | None, what: str) -> int | None:
    stated = port.shape[axis]
    if isinstance(wanted, str) or stated not in (None, wanted):
        raise ShapeError(
            f"input '{port.name}' does not take {what} {wanted}",
            expected="a number, None or 'auto'" if stated is None else f"{stated}, as it states",
            found=f"{wanted!r}",
        )
    return wanted
