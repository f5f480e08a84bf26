"""Give tensors short names, by which tools tell them apart.

What enters: a pruned model. Its tensors have long names from the source and the lowering, or none.
What leaves: the same model, every tensor with a short name.

Weights, and the results of products with weights, are named after their layer: "backward_lstm/2".
All other tensors are numbered; the numbers have at most three characters up to 46,656 tensors.

Tools that quantize a float32 file need names that are unique in the whole file. So names are unique
in float32 files, and in other files where unique names make the file at most 3 % larger. Otherwise
names are unique within a graph alone. Then tensors of several graphs that agree in shape and type
share one name and one entry in the file, and the text of a name stands in the file once.

For a target whose files stand in flash, tensors of loops and branches have no numbers, only the
names of their layers: a number there is not worth its bytes.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass

from rnnlite.lite.inspection import is_weight
from rnnlite.lite.ir import Graph, Model, Value
from rnnlite.lite.paths import layer_of
from rnnlite.lite.requirements import KERNELS

DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
MOST = 0.03
"""By this part of its size a file may grow for names that are unique in the whole file."""

TABLE = 16
"""Bytes that one more tensor takes in a file which has its shape and type: 14 to 19 were seen."""
OP = 58
"""Bytes that an op takes, with its options and the shapes that it brings: 46 to 76 were seen."""
SCALES, SCALE = 44, 4
"""Bytes of scale and zero point, and of each further scale along an axis."""
FRAME = 1000
"""Bytes of what each file has: signatures, kinds of ops, a description."""


def label_tensors(
    model: Model, *, unique: bool, inner: bool = True, labels: dict[str, str] | None = None
) -> None:
    """Give short names to all tensors, in place.

    Inputs and outputs of signatures keep the names of the source.

    Args:
        model: the model, which is changed.
        unique: whether names are unique in the whole file, whatever bytes they take.
        inner: whether tensors of loops and branches that have no layer are numbered. Else they have
            no name, and names are unique within a graph alone.
        labels: is filled: for the result of each op of the main graph, old name -> new name.
    """
    before = [(value, value.name) for op in model.main.ops for value in op.outputs]
    if inner:
        _label(model, unique=unique)
    else:
        _name(model, _outer(model, _labels(model, in_file=False).names))
    if labels is not None:
        labels |= {name: value.name for value, name in reversed(before)}


def _label(model: Model, *, unique: bool) -> None:
    distinct = _labels(model, in_file=True)
    if unique:
        _name(model, distinct.names)
        return
    shared = _labels(model, in_file=False)
    fits = distinct.size - shared.size <= MOST * (shared.size + _size_without_names(model))
    _name(model, distinct.names if fits else shared.names)


def _outer(model: Model, labels: Mapping[Value, str]) -> dict[Value, str]:
    """The same, without the numbers in graphs that no signature names."""
    within = {v for g in model.graphs if g not in model.called for v in g.values}
    return {v: "" if v in within and "/" not in name else name for v, name in labels.items()}


@dataclass(frozen=True, eq=False)
class _Labels:
    """Names of the tensors of a model.

    Attributes:
        names: the name of each tensor.
        tensors: how many stand in the file.
    """

    names: Mapping[Value, str]
    tensors: int

    @property
    def size(self) -> int:
        """Bytes that the tensors and their names take, about."""
        return TABLE * self.tensors + sum(map(_stored, set(self.names.values())))


def _size_without_names(model: Model) -> int:
    """Bytes of a file but for its tensors and their names, about: writing it takes far longer."""
    values = [value for graph in model.graphs for value in graph.values]
    constants = {id(v.data): v.data.nbytes for v in values if v.data is not None}
    scales = {v.quantization: len(v.quantization.scales) for v in values if v.quantization}
    return (
        FRAME
        + sum(constants.values())
        + sum(map(len, model.metadata.values()))
        + OP * sum(1 for _ in model.ops())
        + sum(SCALES + SCALE * count for count in scales.values())
    )


def _stored(text: str) -> int:
    """Bytes of a text in a file: its length, and itself with a zero, in steps of four."""
    return 4 + (len(text.encode()) // 4 + 1) * 4


def _name(model: Model, labels: Mapping[Value, str]) -> None:
    for graph in model.graphs:
        for value in graph.values:
            value.name = labels.get(value, value.name)


def _labels(model: Model, *, in_file: bool) -> _Labels:
    """A name for each tensor.

    Args:
        model: with the names of the source and of the lowering.
        in_file: whether names differ in the whole file, or within a graph alone.
    """
    ends = {v for g in model.called for v in (*g.inputs, *g.outputs)}
    keys: dict[Value, Hashable] = {}
    places: dict[Hashable, set[int]] = {}
    layers: dict[Hashable, str] = {}
    for number, graph in enumerate(model.graphs):
        layer = _layer_of(graph)
        met = Counter[Hashable]()
        for value in graph.values:
            if value in ends:
                continue
            label = ""
            producer = value.producer
            product = producer is not None and producer.kind in KERNELS
            if product or (value.is_constant and is_weight(value)):
                label = layer_of(value.name) or layer
            kind = label, *_traits(value)
            met[kind] += 1
            key = number if in_file else -1, met[kind], kind
            keys[value], layers[key] = key, label
            places.setdefault(key, set()).add(number)
    # Where names differ in the whole file, all graphs count as one place.
    names = _numbered(
        {key: (layers[key], {0} if in_file else graphs) for key, graphs in places.items()},
        {value.name for value in ends},
    )
    return _Labels({value: names[key] for value, key in keys.items()}, len(names))


def _numbered(
    keys: Mapping[Hashable, tuple[str, set[int]]], taken: set[str]
) -> dict[Hashable, str]:
    """A name for each key, by its label and a number, that no other has in the same place.

    Args:
        keys: the label of each, and where it stands.
        taken: names that are others', everywhere.
    """
    used: defaultdict[tuple[int, str], set[int]] = defaultdict(set)
    free = Counter[tuple[int, str]]()
    found: dict[Hashable, str] = {}
    for key, (label, places) in keys.items():
        spots = [(place, label) for place in places]
        number = max(free[spot] for spot in spots)
        while any(number in used[spot] for spot in spots) or _called(label, number) in taken:
            number += 1
        for spot in spots:
            used[spot].add(number)
            while free[spot] in used[spot] or _called(label, free[spot]) in taken:
                free[spot] += 1
        found[key] = _called(label, number)
    return found


def _called(label: str, number: int) -> str:
    return f"{label}/{_short(number)}" if label else _short(number)


def _traits(value: Value) -> tuple[Hashable, ...]:
    """All that tensors which may stand in the file once must agree in, but for their name."""
    return (*value.layout, id(value.data), value.quantization, value.is_variable)


def _layer_of(graph: Graph) -> str:
    """The layer that a loop's body or condition belongs to."""
    origin = graph.origin
    return layer_of(origin.paths[0]) if origin is not None and origin.paths else ""


def _short(number: int) -> str:
    """A number in few characters."""
    text = DIGITS[number % len(DIGITS)]
    while number := number // len(DIGITS):
        text = DIGITS[number % len(DIGITS)] + text
    return text
