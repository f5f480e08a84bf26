"""From the schema's objects to a model.

What enters: the schema's objects, whose references are sound (`references`). What leaves: a
`Model`, whose objects refer to each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from rnnlite.lite.ir import Array, Graph, Model, Op, OpCode, Quantization, Signature, Value
from rnnlite.lite.schema.tables import GRAPHS, OPS, OPTIONS, TYPES, Table, tables


def from_tree(tree: Table) -> Model:
    """The model of the schema's objects, whose references are sound (`fault`)."""
    model = Model()
    model.version = tree.version
    model.description = _text(tree.description)
    model.codes = [OpCode(_kind(code), code.version) for code in tree.operatorCodes]
    contents = _Contents(tree.buffers)
    for content in tree.subgraphs:
        graph = model.graph(_text(content.name))
        graph.debug = content.debugMetadataIndex
        graph.values = [_value(graph, tensor, contents) for tensor in content.tensors or []]
        graph.inputs = [graph.values[t] for t in ints(content.inputs)]
        graph.outputs = [graph.values[t] for t in ints(content.outputs)]
        graph._read = [isinstance(e, np.ndarray) for e in (content.inputs, content.outputs)]
    for graph, content in zip(model.graphs, tree.subgraphs, strict=True):
        graph.append(*(_op(model, graph, op) for op in content.operators or []))
    for entry in tree.signatureDefs or []:
        model.signatures.append(_signature(model, entry))
    for entry in tree.metadata or []:
        data = tree.buffers[entry.buffer].data
        model.metadata[_text(entry.name)] = b"" if data is None else bytes(bytearray(data))
    return model


def _kind(code: Table) -> str:
    number = max(code.builtinCode, code.deprecatedBuiltinCode)
    if number == tables.BuiltinOperator.CUSTOM:
        return f"CUSTOM:{_text(code.customCode)}"
    return OPS.get(number, f"OP_{number}")


def _value(graph: Graph, tensor: Table, contents: _Contents) -> Value:
    value = Value(
        graph, TYPES.get(tensor.type, str(tensor.type)), tensor.shape, tensor.shapeSignature
    )
    value._read = (
        isinstance(tensor.shape, np.ndarray),
        isinstance(tensor.shapeSignature, np.ndarray),
    )
    value.name = _text(tensor.name)
    value.is_variable = bool(tensor.isVariable)
    value.rank_is_said = bool(tensor.hasRank)
    value.extra = {
        field: found
        for field, usual in (("sparsity", None), ("variantTensors", None), ("externalBuffer", 0))
        if (found := getattr(tensor, field)) != usual
    }
    if tensor.quantization is not None:
        value.quantization = _quantization(tensor.quantization)
    value.data = contents.of(value, tensor.buffer)
    return value


class _Contents:
    """The contents of constants: one array for all constants of one buffer, type and shape."""

    def __init__(self, buffers: Sequence[Table]) -> None:
        self._buffers = buffers
        self._known: dict[tuple[int, str, tuple[int, ...]], Array] = {}

    def of(self, value: Value, buffer: int) -> Array | None:
        data = self._buffers[buffer].data
        if data is None or len(data) == 0:
            return None
        key = buffer, value.type, value.shape
        if key not in self._known:
            self._known[key] = _elements(value, np.asarray(data, np.uint8))
        return self._known[key]


def _elements(value: Value, data: Array) -> Array:
    """The bytes of a constant in its type and shape; raw, where their number does not fit."""
    try:
        dtype = np.dtype(value.type)
    except TypeError:
        return data
    if dtype.hasobject or dtype.itemsize == 0 or dtype.itemsize * value.size != len(data):
        return data
    return np.frombuffer(data.tobytes(), dtype).reshape(value.shape)


def _quantization(table: Table) -> Quantization:
    details = None if table.details is None else (table.detailsType, table.details)
    return Quantization(
        _floats(table.scale),
        tuple(ints(table.zeroPoint)),
        table.quantizedDimension,
        (_floats(table.min), _floats(table.max)),
        details,
    )


def _op(model: Model, graph: Graph, table: Table) -> Op:
    def values(numbers: Iterable[int]) -> list[Value | None]:
        return [graph.values[t] if t >= 0 else None for t in numbers]

    options = {} if table.builtinOptions is None else dict(vars(table.builtinOptions))
    called = [model.graphs[options.pop(field)] for field in graph_fields(table)]
    op = Op(
        model.codes[table.opcodeIndex],
        values(ints(table.inputs)),
        [graph.values[t] for t in ints(table.outputs)],
        OPTIONS.get(table.builtinOptionsType, "") if table.builtinOptions is not None else "",
        options,
    )
    op.branches = tuple(called)
    op.intermediates = tuple(values(ints(table.intermediates)))
    usual = vars(tables.OperatorT())
    op.extra = {
        field: found
        for field in _EXTRA
        if (found := getattr(table, field)) is not None and found is not usual[field]
    }
    return op


_EXTRA = tuple(
    field
    for field in vars(tables.OperatorT())
    if field
    not in (
        *("opcodeIndex", "inputs", "outputs", "intermediates"),
        *("builtinOptionsType", "builtinOptions"),
    )
)


def _signature(model: Model, entry: Table) -> Signature:
    graph = model.graphs[entry.subgraphIndex]

    def ends(maps: Iterable[Table] | None) -> tuple[tuple[str, Value], ...]:
        return tuple((_text(m.name), graph.values[m.tensorIndex]) for m in maps or ())

    return Signature(_text(entry.signatureKey), graph, ends(entry.inputs), ends(entry.outputs))


def _text(value: object) -> str:
    if value is None:
        return ""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def ints(values: Iterable[int] | None) -> list[int]:
    """A vector of the schema as a list; empty where it is missing."""
    # The generated code gives 0 for an empty vector of some fields.
    return [] if values is None or isinstance(values, int) else [int(v) for v in values]


def _floats(values: Iterable[float] | None) -> tuple[float, ...]:
    return () if values is None or isinstance(values, int) else tuple(float(v) for v in values)


def graph_fields(op: Table) -> tuple[str, ...]:
    """The options of an op that name graphs."""
    return GRAPHS.get(OPTIONS.get(op.builtinOptionsType, ""), ())
