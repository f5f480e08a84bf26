"""From an ONNX graph to a `Program`.

What enters: a `Source` that was read, and the request. What leaves: its Program: the graph traced
as a TensorFlow function (`tracing`), with names, batch axes and the reference.
"""

from __future__ import annotations

from collections.abc import Sequence, Set

from rnnlite.errors import SourceError
from rnnlite.frontends.functions import Runner, id_ranges, perturbed
from rnnlite.frontends.onnx.nodes import ValueInfo
from rnnlite.frontends.onnx.reading import Source
from rnnlite.frontends.onnx.reference import runner
from rnnlite.frontends.onnx.request import OnnxRequest
from rnnlite.frontends.onnx.selection import as_declared, fixed_inputs, output_names, with_outputs
from rnnlite.frontends.onnx.tracing import Traced, Tracer
from rnnlite.frontends.program import Entry, Program, with_lengths
from rnnlite.frontends.randomness import refuse_random
from rnnlite.specs import TensorSpec, with_values


def program_of(
    source: Source,
    request: OnnxRequest,
    *,
    reference: Runner | None = None,
    counts: Set[str] = frozenset(),
) -> Program:
    """Make the Program of a model.

    Args:
        source: the model.
        request: the sizes that are asked for, and the options.
        reference: the reference, if it is not the model in ONNX Runtime, as for models of PyTorch.
        counts: names of inputs that count time steps, beside those that recurrences read as counts.

    Raises:
        SourceError: the model lacks a tensor that is named, or no input is left.
        ShapeError: the model does not take the sizes that are asked for.
        UnsupportedError: the model holds something that LiteRT has no form for.
    """
    fixed = fixed_inputs(source, request.constants or {})
    declared = [p for p in source.graph.inputs if p.name not in fixed]
    if not declared:
        raise SourceError(
            f"{source.origin} takes no tensor",
            expected="an input left that takes data",
            remedy="Leave its constant out" if fixed else "",
        )
    names = output_names(source, request.outputs)
    maker = Tracer(source, request, declared, fixed, names, counts)
    opened = maker.opened()
    refuse_random(opened.function)
    outputs = [
        TensorSpec(name, tuple(t.shape), t.dtype.name, batch_axis=axis)
        for name, t, axis in zip(
            names, opened.function.outputs, maker.output_axes(opened), strict=True
        )
    ]
    reference = reference or runner(
        with_outputs(source.proto, names),
        source.origin,
        [(p.name, p.dtype) for p in declared],
        [(o.name, o.dtype) for o in outputs],
        as_declared(source, fixed),
    )
    notes = [*source.notes, *opened.notes, *_remarks(opened, declared)]
    inputs = with_lengths(opened.inputs, opened.lengths)
    entry = Entry(
        origin=source.origin,
        inputs=with_values(inputs, id_ranges(opened.function, inputs), {}),
        outputs=tuple(outputs),
        function=opened.function,
        reference=reference,
        perturbed=lambda amount, seed: perturbed(opened.function, amount, seed),
        recurrences=tuple(dict.fromkeys(opened.recurrences.records)),
        notes=tuple(dict.fromkeys(notes)),
        lengths=opened.lengths,
        scans=tuple(opened.recurrences.lowered),
    )
    return Program.of(entry)


def _remarks(opened: Traced, declared: Sequence[ValueInfo]) -> list[str]:
    found = [
        f"input '{p.name}' takes a single number at each call; constants= (--constant) fixes it"
        for p in opened.inputs
        if not p.shape
    ]
    free = {a.input for a in opened.lengths.times}
    found += [
        f"input '{p.name}' has no free axis, as the model pins {list(p.shape)}"
        for k, p in enumerate(declared)
        if p.shape is not None
        and len(p.shape) >= 3
        and all(isinstance(s, int) for s in p.shape)
        and k not in free
        and len(opened.lengths.steps) > 0
    ]
    if not opened.recurrences.records:
        found.append("the model has no recurrence; it is converted as it is")
    return found
