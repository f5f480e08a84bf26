"""How far a LiteRT model is from its source: of whole sequences, and of a stream's chunks.

What enters: differences that a check has found, absolute and relative to an output's scale; or the
JSON of records. What leaves: records; a refusal where an output is beyond its bound.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rnnlite.errors import ParityError
from rnnlite.report.plain import number


@dataclass(frozen=True)
class OutputParity:
    """How far one output is from the source's, over all cases of a check.

    Attributes:
        name: the output.
        max_abs: largest absolute difference.
        max_rel: `max_abs` / `scale`.
        scale: largest absolute value of the source's output over all cases.
        bound: the largest `max_rel` that is allowed: 1e-5, or what the source's own rounding may
            make, if that is more.
        by_length: length -> `max_rel` of the runs at that length, where lengths are free.
    """

    name: str
    max_abs: float
    max_rel: float
    scale: float
    bound: float
    by_length: Mapping[int, float] = field(default_factory=dict)

    @property
    def within(self) -> bool:
        """Whether the output is as close as rounding allows."""
        return self.max_rel <= self.bound

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> OutputParity:
        """From the plain data of a record, which may have been JSON."""
        by_length = {int(k): number(v) for k, v in values.get("by_length", {}).items()}
        figures = {name: number(values[name]) for name in ("max_abs", "max_rel", "scale")}
        figures["bound"] = number(values["bound"], math.inf)
        return cls(**{**values, **figures, "by_length": by_length})


@dataclass(frozen=True)
class Parity:
    """The result of a check of a LiteRT model against its source.

    Attributes:
        outputs: one record for each output.
        lengths: sequence lengths that were run, in the order of the first runs.
        batches: batch sizes that were run.
        runs: how many times the LiteRT model ran.
        skipped: length that the source itself refuses -> its reason.
        late: names of the outputs whose size the runtime knows only after a run.
        undefined: names of the outputs that the source itself gave NaN for, in some run; these
            values are not compared.
        shapes: for each distinct run, the shapes of the inputs, batch axis included.
    """

    outputs: tuple[OutputParity, ...]
    lengths: tuple[int, ...]
    batches: tuple[int, ...]
    runs: int
    skipped: Mapping[int, str] = field(default_factory=dict)
    late: tuple[str, ...] = ()
    undefined: tuple[str, ...] = ()
    shapes: tuple[tuple[tuple[int, ...], ...], ...] = ()

    @property
    def within(self) -> bool:
        """Whether every output is within its bound."""
        return all(o.within for o in self.outputs)

    def require(self, origin: str) -> None:
        """Refuse a model that is not equal to its source.

        Args:
            origin: what the source is.

        Raises:
            ParityError: with the figures of each output that is too far off.
        """
        _require_within(self.outputs, f"differs from {origin}")

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Parity:
        """From the plain data of a record, which may have been JSON."""
        return cls(
            outputs=tuple(map(OutputParity.from_dict, values["outputs"])),
            lengths=tuple(values["lengths"]),
            batches=tuple(values["batches"]),
            runs=values["runs"],
            skipped={int(k): v for k, v in values["skipped"].items()},
            late=tuple(values.get("late", ())),
            undefined=tuple(values.get("undefined", ())),
            shapes=tuple(tuple(tuple(shape) for shape in run) for run in values.get("shapes", ())),
        )


@dataclass(frozen=True)
class StreamParity:
    """The check of the signature "stream": chunks, put together, against the whole sequence.

    Attributes:
        chunk: steps of each chunk; None where chunks may have several lengths.
        multiple: the length of each chunk is a multiple of this.
        delay: how many steps after its own step an output row comes.
        states: names of the states that are kept between chunks.
        outputs: how far each output is off.
        lengths: lengths of the sequences that were compared; empty where nothing was compared.
    """

    chunk: int | None
    multiple: int
    delay: int
    states: tuple[str, ...]
    outputs: tuple[OutputParity, ...] = ()
    lengths: tuple[int, ...] = ()

    def require_within(self) -> None:
        """Refuse a stream whose chunks do not give what the whole sequence gives.

        Raises:
            ParityError: with the figures of each output that is too far off.
        """
        _require_within(self.outputs, "gives something else in chunks than as a whole")

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> StreamParity:
        """From the plain data of a record, which may have been JSON."""
        return cls(
            values["chunk"],
            values["multiple"],
            values["delay"],
            tuple(values["states"]),
            tuple(map(OutputParity.from_dict, values["outputs"])),
            tuple(values["lengths"]),
        )


def _require_within(outputs: Sequence[OutputParity], what: str) -> None:
    """Refuse a model if one of its outputs is too far off.

    Args:
        outputs: a record for each output.
        what: what is wrong with the model then, in words.

    Raises:
        ParityError: with the figures of each output that is too far off.
    """
    off = [o for o in outputs if not o.within]
    if not off:
        return
    raise ParityError(
        f"the LiteRT model {what}",
        expected="; ".join(f"'{o.name}' within {o.bound:.1e} of its scale" for o in off),
        found="; ".join(
            f"'{o.name}' off by {o.max_rel:.2e} relative ({o.max_abs:.2e} absolute, "
            f"scale {o.scale:.3g})"
            for o in off
        ),
        remedy="Do not use it; please report the model's configuration",
    )
