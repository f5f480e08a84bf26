"""Convert a source in this process.

What enters: a source, a `Request`, a configuration of quantization. What leaves: `Converted`, and
the float32 file.

open -> translate -> finalize -> check against the source -> (quantize -> measure) -> Converted
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from rnnlite.frontends.opening import open_program
from rnnlite.frontends.program import Program
from rnnlite.frontends.request import Request
from rnnlite.isolation import converter, interpreter
from rnnlite.lite.inspection import inspect
from rnnlite.lite.record import ENTRIES
from rnnlite.parity import check
from rnnlite.pipeline import exits, pass_order, quantization, streaming
from rnnlite.pipeline.clock import Clock
from rnnlite.pipeline.converted import Converted
from rnnlite.pipeline.layers import layers_of
from rnnlite.pipeline.pass_order import Part
from rnnlite.pipeline.targets import require_taken
from rnnlite.quantization.config import QuantizationConfig
from rnnlite.report.making import Finding, make_report
from rnnlite.target import LITERT, Target

if TYPE_CHECKING:
    from rnnlite.report.quantization import Quantization
    from rnnlite.report.records import LayerRecord
    from rnnlite.streaming.function import Streamed

LOG = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class _Opened:
    """A source that was opened.

    Attributes:
        program: an Entry for each signature.
        request: what the source was opened with.
        streamed: the function of a chunk; None where no stream is asked for.
    """

    program: Program
    request: Request
    streamed: Streamed | None

    @property
    def chunk_alone(self) -> bool:
        """Whether the file holds the function of a chunk alone, for a target of one signature."""
        return self.streamed is not None and not self.request.target.signatures

    @property
    def whole_target(self) -> Target:
        """The target of the file that computes whole sequences.

        It is LiteRT where the user gets the function of a chunk alone: then that file only serves
        the proof.
        """
        return LITERT if self.chunk_alone else self.request.target


@dataclass(frozen=True, eq=False)
class _Made:
    """A file, and what it was made of.

    Attributes:
        parts: one for each Entry.
        further: parts for the function of a chunk and for the exits, where they are asked for.
            Empty in a float32 file that is quantized next.
        data: the file.
    """

    parts: list[Part]
    further: list[Part]
    data: bytes


def convert(
    source: Any, request: Request, config: QuantizationConfig | None, *, verify: bool
) -> tuple[Converted, bytes]:
    """Convert a source.

    Args:
        source: as `rnnlite.convert` takes it.
        request: what to open the source with.
        config: what quantization is asked for; None for float32.
        verify: whether the float32 model is checked against the source.

    Returns:
        the file with its report; and the bytes of the float32 file, the same where nothing is
        quantized.

    Raises:
        RnnliteError: as `rnnlite.convert`.
    """
    converter.warm()
    interpreter.warm()
    clock = Clock()
    with clock.step("trace"):
        opened = _open(source, request)
    program = opened.program
    with clock.step("convert"):
        made, found = _make_float32(opened, config)
    float_data = made.data
    if verify:
        with clock.step("check"):
            for entry in program.entries:
                key = entry.signature
                found[key].parity = check(entry, float_data, signature=key)
    if config is not None:
        _require_parity(program, found)
        with clock.step("quantize"):
            made = _quantize(opened, made, config, found)
    if request.exits and verify:
        with clock.step("exits"):
            exits.check_exits(program.main, made.data)
    stream, data = None, made.data
    if opened.streamed is not None:
        with clock.step("stream"):
            most = config.max_error if config is not None and config.mode == "dynamic" else 0.0
            stream = streaming.proof(program.main, data, opened.streamed, check=verify, most=most)
    if opened.chunk_alone:
        data = pass_order.finalize(made.further, request.target).data
    report = make_report(program, inspect(data), found, clock.seconds, stream)
    report.require_parity()
    return Converted(data, report), float_data


def _open(source: Any, request: Request) -> _Opened:
    """Open a source, and refuse what its target cannot take or the request cannot have.

    Raises:
        RnnliteError: as `rnnlite.convert`.
    """
    program = open_program(source, request)
    if request.exits:
        exits.require_exits(program, request)
    streamed = streaming.chunk_function(program, request) if request.streaming else None
    opened = _Opened(program, request, streamed)
    alone = streamed.inputs if streamed is not None and opened.chunk_alone else None
    require_taken(request.target, program, alone)
    for entry in program.entries:
        for recurrence in entry.recurrences:
            LOG.info("schedule of '%s': %s", recurrence.name, recurrence.schedule)
    return opened


def _make_float32(
    opened: _Opened, config: QuantizationConfig | None
) -> tuple[_Made, dict[str, Finding]]:
    """Make the float32 file, and find the layers of each signature.

    Returns:
        the file, whose parts are not finalized if they are quantized next; and what is found of
        each signature.
    """
    program, request = opened.program, opened.request
    parts = [Part(entry, pass_order.translate(entry)) for entry in program.entries]
    found = {part.entry.signature: Finding(layers=_layers(part)) for part in parts}
    if len(parts) > 1:
        parts[0] = replace(parts[0], details={ENTRIES: [p.entry.signature for p in parts]})
    further: list[Part] = []
    if opened.streamed is not None and config is None:
        further.append(streaming.stream_part(program.main, opened.streamed))
    if request.exits and config is None:
        parts[0], own = _with_exits(parts[0])
        further += own
    ready = [*parts, *further]
    if config is not None or opened.chunk_alone:
        # What is finalized is changed: copies go in where the models are needed again.
        ready = [part.copy() for part in ready]
    return _Made(parts, further, pass_order.finalize(ready, opened.whole_target).data), found


def _quantize(
    opened: _Opened, made: _Made, config: QuantizationConfig, found: dict[str, Finding]
) -> _Made:
    """Quantize the parts of the float32 file, in place, and add the results to `found`."""
    program, streamed = opened.program, opened.streamed
    chunk = None
    if streamed is not None and config.integer:
        part = streaming.stream_part(program.main, streamed)
        chunk = part, streaming.chunk_of(part, streamed)
    target, size = opened.request.target, len(made.data)
    quantized = quantization.quantize(made.parts, config, size, target, chunk)
    ready, count = list(quantized.parts), len(made.parts)
    further = ready[count:]
    if streamed is not None and not config.integer:
        light = config, quantized.trial
        further = [streaming.stream_part(program.main, streamed, light)]
        ready += further
    if opened.request.exits:
        ready[0], own = _with_exits(ready[0])
        ready += own
    file = quantized.file
    if len(ready) > len(quantized.parts):
        file = pass_order.finalize([part.copy() for part in ready], opened.whole_target)
    for key, record in quantized.records.items():
        is_main = key == program.main.signature
        found[key].quantization = _with_tensors(record, file.labels) if is_main else record
    return _Made(ready[:count], further, file.data)


def _with_exits(part: Part) -> tuple[Part, list[Part]]:
    """A part with the record of its exits, and a part for each of these."""
    own, record = exits.exit_parts(part)
    return replace(part, details={**part.details, **record}), own


def _require_parity(program: Program, found: Mapping[str, Finding]) -> None:
    """Refuse to quantize what differs from its source in float32 already.

    Raises:
        ParityError: naming the outputs that differ.
    """
    for entry in program.entries:
        parity = found[entry.signature].parity
        if parity is not None:
            parity.require(entry.origin)


def _layers(part: Part) -> tuple[LayerRecord, ...]:
    entry = part.entry
    inputs, outputs = ([s.name for s in specs] for specs in (entry.inputs, entry.outputs))
    places = {record: k for k, record in enumerate(entry.recurrences)}
    recurrences = {
        lowered.result.number: places[lowered.record]
        for lowered in entry.scans
        if lowered.record in places
    }
    return layers_of(part.model, inputs, outputs, recurrences)


def _with_tensors(record: Quantization, labels: Mapping[str, str]) -> Quantization:
    """The record, with the names that the tensors of op errors have in the file."""
    errors = tuple(replace(e, tensor=labels.get(e.name, "")) for e in record.op_errors)
    return replace(record, op_errors=errors)
