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
from typing import Any

from rnnlite.lite import flatbuffer
from rnnlite.lite.inspection import is_weight
from rnnlite.lite.passes.naming import origin_of
from rnnlite.lite.requirements import KERNELS

DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_OURS = re.compile(
    r"(scan|step|while|body|cond|loop|Tensordot|ReadVariableOp)(_body|_cond)?(_\d+)?"
)
"""Parts of a path that are no layer."""


def label_tensors(model: Any, *, in_file: bool) -> None:
    """Give all tensors but those with the source's names, which the main graph's inputs and outputs
    have, a short name, in place.

    Args:
        model: it is changed.
        in_file: whether names differ in the whole file, or within a subgraph alone.
    """
    main = model.subgraphs[0]
    ends = {int(t) for t in [*main.inputs, *main.outputs]}
    taken = {flatbuffer.text(main.tensors[t].name) for t in ends}
    counts = Counter[str]()
    alike: dict[Any, str] = {}
    for index, content in enumerate(model.subgraphs):
        layer = _layer_of(content)
        products = {
            int(op.outputs[0])
            for op in content.operators or []
            if flatbuffer.op_name(model, op) in KERNELS
        }
        met = Counter[Any]()
        for number, tensor in enumerate(content.tensors):
            if index == 0 and number in ends:
                continue
            weight = flatbuffer.content(model, tensor) is not None and is_weight(tensor)
            label = ""
            if weight or number in products:
                label = _layer(flatbuffer.text(tensor.name)) or layer
            kind = label, flatbuffer.plain(tensor, without=("name", *flatbuffer.NOTES))
            met[kind] += 1
            key = index if in_file else -1, met[kind], kind
            if key not in alike:
                alike[key] = _next(label, counts, taken)
            tensor.name = alike[key]


def _next(label: str, counts: Counter[str], taken: set[str]) -> str:
    """The next name of a layer, or the next number, that is not taken."""
    while True:
        number = _short(counts[label])
        counts[label] += 1
        name = f"{label}/{number}" if label else number
        if name not in taken:
            return name


def _layer_of(content: Any) -> str:
    """The layer that a loop's body or condition belongs to."""
    origin = origin_of(content)
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
