"""The inputs and outputs of a file's main graph: their names, and what they take and give."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from rnnlite.lite.ir import Model
from rnnlite.specs import TensorSpec


def spec_of(name: str, detail: Mapping[str, Any]) -> TensorSpec:
    """An input or output, from what the interpreter says of it."""
    shape = tuple(None if d < 0 else int(d) for d in detail["shape_signature"])
    parameters = detail["quantization_parameters"]
    quantized = len(parameters["scales"]) == 1 and detail["dtype"] is not np.float32
    quantization = (
        (float(parameters["scales"][0]), int(parameters["zero_points"][0])) if quantized else None
    )
    return TensorSpec(name, shape, np.dtype(detail["dtype"]).name, quantization=quantization)


def id_ranges(record: dict[str, Any]) -> dict[str, tuple[int, int]]:
    """Valid token ids of each input, as rnnlite stores them with the model."""
    ranges = record.get("id_ranges", {})
    return {name: (int(low), int(high)) for name, (low, high) in ranges.items()}


def signature_names(model: Model) -> tuple[list[tuple[str, int]], list[tuple[str, int]]]:
    """The name and the number of each input and output of the main graph, as it is called."""
    main = model.main
    inputs, outputs = ([(v.name, v) for v in end] for end in (main.inputs, main.outputs))
    if model.signatures and model.signatures[0].graph is main:
        inputs, outputs = [*model.signatures[0].inputs], [*model.signatures[0].outputs]
    numbers = {value: number for number, value in enumerate(main.values)}
    return (
        [(name, numbers[value]) for name, value in inputs],
        [(name, numbers[value]) for name, value in outputs],
    )
