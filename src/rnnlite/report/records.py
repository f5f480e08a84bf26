"""The report of a conversion or a check: plain data, which prints as tables. No TensorFlow here.

What enters: what a conversion or a check has found. What leaves: records; their JSON, text and
page. Errors are relative to an output's scale, times are in seconds, sizes in bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rnnlite.lite.files import write_whole
from rnnlite.report.acceptance import require_accuracy
from rnnlite.report.exits import Exit
from rnnlite.report.parity import Parity, StreamParity
from rnnlite.report.plain import plain
from rnnlite.report.quantization import Quantization
from rnnlite.report.showing import Shown

if TYPE_CHECKING:
    from rich.console import RenderableType

    from rnnlite.report.timings import MemoryUse, Timing


@dataclass(frozen=True)
class LayerRecord:
    """A layer of the model, as the ops of the float32 file have it.

    Attributes:
        name: the name of the layer; for ops whose names tell no layer, their kind.
        reads: names of the layers and inputs that it takes values from.
        gives: names of the outputs that it makes.
        ops: kind of op -> how many the layer has.
        weights: number of weights, those of loops included.
        recurrences: indices, in the report, of the recurrences that run in the layer.
    """

    name: str
    reads: tuple[str, ...]
    gives: tuple[str, ...]
    ops: Mapping[str, int]
    weights: int
    recurrences: tuple[int, ...] = ()

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> LayerRecord:
        """From the plain data of a record, which may have been JSON."""
        several = {k: tuple(values[k]) for k in ("reads", "gives", "recurrences")}
        return cls(**{**values, **several})


@dataclass(frozen=True)
class TensorSize:
    """A weight in the file.

    Attributes:
        name: the name of the tensor, by its layer: "backward_lstm/2".
        shape: its shape.
        dtype: the type of its elements.
        size: the bytes that it takes.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    size: int

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> TensorSize:
        """From the plain data of a record, which may have been JSON."""
        return cls(**{**values, "shape": tuple(values["shape"])})


@dataclass(frozen=True)
class SignatureReport:
    """What is known of one of several signatures.

    Attributes:
        name: the signature.
        inputs, outputs, recurrences, parity, quantization, layers: see `Report`.
    """

    name: str
    inputs: tuple[Mapping[str, Any], ...]
    outputs: tuple[Mapping[str, Any], ...]
    recurrences: tuple[Mapping[str, Any], ...]
    parity: Parity | None
    quantization: Quantization | None = None
    layers: tuple[LayerRecord, ...] = ()


