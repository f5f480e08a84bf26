"""Find what a model holds before any of its Scans is lowered: trace it with stand-ins for loops.

What enters: a function that traces a model. What leaves: its `Contents`, from which `size_model`
tells how large the file will be under any schedule. Loops take most of the time of a trace;
stand-ins take none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import tensorflow as tf

from rnnlite.lowering.schedule import Options
from rnnlite.lowering.size_model import Contents, Sized, affordable
from rnnlite.lowering.step import NO_OPS, Step
from rnnlite.scan.scan import ScanResult, Tensor

FOLDED = ("BiasAdd", "Relu", "StridedSlice")
"""Kinds of ops that become part of another op, or of the states of a loop."""

STAND_IN = "stand_in"


def within_budget(
    options: Options, trace: Callable[[Survey], Any], weights: Iterable[Any]
) -> Options:
    """The options, made smaller until the model keeps within their budget.

    Args:
        options: what the caller decides.
        trace: traces the model, hands its Scans to the survey, and gives the ConcreteFunction.
        weights: shapes of the model's weights.
    """
    if options.budget is None:
        return options
    survey = Survey()
    return affordable(survey.contents(trace(survey), weights), options)


class Survey:
    """Takes note of each Scan that `lower` is given.

    Attributes:
        loops: what the size model is to know of each Scan, in order.
    """

    def __init__(self) -> None:
        self.loops: list[Sized] = []
        self._sources: dict[int, Tensor] = {}

    def stand_in(self, step: Step) -> ScanResult:
        """Note a Scan, and give stand-ins with the shapes of its results."""
        scan = step.scan
        outputs = step.outputs if scan.all_outputs else []
        source = _source(scan.inputs[0])
        self.loops.append(
            Sized(
                loop=step.costs(),
                step_ops=step.ops,
                sequences=len(outputs),
                masked=scan.mask is not None,
                again=id(source) in self._sources,
            )
        )
        self._sources[id(source)] = source
        length = scan.inputs[0].shape[0]
        return ScanResult(
            last=tuple(_unknown(y.dtype, y.shape) for y in step.outputs)
            if scan.last_output or step.carries_output
            else (),
            outputs=tuple(_unknown(y.dtype, [length, *y.shape]) for y in outputs)
            if scan.all_outputs
            else None,
            states=tuple(
                _unknown(s.dtype, shape)
                for s, shape in zip(
                    scan.initial_states, step.invariants(scan.initial_states, []), strict=False
                )
            ),
        )

    def contents(self, function: Any, weights: Iterable[Any]) -> Contents:
        """What a traced function holds.

        Args:
            function: the ConcreteFunction that was traced with this survey.
            weights: shapes of the model's weights.
        """
        shapes = [tuple(map(int, shape)) for shape in weights]
        return Contents(
            loops=tuple(self.loops),
            others=sum(map(_counts, function.graph.get_operations())),
            weights=sum(map(_size, shapes)),
            # A table of two rows is the bias of a GRU.
            channels=sum(s[-1] for s in shapes if len(s) > 1 and _size(s) > 2 * s[-1]),
        )


def _source(x: Tensor) -> Tensor:
    """The tensor of which a Scan's inputs are the transpose, with time as the first axis."""
    return x.op.inputs[0] if x.op.type in ("Reshape", "Transpose") else x


def _counts(op: Any) -> bool:
    """Whether the converter makes an op of this one: most that compute shapes are folded."""
    if op.type in NO_OPS or op.type in FOLDED or op.name.split("/")[-1].startswith(STAND_IN):
        return False
    return any(not y.dtype.is_integer for y in op.outputs)


def _size(shape: tuple[int, ...]) -> int:
    count = 1
    for d in shape:
        count *= d
    return count


def _unknown(dtype: Any, shape: Any) -> Tensor:
    """A tensor of a value that nothing can tell while the model is traced."""
    shape = tf.TensorShape(shape)
    sizes = [d or 1 for d in shape.as_list()]
    zeros = tf.fill(sizes, tf.zeros([], dtype), name=STAND_IN)
    return tf.compat.v1.placeholder_with_default(zeros, shape)
