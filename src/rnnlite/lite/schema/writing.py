"""From a model to the schema's objects.

What enters: a `Model`. What leaves: objects that `packing` turns into bytes; equal contents of
constants share a buffer.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from rnnlite.lite.ir import Array, Model, Op, OpCode, Quantization, Signature, Value
from rnnlite.lite.schema.tables import GRAPHS, NUMBERS_OF_TYPES, PLACEHOLDER, Table, tables


class _Buffers:
    """The buffers of a file: an empty one, then one for each different content."""

    def __init__(self) -> None:
        self.listed = [tables.BufferT()]
        self._places: dict[bytes, int] = {}
        self._arrays: dict[int, tuple[Array, int]] = {}

    def of_array(self, data: Array | None) -> int:
        if data is None:
            return 0
        if id(data) not in self._arrays:
            # The array is kept, so that no other array gets its id.
            self._arrays[id(data)] = data, self.of_bytes(data.tobytes())
        return self._arrays[id(data)][1]

    def of_bytes(self, content: bytes) -> int:
        if not content:
            return 0
        if content not in self._places:
            self._places[content] = len(self.listed)
            buffer = tables.BufferT()
            buffer.data = np.frombuffer(content, np.uint8)
            self.listed.append(buffer)
        return self._places[content]


def to_tree(model: Model) -> Table:
    """The schema's objects of a model."""
    tree = tables.ModelT()
    tree.version = model.version
    tree.description = model.description or None
    codes = {id(code): number for number, code in enumerate(model.codes)}
    tree.operatorCodes = [_code_table(code) for code in model.codes]
    graphs = {id(graph): number for number, graph in enumerate(model.graphs)}
    numbers: dict[int, int] = {}
    buffers = _Buffers()
    tree.subgraphs = []
    for graph in model.graphs:
        numbers |= {id(value): number for number, value in enumerate(graph.values)}
        content = tables.SubGraphT()
        content.name = graph.name or None
        content.debugMetadataIndex = graph.debug
        content.tensors = [_tensor(value, buffers) for value in graph.values]
        ends = [[numbers[id(v)] for v in end] for end in (graph.inputs, graph.outputs)]
        content.inputs, content.outputs = (
            np.array(end, np.int32) if read else end
            for end, read in zip(ends, graph._read, strict=True)
        )
        content.operators = [_operator(op, numbers, codes, graphs) for op in graph.ops]
        tree.subgraphs.append(content)
    tree.signatureDefs = [_signature_table(s, numbers, graphs) for s in model.signatures]
    tree.metadata = []
    for name, stored in model.metadata.items():
        entry = tables.MetadataT()
        entry.name, entry.buffer = name, buffers.of_bytes(stored)
        tree.metadata.append(entry)
    tree.buffers = buffers.listed
    return tree


def _code_table(code: OpCode) -> Table:
    table = tables.OperatorCodeT()
    custom = code.kind.startswith("CUSTOM:")
    if custom:
        table.customCode = code.kind.removeprefix("CUSTOM:")
        table.builtinCode = tables.BuiltinOperator.CUSTOM
    elif code.kind.startswith("OP_"):
        table.builtinCode = int(code.kind.removeprefix("OP_"))
    else:
        table.builtinCode = getattr(tables.BuiltinOperator, code.kind)
    table.deprecatedBuiltinCode = min(table.builtinCode, PLACEHOLDER)
    table.version = code.version
    return table


def _tensor(value: Value, buffers: _Buffers) -> Table:
    table = tables.TensorT()
    table.name = value.name or None
    table.type = NUMBERS_OF_TYPES[value.type]
    table.shape = _listed(value._shape, read=value._read[0])
    table.shapeSignature = _listed(value._signature, read=value._read[1])
    table.hasRank = value.rank_is_said
    table.isVariable = value.is_variable
    table.buffer = buffers.of_array(value.data)
    if value.quantization is not None:
        table.quantization = _quantization_table(value.quantization)
    for field, found in value.extra.items():
        setattr(table, field, found)
    return table


def _listed(numbers: tuple[int, ...] | None, *, read: bool) -> list[int] | Array | None:
    if numbers is None:
        return None
    return np.array(numbers, np.int32) if read else list(numbers)


def _quantization_table(known: Quantization) -> Table:
    table = tables.QuantizationParametersT()
    if known.scales:
        table.scale = np.array(known.scales, np.float32)
    if known.zero_points:
        table.zeroPoint = np.array(known.zero_points, np.int64)
    for field, values in zip(("min", "max"), known.range, strict=True):
        if values:
            setattr(table, field, np.array(values, np.float32))
    if isinstance(known.details, tuple):
        table.detailsType, table.details = known.details
    table.quantizedDimension = known.axis
    return table


def _operator(
    op: Op, numbers: dict[int, int], codes: dict[int, int], graphs: dict[int, int]
) -> Table:
    table = tables.OperatorT()
    table.opcodeIndex = codes[id(op.code)]
    table.inputs = [-1 if v is None else numbers[id(v)] for v in op.inputs]
    table.outputs = [numbers[id(v)] for v in op.outputs]
    if op.intermediates:
        table.intermediates = [-1 if v is None else numbers[id(v)] for v in op.intermediates]
    if op.table:
        table.builtinOptionsType = getattr(tables.BuiltinOptions, op.table)
        table.builtinOptions = getattr(tables, f"{op.table}T")()
        called = zip(GRAPHS.get(op.table, ()), op.branches, strict=True)
        for field, found in (
            *op.options.items(),
            *((field, graphs[id(graph)]) for field, graph in called),
        ):
            if not hasattr(table.builtinOptions, field):
                raise AttributeError(f"{op.table} has no field {field}")
            setattr(table.builtinOptions, field, found)
    for field, found in op.extra.items():
        setattr(table, field, found)
    return table


def _signature_table(
    signature: Signature, numbers: dict[int, int], graphs: dict[int, int]
) -> Table:
    table = tables.SignatureDefT()
    table.signatureKey = signature.key
    table.subgraphIndex = graphs[id(signature.graph)]

    def maps(ends: Iterable[tuple[str, Value]]) -> list[Table]:
        found = []
        for name, value in ends:
            entry = tables.TensorMapT()
            entry.name, entry.tensorIndex = name, numbers[id(value)]
            found.append(entry)
        return found

    table.inputs, table.outputs = maps(signature.inputs), maps(signature.outputs)
    return table
