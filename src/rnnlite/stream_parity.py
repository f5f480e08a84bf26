"""Prove a stream: the results of chunks, put together, equal those of the whole sequence.

What enters: an Entry and a file with the signature "stream". What leaves: a `StreamParity`. Each
sequence is cut at random, and into single steps. A stream is used for several sequences, with a
reset in between. Two streams run in turn, and the state of one is saved half-way and restored in
another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from rnnlite.errors import ShapeError
from rnnlite.frontends.program import Entry
from rnnlite.frontends.random_inputs import random_inputs
from rnnlite.isolation.interpreter import ModelApart
from rnnlite.lengths.sizes import Axis
from rnnlite.lite import schema
from rnnlite.parity import TOLERANCE, Case, derived_bounds, difference, scale_of
from rnnlite.report.parity import OutputParity, StreamParity
from rnnlite.runtime.quantized import dequantize, quantize
from rnnlite.runtime.signatures import StreamSignature
from rnnlite.runtime.stream import Stream
from rnnlite.specs import Array
from rnnlite.streaming.layout import Layout

STEPS = (1, 6, 19, 45)
"""Lengths to compare at, each rounded up to a length that the model and its stream take."""

MOST = 4096
"""The largest length that is tried."""

STEP = 1.001
"""By how many scales of an integer output chunks may differ from the whole: one, and rounding."""

SINGLE = 24
"""A sequence of at most so many smallest chunks is fed one at a time as well."""


def check_stream(entry: Entry, data: bytes, most: float = 0.0) -> StreamParity:
    """Compare the stream of a file with its own results for whole sequences.

    Floats may differ by what rounding explains, integers by one scale.

    Args:
        entry: the Entry that the file was made from.
        data: the file.
        most: a difference that is always allowed, relative to an output's scale.

    Raises:
        ShapeError: no length is found that the model takes.
        AbortError: the LiteRT runtime ends its process on the file.
    """
    found: list[Array] = []
    for delegates in (True, False):
        model = ModelApart(data, delegates=delegates)
        signature = model.stream_signature
        cases = _cases(entry, signature, model)
        found.append(_differences(cases, signature, model.run_chunk))
        model.close()
    differences = np.max(found, axis=0)
    expected = [
        [dequantize(c.expected[n], spec) for c in cases] for n, spec in enumerate(signature.outputs)
    ]
    scale = [max(map(scale_of, arrays)) for arrays in expected]
    relative = [d / s if s > 0 else d for d, s in zip(differences, scale, strict=True)]
    steps = steps_of(data)
    if any(step is not None for step in steps):
        bounds = _bounds_of_integers(steps, scale)
    else:
        bounds = [TOLERANCE] * len(scale)
        if any(r > max(TOLERANCE, most) for r in relative):
            bounds = derived_bounds(entry, cases, scale)
        bounds = [max(b, most) for b in bounds]
    layout: Layout = signature.layout
    return StreamParity(
        chunk=layout.chunk,
        multiple=layout.multiple,
        delay=layout.delay,
        states=tuple(s.name for s in layout.states),
        outputs=tuple(
            OutputParity(spec.name, float(d), float(r), float(s), float(b))
            for spec, d, r, s, b in zip(
                entry.outputs, differences, relative, scale, bounds, strict=True
            )
        ),
        lengths=tuple(dict.fromkeys(c.length for c in cases)),
    )


def steps_of(data: bytes) -> list[float | None]:
    """The scale of each output; None for an output that is computed in float.

    An output that the file dequantizes has the scale of its integers.
    """
    steps: list[float | None] = []
    for value in schema.read(data).main.outputs:
        made = value.producer
        if value.quantization is None and made is not None and made.kind == "DEQUANTIZE":
            value = made.input(0)
        steps.append(None if value.quantization is None else value.scale)
    return steps


def _bounds_of_integers(steps: Sequence[float | None], scale: Sequence[float]) -> list[float]:
    """The bound of each output, relative to its size: one scale of its integers, or rounding."""
    return [
        TOLERANCE if step is None or not size else STEP * step / size
        for step, size in zip(steps, scale, strict=True)
    ]


def _cases(entry: Entry, signature: StreamSignature, model: ModelApart) -> list[Case]:
    """Random sequences, and the results of the file for each as a whole."""
    layout = signature.layout
    fixed = {s.batch for s in signature.inputs if s.batch_axis is not None} - {None}
    batches = (max(n for n in fixed if n is not None),) if fixed else (1, 2)
    cases = []
    for length in dict.fromkeys(_lengths(entry, layout)):
        for batch in batches:
            values = {
                Axis(k, i.time): length for k, i in enumerate(layout.inputs) if i.time is not None
            }
            inputs = random_inputs(
                entry.inputs,
                length=values,
                batch=batch,
                seed=1000 * length + batch,
            )
            given = [quantize(a, s) for a, s in zip(inputs, model.inputs, strict=True)]
            cases.append(Case(length, batch, inputs, model.run(given)))
    if not cases:
        raise ShapeError(
            f"{entry.origin} takes no length up to {MOST} that its stream takes",
            expected=f"a multiple of {layout.chunk or layout.multiple}",
        )
    return cases


def _lengths(entry: Entry, layout: Layout) -> Iterator[int]:
    unit = layout.chunk or layout.multiple
    axes = [Axis(k, i.time) for k, i in enumerate(layout.inputs) if i.time is not None]
    least = max((max(p.least, default=1) for p in entry.inputs), default=1)
    for steps in STEPS:
        first = -(-max(steps, least if steps > 1 else 1) // unit) * unit
        for length in range(first, MOST, unit):
            given = all(o.rows is None or o.rows.length(length) > 0 for o in layout.outputs)
            if given and entry.lengths.completed(dict.fromkeys(axes, length)) is not None:
                yield length
                break


def _differences(
    cases: Sequence[Case], signature: StreamSignature, run: Callable[[list[Array]], list[Array]]
) -> Array:
    """The largest difference of each output, over all sequences and cuttings."""
    rng = np.random.default_rng(0)
    off = np.zeros(len(signature.outputs))
    unit = signature.layout.chunk or signature.layout.multiple
    last: dict[int, _Feeding] = {}
    for case in cases:
        count = case.length // unit
        cuttings = [_cut(rng, count)] + ([[1] * count] if count <= SINGLE else [])
        for parts in cuttings:
            # The stream of the case before, after a reset.
            feeding = last.get(case.batch) or _Feeding(Stream(signature, run, case.batch))
            last[case.batch] = feeding
            feeding.begin(case, [unit * n for n in parts])
            while feeding.step():
                pass
            off = np.maximum(off, feeding.off(signature))
    found: Array = np.maximum(off, _side_by_side(cases, signature, run, rng))
    return found


def _side_by_side(
    cases: Sequence[Case],
    signature: StreamSignature,
    run: Callable[[list[Array]], list[Array]],
    rng: np.random.Generator,
) -> Array:
    """The largest differences of two streams that run in turn; one hands its state to a third."""
    unit = signature.layout.chunk or signature.layout.multiple
    pair = []
    for case in (cases[-1], cases[len(cases) // 2]):
        feeding = _Feeding(Stream(signature, run, case.batch))
        feeding.begin(case, [unit * n for n in _cut(rng, case.length // unit)])
        pair.append(feeding)
    going = [True, True]
    turn = 0
    while any(going):
        going = [feeding.step() for feeding in pair]
        if turn == 1:
            other = Stream(signature, run, cases[-1].batch)
            other.state = pair[0].stream.state
            pair[0].stream = other
        turn += 1
    found: Array = np.max([feeding.off(signature) for feeding in pair], axis=0)
    return found


def _cut(rng: np.random.Generator, count: int) -> list[int]:
    """Random positive numbers with a given sum; the first one is 1."""
    parts = [1]
    while sum(parts) < count:
        parts.append(min(int(rng.integers(1, 8)), count - sum(parts)))
    return parts


@dataclass(eq=False)
class _Feeding:
    """A sequence on its way through a stream."""

    stream: Stream

    def begin(self, case: Case, parts: list[int]) -> None:
        """Begin with another sequence, cut into parts of the given lengths."""
        self.stream.reset()
        self.case, self.parts, self.at = case, parts, 0
        self.results: list[list[Array]] = []

    def step(self) -> bool:
        """Feed the next chunk, or end the sequence; False if it had ended before."""
        if self.at > len(self.parts):
            return False
        if self.at == len(self.parts):
            found = self.stream.finish()
        else:
            found = self.stream(self._chunk(sum(self.parts[: self.at]), self.parts[self.at]))
        self.at += 1
        self.results.append(list(found.values()) if isinstance(found, dict) else [found])
        return True

    def _chunk(self, begin: int, steps: int) -> tuple[Array, ...]:
        signature = self.stream.signature
        chunk = []
        for array, spec, i in zip(
            self.case.inputs, signature.inputs, signature.layout.inputs, strict=True
        ):
            cut = array if i.time is None else array.take(range(begin, begin + steps), i.time)
            if spec.batch_axis is not None:
                cut = np.moveaxis(cut, spec.batch_axis, 0)
                cut = cut[0] if self.case.batch == 1 else cut
            chunk.append(cut)
        return tuple(chunk)

    def off(self, signature: StreamSignature) -> Array:
        """The difference of each output from the whole, with all its rows put together."""
        found = []
        for n, (spec, output) in enumerate(
            zip(signature.outputs, signature.layout.outputs, strict=True)
        ):
            whole = self.case.expected[n]
            parts = [result[n] for result in self.results]
            if self.case.batch == 1 and spec.batch_axis is not None and whole.ndim:
                parts = [p if p is None else np.expand_dims(p, spec.batch_axis) for p in parts]
            axis = output.rows.axis if output.rows else 0
            given = parts[-1] if output.so_far else np.concatenate(parts, axis)
            found.append(difference(given, dequantize(whole, spec)))
        return np.array(found)
