"""Convert a source in this process.

What enters: a source, a `Request`, a configuration of quantization. What leaves: `Converted`, and
the float32 file.

open -> translate -> finalize -> check against the source -> (quantize -> measure) -> Converted
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rnnlite.frontends.request import Request
from rnnlite.lite.inspection import inspect
from rnnlite.lite.record import ENTRIES
from rnnlite.pipeline.clock import Clock
from rnnlite.pipeline.converted import Converted
from rnnlite.quantization.config import QuantizationConfig
from rnnlite.report.making import Finding, make_report
from rnnlite.target import LITERT

if TYPE_CHECKING:
    from rnnlite.pipeline.steps import Part
    from rnnlite.report.quantization import Quantization
    from rnnlite.report.records import LayerRecord

LOG = logging.getLogger(__name__)


def _layers(part: Part) -> tuple[LayerRecord, ...]:
    from rnnlite.pipeline.layers import layers_of

    names = ([s.name for s in specs] for specs in (part.entry.inputs, part.entry.outputs))
    return layers_of(part.model, *names)


def _with_tensors(record: Quantization, labels: Mapping[str, str]) -> Quantization:
    """With the file's names of what ops make, beside those of the source."""
    errors = tuple(replace(e, tensor=labels.get(e.name, "")) for e in record.op_errors)
    return replace(record, op_errors=errors)


def convert(
    source: Any, request: Request, config: QuantizationConfig | None, *, verify: bool
) -> tuple[Converted, bytes]:
    """Convert a source.

    Args:
        source: as `rnnlite.convert` takes it.
        request: how it is to be opened.
        config: of a quantization; None for float32.
        verify: whether the float32 model is checked against the source.

    Returns:
        the file with its report; and the float32 file, which is the same where nothing is
        quantized.

    Raises:
        RnnliteError: as `rnnlite.convert`.
    """
    from rnnlite.frontends.opening import open_program
    from rnnlite.isolation import converter, interpreter
    from rnnlite.parity import check
    from rnnlite.pipeline.exits import check_exits, exit_parts, require_exits
    from rnnlite.pipeline.quantization import quantize
    from rnnlite.pipeline.steps import Part, finalize, translate
    from rnnlite.pipeline.streaming import chunk_function, chunk_of, proof, stream_part
    from rnnlite.pipeline.targets import require_taken

    converter.warm()
    interpreter.warm()
    clock = Clock()
    with clock.step("trace"):
        program = open_program(source, request)
        if request.exits:
            require_exits(program, request)
        streamed = chunk_function(program, request) if request.streaming else None
        # A target that runs one signature alone gets the function of a chunk as its file. The
        # whole sequence's is made for LiteRT then, and only for the proof of the chunks.
        chunk_alone = streamed is not None and not request.target.signatures
        whole_target = LITERT if chunk_alone else request.target
        require_taken(
            request.target,
            program,
            streamed.inputs if streamed is not None and chunk_alone else None,
        )
    for entry in program.entries:
        for recurrence in entry.recurrences:
            LOG.info("schedule of '%s': %s", recurrence.name, recurrence.schedule)
    with clock.step("convert"):
        parts = [Part(entry, translate(entry)) for entry in program.entries]
        layers = [_layers(part) for part in parts]
        if len(parts) > 1:
            parts[0] = replace(parts[0], details={ENTRIES: [p.entry.signature for p in parts]})
        further = []
        if streamed is not None and config is None:
            further = [stream_part(program.main, streamed)]
        if request.exits and config is None:
            exits, exits_record = exit_parts(parts[0])
            parts[0] = replace(parts[0], details={**parts[0].details, **exits_record})
            further += exits
        # What is finalized is changed: copies go in where the models are needed again.
        float_data = data = finalize(
            [part.copy() for part in (*parts, *further)]
            if config or chunk_alone
            else [*parts, *further],
            whole_target,
        )
    found = {
        part.entry.signature: Finding(layers=drawn)
        for part, drawn in zip(parts, layers, strict=True)
    }
    if verify:
        with clock.step("check"):
            for entry in program.entries:
                found[entry.signature].parity = check(entry, float_data, signature=entry.signature)
    if config is not None:
        for entry in program.entries:
            parity = found[entry.signature].parity
            if parity is not None:
                parity.require(entry.origin)
        with clock.step("quantize"):
            with_chunk = None
            if streamed is not None and config.integer:
                part = stream_part(program.main, streamed)
                with_chunk = part, chunk_of(part, streamed)
            quantized = quantize(parts, config, len(float_data), request.target, with_chunk)
            further = list(quantized.parts[len(parts) :])
            ready = list(quantized.parts)
            if streamed is not None and not config.integer:
                light = (config, quantized.trial)
                further = [stream_part(program.main, streamed, light)]
                ready += further
            if request.exits:
                exits, exits_record = exit_parts(ready[0])
                ready[0] = replace(ready[0], details={**ready[0].details, **exits_record})
                ready += exits
            data, labels = quantized.data, dict(quantized.labels)
            if len(ready) > len(quantized.parts):
                labels.clear()
                data = finalize([part.copy() for part in ready], whole_target, labels)
        for key, record in quantized.records.items():
            is_main = key == program.main.signature
            found[key].quantization = _with_tensors(record, labels) if is_main else record
    if request.exits and verify:
        with clock.step("exits"):
            check_exits(program.main, data)
    stream = None
    if streamed is not None:
        with clock.step("stream"):
            most = config.max_error if config is not None and config.mode == "dynamic" else 0.0
            stream = proof(program.main, data, streamed, check=verify, most=most)
    if chunk_alone:
        data = finalize(further, request.target)
    report = make_report(program, inspect(data), found, clock.seconds, stream)
    report.require_parity()
    return Converted(data, report), float_data
