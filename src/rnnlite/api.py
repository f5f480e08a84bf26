"""The three calls that open a source: `convert`, `verify`, `freeze`.

What enters: arguments, as a user gives them. What leaves: what `pipeline` makes of them. Here
arguments are checked and made a request; nothing is computed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rnnlite.frontends.options import (
    SourceOptions,
    require_bools,
    source_options,
    with_source_options,
)
from rnnlite.frontends.request import Request
from rnnlite.lite.files import ModelSource, write_whole
from rnnlite.lowering.schedule import Options, take_options
from rnnlite.pipeline.converted import Converted
from rnnlite.pipeline.freezing import GraphSignature
from rnnlite.pipeline.streaming import take_streaming
from rnnlite.pipeline.targets import take_mode
from rnnlite.quantization.config import LAYOUT, QuantizationConfig, take_config
from rnnlite.report.records import Report
from rnnlite.target import Target, take_target

if TYPE_CHECKING:
    from typing_extensions import Unpack


def convert(
    source: Any,
    *,
    batch_size: int | str | None = "auto",
    sequence_length: int | str | None = "auto",
    quantize: str | None = None,
    calibration: Any = None,
    io: str | None = None,
    allow_float: bool = False,
    max_error: float | None = None,
    streaming: bool | int = False,
    exits: bool = False,
    target: str = "litert",
    schedule: Mapping[str, int | str] | str | None = None,
    inputs: Sequence[str] | None = None,
    outputs: Sequence[str] | None = None,
    constants: Mapping[str, Any] | None = None,
    signature: str | Sequence[str] | None = None,
    tags: Sequence[str] | None = None,
    architecture: str | Path | None = None,
    custom_objects: Mapping[str, Any] | None = None,
    trust: bool = False,
    example: Any = None,
    verify: bool = True,
    progress: bool = False,
    **further: Any,
) -> Converted:
    """Convert a recurrent model to LiteRT, builtin ops only.

    Args:
        source: a live Keras 2 or 3 model, torch.nn.Module or ExportedProgram, onnx.ModelProto, or a
            path: .keras, .h5, .onnx, .pt2, a SavedModel folder, a frozen graph of TensorFlow 1 or 2
            (.pb), a checkpoint (.meta).
        batch_size: "auto" (1 where the source leaves it free, else what the source pins), an int,
            or None for any.
        sequence_length: "auto" (free wherever the source and its layers allow, else the pinned
            length, with a note that names what pins it), None (free, or refused by name), an int.
        quantize: None (float32); "float16" (weights in 16 bits); "dynamic" (int8 weights, float
            activations); "int8" (integers throughout); "int16x8" (integers throughout, int16
            activations, int8 weights).
        calibration: samples as `Model.predict` takes them, or the path of a data set; needed for
            int8 and int16x8, and used to measure the error of the other modes. Where there are
            several signatures, a dict of these by signature.
        io: type of float inputs and outputs of the integer modes: "int8" or "int16" (the default
            of each), or "float32". Integer inputs, such as token ids, stay what they are.
        allow_float: in the integer modes, keep an op that has no integer kernel in float, and say
            so in the report, instead of refusing it.
        max_error: the largest relative RMS error that an output of a quantized result may have;
            above it the conversion is refused. None means float16 1 %, dynamic and int16x8 10 %,
            int8 25 %.
        streaming: True adds a signature "stream" beside that for whole sequences, for chunks of any
            length; a number, for chunks of so many steps, all shapes static (1: no loop at all).
            The states that are kept between chunks are inputs and outputs "state/<layer>/<name>";
            `Model.stream` feeds them. What needs the future is refused by its layer.
        exits: add a signature "exit/<output>" for each output, cheapest first. Each computes only
            what the ones before have not; `Model.predict_early` stops at the first that is sure.
        target: what the file is made for: "litert" (LiteRT on a CPU with XNNPACK), or
            "tflite-micro" (LiteRT for Microcontrollers: batch and lengths are pinned, in float32,
            int8 or int16x8, by ops that it has in types that it has; all else is refused by name).
        schedule: how loops are laid out, where the cost model is to be overruled, with any of these
            keys: "unroll" (time steps in an iteration), "chunk" (rows of a chunk of an output
            sequence), "depth" (loops within loops for output sequences, 1 to 6), "chunk_growth"
            (how many times larger than the next smaller one a buffer is), "partitions" (loops one
            after the other for output sequences, 1 to 16), "peeled_chunks" (chunks before loops
            over chunks, 0 to 16), "projection" (of inputs: "hoisted" out of the loop, "in_loop", or
            "fused" with the product of the step), "chunked_projection" (1 to project out of the
            loop chunk by chunk), "variables" (1 to keep the rows of output sequences in resource
            variables, 0 in chunks that loops carry), "l2_bytes" (the L2 cache of a core of the
            target, 1 MiB if not given), "max_unroll". Or as text: "unroll=4,l2_bytes=524288". The
            report says what each recurrence got.
        inputs, outputs: names of tensors of a graph, such as "x:0". If not given, they are found
            where the graph shows them: placeholders, and tensors that nothing reads.
        constants: values that inputs of a graph are fixed to, by tensor, node or signature name:
            {"keep_prob:0": 1.0, "is_training": False}. What they decide is folded away.
        signature: a signature of a SavedModel, or a function of a tf.Module; "serving_default"
            where there is one. A list of several, or "all", gives one file with a signature for
            each, by the same names, in which weights that they share are stored once.
        tags: tags of a SavedModel; "serve" if not given, where it has that.
        architecture: a model's configuration (model.to_json()), for an .h5 of weights alone.
        custom_objects: classes and functions by name, for files that need them.
        trust: allow code in the file (Lambda layers) to run.
        example: inputs that a PyTorch module is called with, on which it is traced: a tensor, a
            tuple of tensors, or a dict by parameter name, with batch axis. An axis is free where
            the module runs at other sizes of it.
        verify: check the float32 result against the source, and refuse it if it differs. The error
            of quantization is measured in any case, and held to `max_error`.
        progress: show the progress of calibration on standard error.
        further: options that further front ends declare (docs/adding_a_frontend.md).

    Returns:
        the LiteRT model and its report.

    Raises:
        RnnliteError: the source cannot be opened or converted; its subclasses tell why. It is a
            ParityError if the error of a quantized result exceeds `max_error`.
    """
    require_bools(verify=verify, allow_float=allow_float, progress=progress, exits=exits)
    config = take_config(
        quantize, calibration, io, allow_float=allow_float, max_error=max_error, progress=progress
    )
    runtime = take_target(target)
    take_mode(runtime, quantize, streaming)
    options = {
        "inputs": inputs,
        "outputs": outputs,
        "constants": constants,
        "signature": signature,
        "tags": tags,
        "architecture": architecture,
        "custom_objects": custom_objects,
        "trust": trust,
        "example": example,
        **further,
    }
    request = Request(
        batch_size=batch_size,
        sequence_length=sequence_length,
        options=source_options(convert, options),
        integer=config is not None and config.integer,
        schedule=_schedule_options(schedule, config, runtime, streaming=bool(streaming)),
        streaming=take_streaming(streaming),
        exits=exits,
        target=runtime,
    )
    return _converted(source, request, config, verify=verify)


def _schedule_options(
    schedule: Mapping[str, int | str] | str | None,
    config: QuantizationConfig | None,
    target: Target,
    *,
    streaming: bool,
) -> Options:
    """The options of schedules: from the user's `schedule`, the mode and the target."""
    mode = config.mode if config is not None else ""
    exact = streaming and config is not None and config.integer
    return take_options(
        schedule, target=target, exact=exact, streamed=streaming, **LAYOUT.get(mode, {})
    )


