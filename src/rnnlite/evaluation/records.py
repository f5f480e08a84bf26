"""Records of an evaluation, which print as tables.

What enters: the sums of `metrics`. What leaves: records, also as JSON, as tables and as a page.
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
    """The score of sequences of `first` to `last` time steps.

    Attributes:
        rows: number of these sequences.
        score: their accuracy, or their root mean square error.
    """

    first: int
    last: int
    rows: int
    score: float


@dataclass(frozen=True)
class ClassScore:
    """One class: its number of labels, precision, recall and F1; NaN where undefined."""

    name: str
    count: int
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True)
class Classification:
    """Scores of a classification.

    Attributes:
        count: number of labels compared: one for each sequence, or for each time step.
        accuracy, top_k_accuracy: share of the labels whose class has the highest score, or one of
            the `top_k` highest.
        confusion: counts by label (row) and picked class (column).
        classes: the scores of each class, in the order of their numbers.
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
    """Scores of a regression; errors are in the unit of the output.

    Attributes:
        count: number of values compared.
        mean_absolute_error, rms_error, largest_error: errors of result minus label.
        correlation: Pearson's correlation of results and labels; NaN if one does not vary.
        explained: 1 - squared errors over squared deviations of the labels (R squared); NaN if
            these do not vary.
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
    """How far two models agree.

    Attributes:
        values: number of values compared.
        same_class: share of rows, or time steps, for which both pick the same class; None if the
            outputs are not scores of classes.
        rms_difference, largest_difference: differences of the two outputs.
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
        row: its index in the data.
        length: number of its time steps.
        difference: RMS difference of both models, or RMS error; of classes, 1 - the label's score.
    """

    row: int
    length: int
    difference: float


@dataclass(frozen=True)
class Evaluation(Shown):
    """What `evaluate` found.

    Attributes:
        samples: number of rows evaluated.
        output: name of the output that was evaluated.
        scores: scores of the model; None without labels.
        other: scores of the other model; None without labels or another model.
        agreement: agreement of both models; None without another model.
        worst: the worst rows, the worst first.
    """

    samples: int
    output: str
    scores: Classification | Regression | None
    other: Classification | Regression | None
    agreement: Agreement | None
    worst: tuple[WorstRow, ...]

    def __rich__(self) -> RenderableType:
        """The evaluation as tables."""
        from rnnlite.evaluation.tables import evaluation_tables

        return evaluation_tables(self)

    def __str__(self) -> str:
        from rnnlite.report.rendering import as_text

        return as_text(self.__rich__())

    def save_html(self, path: str | Path, *, title: str = "", command: str = "") -> Path:
        """Write it as a page: one file of HTML that needs nothing from elsewhere.

        Args:
            path: the file to write.
            title: name of the model.
            command: the command line that evaluated it, to be shown too.

        Raises:
            OutputError: the file cannot be written.
        """
        from rnnlite.evaluation.page import evaluation_page
        from rnnlite.report.page.document import page_bytes

        write_whole(path, page_bytes(evaluation_page(self, title=title, command=command)))
        return Path(path)

    def to_dict(self) -> dict[str, Any]:
        """The evaluation for JSON, with None for NaN."""
        found: dict[str, Any] = plain(dataclasses.asdict(self))
        return found