@dataclass(frozen=True)
class Report(Shown):
    """What is known of a conversion, or of a check of an existing file.

    Attributes:
        origin: what the source is.
        inputs, outputs: name, shape (None where free), dtype, and the least size of each axis
            that the model takes (() where any size does).
        size: bytes of the LiteRT file.
        weights: number of weights in the file; shared ones count once.
        ops: kind of op -> how many the file has.
        min_runtime: the first release of the runtime that loads the file, as "TFLite 2.11" or
            "LiteRT 1.0"; "" where no known one does.
        recurrences: for each, its name, kind, units, direction, outputs, masked, hoisted, schedule
            and weights.
        parity: the check of the float32 model, or None if it was not asked for.
        quantization: what quantization did and cost, or None for a float32 model.
        notes: what the user should know.
        seconds: time of each step.
        stream: the check of the signature "stream"; None where the file has none.
        exits: the exits of the file, the cheapest first; empty where it has none.
        signatures: what is known of each signature, where there are several; the attributes above
            are then those of the first. Else empty.
        layers: the layers in the order of computation, with what each reads.
        tensors: the weights in the file, each once.
    """

    origin: str
    inputs: tuple[Mapping[str, Any], ...]
    outputs: tuple[Mapping[str, Any], ...]
    size: int
    weights: int
    ops: Mapping[str, int]
    recurrences: tuple[Mapping[str, Any], ...]
    parity: Parity | None
    notes: tuple[str, ...]
    seconds: Mapping[str, float]
    quantization: Quantization | None = None
    min_runtime: str = ""
    stream: StreamParity | None = None
    exits: tuple[Exit, ...] = ()
    signatures: tuple[SignatureReport, ...] = ()
    layers: tuple[LayerRecord, ...] = ()
    tensors: tuple[TensorSize, ...] = ()

    @property
    def functions(self) -> tuple[Report | SignatureReport, ...]:
        """The reports of all signatures: this report itself, where there is one."""
        return self.signatures or (self,)

    @property
    def summary(self) -> str:
        """The source and the result, in one line."""
        off: list[float] = []
        if self.quantization is not None:
            taken = [f.quantization for f in self.functions if f.quantization is not None]
            off = [a.rms_error for q in taken for a in q.accuracy]
            error = f"off by {100 * max(off):.2g} %" if off else "not measured"
            result = f"{self.quantization.mode}, {error}"
        elif self.parity is None:
            result = "not compared"
        else:
            checks = [f.parity for f in self.functions if f.parity is not None]
            off = [o.max_rel for parity in checks for o in parity.outputs]
            word = "equal within" if all(p.within for p in checks) else "differs by"
            result = f"{word} {max(off, default=0.0):.1e}"
        return f"from {self.origin}, {result}"

    def __repr__(self) -> str:
        return f"Report({self.size:,} bytes, {self.summary})"

    def __rich__(self) -> RenderableType:
        """As tables."""
        from rnnlite.report.tables import report_tables

        return report_tables(self)

    def to_dict(self) -> dict[str, Any]:
        """As plain data for JSON, with None for NaN and infinity."""
        found: dict[str, Any] = plain(asdict(self))
        return found

    def save_html(
        self,
        path: str | Path,
        *,
        timings: Sequence[Timing] = (),
        memory: Sequence[MemoryUse] = (),
        command: str = "",
    ) -> Path:
        """Write the report as a page: one file of HTML that needs no other file and no network.

        Args:
            path: where the page is written.
            timings, memory: latency and memory of the file, to be shown too.
            command: the command line that made the file, to be shown too.

        Raises:
            OutputError: the place cannot be written.
        """
        from rnnlite.report.page.conversion import conversion_page
        from rnnlite.report.page.document import page_bytes

        page = conversion_page(self, timings=timings, memory=memory, command=command)
        write_whole(path, page_bytes(page))
        return Path(path)

    def require_parity(self) -> None:
        """Refuse a model that is not equal to its source.

        Raises:
            ParityError: an output is further off than rounding explains or, in a quantized model,
                than `max_error` allows. It has the figures.
        """
        for found in self.functions:
            origin = self.origin
            if isinstance(found, SignatureReport):
                origin += f", signature '{found.name}'"
            q = found.quantization
            if found.parity is None and q is not None:
                require_accuracy(q.accuracy, q.max_error, mode=q.mode, origin=origin)
            if found.parity is not None:
                found.parity.require(origin)
        if self.stream is not None:
            self.stream.require_within()

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Report:
        """From the data that `to_dict` gives, which may have been JSON."""
        values = {**values, **_of_function(values)}
        if values.get("stream") is not None:
            values["stream"] = StreamParity.from_dict(values["stream"])
        values["exits"] = tuple(map(Exit.of, values.get("exits", ())))
        values["notes"] = tuple(values["notes"])
        values["tensors"] = tuple(map(TensorSize.from_dict, values.get("tensors", ())))
        values["signatures"] = tuple(
            SignatureReport(name=s["name"], **_of_function(s)) for s in values.get("signatures", ())
        )
        return cls(**values)

    def __str__(self) -> str:
        from rnnlite.report.tables import report_text

        return report_text(self)


def _of_function(values: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a report on one function, from their plain data."""
    parity, quantization = values["parity"], values.get("quantization")
    ends = {
        name: tuple(
            {**p, "shape": tuple(p["shape"]), "least": tuple(p.get("least", ()))}
            for p in values[name]
        )
        for name in ("inputs", "outputs")
    }
    return {
        **ends,
        "recurrences": tuple(values["recurrences"]),
        "layers": tuple(map(LayerRecord.from_dict, values.get("layers", ()))),
        "parity": None if parity is None else Parity.from_dict(parity),
        "quantization": None if quantization is None else Quantization.from_dict(quantization),
    }
