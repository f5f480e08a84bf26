"""A confusion matrix as SVG.

What enters: counts of rows by label and by picked class. What leaves: an SVG.
"""

from __future__ import annotations

from collections.abc import Sequence

from rnnlite.report.page.charts import WIDTH, picture, shortened
from rnnlite.report.page.markup import Markup, tag


def heat(counts: Sequence[Sequence[int]], names: Sequence[str], title: str) -> Markup:
    """A confusion matrix: label (row) and picked class (column), shaded by the share of its row."""
    left, top = 78.0, 26.0
    size = (WIDTH - left) / max(len(names), 1)
    parts: list[Markup] = []
    for k, name in enumerate(names):
        parts.append(
            tag(
                "text",
                shortened(name, 10),
                x=left - 6,
                y=top + size * (k + 0.5) + 4,
                text_anchor="end",
                class_="small soft",
            )
        )
        if size >= 16:
            parts.append(
                tag(
                    "text",
                    shortened(name, max(int(size / 7), 1)),
                    x=left + size * (k + 0.5),
                    y=top - 8,
                    text_anchor="middle",
                    class_="small soft",
                )
            )
    for i, row in enumerate(counts):
        whole = sum(row) or 1
        for j, count in enumerate(row):
            parts.append(
                _square(left + size * j, top + size * i, size, count, count / whole, names, i, j)
            )
    return picture(title, WIDTH, top + size * len(names), parts)


def _square(
    x: float, y: float, size: float, count: int, share: float, names: Sequence[str], i: int, j: int
) -> Markup:
    gap = 1.0 if size > 6 else 0.0
    side = size - 2 * gap
    place: dict[str, object] = {"x": x + gap, "y": y + gap, "width": side, "height": side}
    # The number stands on a plain ground where the shade is light.
    number = None
    if count and size >= 18:
        number = tag(
            "text",
            count if count < 10 ** int(size / 7) else "",
            x=x + size / 2,
            y=y + size / 2 + 4,
            text_anchor="middle",
            class_="small bold",
        )
    return tag(
        "g",
        tag("title", f"{names[i]} taken for {names[j]}: {count}"),
        tag("rect", rx=2, class_="zero", **place),
        tag("rect", rx=2, class_="heat", fill_opacity=0.12 + 0.5 * share, **place)
        if count
        else None,
        number,
    )
