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

if TYPE_CHECKING:
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
    if streaming and quantize is not None:
        raise QuantizationError(
            f"streaming is not there for quantize='{quantize}' yet",
            expected="float32",
            found=quantize,
            remedy="Convert without quantize",
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


def with_stream(program: Program, plain: bytes, streamed: Streamed) -> bytes:
    """The finished float model of a Program with the function of a chunk beside it.

    Raises:
        UnsupportedError: an op of the function has no builtin form.
        ModelError: the file is not well formed.
    """
    from rnnlite.lite.merging import merged
    from rnnlite.pipeline.steps import finish, translate

    chunk = replace(
        program, function=streamed.function, inputs=streamed.inputs, outputs=streamed.outputs
    )
    other = finish(chunk, translate(chunk))
    return merged(plain, other, SIGNATURE, {RECORD: streamed.layout.to_dict()})


def proof(program: Program, data: bytes, streamed: Streamed, *, check: bool) -> StreamParity:
    """What the report says of the stream of a file.

    Args:
        check: whether chunks are compared with the whole.
    """
    if check:
        from rnnlite.stream_parity import check_stream

        return check_stream(program, data)
    layout = streamed.layout
    names = tuple(s.name for s in layout.states)
    return StreamParity(layout.chunk, layout.multiple, layout.delay, names)
