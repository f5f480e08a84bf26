"""The signature "stream" beside the one for whole sequences, in one file.

What enters: a Program and its finished model. What leaves: the file with both, and the proof that
chunks give what the whole gives.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rnnlite.errors import QuantizationError, StreamingError
from rnnlite.frontends.program import Program
from rnnlite.frontends.request import Request
from rnnlite.report.records import StreamParity
from rnnlite.streaming.layout import RECORD, SIGNATURE

LIGHT = ("float16", "dynamic")
"""Modes that quantize weights alone."""

if TYPE_CHECKING:
    from rnnlite.quantization.recipe import Order
    from rnnlite.streaming.function import Streamed


def take_streaming(streaming: bool | int, quantize: str | None) -> bool | int:
    """What the caller says of streaming, checked.

    Raises:
        StreamingError: it is neither a truth nor a number of steps.
        QuantizationError: the mode has no stream yet.
    """
    if not isinstance(streaming, bool | int) or (streaming is not False and streaming < 1):
        raise StreamingError(
            "streaming is no number of steps",
            expected="True for chunks of any length, or the steps of each chunk, 1 or more",
            found=repr(streaming),
        )
    if streaming and quantize not in (None, *LIGHT):
        raise QuantizationError(
            f"streaming is not there for quantize='{quantize}' yet",
            expected="float32, " + " or ".join(LIGHT),
            found=str(quantize),
            remedy="Convert in one of these modes",
        )
    return streaming


def chunk_function(program: Program, request: Request) -> Streamed:
    """The function of a chunk of a Program.

    Raises:
        StreamingError: the model needs more of the sequence than has come.
        ShapeError: it has no axis of time, or takes no such chunks.
    """
    from rnnlite.streaming.function import streamed

    chunk = None if request.streaming is True else int(request.streaming)
    return streamed(program, chunk, request.schedule)


def with_stream(
    program: Program, whole: bytes, streamed: Streamed, light: tuple[Order, str] | None = None
) -> bytes:
    """The finished model of a Program with the function of a chunk beside it.

    Args:
        program: see there.
        whole: its model for whole sequences.
        streamed: the function of a chunk.
        light: of a model whose weights alone are quantized, the order and the trial that was taken.

    Raises:
        UnsupportedError: an op of the function has no builtin form.
        ModelError: the file is not well formed.
    """
    from rnnlite.lite.merging import merged
    from rnnlite.pipeline.steps import finish, translate
    from rnnlite.quantization.prepare.names import name_constants
    from rnnlite.quantization.select import with_light_weights

    chunk = replace(
        program, function=streamed.function, inputs=streamed.inputs, outputs=streamed.outputs
    )
    model = translate(chunk)
    details: dict[str, object] = {}
    if light is not None:
        order, trial = light
        name_constants(model)
        with_light_weights(model, order.mode, trial)
        details = {"quantize": order.mode, "io": order.io}
    other = finish(chunk, model, details)
    return merged(whole, other, SIGNATURE, {RECORD: streamed.layout.to_dict()})


def proof(
    program: Program, data: bytes, streamed: Streamed, *, check: bool, most: float = 0.0
) -> StreamParity:
    """What the report says of the stream of a file.

    Args:
        check: whether chunks are compared with the whole.
        most: the largest difference that is allowed in any case, relative to an output's scale:
            products of dynamic range quantize the rows that they are given together.
    """
    if check:
        from rnnlite.stream_parity import check_stream

        return check_stream(program, data, most)
    layout = streamed.layout
    names = tuple(s.name for s in layout.states)
    return StreamParity(layout.chunk, layout.multiple, layout.delay, names)
