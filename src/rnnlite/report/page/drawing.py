"""A model as a drawing: its layers from top to bottom, recurrences with their direction.

What enters: layers, each with those it reads. What leaves: SVG, as wide as a telephone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rnnlite.report.page.charts import picture, shortened
from rnnlite.report.page.markup import Markup, tag

WIDTH = 360.0
GUTTER = 30.0
"""Room left of the boxes, for wires that pass other boxes."""
HEIGHT, TALL, GAP = 44.0, 84.0, 24.0
MOST = 60
"""How many layers are drawn at most."""


@dataclass(frozen=True)
class Node:
    """A box.

    Attributes:
        key: a name by which other boxes refer to it.
        title, lines: the text in the box; two lines at most.
        kind: "layer", "end" for inputs and outputs, "forward", "backward" or "both" (directions)
            for recurrences.
        reads: keys of the boxes that it reads, or that stand above it.
        wired: whether it reads them, so that wires are drawn.
    """

    key: str
    title: str
    lines: tuple[str, ...] = ()
    kind: str = "layer"
    reads: tuple[str, ...] = ()
    wired: bool = True

    @property
    def is_recurrent(self) -> bool:
        """Whether the box shows a chain of cells."""
        return self.kind in ("forward", "backward", "both")


@dataclass(frozen=True)
class _Place:
    x: float
    y: float
    width: float
    height: float
    row: int

    @property
    def middle(self) -> float:
        return self.x + self.width / 2


def drawing(nodes: Sequence[Node], title: str) -> Markup:
    """Boxes in rows by how far they are from the inputs, two in a row at most.

    Args:
        nodes: the boxes in order of computation: none reads a later one.
        title: text for screen readers.
    """
    shown = list(nodes[:MOST])
    left_out = len(nodes) - len(shown)
    if left_out:
        rest = f"and {left_out} layers more"
        shown.append(Node("", rest, (), "end", (shown[-1].key,)))
    rows = _rows(shown)
    places = _placed(rows)
    parts: list[Markup] = []
    lanes = 0
    for node in shown:
        for source in node.reads if node.wired else ():
            if source in places and places[source].row < places[node.key].row:
                far = places[node.key].row - places[source].row > 1
                parts.append(_wire(places[source], places[node.key], lanes if far else None))
                lanes += far
    parts += [_box(node, places[node.key]) for node in shown]
    height = max((p.y + p.height for p in places.values()), default=0.0) + 4
    return picture(title, WIDTH, height, parts)


def _rows(nodes: Sequence[Node]) -> list[list[Node]]:
    """Rows of at most two boxes, by the longest path from an input; outputs stand in the last."""
    depth: dict[str, int] = {}
    for node in nodes:
        above = [depth[source] for source in node.reads if source in depth]
        depth[node.key] = 1 + max(above, default=-1)
    last = max(depth.values(), default=0)
    read = {source for node in nodes for source in node.reads}
    for node in nodes:
        if node.kind == "end" and node.key not in read:
            depth[node.key] = last
    by_depth: dict[int, list[Node]] = {}
    for node in nodes:
        by_depth.setdefault(depth[node.key], []).append(node)
    rows = []
    for _, row in sorted(by_depth.items()):
        rows += [row[k : k + 2] for k in range(0, len(row), 2)]
    return rows


def _placed(rows: Sequence[Sequence[Node]]) -> dict[str, _Place]:
    places = {}
    y = 2.0
    room = WIDTH - GUTTER - 2
    for number, row in enumerate(rows):
        height = max(TALL if node.is_recurrent else HEIGHT for node in row)
        width = room if len(row) == 1 else (room - 10) / 2
        if len(row) == 1 and not row[0].is_recurrent:
            width = room * 0.72
        total = width * len(row) + 10 * (len(row) - 1)
        x = GUTTER + (room - total) / 2
        for node in row:
            own = TALL if node.is_recurrent else HEIGHT
            places[node.key] = _Place(x, y + (height - own) / 2, width, own, number)
            x += width + 10
        y += height + GAP
    return places


def _wire(source: _Place, target: _Place, lane: int | None) -> Markup:
    """A wire from the bottom of a box to the top of another; `lane` leads it past boxes between."""
    x, y = source.middle, source.y + source.height
    end, top = target.middle, target.y - 5
    if lane is None:
        middle = (y + top) / 2
        path = f"M{x:.1f} {y:.1f}C{x:.1f} {middle:.1f} {end:.1f} {middle:.1f} {end:.1f} {top:.1f}"
    else:
        side = GUTTER - 8 - 6 * (lane % 4)
        out, into = y + 8, top - 8
        path = (
            f"M{x:.1f} {y:.1f}V{out:.1f}H{side + 5:.1f}"
            f"Q{side:.1f} {out:.1f} {side:.1f} {out + 5:.1f}V{into - 5:.1f}"
            f"Q{side:.1f} {into:.1f} {side + 5:.1f} {into:.1f}H{end:.1f}V{top:.1f}"
        )
    tip = f"M{end - 4:.1f} {top - 2:.1f}L{end:.1f} {top + 5:.1f}L{end + 4:.1f} {top - 2:.1f}Z"
    return tag("g", tag("path", d=path, class_="wire"), tag("path", d=tip, class_="tip"))


def _box(node: Node, place: _Place) -> Markup:
    kind = {"layer": "box", "end": "box end"}.get(node.kind, "box recurrent")
    letters = int(place.width / 6.4)
    lines = list(node.lines)
    rows = [
        tag(
            "text",
            shortened(node.title, int(place.width / 8) - 1),  # bold
            x=place.middle,
            y=place.y + (17 if lines else 26),
            text_anchor="middle",
            class_="bold",
        )
    ]
    for k, line in enumerate(lines[:2]):
        rows.append(
            tag(
                "text",
                line if len(line) <= letters else f"{line[: letters - 1]}\u2026",
                x=place.middle,
                y=place.y + 33 + 14 * k,
                text_anchor="middle",
                class_="small soft",
            )
        )
    return tag(
        "g",
        tag("title", ", ".join([node.title, *lines])),
        tag(
            "rect",
            x=place.x,
            y=place.y,
            width=place.width,
            height=place.height,
            rx=9 if node.kind != "end" else place.height / 2,
            class_=kind,
        ),
        rows,
        _chain(node.kind, place) if node.is_recurrent else None,
    )


def _chain(kind: str, place: _Place) -> list[Markup]:
    """Cells side by side, with arrows in the direction of the state."""
    count = 5 if place.width > 200 else 3
    step = place.width / (count + 1)
    y = place.y + place.height - 16
    parts = []
    for k in range(count):
        x = place.x + step * (k + 1)
        parts.append(tag("rect", x=x - 8, y=y - 8, width=16, height=16, rx=4, class_="cell"))
        if k + 1 == count:
            continue
        left, right = x + 9, x + step - 9
        tips = [(left, 1)] if kind == "backward" else [(right, -1)]
        if kind == "both":
            tips.append((left, 1))
        inset = [3 if any(end == tip for tip, _ in tips) else 0 for end in (left, right)]
        line = tag("line", x1=left + inset[0], x2=right - inset[1], y1=y, y2=y, class_="flow")
        parts.append(line)
        for end, back in tips:
            base = end + 6 * back
            tip = f"M{base:.1f} {y - 3.5:.1f}L{end:.1f} {y:.1f}L{base:.1f} {y + 3.5:.1f}Z"
            parts.append(tag("path", d=tip, class_="flowtip"))
    return parts
