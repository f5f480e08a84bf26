"""What an evaluation found, as data: it prints as tables and as JSON.

What enters: numbers that `metrics` has added up. What leaves: records, and what they are as JSON,
as tables and as a page.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from rnnlite.lite.files import write_whole
from rnnlite.report.plain import plain
from rnnlite.report.showing import Shown

if TYPE_CHECKING:
    from rich.console import RenderableType


@dataclass(frozen=True)
class LengthScore:
    """Sequences of `first` to `last` time steps.

    Attributes:
        rows: how many there are.
        score: their accuracy, or their root mean square error.
    """

    first: int
    last: int
    rows: int
    score: float


@dataclass(frozen=True)
class ClassScore:
    """One class: how often it is there, and how well it is found. NaN where nothing can be said."""

    name: str
    count: int
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True)
class Classification:
    """Right and wrong classes.

    Attributes:
        count: labels compared: one a sequence, or one a time step.
        accuracy, top_k_accuracy: shares of them that are right; among the `top_k` best.
        confusion: counts by label (row) and picked class (column).
        classes: in the order of their numbers.
        lengths: accuracy by length.
    """

    count: int
    accuracy: float
    top_k: int
    top_k_accuracy: float
    confusion: tuple[tuple[int, ...], ...]
    classes: tuple[ClassScore, ...]
    lengths: tuple[LengthScore, ...]
    task: Literal["classification"] = "classification"


@dataclass(frozen=True)
class Regression:
    """Errors of numbers, in their own unit.

    Attributes:
        count: numbers compared.
        mean_absolute_error, rms_error, largest_error: of result minus label.
        correlation: Pearson's, of results and labels; NaN where one does not vary.
        explained: 1 - squared errors over squared deviations of the labels (R squared).
        lengths: root mean square error by length.
    """

    count: int
    mean_absolute_error: float
    rms_error: float
    largest_error: float
    correlation: float
    explained: float
    lengths: tuple[LengthScore, ...]
    task: Literal["regression"] = "regression"


@dataclass(frozen=True)
class Agreement:
    """How far two models give the same.

    Attributes:
        values: numbers compared.
        same_class: share of rows, or time steps, for which both pick one class; None for numbers.
        rms_difference, largest_difference: of the two outputs.
        relative_rms: the RMS difference over the RMS of the other model's output.
    """

    values: int
    same_class: float | None
    rms_difference: float
    relative_rms: float
    largest_difference: float


@dataclass(frozen=True)
class WorstRow:
    """One of the rows on which two models differ most, or which is furthest from its label.

    Attributes:
        row: its number in the data.
        length: time steps.
        difference: RMS difference of both models, or RMS error; of classes, 1 - the label's score.
    """

    row: int
    length: int
    difference: float


@dataclass(frozen=True)
class Evaluation(Shown):
    """What `evaluate` found.

    Attributes:
        samples: rows evaluated.
        output: the output that was looked at.
        scores: against the labels; None without labels.
        other: the same of the other model; None without one.
        agreement: of both; None without another model.
        worst: the worst rows, the worst first.
    """

    samples: int
    output: str
    scores: Classification | Regression | None
    other: Classification | Regression | None
    agreement: Agreement | None
    worst: tuple[WorstRow, ...]

    def __rich__(self) -> RenderableType:
        """As tables."""
        from rnnlite.evaluation.tables import evaluation_tables

        return evaluation_tables(self)

    def __str__(self) -> str:
        from rnnlite.report.rendering import as_text

        return as_text(self.__rich__())

    def save_html(self, path: str | Path, *, title: str = "", command: str = "") -> Path:
        """Write it as a page: one file of HTML that needs nothing from elsewhere.

        Args:
            path: where.
            title: what the model is called.
            command: that evaluated it, to be shown too.

        Raises:
            OutputError: the place cannot be written.
        """
        from rnnlite.evaluation.page import evaluation_page
        from rnnlite.report.page.document import page_bytes

        write_whole(path, page_bytes(evaluation_page(self, title=title, command=command)))
        return Path(path)

    def to_dict(self) -> dict[str, Any]:
        """For JSON: NaN as null."""
        found: dict[str, Any] = plain(dataclasses.asdict(self))
        return found
