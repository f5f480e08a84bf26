"""From a function that was traced for some inputs to its `Lengths`.

What enters: a ConcreteFunction, its inputs, and the recurrences that were lowered in it. What
leaves: a `Lengths`.
"""

from __future__ import annotations

from collections.abc import Sequence

from rnnlite.lengths.analysis import Analysis
from rnnlite.lengths.lengths import Lengths, Steps
from rnnlite.lengths.sizes import Axis, free
from rnnlite.scan.scan import Lowered
from rnnlite.scan.tensors import ConcreteFunction
from rnnlite.specs import TensorSpec


def lengths_of(
    function: ConcreteFunction, specs: Sequence[TensorSpec], recurrences: Sequence[Lowered]
) -> Lengths:
    """How the lengths inside a function follow from the free axes of its inputs.

    Args:
        function: a ConcreteFunction.
        specs: its inputs, with None for free axes.
        recurrences: the recurrences that were lowered while it was traced.
    """
    inputs = [
        (t, tuple(free(Axis(k, a)) if d is None else d for a, d in enumerate(p.shape)))
        for k, (t, p) in enumerate(zip(function.inputs, specs, strict=False))
    ]
    analysis = Analysis(function.graph, inputs, recurrences)
    for output in function.outputs:
        analysis.sizes(output)
    steps = [
        Steps(length, lowered.unroll, lowered.thresholds)
        for lowered, length in zip(recurrences, analysis.lengths(), strict=True)
        if length is not None
    ]
    return Lengths(
        axes=tuple(
            Axis(k, axis)
            for k, p in enumerate(specs)
            for axis, d in enumerate(p.shape)
            if d is None and axis != p.batch_axis
        ),
        steps=tuple(steps),
        requirements=analysis.requirements(),
    )
