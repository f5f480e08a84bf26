"""Short names of tensors, by which tools tell them apart.

What enters: a compact model, whose tensors have the paths that the source and the lowering gave
them, or none. What leaves: the same, all tensors with names.

Weights, and what products with them give, are called by their layer: "backward_lstm/2". All others
are numbered, in three characters at most up to 46,656 tensors.

Quantizers ask for names that no other tensor of the whole file has, so files in float32 have such.
Files that are quantized already are to be small: there names differ within a subgraph, and tensors
of several subgraphs that agree in all else have one name and stand in the file once.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable

from rnnlite.lite.inspection import is_weight
from rnnlite.lite.ir import Graph, Model, Value
from rnnlite.lite.requirements import KERNELS

DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_OURS = re.compile(
    r"(scan|step|while|body|cond|loop|Tensordot|ReadVariableOp)(_body|_cond)?(_\d+)?"
)
"""Parts of a path that are no layer."""


def label_tensors(model: Model, *, in_file: bool) -> None:
    """Give all tensors but those with the source's names, which the main graph's inputs and outputs
    have, a short name, in place.

    Args:
        model: it is changed.
        in_file: whether names differ in the whole file, or within a subgraph alone.
    """
    ends = {*model.main.inputs, *model.main.outputs}
    taken = {value.name for value in ends}
    counts = Counter[str]()
    alike: dict[Hashable, str] = {}
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
                label = _layer(value.name) or layer
            kind = label, *_traits(value)
            met[kind] += 1
            key = number if in_file else -1, met[kind], kind
            if key not in alike:
                alike[key] = _next(label, counts, taken)
            value.name = alike[key]


def _traits(value: Value) -> tuple[Hashable, ...]:
    """All that tensors which may stand in the file once must agree in, but for their name."""
    return (*value.layout, id(value.data), value.quantization, value.is_variable)


def _next(label: str, counts: Counter[str], taken: set[str]) -> str:
    """The next name of a layer, or the next number, that is not taken."""
    while True:
        number = _short(counts[label])
        counts[label] += 1
        name = f"{label}/{number}" if label else number
        if name not in taken:
            return name


def _layer_of(graph: Graph) -> str:
    """The layer that a loop's body or condition belongs to."""
    origin = graph.origin
    return _layer(origin.paths[0]) if origin is not None and origin.paths else ""


def _layer(path: str) -> str:
    """The layer in a path such as "functional_1/lstm_1/step/MatMul", as the source calls it."""
    model, *parts = path.partition(";")[0].split("/")
    layers = [part for part in parts[:-1] if not _OURS.fullmatch(part)]
    if not layers:
        return ""
    # Keras adds a number to all scopes where a model is traced once more.
    again = re.search(r"(_\d+)$", model)
    return layers[-1].removesuffix(again[1]) if again else layers[-1]


def _short(number: int) -> str:
    """A number in few characters."""
    text = DIGITS[number % len(DIGITS)]
    while number := number // len(DIGITS):
        text = DIGITS[number % len(DIGITS)] + text
    return text
