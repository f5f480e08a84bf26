"""Read what the user names in an ONNX model: outputs, and inputs that are fixed to values.

What enters: a `Source`, names and values. What leaves: names of tensors, arrays by the names of
inputs, a ModelProto with other outputs; or a refusal that names what does not fit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from rnnlite.errors import SourceError
from rnnlite.frontends.onnx.nodes import FLOATS
from rnnlite.frontends.onnx.reading import Source
from rnnlite.scan.tensors import Array


def output_names(source: Source, asked: Sequence[str] | None) -> list[str]:
    """The names of the outputs: those that are asked for, else the model's own.

    Raises:
        SourceError: no node makes a tensor of a name.
    """
    own = [p.name for p in source.graph.outputs]
    if not asked:
        return own
    made = {n for node in source.graph.nodes for n in node.outputs}
    found = []
    for label in asked:
        name = label if label in made else label.removesuffix(":0")
        if name not in made:
            raise SourceError(
                f"{source.origin} has no tensor '{label}'",
                expected="the name of a node's result",
                found=f"outputs {', '.join(repr(n) for n in own)}",
            )
        found.append(name)
    return found


def with_outputs(proto: Any, names: Sequence[str]) -> Any:
    """The model with other tensors as outputs."""
    own = {v.name for v in proto.graph.output}
    if set(names) <= own:
        return proto
    changed = type(proto)()
    changed.CopyFrom(proto)
    for name in names:
        if name not in own:
            changed.graph.output.add(name=name)
    return changed


def fixed_inputs(source: Source, constants: Mapping[str, Any]) -> dict[str, Array]:
    """The inputs that are fixed to values, as arrays that the graph computes with.

    Args:
        source: the model.
        constants: name of an input, with or without ":0" -> value; a number fits any rank.

    Raises:
        SourceError: a name is no input, or a value does not fit the input's rank or dtype.
    """
    infos = {p.name: p for p in source.graph.inputs}
    found = {}
    for label, value in constants.items():
        name = label if label in infos else label.removesuffix(":0")
        if name not in infos:
            raise SourceError(
                f"the constant '{label}' is no input of {source.origin}",
                expected=", ".join(f"'{n}'" for n in infos),
                found=f"'{label}'",
                remedy="Give the name of an input",
            )
        info = infos[name]
        dtype = "float32" if info.dtype in FLOATS else info.dtype
        try:
            array = np.asarray(value).astype(dtype)
        except (ValueError, TypeError):
            array = np.zeros(0)
        rank = None if info.shape is None else len(info.shape)
        if rank is not None and array.ndim < rank and array.size == 1:
            array = array.reshape([1] * rank)
        if array.size == 0 or (rank is not None and array.ndim != rank):
            raise SourceError(
                f"the constant '{label}' does not fit the input '{name}'",
                expected=f"{dtype} of rank {rank}",
                found=repr(value)[:80],
            )
        found[name] = array
    return found


def as_declared(source: Source, fixed: Mapping[str, Array]) -> dict[str, Array]:
    """Values of inputs in the dtypes that the model declares; the graph may compute in others."""
    infos = {p.name: p for p in source.graph.inputs}
    return {n: a.astype(infos[n].dtype) for n, a in fixed.items()}
