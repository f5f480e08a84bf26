"""Make a Program from a function that emits a model as TensorFlow ops and Scans.

What enters: that function, the inputs as the source states them, and the request. What leaves: the
inputs at the sizes that are asked for; a Program of one Entry. It is for front ends that do nothing
special while tracing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from rnnlite.errors import ShapeError
from rnnlite.frontends.functions import Runner, id_ranges, perturbed, trace
from rnnlite.frontends.program import Entry, Program, with_lengths
from rnnlite.frontends.randomness import refuse_random
from rnnlite.frontends.recurrences import Recurrences
from rnnlite.frontends.request import Request
from rnnlite.lengths.tracing import lengths_of
from rnnlite.lowering.schedule import Options
from rnnlite.lowering.survey import Survey, within_budget
from rnnlite.scan.tensors import ConcreteFunction, Tensor
from rnnlite.specs import TensorSpec, with_values

Emit = Callable[[Sequence[Tensor], Recurrences], Mapping[str, Tensor]]
"""A function of one tensor for each input, which gives the outputs by name, in order."""


def build(
    emit: Emit,
    inputs: Sequence[TensorSpec],
    request: Request,
    *,
    origin: str,
    reference: Runner,
    weights: Iterable[Sequence[int]],
    notes: Sequence[str] = (),
) -> Program:
    """Trace a model for its inputs, as a Program of one entry.

    Args:
        emit: called once; or twice, where the file has a budget: the first call counts what it
            holds.
        inputs: the inputs at the sizes that are asked for; see `sized`.
        weights: shapes of the model's weights; the budget is a share of them.
        origin, reference, notes: see `Entry`.
    """

    def traced(options: Options | Survey) -> tuple[ConcreteFunction, list[str], Recurrences]:
        recurrences = Recurrences(options)
        names: list[str] = []

        def flat(tensors: Sequence[Tensor]) -> list[Tensor]:
            outputs = emit(tensors, recurrences)
            names[:] = outputs
            return list(outputs.values())

        return trace(flat, inputs, autograph=False), names, recurrences

    options = within_budget(request.schedule, lambda survey: traced(survey)[0], weights)
    function, names, recurrences = traced(options)
    refuse_random(function)
    lengths = lengths_of(function, inputs, recurrences.lowered)
    entry = Entry(
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
    return Program.of(entry)


def sized(spec: TensorSpec, request: Request, *, time_axis: int | None = None) -> TensorSpec:
    """An input at the batch size and the sequence length that are asked for.

    Args:
        spec: the input as the source states it, with None for free axes.
        request: the sizes that are asked for.
        time_axis: the axis of the time steps; None where there is none.

    Raises:
        ShapeError: the source pins another size.
    """
    shape = list(spec.shape)
    if spec.batch_axis is not None:
        wanted = request.batch_size
        if wanted == "auto":
            wanted = shape[spec.batch_axis] or 1
        shape[spec.batch_axis] = _size(spec, spec.batch_axis, wanted, "batch size")
    if time_axis is not None and request.sequence_length != "auto":
        shape[time_axis] = _size(spec, time_axis, request.sequence_length, "sequence length")
    return replace(spec, shape=tuple(shape))


def _size(spec: TensorSpec, axis: int, wanted: int | str | None, what: str) -> int | None:
    stated = spec.shape[axis]
    if isinstance(wanted, str) or stated not in (None, wanted):
        raise ShapeError(
            f"input '{spec.name}' does not take {what} {wanted}",
            expected="a number, None or 'auto'" if stated is None else f"{stated}, as it states",
            found=f"{wanted!r}",
        )
    return wanted
