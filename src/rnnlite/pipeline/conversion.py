"""Convert a source in this process.

open -> translate -> finish -> check against the source -> (quantize -> measure) -> Converted
"""

from __future__ import annotations

import logging
from typing import Any

from rnnlite.frontends.request import Request
from rnnlite.lite.inspection import inspect
from rnnlite.pipeline.clock import Clock
from rnnlite.pipeline.converted import Converted
from rnnlite.quantization.recipe import Order
from rnnlite.report.making import make_report

LOG = logging.getLogger(__name__)


def convert(
    source: Any, request: Request, order: Order | None, *, verify: bool
) -> tuple[Converted, bytes]:
    """Convert; gives the float32 model as well, which is the first of the two where nothing is
    quantized.

    Args:
        source: as `rnnlite.convert` takes it.
        request: how it is to be opened.
        order: of a quantization.
        verify: whether the float32 model is checked against the source.

    Raises:
        RnnliteError: as `rnnlite.convert`.
    """
    from rnnlite.frontends.opening import open_program
    from rnnlite.isolation import converter, interpreter
    from rnnlite.parity import check
    from rnnlite.pipeline.quantization import quantize
    from rnnlite.pipeline.steps import finish, translate
    from rnnlite.pipeline.streaming import chunk_function, proof, with_stream

    converter.warm()
    interpreter.warm()
    clock = Clock()
    with clock.step("trace"):
        program = open_program(source, request)
        streamed = chunk_function(program, request) if request.streaming else None
    for recurrence in program.recurrences:
        LOG.info("schedule of '%s': %s", recurrence.name, recurrence.schedule)
    with clock.step("convert"):
        model = translate(program)
        plain = finish(program, model if order is None else model.copy()[0])
    parity = None
    if verify:
        with clock.step("check"):
            parity = check(program, plain)
    stream = None
    if streamed is not None and order is None:
        with clock.step("stream"):
            plain = with_stream(program, plain, streamed)
            stream = proof(program, plain, streamed, check=verify)
    if order is None:
        report = make_report(program, inspect(plain), parity, clock.seconds, stream=stream)
        report.require_parity()
        return Converted(plain, report), plain
    if parity is not None:
        parity.require(program.origin)
    with clock.step("quantize"):
        data, quantization = quantize(program, model, order, len(plain))
    if streamed is not None:
        with clock.step("stream"):
            data = with_stream(program, data, streamed, (order, quantization.inner))
            most = order.max_error if order.mode == "dynamic" else 0.0
            stream = proof(program, data, streamed, check=verify, most=most)
    report = make_report(program, inspect(data), parity, clock.seconds, quantization, stream)
    if stream is not None:
        stream.require_within()
    return Converted(data, report), plain
