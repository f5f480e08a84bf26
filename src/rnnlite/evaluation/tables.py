"""An evaluation as tables for the terminal; `writing` has the table of rows.

What enters: an `Evaluation`. What leaves: tables of rich.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.text import Text

from rnnlite.report.rendering import table

if TYPE_CHECKING:
    from rnnlite.evaluation.records import Agreement, Classification, Evaluation, Regression

MOST_CLASSES = 20
"""Largest number of classes for which a confusion matrix is printed."""


def evaluation_tables(found: Evaluation) -> RenderableType:
    """The whole evaluation, as tables."""
    parts: list[RenderableType] = [Text(f"{found.samples:,} samples, output '{found.output}'")]
    for title, scores in (("Scores", found.scores), ("Scores of the other model", found.other)):
        if scores is None:
            continue
        if scores.task == "classification":
            parts += _classification(title, scores, whole=title == "Scores")
        else:
            parts += _regression(title, scores)
    if found.agreement is not None:
        parts.append(_agreement(found.agreement))
    if found.worst:
        title = "Rows that differ most" if found.agreement else "Rows furthest from their labels"
        rows = [[w.row, w.length, f"{w.difference:.4g}"] for w in found.worst]
        parts.append(table(title, ["row", "length", "difference"], rows))
    return Group(*[part for each in parts for part in (each, Text(""))][:-1])


def _classification(title: str, scores: Classification, *, whole: bool) -> list[RenderableType]:
    figures = [["accuracy", _percent(scores.accuracy)]]
    if 1 < scores.top_k < len(scores.classes):
        figures.append([f"top {scores.top_k}", _percent(scores.top_k_accuracy)])
    figures.append(["labels compared", f"{scores.count:,}"])
    parts: list[RenderableType] = [table(title, ["", ""], figures)]
    if not whole:
        return parts
    parts.append(
        table(
            "By class",
            ["class", "count", "precision", "recall", "F1"],
            [
                [c.name, c.count, _percent(c.precision), _percent(c.recall), _percent(c.f1)]
                for c in scores.classes
            ],
        )
    )
    if len(scores.classes) <= MOST_CLASSES:
        names = [c.name for c in scores.classes]
        rows = [[n, *row] for n, row in zip(names, scores.confusion, strict=True)]
        parts.append(table("Label (row) and picked class (column)", ["", *names], rows))
    parts.append(
        table(
            "By length",
            ["steps", "rows", "accuracy"],
            [[_steps(s.first, s.last), s.rows, _percent(s.score)] for s in scores.lengths],
        )
    )
    return parts


def _regression(title: str, scores: Regression) -> list[RenderableType]:
    return [
        table(
            title,
            ["", ""],
            [
                ["mean absolute error", f"{scores.mean_absolute_error:.4g}"],
                ["RMS error", f"{scores.rms_error:.4g}"],
                ["largest error", f"{scores.largest_error:.4g}"],
                ["correlation", f"{scores.correlation:.4f}"],
                ["R squared", f"{scores.explained:.4f}"],
            ],
        ),
        table(
            "By length",
            ["steps", "rows", "RMS error"],
            [[_steps(s.first, s.last), s.rows, f"{s.score:.4g}"] for s in scores.lengths],
        ),
    ]


def _agreement(found: Agreement) -> RenderableType:
    rows = [] if found.same_class is None else [["same class", _percent(found.same_class)]]
    share = _percent(found.relative_rms)
    rows += [
        ["RMS difference", f"{found.rms_difference:.4g}{f' ({share})' if share else ''}"],
        ["largest difference", f"{found.largest_difference:.4g}"],
    ]
    return table("Agreement with the other model", ["", ""], rows)


def _steps(first: int, last: int) -> str:
    return str(first) if first == last else f"{first} to {last}"


def _percent(share: float) -> str:
    return "" if share != share else f"{100 * share:.2f} %"
