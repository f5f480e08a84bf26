"""Load a LiteRT model and run it on sequences of different lengths.

What enters: the path or content of a file; samples, without batch axis. What leaves: a `Model`;
results as NumPy arrays, by sample.

Samples of equal shape go together where the model's batch axis is free, longest first. A large job
on several threads runs in as many interpreters of one thread each, which is faster than ops of
several threads (`benchmarks/speed/throughput.py`).
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from rnnlite.errors import ModelError
from rnnlite.lite import ir, schema
from rnnlite.lite.files import ModelSource, read_model
from rnnlite.lite.record import EXITS, GUARDED, of_signature
from rnnlite.lite.record import record as record_of
from rnnlite.report.exits import Exit
from rnnlite.report.showing import Shown
from rnnlite.runtime.batches import (
    DEFAULT_BATCH,
    DEFAULT_BATCH_BYTES,
    bytes_a_step,
    groups,
)
from rnnlite.runtime.calls import calls_of, require_builtin, signature_spec
from rnnlite.runtime.early import EarlyResult, Score, predict_early
from rnnlite.runtime.engines import Engines, Settings
from rnnlite.runtime.predicting import column, fixed_batch, positive, run_groups
from rnnlite.runtime.progress import Progress
from rnnlite.runtime.samples import Sample, listed, require_arrays
from rnnlite.runtime.signatures import StreamSignature, require_batch, stream_signature
from rnnlite.runtime.stream import Stream
from rnnlite.runtime.windows import windows
from rnnlite.specs import Array, SignatureSpec, TensorSpec
from rnnlite.streaming.layout import RECORD, SIGNATURE, layout_from

if TYPE_CHECKING:
    from rich.console import RenderableType


def load(
    source: ModelSource,
    *,
    num_threads: int = 1,
    delegates: bool = True,
    signature: str | None = None,
) -> Model:
    """Load a LiteRT model.

    Args:
        source: path or content of a .tflite file, or what `convert` gave.
        num_threads: threads that a run may use; `predict` gives each its own interpreter where
            there are batches enough, which takes the model's memory as many times.
        delegates: False runs the plain kernels, without XNNPACK.
        signature: the one to run where a call names none; the file's first if None.

    Raises:
        ModelError: it is no LiteRT model, needs ops that this runtime does not have, or has no such
            signature.
    """
    if not isinstance(num_threads, int) or isinstance(num_threads, bool) or num_threads < 1:
        raise ModelError(
            "num_threads is no number of threads",
            expected="an int of 1 or more",
            found=repr(num_threads),
        )
    content = read_model(source)
    return Model(content, num_threads=num_threads, delegates=delegates, signature=signature)


class Model(Shown):
    """A loaded LiteRT model. `load` makes one. Calls from several threads take turns.

    A context manager: after it, or `close`, its memory is given back and it runs no more.

    Args:
        data: the file.
        num_threads, delegates, signature: see `load`.
        parsed: the content of the file, if the caller has read it already.

    Attributes:
        inputs, outputs: a `TensorSpec` each, in the source's order, with the source's names.
        signature: the name of the signature that runs where a call names none; "" for a main graph
            that has no signature.
        is_main: whether that signature is the file's main graph, as `shapes_before_run` needs.
        signatures: name of each signature -> its inputs and outputs.
        exits: the exits of the file, in the order in which they run; empty where it has none.
        stream_signature: inputs, outputs and states of the signature "stream", if there is one.
    """

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    signature: str
    is_main: bool
    signatures: dict[str, SignatureSpec]
    stream_signature: StreamSignature | None
    exits: tuple[Exit, ...]

    def __init__(
        self,
        data: bytes,
        *,
        num_threads: int = 1,
        delegates: bool = True,
        parsed: ir.Model | None = None,
        signature: str | None = None,
    ) -> None:
        parsed = parsed or schema.read(data)
        require_builtin(parsed)
        self._data = data
        record = record_of(parsed)
        # Older files of ours, and others', hold copies that XNNPACK may lose.
        grows = bool(record.get(GUARDED)) or not delegates
        self._settings = Settings(num_threads, delegates, grows)
        calls = calls_of(parsed)
        specs = {key: signature_spec(call, graph, record) for key, (call, graph) in calls.items()}
        self.signatures = {key: spec for key, spec in specs.items() if key}
        self._known = {
            key: (call, specs[key], bytes_a_step(graph)) for key, (call, graph) in calls.items()
        }
        self._take(next(iter(calls)) if signature is None else signature)
        self.exits = tuple(map(Exit.of, record.get(EXITS, ())))
        layout, self.stream_signature = of_signature(record, SIGNATURE).get(RECORD), None
        if layout is not None:
            known = next(iter(specs.values()))
            whole = (*known.inputs, *known.outputs)
            self.stream_signature = stream_signature(parsed, layout_from(layout), whole)

    def _take(self, signature: str) -> None:
        """Make a signature the one that runs where a call names none.

        Raises:
            ModelError: the file has none of this name.
        """
        if signature not in self._known:
            raise ModelError(
                f"the file has no signature '{signature}'",
                expected=", ".join(f"'{name}'" for name in self.signatures) or "no signature named",
                found=f"'{signature}'",
            )
        self.signature = signature
        call, spec, self._step_bytes = self._known[signature]
        self.inputs, self.outputs = spec.inputs, spec.outputs
        self.is_main = call.is_main
        self._engines = Engines(self._data, call, self._settings)
        self._lock = threading.Lock()
        self._others: dict[str, Model] = {}

    def __repr__(self) -> str:
        inputs, outputs = (", ".join(map(_shown, specs)) for specs in (self.inputs, self.outputs))
        several = f"{self.signature}: " if len(self.signatures) > 1 else ""
        return f"Model({several}{inputs} -> {outputs})"

    def __rich__(self) -> RenderableType:
        """As tables."""
        from rnnlite.report.tables import signatures_shown

        return signatures_shown(self.inputs, self.outputs, self.signatures)

    def __enter__(self) -> Model:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the model's memory back. Streams of it run no more either."""
        self._engines.close()
        with self._lock:
            others, self._others = self._others, {}
        for other in others.values():
            other.close()

    def by_signature(self, signature: str) -> Model:
        """A `Model` of the same file that runs another signature, and has its inputs and outputs.

        Closing this model closes that one too.

        Raises:
            ModelError: the file has none of this name.
        """
        if signature == self.signature:
            return self
        with self._lock:
            _ = self._engines.engine
            if signature not in self._others:
                other = copy.copy(self)
                other._take(signature)
                self._others[signature] = other
            return self._others[signature]

    def run(self, arrays: Sequence[Array], *, signature: str | None = None) -> list[Array]:
        """Run once on whole batches, as the model takes them: quantized where it is quantized.

        Args:
            arrays: one (B, ...) array for each input, in the order of `inputs`, of its dtype.
            signature: another signature to run.

        Returns:
            one (B, ...) array for each output, in the order of `outputs`.

        Raises:
            SampleError: arrays do not fit the inputs, or the runtime refuses the shapes.
        """
        if signature is not None:
            return self.by_signature(signature).run(arrays)
        require_arrays(arrays, self.inputs)
        return self._engines.run(arrays)

    def stream(self, batch: int = 1) -> Stream:
        """A sequence to be fed chunk by chunk, its states kept in between.

        Args:
            batch: sequences fed side by side; chunks then have a batch axis in front.

        Raises:
            ModelError: the file has no stream, or one of another batch.
            SampleError: `batch` is no int of 1 or more.
        """
        if self.stream_signature is None:
            raise self._without_stream()
        count = positive("batch_size", batch, 1)
        require_batch(self.stream_signature, count)
        # A stream has checked what it runs.
        engines = self.by_signature(SIGNATURE)._engines
        return Stream(self.stream_signature, engines.run, count, engines.run_in_place)

    def run_chunk(self, arrays: Sequence[Array]) -> list[Array]:
        """Run the signature "stream" once, on inputs and states as it takes them.

        Args:
            arrays: in the order of the signature, quantized where it is quantized.

        Returns:
            outputs and states, in the order of the signature.

        Raises:
            ModelError: the file has no stream.
            SampleError: the runtime refuses the shapes.
        """
        if self.stream_signature is None:
            raise self._without_stream()
        return self.by_signature(SIGNATURE).run(arrays)

    def _without_stream(self) -> ModelError:
        return ModelError(
            f"the file has no signature '{SIGNATURE}'",
            found=", ".join(self.signatures) or "no signature",
            remedy="Convert its source with streaming=True",
        )

    def shapes_before_run(self, shapes: Sequence[tuple[int, ...]]) -> tuple[tuple[int, ...], ...]:
        """The shapes of the outputs that the runtime knows before a run; see `Engine`.

        Args:
            shapes: of the inputs, in the order of `inputs`, with the batch axis.
        """
        return self._engines.shapes_before_run(tuple(shapes))

    def predict(
        self,
        samples: Iterable[Sample],
        *,
        batch_size: int | None = None,
        max_batch_bytes: int | None = None,
        progress: bool = False,
        raw: bool = False,
        signature: str | None = None,
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
            signature: another signature to run.

        Returns:
            one array (N, ...) in the samples' order where all results have one shape, else a list;
            a dict of these by output name where the model has several outputs.

        Raises:
            SampleError: a sample does not fit the model; it is named by its place.
        """
        if signature is not None:
            return self.by_signature(signature).predict(
                samples,
                batch_size=batch_size,
                max_batch_bytes=max_batch_bytes,
                progress=progress,
                raw=raw,
            )
        checked = listed(samples, self.inputs)
        with Progress("predict", len(checked), progress) as bar:
            results = self.predict_checked(
                checked,
                batch_size=batch_size,
                max_batch_bytes=max_batch_bytes,
                raw=raw,
                bar=bar,
            )
        columns = [column([r[n] for r in results]) for n in range(len(self.outputs))]
        if len(columns) == 1:
            return columns[0]
        return {spec.name: column for spec, column in zip(self.outputs, columns, strict=True)}

    def predict_early(
        self, samples: Iterable[Sample], threshold: float, *, score: str | Score = "max_prob"
    ) -> EarlyResult:
        """Run the exits of a file on each sample until one is sure; nothing is computed twice.

        Args:
            samples: as of `predict`.
            threshold: the first exit whose score is at least this is taken, else the last one.
            score: "max_prob", the largest probability along the last axis, or a function from an
                exit's result for one sample to a number.

        Raises:
            ModelError: the file was not converted with exits.
            SampleError: a sample does not fit, `threshold` is no number, or `score` is no score.
        """
        return predict_early(self, samples, threshold, score)

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
            samples: as of `predict`. About 64 MiB of samples and results are held at a time.
            batch_size, max_batch_bytes, raw: see `predict`.
            first: number of the first sample, for errors.

        Yields:
            the result of each sample, in order: an array, or a dict by output name where the model
            has several outputs.

        Raises:
            SampleError: a sample does not fit the model; it is named by its place.
        """
        names = [spec.name for spec in self.outputs]
        for window in windows(samples, self.inputs, self.outputs, first=first):
            for result in self.predict_checked(
                window, batch_size=batch_size, max_batch_bytes=max_batch_bytes, raw=raw
            ):
                yield result[0] if len(names) == 1 else dict(zip(names, result, strict=True))

    def predict_checked(
        self,
        checked: list[list[Array]],
        *,
        batch_size: int | None = None,
        max_batch_bytes: int | None = None,
        raw: bool = False,
        bar: Progress | None = None,
    ) -> list[list[Array]]:
        """Run the model on samples that are checked already; see `predict`.

        Args:
            checked: for each sample, one array for each input, without batch axis.
            batch_size, max_batch_bytes, raw: as of `predict`.
            bar: the progress bar that each finished sample moves.

        Returns:
            for each sample, one array for each output, without batch axis.
        """
        most = positive("batch_size", batch_size, DEFAULT_BATCH)
        bound = positive("max_batch_bytes", max_batch_bytes, DEFAULT_BATCH_BYTES)
        batches = groups(
            checked,
            self.inputs,
            fixed=fixed_batch(self.inputs),
            most=most,
            step_bytes=self._step_bytes,
            bound=bound // self._settings.num_threads,
        )
        specs = SignatureSpec(self.inputs, self.outputs)
        return run_groups(self._engines, batches, checked, specs, raw=raw, bar=bar)


def _shown(spec: TensorSpec) -> str:
    axes = ", ".join("any" if d is None else str(d) for d in spec.shape)
    return f"{spec.name} {spec.dtype} [{axes}]"