def _converted(
    source: Any, request: Request, config: QuantizationConfig | None, *, verify: bool
) -> Converted:
    """Convert the source here, or in a process with the environment that it needs."""
    from rnnlite.frontends.opening import environment_of

    if environment_of(source):
        from rnnlite.pipeline import remote

        return remote.convert(source, request, config, verify=verify)
    from rnnlite.pipeline import conversion

    return conversion.convert(source, request, config, verify=verify)[0]


@with_source_options
def verify(
    source: Any,
    model: ModelSource,
    samples: Sequence[Any] | None = None,
    *,
    max_error: float | None = None,
    **options: Unpack[SourceOptions],
) -> Report:
    """Check an existing LiteRT file against its source.

    Args:
        source: as `convert` takes it.
        model: path or content of the LiteRT file.
        samples: further inputs to compare on, as `Model.predict` takes them.
        max_error: for a quantized file, as `convert` takes it. `report.require_parity()` refuses an
            error above it.
        options: inputs, outputs, constants, signature, tags, architecture, custom_objects, trust,
            example and those of further front ends, as `convert` takes them.

    Returns:
        the report. `report.parity.within` says whether the model equals its source. For a quantized
        file, `report.quantization.accuracy` has its errors instead.

    Raises:
        RnnliteError: the source or the model cannot be opened, or do not fit each other.
    """
    from rnnlite.frontends.opening import environment_of
    from rnnlite.lite.files import read_model
    from rnnlite.pipeline import remote, verification

    request = Request(options=source_options(verify, options))
    data = read_model(model)
    if environment_of(source):
        return remote.verify(source, data, samples, request, max_error)
    return verification.verify(source, data, samples, request, max_error)


@with_source_options
def freeze(
    source: Any,
    path: str | Path,
    **options: Unpack[SourceOptions],
) -> GraphSignature:
    """Write a model as one GraphDef with constants for its variables.

    The graph opens in TensorFlow 1.15 as well as in TensorFlow 2. It has the control flow of
    TensorFlow 1 (Enter, Merge, Switch, NextIteration, Exit). Attributes that TensorFlow 1.15 does
    not know have their default values.

    Args:
        source: as `rnnlite.convert` takes it: a path or a live Keras model.
        path: where to write (.pb).
        options: inputs, outputs, constants, signature, tags, architecture, custom_objects, trust,
            example and those of further front ends, as `convert` takes them.

    Returns:
        names, shapes and dtypes of the inputs and outputs of the graph.

    Raises:
        RnnliteError: the source cannot be opened, or the path cannot be written.
    """
    request = Request(options=source_options(freeze, options))
    from rnnlite.frontends.opening import environment_of
    from rnnlite.pipeline import freezing, remote

    run = remote.freeze if environment_of(source) else freezing.freeze
    content, signature = run(source, request)
    write_whole(path, content)
    return signature
