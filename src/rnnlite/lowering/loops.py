"""The loops of a Scan: partitions, chunks within chunks, K steps an iteration.

What enters: a `Step`, its projected inputs and a `Schedule`. What leaves: the Scan's results. The
innermost loop gathers K projected rows and takes K steps. Where K does not divide the length,
identity padding steps come first, or single steps come last. Output sequences are written into
chunks, and these into larger chunks (`lowering.buffers`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import tensorflow as tf

from rnnlite.lowering.buffers import (
    Layout,
    LengthVector,
    filled,
    joined,
    layout,
    places_within,
    rows_and_rest,
    rows_from,
    write,
)
from rnnlite.lowering.inputs import Inputs, Source
from rnnlite.lowering.marks import ATTRIBUTE, LOOPS, Mark, encode, next_number
from rnnlite.lowering.schedule import Schedule
from rnnlite.lowering.step import Carry, Step
from rnnlite.lowering.tensors import length_of, select
from rnnlite.scan.protos import AttrValue, NodeDef
from rnnlite.scan.scan import ScanResult
from rnnlite.scan.tensors import Array, Count, Tensor


@dataclass(frozen=True, eq=False)
class Chunks:
    """The buffers of loops within loops.

    Attributes:
        layout: the sizes of the buffers.
        empty: for each level, a buffer of zeros for each output.
        places: 0, 1, ..., rows of a chunk - 1. Made outside of the loops, for within them a size is
            known only while they run.
    """

    layout: Layout
    empty: list[list[Tensor]]
    places: Tensor | Array


class Loops:
    """The loops that compute all steps. Attributes are what the loop bodies share.

    Steps are counted in the order of computation, identity padding in front included. Each loop
    counts the rows of its own buffers from 0; `base` is the step of its row 0. So a loop's body is
    the same wherever the loop stands.

    Args:
        step: one time step of the Scan.
        projected: the projected inputs of all steps; None if they are made chunk by chunk.
        schedule: how the loops are laid out.
    """

    def __init__(self, step: Step, projected: list[Tensor] | None, schedule: Schedule) -> None:
        self.step, self.scan, self.schedule = step, step.scan, schedule
        self.length = length_of(self.scan.inputs[0])
        self.time = LengthVector.of(self.scan.inputs[0])
        # Steps that the loops of K steps compute.
        self.end = self.length - self.length % schedule.unroll
        if schedule.remainder == "front":
            self.end = self.time.steps(schedule.unroll).count
        self.inputs = Inputs(
            self.scan, step.cell, projected, schedule, self.end, step.identity_padding
        )
        # Loops that share a body hand it what differs between them: it may be no constant.
        self.shared = bool(schedule.peeled_chunks) or schedule.partitions > 1
        self.number = next_number()
        self.scope = tf.compat.v1.get_default_graph().get_name_scope()

    def run(self) -> ScanResult:
        """Emit all steps."""
        schedule, scan = self.schedule, self.scan
        before: list[Tensor] = []
        if self.step.carries_output:
            before = self._filled(None) if scan.previous is None else list(scan.previous)
        values: Carry = (*scan.initial_states, *before)
        steps = self.time.steps(schedule.unroll)
        if not schedule.peeled_chunks:
            return self._finish(*self._partitions(values, 0, self._chunks(layout(schedule, steps))))
        chunk = steps.chunks(schedule.unroll, upto=schedule.chunk) * schedule.unroll
        values, parts = self._partitions(values, 0, self._chunks(Layout((chunk,))))
        if schedule.peeled_chunks > 1:
            others = self._chunks(Layout((chunk,), schedule.peeled_chunks - 1))
            values, buffers = self._if_reached(values, schedule.chunk, others)
            parts.append(buffers)
        begin = schedule.chunk * schedule.peeled_chunks
        others = self._chunks(layout(schedule, steps.beyond(begin, schedule.unroll), chunk))

        def reached() -> ScanResult:
            new, buffers = self._partitions(values, begin, others)
            return self._finish(new, parts + buffers)

        return self._branches(begin, reached, lambda: self._finish(values, parts))

    def _branches(
        self, begin: int, reached: Callable[[], ScanResult], passed: Callable[[], ScanResult]
    ) -> ScanResult:
        """A tf.cond: `reached` if there are steps from `begin` on, else `passed`."""
        results: list[ScanResult] = []

        def run(branch: Callable[[], ScanResult]) -> list[Tensor]:
            # Within a branch the shapes of outer tensors are known while it is prepared. Their
            # values are not, not even those of constants.
            with self.step.own_weights():
                results.append(branch())
            return results[-1].tensors()

        found = tf.cond(self.end > begin, lambda: run(reached), lambda: run(passed))
        return results[0].of(found)

    def _finish(self, values: Carry, parts: list[list[Tensor]]) -> ScanResult:
        """Emit the single steps that come last, where there are any, and make the Scan's results.

        Args:
            values: what the loops carry, after their last step.
            parts: for each part of the sequence, a buffer for each output.
        """
        rest: list[Tensor] = []
        if self.schedule.remainder == "single":
            # Into rows of their own: a loop copies all rows that it carries.
            rest = self._filled(self.schedule.unroll - 1) if self.scan.all_outputs else []
            count = self.length - self.end
            values, rest = self._steps(values, rest, self.end, count, 1, self.inputs.all())
        states, previous = self.step.unpack(values)
        last = previous
        if not self.step.carries_output and self.scan.last_output:
            last = [states[self.step.state_of_output()]]
        if self.scan.mask is not None and self.scan.zero_output_for_mask:
            mask: Tensor = self.scan.mask
            row = mask[0] if self.scan.reverse else mask[-1]
            last = [select(row, y, tf.zeros_like(y)) for y in last]
        buffers = [joined(column) for column in zip(*parts, strict=True)]
        return ScanResult(
            last=tuple(last),
            outputs=self._taken(buffers, rest) if self.scan.all_outputs else None,
            states=tuple(states),
        )

    def _filled(self, rows: Count | None) -> list[Tensor]:
        """Zeros for each output: (rows, B, ...), or (B, ...) if `rows` is None."""
        shapes = self.step.output_shapes()
        if rows is None:
            return [tf.zeros(s, y.dtype) for s, y in zip(shapes, self.step.outputs, strict=True)]
        return [filled(rows, s, y) for s, y in zip(shapes, self.step.outputs, strict=True)]

    def _chunks(self, sizes: Layout) -> Chunks:
        outputs = self.scan.all_outputs
        empty = [self._filled(rows) if outputs else [] for rows in sizes.sizes]
        return Chunks(sizes, empty, places_within(sizes.sizes[0]))

    def _if_reached(self, values: Carry, begin: int, chunks: Chunks) -> tuple[Carry, list[Tensor]]:
        """Emit the steps from `begin` on under a condition: the states, and the output rows."""
        # A length vector, so that the branch knows their number while it is prepared.
        rows = tf.ones(chunks.layout.sizes[-1] * chunks.layout.partitions, tf.int32)

        def reached() -> ScanResult:
            new, parts = self._partitions(values, begin, chunks)
            return ScanResult((), tuple(map(joined, zip(*parts, strict=True))), new)

        def passed() -> ScanResult:
            same = tuple(map(tf.identity, values))
            return ScanResult((), tuple(self._filled(tf.shape(rows))), same)

        found = self._branches(begin, reached, passed)
        return found.states, list(found.outputs or ())

    def _partitions(
        self, values: Carry, begin: int, chunks: Chunks
    ) -> tuple[Carry, list[list[Tensor]]]:
        """Emit one loop for each partition, with the same body, from step `begin` on."""
        top = len(chunks.layout.sizes) - 1
        if not self.shared:
            values, buffers = self._level(chunks, top, values, begin, self.end)
            return values, [buffers]
        base, size = tf.minimum(begin, self.end), chunks.layout.count(top)
        parts: list[list[Tensor]] = []
        for _ in range(chunks.layout.partitions):
            count = tf.minimum(size, self.end - base)
            values, buffers = self._level(chunks, top, values, base, count)
            parts.append(buffers)
            base = base + size
        return values, parts

    def _taken(self, buffers: list[Tensor], rest: list[Tensor]) -> tuple[Tensor, ...]:
        """The output sequences: the rows of the buffers, without padding."""
        if rest:
            pairs = zip(buffers, rest, strict=True)
            return tuple(rows_and_rest(b, r, self.end, self.time) for b, r in pairs)
        exact = self.schedule.unroll == self.schedule.depth == self.schedule.partitions == 1
        if exact and not self.schedule.peeled_chunks:
            return tuple(buffers)
        front = self.end - self.length if self.schedule.remainder == "front" else 0
        return tuple(rows_from(b, front, self.time) for b in buffers)

    def _level(
        self, chunks: Chunks, level: int, values: Carry, base: Count, count: Count
    ) -> tuple[Carry, list[Tensor]]:
        """Emit `count` steps from step `base` on, with the outputs in buffers of the level."""
        if level == 0:
            source = self.inputs.chunk(base, chunks.places)
            return self._steps(values, chunks.empty[0], base, count, self.schedule.unroll, source)
        size = chunks.layout.count(level - 1)

        def body(w: Tensor, *carried: Tensor) -> Carry:
            inner, outer = carried[: len(values)], carried[len(values) :]
            inner, chunk = self._level(
                chunks, level - 1, inner, base + w, tf.minimum(size, count - w)
            )
            written = [write(b, x, w) for b, x in zip(outer, chunk, strict=True)]
            return (w + size, *inner, *written)

        mark = Mark(self.number, self.scope, level, 1, self.shared)
        return self._while(values, chunks.empty[level], count, body, mark)

    def _steps(
        self,
        values: Carry,
        buffers: list[Tensor],
        base: Count,
        count: Count,
        unroll: int,
        source: Source,
    ) -> tuple[Carry, list[Tensor]]:
        """Emit the innermost loop: `unroll` steps in an iteration."""
        reader = self.inputs.reader(source, base, unroll)
        places = reader.places
        first = len(places)
        scopes: list[str] = []

        def body(w: Tensor, *all_carried: Tensor) -> Carry:
            at, carried = all_carried[:first], all_carried[first:]
            states, previous = self.step.unpack(carried)
            rows, keeps = reader.read(at)
            sequence: list[list[Tensor]] = []
            for k in range(unroll):
                with tf.name_scope("step") as scope:
                    scopes.append(scope)
                    states, previous = self.step.take(rows[k], keeps[k], states, previous)
                    sequence.append(self.step.written(previous, states, keeps[k]))
            written = [
                write(buffer, tf.stack([ys[n] for ys in sequence], 0), w)
                for n, buffer in enumerate(carried[len(values) :])
            ]
            kept = previous if self.step.carries_output else []
            return (w + unroll, *reader.advanced(at), *states, *kept, *written)

        mark = Mark(self.number, self.scope, 0, unroll, self.shared)
        if self.schedule.variable_levels and unroll == self.schedule.unroll:
            empty = self.schedule.remainder == "single"
            mark = replace(mark, variable_levels=self.schedule.variable_levels, may_be_empty=empty)
        return self._while(values, buffers, count, body, mark, scopes, places)

    def _while(
        self,
        values: Carry,
        buffers: list[Tensor],
        count: Count,
        body: Callable[..., Carry],
        mark: Mark,
        scopes: Sequence[str] = (),
        places: Sequence[Tensor] = (),
    ) -> tuple[Carry, list[Tensor]]:
        count = tf.convert_to_tensor(count, tf.int32)
        counters = (tf.constant(0), *places)
        shapes = [c.shape for c in counters]
        with _marking(mark, scopes):
            result = tf.while_loop(
                lambda w, *_: w < count,
                body,
                (*counters, *values, *buffers),
                shape_invariants=(*shapes, *self.step.invariants(values, buffers)),
                name="chunks" if mark.level else "scan",
            )[len(counters) :]
        return tuple(result[: len(values)]), list(result[len(values) :])


@contextmanager
def _marking(mark: Mark, steps: Sequence[str]) -> Iterator[None]:
    """A context in which a While op made in the current graph gets the mark.

    Args:
        mark: the mark of the loop, without its steps.
        steps: name scopes of the steps. The list is filled while the body is traced, before the op
            is made.
    """

    def value(node: NodeDef) -> AttrValue | None:
        if node.op not in LOOPS:
            return None
        return tf.compat.v1.AttrValue(s=encode(replace(mark, steps=tuple(steps))))

    with tf.compat.v1.get_default_graph()._attr_scope({ATTRIBUTE: value}):
        yield
