"""Charts as SVG, drawn for the width of a telephone; on a wider screen they stand side by side.

What enters: numbers and names. What leaves: markup.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rnnlite.report.page.markup import Markup, tag

WIDTH = 340.0
"""The width of every chart in SVG units; a unit is a pixel on a narrow screen."""

LETTERS = 50
"""Letters that fit into a line of a chart."""


@dataclass(frozen=True)
class Bar:
    """One bar.

    Attributes:
        label: what the bar is of; a long one is shortened.
        value: its length.
        shown: its value as text.
        part: the part of the value that is drawn dark.
    """

    label: str
    value: float
    shown: str
    part: float = 0.0


@dataclass(frozen=True)
class Curve:
    """Points, from left to right.

    Attributes:
        points: (x, y); points whose y is not finite are left out.
        second: whether the curve has the second colour.
        band: for each point, the lower and upper y of a band around the curve; empty for no band.
    """

    points: tuple[tuple[float, float], ...]
    second: bool = False
    band: tuple[tuple[float, float], ...] = ()


def bars(rows: Sequence[Bar], title: str, *, largest: float | None = None) -> Markup:
    """Bars below each other, each under its label.

    Args:
        rows: the bars in order.
        title: text for screen readers.
        largest: the value of a bar of full length; the largest one if None.
    """
    finite = [row.value for row in rows if math.isfinite(row.value)]
    full = largest or max(finite, default=0.0) or 1.0
    parts = []
    for k, row in enumerate(rows):
        y = 34.0 * k
        length = WIDTH * min(max(row.value, 0.0) / full, 1.0) if math.isfinite(row.value) else WIDTH
        parts.append(
            tag(
                "g",
                tag("title", f"{row.label}: {row.shown}"),
                tag(
                    "text",
                    shortened(row.label, LETTERS - len(row.shown)),
                    x=0,
                    y=y + 12,
                    class_="small",
                ),
                tag("text", row.shown, x=WIDTH, y=y + 12, text_anchor="end", class_="small bold"),
                tag("rect", x=0, y=y + 18, width=WIDTH, height=8, rx=4, class_="track"),
                tag("rect", x=0, y=y + 18, width=max(length, 2.0), height=8, rx=4, class_="main"),
                _part(row, length, y),
            )
        )
    return picture(title, WIDTH, 34.0 * len(rows), parts)


def _part(row: Bar, length: float, y: float) -> Markup | None:
    share = min(row.part / row.value, 1.0) if row.value > 0 and math.isfinite(row.value) else 0.0
    if share * length < 1:
        return None
    return tag("rect", x=0, y=y + 18, width=share * length, height=8, rx=4, class_="deep")


def curves(
    found: Sequence[Curve],
    title: str,
    *,
    across: str,
    up: str,
    logarithmic: bool = False,
    wide: bool = False,
) -> Markup:
    """Curves over one axis.

    Args:
        found: one or two curves.
        title: text for screen readers.
        across, up: labels of the axes.
        logarithmic: whether both axes are logarithmic; values are then above zero.
        wide: whether the lower axis alone is logarithmic.
    """
    height, left, right, top, bottom = 216.0, 50.0, 22.0, 24.0, 38.0
    points = [p for curve in found for p in curve.points if all(map(math.isfinite, p))]
    ends = [v for curve in found for pair in curve.band for v in pair if math.isfinite(v)]
    x_axis = _Axis.over([x for x, _ in points], left, WIDTH - right, logarithmic or wide)
    tall = [y for _, y in points] + ends
    y_axis = _Axis.over(tall if logarithmic else [0.0, *tall], height - bottom, top, logarithmic)
    parts: list[Markup] = [tag("text", up, x=0, y=12, class_="small soft")]
    for value in y_axis.ticks():
        y = y_axis.place(value)
        parts.append(tag("line", x1=left, x2=WIDTH - right, y1=y, y2=y, class_="grid"))
        parts.append(
            tag("text", _short(value), x=left - 7, y=y + 4, text_anchor="end", class_="small soft")
        )
    for value in x_axis.ticks():
        parts.append(
            tag(
                "text",
                _short(value),
                x=x_axis.place(value),
                y=height - bottom + 16,
                text_anchor="middle",
                class_="small soft",
            )
        )
    base = height - bottom
    parts.append(tag("line", x1=left, x2=WIDTH - right, y1=base, y2=base, class_="axis"))
    parts.append(
        tag(
            "text",
            across,
            x=(left + WIDTH - right) / 2,
            y=height - 4,
            text_anchor="middle",
            class_="small soft",
        )
    )
    for curve in found:
        parts += _curve(curve, x_axis, y_axis)
    return picture(title, WIDTH, height, parts)


def _curve(curve: Curve, x_axis: _Axis, y_axis: _Axis) -> list[Markup]:
    second = " second" if curve.second else ""
    parts = []
    if curve.band:
        pairs = list(zip(curve.points, curve.band, strict=True))
        edge = [(x, high) for (x, _), (_, high) in pairs]
        edge += [(x, low) for (x, _), (low, _) in reversed(pairs)]
        parts.append(tag("polygon", points=_places(edge, x_axis, y_axis), class_="band"))
    seen = [p for p in curve.points if math.isfinite(p[1])]
    parts.append(tag("polyline", points=_places(seen, x_axis, y_axis), class_=f"curve{second}"))
    for x, y in seen:
        parts.append(
            tag(
                "circle",
                tag("title", f"{_short(x)}: {y:.4g}"),
                cx=x_axis.place(x),
                cy=y_axis.place(y),
                r=3.2,
                class_=f"dot{second}",
            )
        )
    return parts


def _places(points: Sequence[tuple[float, float]], x_axis: _Axis, y_axis: _Axis) -> str:
    return " ".join(f"{x_axis.place(x):.2f},{y_axis.place(y):.2f}" for x, y in points)


@dataclass(frozen=True)
class _Axis:
    """An axis: maps values to places."""

    low: float
    high: float
    first: float
    last: float
    logarithmic: bool

    @classmethod
    def over(cls, values: Sequence[float], first: float, last: float, logarithmic: bool) -> _Axis:
        """An axis that holds all values; a linear one ends at round numbers."""
        kept = [v for v in values if v > 0] if logarithmic else list(values)
        low, high = min(kept, default=1.0), max(kept, default=1.0)
        if logarithmic:
            low, high = math.log10(low), math.log10(high)
            if high - low < 0.3:
                low, high = low - 0.3, high + 0.3
        elif high <= low:
            low, high = min(low, 0.0), high or 1.0
            high = low + 1.0 if high <= low else high
        if not logarithmic:
            step = _step(high - low)
            low, high = math.floor(low / step) * step, math.ceil(high / step - 1e-9) * step
        return cls(low, high, first, last, logarithmic)

    def place(self, value: float) -> float:
        if self.logarithmic:
            value = math.log10(value) if value > 0 else self.low
        share = (value - self.low) / (self.high - self.low)
        return self.first + min(max(share, 0.0), 1.0) * (self.last - self.first)

    def ticks(self) -> list[float]:
        if not self.logarithmic:
            step = _step(self.high - self.low)
            count = round((self.high - self.low) / step)
            return [round((self.low / step + k) * step, 12) for k in range(count + 1)]
        powers = range(math.floor(self.low), math.ceil(self.high) + 1)
        factors = (1, 2, 5) if self.high - self.low < 2 else (1,)
        values = [f * 10.0**p for p in powers for f in factors]
        return [v for v in values if self.low - 1e-9 <= math.log10(v) <= self.high + 1e-9]


def _step(span: float) -> float:
    """A round distance of ticks, for about four in a span."""
    rough = span / 4
    power = 10.0 ** math.floor(math.log10(rough))
    return next(f * power for f in (1, 2, 5, 10) if f * power >= rough * 0.999)


def picture(title: str, width: float, height: float, parts: Sequence[Markup]) -> Markup:
    """An SVG with a title, which scales to the width of the page."""
    return tag(
        "svg",
        tag("title", title),
        parts,
        viewBox=f"0 0 {width:g} {max(height, 1):g}",
        role="img",
        aria_label=title,
        xmlns="http://www.w3.org/2000/svg",
    )


def shortened(name: str, letters: int) -> str:
    """A name with its middle left out where it is too long."""
    letters = max(letters, 3)
    if len(name) <= letters:
        return name
    head = (letters - 1) // 2
    return f"{name[:head]}\u2026{name[len(name) - (letters - 1 - head) :]}"


def _short(value: float) -> str:
    if value >= 10_000:
        return f"{value / 1000:g}k"
    return f"{value:.6g}"
