"""The signature "stream" beside the one for whole sequences, in one file.

What enters: an Entry. What leaves: a second part of its file, the function of a chunk; and the
proof that chunks give what the whole sequence gives.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rnnlite.errors import StreamingError
from rnnlite.frontends.program import Entry, Program
from rnnlite.frontends.request import Request
from rnnlite.report.parity import StreamParity
from rnnlite.streaming.layout import RECORD, SIGNATURE

if TYPE_CHECKING:
    from rnnlite.pipeline.pass_order import Part
    from rnnlite.quantization.chunks import Chunk
    from rnnlite.quantization.config import QuantizationConfig
    from rnnlite.streaming.function import Streamed


def take_streaming(streaming: bool | int) -> bool | int:
    """Check the `streaming` argument.

    Raises:
        StreamingError: it is neither a bool nor a number of steps.
    """
    if not isinstance(streaming, bool | int) or (streaming is not False and streaming < 1):
        raise StreamingError(
            "streaming is no number of steps",
            expected="True for chunks of any length, or the steps of each chunk, 1 or more",
            found=repr(streaming),
        )
    return streaming


def chunk_function(program: Program, request: Request) -> Streamed:
    """The function of a chunk of a Program.

    Raises:
        StreamingError: the model needs more of the sequence than has come, or has several
            signatures.
        ShapeError: the model has no axis of time, or takes no chunks of that length.
    """
    from rnnlite.streaming.function import streamed

    if len(program.entries) > 1:
        raise StreamingError(
            f"{program.origin} is converted with several signatures, and one alone is streamed",
            found=", ".join(f"'{e.signature}'" for e in program.entries),
            remedy="Convert the one that is to be streamed into a file of its own",
        )
    chunk = None if request.streaming is True else int(request.streaming)
    return streamed(program.main, chunk, request.schedule)


def stream_part(
    entry: Entry, streamed: Streamed, light: tuple[QuantizationConfig, str] | None = None
) -> Part:
    """The function of a chunk as a part of the file of an Entry.

    Args:
        entry: the function of whole sequences.
        streamed: the function of a chunk.
        light: for a file whose weights alone are quantized, the config and the recipe that was
            taken.

    Raises:
        UnsupportedError: an op of the function has no builtin form.
    """
    from rnnlite.pipeline.pass_order import Part, translate
    from rnnlite.quantization.prepare.names import name_constants
    from rnnlite.quantization.select import lighten_weights

    chunk = replace(
        entry,
        signature=SIGNATURE,
        function=streamed.function,
        inputs=streamed.inputs,
        outputs=streamed.outputs,
    )
    model = translate(chunk, of_chunks=True)
    details: dict[str, object] = {RECORD: streamed.layout.to_dict()}
    if light is not None:
        config, recipe = light
        name_constants(model)
        lighten_weights(model, config.mode, recipe)
        details |= {"quantize": config.mode, "io": config.io}
    return Part(chunk, model, details)


def chunk_of(part: Part, streamed: Streamed) -> Chunk:
    """The `Chunk` of a function of a chunk, for quantization.

    Args:
        part: what `stream_part` gives, in float.
        streamed: the function of a chunk.
    """
    from rnnlite.quantization.chunks import Chunk
    from rnnlite.runtime.signatures import StreamSignature

    layout = streamed.layout
    count, results = len(layout.inputs), len(layout.outputs)
    inputs, outputs = streamed.inputs, streamed.outputs
    signature = StreamSignature(layout, inputs[:count], outputs[:results], inputs[count:])
    return Chunk(part.model, signature, streamed.twins)


def proof(
    entry: Entry, data: bytes, streamed: Streamed, *, check: bool, most: float = 0.0
) -> StreamParity:
    """What the report says of the stream of a file.

    Args:
        check: whether chunks are compared with the whole.
        most: a difference that is always allowed, relative to an output's scale. In the mode
            dynamic, a product quantizes all its rows together, so chunks differ from the whole.
    """
    if check:
        from rnnlite.stream_parity import check_stream

        return check_stream(entry, data, most)
    layout = streamed.layout
    names = tuple(s.name for s in layout.states)
    return StreamParity(layout.chunk, layout.multiple, layout.delay, names)
