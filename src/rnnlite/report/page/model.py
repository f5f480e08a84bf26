"""The section on what a model is: a drawing, its inputs and outputs, how its recurrences run.

What enters: a `Report`, or what it says of one signature. What leaves: a piece of HTML (`Markup`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rnnlite.report.page.document import items, section, table
from rnnlite.report.page.drawing import Node, drawing
from rnnlite.report.page.markup import Markup, tag
from rnnlite.report.rendering import shape_text

if TYPE_CHECKING:
    from rnnlite.report.records import Report, SignatureReport


def model_section(found: Report | SignatureReport, of: str = "") -> Markup:
    """The model's drawing, its inputs and outputs, and how its recurrences run.

    Args:
        found: what is known of a signature.
        of: words for the heading that name the signature, where there are several.
    """
    drawn = drawing(nodes_of(found), "Layers, from inputs to outputs")
    unknown = found.recurrences and not found.layers
    lead = "The file does not say what reads what." if unknown else ""
    right = [tag("h3", "Inputs and outputs"), _signature(found.inputs, found.outputs)]
    if found.recurrences:
        right += [tag("h3", "How each recurrence runs"), _recurrences(found.recurrences)]
    return section(
        f"What the model is{of}",
        tag("div", tag("div", drawn), tag("div", right), class_="pair"),
        lead=lead,
    )


def nodes_of(found: Report | SignatureReport) -> list[Node]:
    """The boxes of a drawing: inputs, layers, outputs.

    Where the layers are not known, nor what recurrences read, these stand between the inputs and
    the outputs, without wires.
    """
    nodes = [_end(spec, "in") for spec in found.inputs]
    keys = {str(spec["name"]): node.key for spec, node in zip(found.inputs, nodes, strict=True)}
    makers: dict[str, str] = {}
    if found.layers:
        for layer in found.layers:
            reads = tuple(keys[r] for r in layer.reads if r in keys)
            key_ = f"layer {layer.name}"
            runs = [found.recurrences[k] for k in layer.recurrences]
            if runs:
                nodes.append(_recurrent(key_, layer.name, runs, reads))
            else:
                words = f"{layer.weights:,} weights" if layer.weights else ""
                ops = ", ".join(_op(kind, n) for kind, n in layer.ops.items())
                nodes.append(
                    Node(
                        key_,
                        layer.name,
                        (" \u00b7 ".join(filter(None, (words, ops))),),
                        reads=reads,
                    )
                )
            keys[layer.name] = key_
            makers.update(dict.fromkeys(layer.gives, key_))
    else:
        return _unwired(found, nodes)
    for spec in found.outputs:
        maker = makers.get(str(spec["name"]))
        nodes.append(_end(spec, "out", () if maker is None else (maker,)))
    return nodes


def _unwired(found: Report | SignatureReport, inputs: list[Node]) -> list[Node]:
    """Inputs, recurrences and outputs one below the other, without wires."""
    above = tuple(node.key for node in inputs)
    nodes = [
        _recurrent(f"layer {r['name']}", str(r["name"]), [r], above) for r in found.recurrences
    ]
    above = tuple(node.key for node in nodes) or above
    nodes += [_end(spec, "out", above) for spec in found.outputs]
    return inputs + [replace(node, wired=False) for node in nodes]


def _end(spec: Mapping[str, Any], kind: str, reads: tuple[str, ...] = ()) -> Node:
    shape = shape_text(spec["shape"], spec.get("least", ()))
    return Node(
        f"{kind} {spec['name']}", str(spec["name"]), (f"{shape} {spec['dtype']}",), "end", reads
    )


def _recurrent(
    key_: str, name: str, runs: Sequence[Mapping[str, Any]], reads: tuple[str, ...]
) -> Node:
    """The box of a layer with recurrences, which sums them up."""
    r = runs[0]
    units = " and ".join(dict.fromkeys(str(run["units"]) for run in runs if run["units"]))
    kinds = " and ".join(dict.fromkeys(str(run["kind"]) for run in runs))
    ways = {run["direction"] for run in runs}
    way = r["direction"] if len(ways) == 1 else "both directions"
    several = f"{len(runs)} recurrences: " if len(runs) > len(ways) else ""
    gives = {"all": "all steps", "last": "last step"}.get(str(r["outputs"]), str(r["outputs"]))
    lines = (
        f"{several}{kinds}, {f'{units} units, ' if units else ''}{way}",
        f"{gives}{', masked' if r['masked'] else ''}",
    )
    kind = "both" if len(ways) > 1 else "backward" if way == "backward" else "forward"
    return Node(key_, name, lines, kind, reads)


def _op(kind: str, count: int) -> str:
    return kind.lower() if count == 1 else f"{count} {kind.lower()}"


def _signature(inputs: Sequence[Mapping[str, Any]], outputs: Sequence[Mapping[str, Any]]) -> Markup:
    rows = [
        [kind, p["name"], shape_text(p["shape"], p.get("least", ())), p["dtype"], _real(p)]
        for kind, specs in (("in", inputs), ("out", outputs))
        for p in specs
    ]
    columns = ["", "name", "shape", "type", "value"]
    if not any(row[4] for row in rows):
        columns, rows = columns[:4], [row[:4] for row in rows]
    return table(columns, rows)


def _real(spec: Mapping[str, Any]) -> str:
    """The formula for the real number that an integer q stands for; "" where it is a float."""
    scale = spec.get("scale")
    if scale is None:
        return ""
    zero_point = int(spec["zero_point"])
    return f"{scale:.4g} (q {'-' if zero_point >= 0 else '+'} {abs(zero_point)})"


def _recurrences(recurrences: Sequence[Mapping[str, Any]]) -> Markup:
    lines = []
    for r in recurrences:
        hoisted = (
            "inputs projected before the loop" if r["hoisted"] else "inputs projected in the loop"
        )
        weights = f"; weights: {r['weights']}" if r.get("weights") else ""
        lines.append([tag("b", r["name"]), f": {hoisted}; {r['schedule']}{weights}"])
    return items(lines)
