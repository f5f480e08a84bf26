"""An evaluation as a page: scores, classes, lengths, agreement, the worst rows.

What enters: an `Evaluation`. What leaves: the page.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rnnlite.report.page.charts import Bar, Curve, bars, curves
from rnnlite.report.page.document import details, document, figures, key, section, table
from rnnlite.report.page.heat import heat
from rnnlite.report.page.markup import Markup, tag

if TYPE_CHECKING:
    from rnnlite.evaluation.records import (
        Agreement,
        Classification,
        Evaluation,
        LengthScore,
        Regression,
        WorstRow,
    )

MOST_CLASSES = 40
"""Largest number of classes for which a confusion matrix is drawn."""

WORST = 20


def evaluation_page(found: Evaluation, *, title: str = "", command: str = "") -> str:
    """The whole page.

    Args:
        found: the evaluation.
        title: name of the model.
        command: the command line that evaluated it.
    """
    parts: list[Markup | None] = [figures(_figures(found))]
    if found.agreement is not None:
        parts.append(_agreement(found.agreement))
    if found.scores is not None:
        parts.append(_lengths(found))
    if found.scores is not None and found.scores.task == "classification":
        parts += _classes(found.scores)
    parts.append(_worst(found.worst, agreement=found.agreement is not None))
    return document(
        title or f"Output '{found.output}'",
        parts,
        kicker="Evaluation",
        lead=f"{found.samples:,} samples, output '{found.output}'.",
        command=command,
    )


def _figures(found: Evaluation) -> list[tuple[str, str, str]]:
    rows = []
    for whose, scores in (("", found.scores), ("other model: ", found.other)):
        if scores is None:
            continue
        if scores.task == "classification":
            rows.append((_percent(scores.accuracy), f"{whose}accuracy", ""))
            if 1 < scores.top_k < len(scores.classes):
                words = f"{whose}among the best {scores.top_k}"
                rows.append((_percent(scores.top_k_accuracy), words, ""))
        else:
            rows += _regression(whose, scores)
    if found.agreement is not None:
        same = found.agreement.same_class
        if same is not None:
            rows.append((_percent(same), "both pick one class", ""))
        rows.append((_percent(found.agreement.relative_rms), "RMS difference", ""))
    rows.append((f"{found.samples:,}", "samples", ""))
    return rows


def _regression(whose: str, scores: Regression) -> list[tuple[str, str, str]]:
    return [
        (f"{scores.rms_error:.4g}", f"{whose}RMS error", ""),
        (f"{scores.mean_absolute_error:.4g}", f"{whose}mean absolute error", ""),
        (_number(scores.correlation), f"{whose}correlation", ""),
        (_number(scores.explained), f"{whose}R squared", ""),
    ]


def _agreement(found: Agreement) -> Markup:
    rows: list[list[object]] = [
        ["numbers compared", found.values],
        ["RMS difference", found.rms_difference],
        ["relative to the other's RMS, %", 100 * found.relative_rms],
        ["largest difference", found.largest_difference],
    ]
    if found.same_class is not None:
        rows.insert(1, ["same class, %", 100 * found.same_class])
    return section("Agreement with the other model", table(["", ""], rows))


def _lengths(found: Evaluation) -> Markup | None:
    scores = found.scores
    if scores is None or not scores.lengths:
        return None
    is_class = scores.task == "classification"
    factor = 100.0 if is_class else 1.0
    words = "accuracy, %" if is_class else "RMS error"
    other = found.other.lengths if found.other is not None else ()
    drawn = [_curve(scores.lengths, factor)]
    if other:
        drawn.insert(0, _curve(other, factor, second=True))
    by_first = {s.first: s for s in other}
    rows = [
        [_steps(s), s.rows, factor * s.score, *([_other(by_first, s, factor)] if other else [])]
        for s in scores.lengths
    ]
    heads = ["steps", "rows", words, *(["the other"] if other else [])]
    chart = curves(drawn, f"{words} by length", across="time steps", up=words)
    if len(scores.lengths) < 2:
        chart = bars(
            [Bar(_steps(s), factor * s.score, f"{factor * s.score:.4g}") for s in scores.lengths],
            words,
        )
    return section(
        "By length",
        key(("main", "this model"), ("warm", "the other")) if other else None,
        tag("div", tag("div", chart), tag("div", table(heads, rows)), class_="pair"),
    )


def _curve(lengths: Sequence[LengthScore], factor: float, *, second: bool = False) -> Curve:
    points = tuple(((s.first + s.last) / 2, factor * s.score) for s in lengths)
    return Curve(points, second=second)


def _other(found: dict[int, LengthScore], score: LengthScore, factor: float) -> float | None:
    beside = found.get(score.first)
    return None if beside is None else factor * beside.score


def _classes(scores: Classification) -> list[Markup | None]:
    rows = [
        [c.name, c.count, 100 * c.precision, 100 * c.recall, 100 * c.f1] for c in scores.classes
    ]
    columns = ["class", "count", "precision %", "recall %", "F1 %"]
    many = len(rows) > MOST_CLASSES
    # If there are many, those with the lowest F1. A class without labels that is never picked has
    # no F1.
    worst = sorted((c for c in scores.classes if math.isfinite(c.f1)), key=lambda c: c.f1)
    shown = [
        Bar(c.name, c.f1 if math.isfinite(c.f1) else 0.0, _percent(c.f1) or "none")
        for c in (worst[:MOST_CLASSES] if many else scores.classes)
    ]
    title = f"F1, lowest {len(shown)} of {len(rows)} classes" if many else "F1"
    figures_ = table(columns, rows)
    if many:
        figures_ = details(f"All {len(rows)} classes", figures_)
    names = [c.name for c in scores.classes]
    matrix = None
    if len(names) <= MOST_CLASSES and names:
        matrix = section(
            "Labels and picked classes",
            tag(
                "p",
                "Rows are labels, columns what was picked; a stronger colour is more of its row.",
                class_="small",
            ),
            heat(scores.confusion, names, "Confusion matrix"),
        )
    by_class = section(
        "By class",
        tag(
            "div",
            tag("div", tag("h3", title), bars(shown, "F1 by class", largest=1.0)),
            tag("div", figures_),
            class_="pair",
        ),
    )
    return [by_class, matrix]


def _worst(rows: Sequence[WorstRow], *, agreement: bool) -> Markup | None:
    if not rows:
        return None
    title = "Rows that differ most" if agreement else "Rows furthest from their labels"
    shown = [[w.row, w.length, w.difference] for w in rows]
    columns = ["row", "length", "difference"]
    more = details(f"All {len(shown)}", table(columns, shown)) if len(shown) > WORST else None
    return section(title, table(columns, shown[:WORST]), more)


def _steps(score: LengthScore) -> str:
    return str(score.first) if score.first == score.last else f"{score.first} to {score.last}"


def _percent(share: float) -> str:
    return "" if not math.isfinite(share) else f"{100 * share:.2f} %"


def _number(value: float) -> str:
    return "none" if not math.isfinite(value) else f"{value:.4f}"
