"""Conversion: the pipeline as one visible list of steps.

source -> Program -> LiteRT flatbuffer -> repaired, compacted, named -> checked -> Converted
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rnnlite._version import __version__
from rnnlite.axes import batched, row
from rnnlite.errors import ModelError, QuantizationError
from rnnlite.frontends.program import Program, Request
from rnnlite.lite.files import write_whole
from rnnlite.lite.inspection import inspect
from rnnlite.lowering.schedule import take_options
from rnnlite.quantization.recipe import MODES, NUMBER_BYTES, Order, take_order
from rnnlite.report.quantization import Quantization
from rnnlite.report.records import Parity, Report


@dataclass(frozen=True, eq=False)
class Converted:
    """A finished conversion.

    Attributes:
        tflite: the LiteRT model.
        report: parity, sizes, ops, recurrences, notes; prints as a table.
    """

    tflite: bytes
    report: Report

    def __repr__(self) -> str:
        return f"Converted({len(self.tflite):,} bytes, {self.report.summary})"

    def save(self, path: str | Path) -> Path:
        """Write the model to a path, whole or not at all.

        Raises:
            OutputError: the place cannot be written.
        """
        write_whole(path, self.tflite)
        return Path(path)


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
    schedule: Mapping[str, int | str] | str | None = None,
    inputs: Sequence[str] | None = None,
    outputs: Sequence[str] | None = None,
    constants: Mapping[str, Any] | None = None,
    signature: str | None = None,
    tags: Sequence[str] | None = None,
    architecture: str | Path | None = None,
    custom_objects: Mapping[str, Any] | None = None,
    trust: bool = False,
    verify: bool = True,
    progress: bool = False,
) -> Converted:
    """Convert a recurrent model to LiteRT, builtin ops only.

    Args:
        source: a live Keras 2 or 3 model, or a path: .keras, .h5, a SavedModel folder, a frozen
            graph of TensorFlow 1 or 2 (.pb), a checkpoint (.meta).
        batch_size: "auto" (1 where the source leaves it free, else what the source pins), an int,
            or None for any.
        sequence_length: "auto" (free wherever the source and its layers allow, else the pinned
            length, with a note that names what pins it), None (free, or refused by name), an int.
        quantize: None (float32); "float16" (weights in 16 bits); "dynamic" (int8 weights, float
            activations); "int8" (integers throughout); "int16x8" (integers throughout, int16
            activations, int8 weights).
        calibration: samples as `Model.predict` takes them, or the path of an .npz; needed for int8
            and int16x8, and used to measure the error of the other modes.
        io: type of float inputs and outputs of the integer modes: "int8" or "int16" (the default
            of each), or "float32". Integer inputs, such as token ids, stay what they are.
        allow_float: in the integer modes, keep an op that has no integer kernel in float, and say
            so in the report, instead of refusing it.
        max_error: the largest relative RMS error of a quantized result, by any output; above it the
            conversion is refused. None means float16 1 %, dynamic and int16x8 10 %, int8 25 %.
        schedule: how loops are laid out, where the cost model is to be overruled, with any of these
            keys: "unroll" (time steps an iteration), "block" (rows of a block of an output
            sequence), "levels" (loops within loops for output sequences, 1 to 6), "growth" (how
            many times larger than the next smaller one a buffer is), "segments" (loops one after
            the other for output sequences, 1 to 16), "first" (blocks before loops over blocks, 0 to
            16), "projection" (of inputs: "before" the loop, in the "step", or "joined" with the
            product of the step), "striped" (1 to project before the loop block by block),
            "variables" (1 to keep the rows of output sequences in variables of the runtime, 0 in
            blocks that loops carry), "l2_bytes" (the target's L2 cache a core, 1 MiB if not given),
            "max_unroll". Or as text: "unroll=4,l2_bytes=524288". The report says what each
            recurrence got.
        inputs, outputs: tensor names of a graph, such as "x:0"; found where the graph makes them
            plain (its placeholders, the tensors that nothing reads).
        constants: values that inputs of a graph are fixed to, by tensor, node or signature name:
            {"keep_prob:0": 1.0, "is_training": False}. What they decide is folded away.
        signature, tags: of a SavedModel; "serving_default" and "serve" where it has them.
        architecture: a model's configuration (model.to_json()), for an .h5 of weights alone.
        custom_objects: classes and functions by name, for files that need them.
        trust: allow code in the file (Lambda layers) to run.
        verify: check the float32 result against the source, and refuse it if it differs. What
            quantization costs is measured in any case, and held to `max_error`.
        progress: show the progress of calibration on standard error.

    Returns:
        the LiteRT model and its report.

    Raises:
        RnnliteError: the source cannot be opened or converted; see its kinds. A quantized result
            beyond `max_error` is a ParityError.
    """
    order = take_order(
        quantize,
        calibration,
        io,
        allow_float=allow_float,
        max_error=max_error,
        progress=progress,
    )
    request = Request(
        batch_size=batch_size,
        sequence_length=sequence_length,
        inputs=inputs,
        outputs=outputs,
        constants=constants,
        signature=signature,
        tags=tags,
        architecture=architecture,
        custom_objects=custom_objects,
        trust=trust,
        integer=order is not None and order.integer,
        schedule=take_options(schedule, **NUMBER_BYTES.get(order.mode if order else "", {})),
    )
    from rnnlite.frontends.opening import needs_tensorflow_backend

    if needs_tensorflow_backend(source):
        from rnnlite.frontends.keras.child import convert_in_child

        return convert_in_child(source, request, order, verify=verify)
    return convert_here(source, request, order, verify=verify)[0]


def convert_here(
    source: Any, request: Request, order: Order | None, *, verify: bool
) -> tuple[Converted, bytes]:
    """`convert` in this process; gives the float32 model as well, which is the first of the two
    where nothing is quantized.

    Raises:
        RnnliteError: as `convert`.
    """
    from rnnlite.frontends.opening import open_program
    from rnnlite.isolation import converter, interpreter
    from rnnlite.parity import check
    from rnnlite.quantization.budget import affordable

    converter.warm()
    interpreter.warm()
    clock = _Clock()
    program = open_program(source, request)
    clock.lap("trace")
    model = lower(program)
    size = 0 if order is None else len(finish(program, deepcopy(model)))
    if order is not None and order.mode in ("dynamic", "int8"):
        while (smaller := affordable(model, request.schedule)) != request.schedule:
            request = replace(request, schedule=smaller)
            program = open_program(source, request)
            model = lower(program)
    plain = finish(program, model if order is None else deepcopy(model))
    clock.lap("convert")
    parity = None
    if verify:
        parity = check(program, plain)
        clock.lap("check")
    report = make_report(program, plain, parity, clock.laps)
    report.require_parity()
    if order is None:
        return Converted(plain, report), plain
    data, quantization = quantized(program, model, order, size)
    clock.lap("quantize")
    report = make_report(program, data, parity, clock.laps, quantization)
    return Converted(data, report), plain


def lower(program: Program) -> Any:
    """The float model of a Program as an object tree, with names, origins and marks of the source.

    Raises:
        UnsupportedError: an op has no builtin form.
    """
    from rnnlite.lite import flatbuffer
    from rnnlite.lite.passes.flattening import drop_flattening
    from rnnlite.lite.passes.naming import restore
    from rnnlite.lite.passes.repair import (
        drop_cast_pairs,
        drop_idle_counters,
        separate_branch_results,
        separate_loop_results,
        separate_main_results,
    )
    from rnnlite.lite.passes.rewrite import rewrite
    from rnnlite.lite.passes.share import share_bodies
    from rnnlite.lite.translate import translate

    data, names = translate(rewrite(program.function))
    model = flatbuffer.read(data)
    restore(model, names)
    drop_idle_counters(model)
    separate_loop_results(model)
    separate_branch_results(model)
    separate_main_results(model)
    drop_cast_pairs(model)
    drop_flattening(model)
    share_bodies(model)
    return model


def finish(program: Program, model: Any, details: Mapping[str, Any] | None = None) -> bytes:
    """Name, compact, check and write a model, which is changed.

    Raises:
        ModelError: it is not well formed.
    """
    from rnnlite.lite import flatbuffer
    from rnnlite.lite.passes.borders import guard_copies
    from rnnlite.lite.passes.compact import compact
    from rnnlite.lite.passes.labels import label_tensors
    from rnnlite.lite.passes.micro import suit_microcontrollers
    from rnnlite.lite.passes.pack import pack
    from rnnlite.lite.passes.sequences import keep_sequences
    from rnnlite.lite.requirements import (
        raise_versions,
        refuse_older,
        requirement,
        set_least_release,
    )
    from rnnlite.lite.structure import check_structure
    from rnnlite.quantization.rewrite.check import check_grids

    keep_sequences(model)
    suit_microcontrollers(model)
    guard_copies(model)
    raise_versions(model)
    needed = requirement(model)
    runtime = {"release": needed.release.name, "reason": needed.reason}
    facts = {flatbuffer.GUARDED: True, "min_runtime": runtime}
    pack(model, program, __version__, {**facts, **(details or {})})
    set_least_release(model, needed)
    compact(model)
    label_tensors(model, in_file="quantize" not in (details or {}))
    refuse_older(model, needed)
    check_structure(model)
    check_grids(model)
    return flatbuffer.write(model)


def quantized(
    program: Program, model: Any, order: Order, size_before: int
) -> tuple[bytes, Quantization]:
    """Quantize the float model of a Program, which is changed.

    Raises:
        RnnliteError: see `rnnlite.quantization.quantize.quantize_model`.
    """
    from rnnlite.parity import probes
    from rnnlite.quantization.quantize import quantize_model
    from rnnlite.runtime.samples import Spec

    specs = [
        Spec(
            p.name,
            p.shape,
            p.dtype,
            ids=program.id_ranges.get(p.name),
            batch_axis=p.batch_axis,
            counts=p.counts,
            least=p.least,
        )
        for p in program.inputs
    ]
    return quantize_model(
        model,
        order,
        inputs=specs,
        reference=program.reference,
        finish=lambda tree: finish(program, tree, {"quantize": order.mode, "io": order.io}),
        probes=lambda: probes(program),
        size_before=size_before,
    )


def verify(
    source: Any,
    model: str | Path | bytes,
    samples: Sequence[Any] | None = None,
    *,
    max_error: float | None = None,
    inputs: Sequence[str] | None = None,
    outputs: Sequence[str] | None = None,
    constants: Mapping[str, Any] | None = None,
    signature: str | None = None,
    tags: Sequence[str] | None = None,
    architecture: str | Path | None = None,
    custom_objects: Mapping[str, Any] | None = None,
    trust: bool = False,
) -> Report:
    """Check an existing LiteRT file against its source.

    Args:
        source: as `convert` takes it.
        model: path or content of the LiteRT file.
        samples: further inputs to compare on, as `Model.predict` takes them.
        max_error: of a quantized file, as `convert` takes it; `report.require_parity()` refuses
            what is beyond.
        inputs, outputs, constants, signature, tags, architecture, custom_objects, trust: as
            `convert` takes them.

    Returns:
        the report; `report.parity.within` says whether the model is equal to its source. For a
        quantized file `report.quantization.accuracy` says how far it is off instead.

    Raises:
        RnnliteError: the source or the model cannot be opened, or do not fit each other.
    """
    from rnnlite.frontends.opening import needs_tensorflow_backend
    from rnnlite.lite.files import read_model

    request = Request(
        inputs=inputs,
        outputs=outputs,
        constants=constants,
        signature=signature,
        tags=tags,
        architecture=architecture,
        custom_objects=custom_objects,
        trust=trust,
    )
    data = read_model(model)
    if needs_tensorflow_backend(source):
        from rnnlite.frontends.keras.child import verify_in_child

        return verify_in_child(source, data, samples, request, max_error)
    return verify_here(source, data, samples, request, max_error)


def verify_here(
    source: Any,
    data: bytes,
    samples: Sequence[Any] | None,
    request: Request,
    max_error: float | None,
) -> Report:
    """`verify` in this process.

    Raises:
        RnnliteError: as `verify`.
    """
    from rnnlite.frontends.opening import open_program
    from rnnlite.isolation.interpreter import ModelApart
    from rnnlite.lite import flatbuffer
    from rnnlite.parity import check, probes
    from rnnlite.quantization.quantize import remeasure
    from rnnlite.quantization.recipe import take_max_error
    from rnnlite.runtime.samples import listed

    loaded = ModelApart(data)
    loaded.close()
    mode = flatbuffer.record(flatbuffer.read(data)).get("quantize")
    if mode is None and max_error is not None:
        raise QuantizationError(
            "max_error is given, but the model is not quantized",
            expected="a file of quantize= one of " + ", ".join(MODES),
            found="float32",
        )
    limit = math.inf if mode is None else take_max_error(max_error, mode)
    clock = _Clock()
    batch = next((spec.batch for spec in loaded.inputs if spec.shape), 1)
    integer = mode in ("int8", "int16x8")
    program = open_program(source, replace(request, batch_size=batch, integer=integer))
    program = _as_in_model(program, loaded)
    clock.lap("trace")
    arrays = (
        [
            [batched(a, p.batch_axis) for a, p in zip(sample, loaded.inputs, strict=True)]
            for sample in listed(samples, loaded.inputs)
        ]
        if samples is not None
        else []
    )
    if mode is not None:
        rows = [
            [row(a, p.batch_axis, 0) for a, p in zip(sample, loaded.inputs, strict=True)]
            for sample in arrays
        ]
        quantization = remeasure(
            program.reference,
            data,
            mode,
            rows or probes(program),
            given=bool(rows),
            max_error=limit,
        )
        clock.lap("check")
        return make_report(program, data, None, clock.laps, quantization)
    parity = check(program, data, arrays)
    clock.lap("check")
    return make_report(program, data, parity, clock.laps)


def make_report(
    program: Program,
    data: bytes,
    parity: Parity | None,
    seconds: Mapping[str, float],
    quantization: Quantization | None = None,
) -> Report:
    """Put together what is known of a model."""
    content = inspect(data)
    notes = list(program.notes)
    if parity is not None and parity.skipped:
        lengths = ", ".join(map(str, parity.skipped))
        notes.append(f"the source itself refuses length {lengths}: not compared there")
    if parity is not None and parity.late:
        named = ", ".join(f"'{name}'" for name in parity.late)
        notes.append(
            f"the size of {named} is known only after a run: give LiteRT's CompiledModel a buffer "
            "of your own, TensorBuffer.create_from_host_memory(numpy.zeros(shape, 'float32'))"
        )
    return Report(
        origin=program.origin,
        inputs=tuple(vars(t) for t in content.inputs),
        outputs=tuple(vars(t) for t in content.outputs),
        size=content.size,
        weights=content.weights,
        ops=content.ops,
        min_runtime=content.min_runtime,
        recurrences=tuple(r.to_dict() for r in program.recurrences),
        parity=parity,
        quantization=quantization,
        notes=tuple(notes),
        seconds=dict(seconds),
    )


def _as_in_model(program: Program, model: Any) -> Program:
    """The Program with its inputs as the model has them: a length may be pinned there.

    Raises:
        ModelError: names, ranks or dtypes differ.
    """
    ours = [(p.name, len(p.shape), p.dtype) for p in program.inputs]
    theirs = [
        (s.name, len(s.shape), "float32" if s.quantization else s.dtype) for s in model.inputs
    ]
    if ours != theirs or len(program.outputs) != len(model.outputs):
        raise ModelError(
            f"the LiteRT model was not made from {program.origin}",
            expected=f"inputs {_shown(ours)} and {len(program.outputs)} outputs",
            found=f"inputs {_shown(theirs)} and {len(model.outputs)} outputs",
        )
    inputs = tuple(
        replace(p, shape=s.shape) for p, s in zip(program.inputs, model.inputs, strict=True)
    )
    return replace(program, inputs=inputs)


def _shown(ports: Sequence[tuple[str, int, str]]) -> str:
    return ", ".join(f"'{name}' of rank {rank} ({dtype})" for name, rank, dtype in ports)


class _Clock:
    """Seconds of each step."""

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self.laps[name] = now - self._last
        self._last = now
