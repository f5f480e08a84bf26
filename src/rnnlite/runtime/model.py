"""Load a LiteRT model and run it on sequences of different lengths.

Samples of equal shape go together where the model's batch axis is free, longest first. A large job
on several threads runs in as many interpreters of one thread each, which is faster than ops of
several threads (`benchmarks/throughput.py`).
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rnnlite.errors import ModelError
from rnnlite.lite import ir, schema
from rnnlite.lite.files import read_model
from rnnlite.lite.record import GUARDED, of_signature
from rnnlite.lite.record import record as record_of
from rnnlite.report.showing import Shown
from rnnlite.runtime.batches import (
    BATCHES_A_WORKER,
    DEFAULT_BATCH,
    DEFAULT_BATCH_BYTES,
    bytes_a_step,
    groups,
    run_side_by_side,
)
from rnnlite.runtime.ends import id_ranges, signature_names, spec_of
from rnnlite.runtime.engine import Engine
from rnnlite.runtime.predicting import as_batch, column, fixed_batch, positive, result_of
from rnnlite.runtime.progress import Progress
from rnnlite.runtime.samples import Sample, listed
from rnnlite.runtime.signatures import SignatureRun, stream_ends
from rnnlite.runtime.stream import Ends, Stream
from rnnlite.runtime.windows import windows
from rnnlite.specs import Array, TensorSpec
from rnnlite.streaming.layout import RECORD, SIGNATURE, layout_from

if TYPE_CHECKING:
    from rich.console import RenderableType


def load(source: str | Path | bytes, *, num_threads: int = 1, delegates: bool = True) -> Model:
    """Load a LiteRT model.

    Args:
        source: path or content of a .tflite file.
        num_threads: threads that a run may use; `predict` gives each its own interpreter where
            there are batches enough, which takes the model's memory as many times.
        delegates: False runs the plain kernels, without XNNPACK.

    Raises:
        ModelError: it is no LiteRT model, or needs ops that this runtime does not have.
    """
    if not isinstance(num_threads, int) or isinstance(num_threads, bool) or num_threads < 1:
        raise ModelError(
            "num_threads is no number of threads",
            expected="an int of 1 or more",
            found=repr(num_threads),
        )
    return Model(read_model(source), num_threads=num_threads, delegates=delegates)


class Model(Shown):
    """A loaded LiteRT model. `load` makes one. Calls from several threads take turns.

    A context manager: behind it, or after `close`, the model's memory is given back and it runs no
    more.

    Args:
        data: the file.
        num_threads, delegates: see `load`.
        parsed: the file as it was read already, if it was.

    Attributes:
        inputs, outputs: `TensorSpec`s in the source's order, with the source's names.
        signatures: names of the file's signatures.
        stream_ends: what the signature "stream" takes and gives; None where the file has none.
    """

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    signatures: tuple[str, ...]
    stream_ends: Ends | None

    def __init__(
        self,
        data: bytes,
        *,
        num_threads: int = 1,
        delegates: bool = True,
        parsed: ir.Model | None = None,
    ) -> None:
        parsed = parsed or schema.read(data)
        custom = sorted({op.kind for op in parsed.ops() if op.kind.startswith("CUSTOM:")})
        if custom:
            raise ModelError(
                "the model needs ops that the LiteRT runtime does not have",
                found=", ".join(name.removeprefix("CUSTOM:") for name in custom),
                remedy="Convert its source with rnnlite, which uses builtin ops only",
            )
        self._data = data
        self._num_threads = num_threads
        self._delegates = delegates
        record = record_of(parsed)
        # Older files of ours, and others', hold copies that XNNPACK may lose.
        self._grows = bool(record.get(GUARDED)) or not delegates
        self._open_engine: Engine | None = self._new_engine(num_threads)
        self._workers: list[Engine] = []
        self._lock = threading.Lock()
        self._step_bytes = bytes_a_step(parsed)
        interpreter = self._engine.interpreter
        names_in, names_out = signature_names(parsed)
        details_in = {int(d["index"]): d for d in interpreter.get_input_details()}
        details_out = {int(d["index"]): d for d in interpreter.get_output_details()}
        self._input_ids = [index for _, index in names_in]
        self._output_ids = [index for _, index in names_out]
        ids = id_ranges(record)
        masks = {name: float(value) for name, value in record.get("mask_values", {}).items()}
        axes = record.get("batch_axes", {})
        counts = record.get("counts", [])
        least = record.get("least", {})
        self.inputs = tuple(
            replace(
                spec_of(name, details_in[index]),
                ids=ids.get(name),
                mask_value=masks.get(name),
                batch_axis=axes.get(name, 0),
                counts=name in counts,
                least=tuple(least.get(name, ())),
            )
            for name, index in names_in
        )
        self.outputs = tuple(
            replace(spec_of(name, details_out[index]), batch_axis=axes.get(name, 0))
            for name, index in names_out
        )
        self.signatures = tuple(signature.key for signature in parsed.signatures)
        self.stream_ends = None
        self._step: SignatureRun | None = None
        layout = of_signature(record, SIGNATURE).get(RECORD)
        if layout is not None:
            known = (*self.inputs, *self.outputs)
            self.stream_ends = stream_ends(parsed, layout_from(layout), known)

    def __repr__(self) -> str:
        inputs, outputs = (", ".join(map(_shown, specs)) for specs in (self.inputs, self.outputs))
        return f"Model({inputs} -> {outputs})"

    def __rich__(self) -> RenderableType:
        """As tables."""
        from rnnlite.report.tables import signature_table

        return signature_table(self.inputs, self.outputs)

    def __enter__(self) -> Model:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the model's memory back. Streams of it run no more either."""
        with self._lock:
            self._open_engine, self._step = None, None
            self._workers.clear()

    @property
    def _engine(self) -> Engine:
        if self._open_engine is None:
            raise ModelError(
                "the model is closed",
                expected="a model that is open",
                remedy="Load it again with rnnlite.load",
            )
        return self._open_engine

    def run(self, arrays: Sequence[Array]) -> list[Array]:
        """Run once on whole batches, as the model takes them: quantized where it is quantized.

        Args:
            arrays: one (B, ...) array an input, in the order of `inputs`, of the inputs' dtypes.

        Returns:
            one (B, ...) array an output, in the order of `outputs`.

        Raises:
            SampleError: the runtime refuses the shapes.
        """
        with self._lock:
            return self._engine.run(self._input_ids, arrays, self._output_ids)

    def stream(self, batch: int = 1) -> Stream:
        """A sequence to be fed chunk by chunk, its states kept in between.

        Args:
            batch: sequences fed side by side; chunks then have a batch axis in front.

        Raises:
            ModelError: the file was not converted for it, or has another batch.
        """
        if self.stream_ends is None:
            raise self._without_stream()
        fixed = {s.batch for s in self.stream_ends.inputs if s.batch_axis is not None} - {None}
        count = positive("batch_size", batch, 1)
        if fixed and fixed != {count}:
            raise ModelError(
                "the file streams another number of sequences side by side",
                expected=", ".join(map(str, sorted(n for n in fixed if n is not None))),
                found=str(batch),
                remedy="Convert its source with batch_size=None",
            )
        return Stream(self.stream_ends, self.run_chunk, count)

    def run_chunk(self, arrays: Sequence[Array]) -> list[Array]:
        """Run the signature "stream" once, on inputs and states as it takes them.

        Args:
            arrays: in the order of the signature, quantized where it is quantized.

        Returns:
            outputs and states, in the order of the signature.

        Raises:
            ModelError: the file has none.
            SampleError: the runtime refuses the shapes.
        """
        if self.stream_ends is None:
            raise self._without_stream()
        with self._lock:
            engine = self._engine
            if self._step is None:
                # An interpreter of its own: one that a runner holds cannot be resized.
                interpreter = engine.new_interpreter()
                self._step = SignatureRun(interpreter, SIGNATURE, self.stream_ends)
            return self._step(arrays)

    def _without_stream(self) -> ModelError:
        return ModelError(
            f"the file has no signature '{SIGNATURE}'",
            found=", ".join(self.signatures) or "no signature",
            remedy="Convert its source with streaming=True",
        )

    def shapes_before_run(self, shapes: Sequence[tuple[int, ...]]) -> tuple[tuple[int, ...], ...]:
        """The shapes of the outputs as far as the runtime knows them before a run.

        Args:
            shapes: of the inputs, in the order of `inputs`, with the batch axis.
        """
        with self._lock:
            return self._engine.shapes_before_run(self._input_ids, tuple(shapes), self._output_ids)

    def predict(
        self,
        samples: Iterable[Sample],
        *,
        batch_size: int | None = None,
        max_batch_bytes: int | None = None,
        progress: bool = False,
        raw: bool = False,
    ) -> Any:
        """Run the model on samples of any lengths.

        Args:
            samples: each one sequence without batch axis, (T, ...); a tuple or a dict by input name
                where the model has several inputs.
            batch_size: how many samples of equal shape run together at most, where the batch axis
                is free; 28 if None.
            max_batch_bytes: memory that the batches running at a time may take, about; fewer
                samples run together where they are long. 256 MiB if None.
            progress: show a progress bar on standard error.
            raw: give the integers of quantized outputs as they are, not the numbers they stand for.

        Returns:
            one array (N, ...) in the samples' order where all results have one shape, else a list;
            a dict of these by output name where the model has several outputs.

        Raises:
            SampleError: a sample does not fit the model; it is named by its place.
        """
        checked = listed(samples, self.inputs)
        with Progress("predict", len(checked), progress) as bar:
            results = self.predict_checked(checked, batch_size, max_batch_bytes, raw, bar)
        columns = [column([r[n] for r in results]) for n in range(len(self.outputs))]
        if len(columns) == 1:
            return columns[0]
        return {spec.name: column for spec, column in zip(self.outputs, columns, strict=True)}

    def predict_iter(
        self,
        samples: Iterable[Sample],
        *,
        batch_size: int | None = None,
        max_batch_bytes: int | None = None,
        raw: bool = False,
        first: int = 0,
    ) -> Iterator[Any]:
        """Run the model on samples of any lengths and any number, some thousands at a time.

        Args:
            samples: as of `predict`; no more of them is held than run together with their results,
                64 MiB about.
            batch_size, max_batch_bytes, raw: see `predict`.
            first: number of the first sample, for errors.

        Yields:
            the result of each sample, in order: an array, or a dict by output name where the model
            has several outputs.

        Raises:
            SampleError: a sample does not fit the model; it is named by its place.
        """
        with Progress("predict", 0, False) as bar:
            for window in windows(samples, self.inputs, self.outputs, first=first):
                for result in self.predict_checked(window, batch_size, max_batch_bytes, raw, bar):
                    if len(result) == 1:
                        yield result[0]
                    else:
                        names = (spec.name for spec in self.outputs)
                        yield dict(zip(names, result, strict=True))

    def predict_checked(
        self,
        checked: list[list[Array]],
        batch_size: int | None,
        max_batch_bytes: int | None,
        raw: bool,
        bar: Progress,
    ) -> list[list[Array]]:
        """As `predict`, of samples that `windows` has checked: for each one array an output."""
        most = positive("batch_size", batch_size, DEFAULT_BATCH)
        bound = positive("max_batch_bytes", max_batch_bytes, DEFAULT_BATCH_BYTES)
        results: list[list[Array]] = [[]] * len(checked)
        batches = groups(
            checked,
            self.inputs,
            fixed=fixed_batch(self.inputs),
            most=most,
            step_bytes=self._step_bytes,
            bound=bound // self._num_threads,
        )

        def work(engine: Engine | None, group: list[int]) -> None:
            arrays = as_batch([checked[k] for k in group], self.inputs)
            if engine is None:
                outputs = self.run(arrays)
            else:
                outputs = engine.run(self._input_ids, arrays, self._output_ids)
            for place, k in enumerate(group):
                results[k] = [
                    result_of(spec, y, place, raw)
                    for spec, y in zip(self.outputs, outputs, strict=True)
                ]
            bar.add(len(group))

        if self._num_threads > 1 and len(batches) >= BATCHES_A_WORKER * self._num_threads:
            with self._lock:
                _ = self._engine
                run_side_by_side(self._single_threaded(), work, batches)
        else:
            for group in batches:
                work(None, group)
        return results

    def _new_engine(self, num_threads: int) -> Engine:
        return Engine(
            self._data, num_threads=num_threads, delegates=self._delegates, grows=self._grows
        )

    def _single_threaded(self) -> list[Engine]:
        """As many interpreters of one thread as the model has threads, made once."""
        while len(self._workers) < self._num_threads:
            self._workers.append(self._new_engine(1))
        return self._workers


def _shown(spec: TensorSpec) -> str:
    axes = ", ".join("any" if d is None else str(d) for d in spec.shape)
    return f"{spec.name} {spec.dtype} [{axes}]"
