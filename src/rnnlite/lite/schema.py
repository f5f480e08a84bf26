"""Read a model from a flatbuffer and write it: the one place that touches the schema.

What enters: bytes, or a `Model`. What leaves: the other. A file that is read and written again has
the same tensors, ops and op codes in the same order.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from types import ModuleType
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated

from rnnlite.errors import ModelError
from rnnlite.lite.ir import Array, Graph, Model, Op, OpCode, Quantization, Signature, Value
from rnnlite.lite.packing import IDENTIFIER, pack

# The generated tables have no types: here, and nowhere else, they are Any.
tables: ModuleType = schema_py_generated

Table = Any
"""An object of the schema's generated classes, which have no types."""

GRAPHS = {
    "WhileOptions": ("condSubgraphIndex", "bodySubgraphIndex"),
    "IfOptions": ("thenSubgraphIndex", "elseSubgraphIndex"),
    "CallOnceOptions": ("initSubgraphIndex",),
    "CallOptions": ("subgraph",),
}
"""The options that name a graph, which `Op.branches` holds instead."""


def _names(enum: type) -> dict[int, str]:
    return {v: k for k, v in vars(enum).items() if isinstance(v, int) and not k.startswith("_")}


_OPS = _names(tables.BuiltinOperator)
_TYPES = {number: name.lower() for number, name in _names(tables.TensorType).items()}
_OPTIONS = _names(tables.BuiltinOptions)
_NUMBERS_OF_TYPES = {name: number for number, name in _TYPES.items()}

ACTIVATIONS = {name: number for number, name in _names(tables.ActivationFunctionType).items()}
"""Numbers of the functions that an op may apply to its result."""

SAME_PADDING = int(tables.Padding.SAME)

_PLACEHOLDER = 127
"""Stands in a code's old field for a kind that came later."""


def type_number(name: str) -> int:
    """The schema's number of a type, for options that name one."""
    return _NUMBERS_OF_TYPES[name]


def read(data: bytes) -> Model:
    """Parse a flatbuffer.

    Raises:
        ModelError: the bytes are no LiteRT model, or a truncated or damaged one.
    """
    if len(data) < 16 or data[4:8] != IDENTIFIER:
        raise ModelError(
            "this is no LiteRT model",
            expected="a flatbuffer with the identifier TFL3",
            found=f"{len(data)} bytes beginning with {bytes(data[:8])!r}",
        )
    try:
        tree = tables.ModelT.InitFromPackedBuf(bytearray(data), 0)
    except Exception as e:
        raise ModelError(
            "the LiteRT model is truncated or damaged",
            found=f"{len(data)} bytes",
            remedy="Convert or download it again",
        ) from e
    broken = fault(tree)
    if broken:
        raise ModelError(
            "the LiteRT model is damaged", found=broken, remedy="Convert or download it again"
        )
    return from_tree(tree)


def write(model: Model) -> bytes:
    """Serialize a model; equal constants, tensors, shapes, grids and options stand once."""
    return pack(to_tree(model))


def fault(tree: Table) -> str:
    """The first reference in a file that points nowhere, in words; "" if there is none."""
    if not tree.subgraphs or tree.operatorCodes is None or not tree.buffers:
        return "no subgraph, no op or no buffer"
    for k, subgraph in enumerate(tree.subgraphs):
        count = len(subgraph.tensors or [])
        used = _ints(subgraph.inputs) + _ints(subgraph.outputs)
        for op in subgraph.operators or []:
            if not 0 <= op.opcodeIndex < len(tree.operatorCodes):
                return f"an op without a code in subgraph {k}"
            used += [*(t for t in _ints(op.inputs) if t != -1), *_ints(op.outputs)]
            called = [getattr(op.builtinOptions, field) for field in _graph_fields(op)]
            if any(not 0 <= index < len(tree.subgraphs) for index in called):
                return "a loop or branch whose body is not there"
        if any(not 0 <= t < count for t in used):
            return f"an op of a tensor that is not there in subgraph {k}"
        if any(not 0 <= t.buffer < len(tree.buffers) for t in subgraph.tensors or []):
            return f"a tensor of a buffer that is not there in subgraph {k}"
    for signature in tree.signatureDefs or []:
        if not 0 <= signature.subgraphIndex < len(tree.subgraphs):
            return "a signature of a subgraph that is not there"
        count = len(tree.subgraphs[signature.subgraphIndex].tensors or [])
        maps = [*(signature.inputs or []), *(signature.outputs or [])]
        if any(not 0 <= m.tensorIndex < count for m in maps):
            return "a signature of a tensor that is not there"
    if any(not 0 <= m.buffer < len(tree.buffers) for m in tree.metadata or []):
        return "metadata without content"
    return ""


def _graph_fields(op: Table) -> tuple[str, ...]:
    return GRAPHS.get(_OPTIONS.get(op.builtinOptionsType, ""), ())


# Reading


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
        graph.inputs = [graph.values[t] for t in _ints(content.inputs)]
        graph.outputs = [graph.values[t] for t in _ints(content.outputs)]
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
    return _OPS.get(number, f"OP_{number}")


def _value(graph: Graph, tensor: Table, contents: _Contents) -> Value:
    value = Value(
        graph, _TYPES.get(tensor.type, str(tensor.type)), tensor.shape, tensor.shapeSignature
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
    """The contents of constants: one array for all of a type and shape that have a buffer."""

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
    """The bytes of a constant in its type and shape, where they are as many as that asks for."""
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
        tuple(_ints(table.zeroPoint)),
        table.quantizedDimension,
        (_floats(table.min), _floats(table.max)),
        details,
    )


def _op(model: Model, graph: Graph, table: Table) -> Op:
    def values(numbers: Iterable[int]) -> list[Value | None]:
        return [graph.values[t] if t >= 0 else None for t in numbers]

    options = {} if table.builtinOptions is None else dict(vars(table.builtinOptions))
    called = [model.graphs[options.pop(field)] for field in _graph_fields(table)]
    op = Op(
        model.codes[table.opcodeIndex],
        values(_ints(table.inputs)),
        [graph.values[t] for t in _ints(table.outputs)],
        _OPTIONS.get(table.builtinOptionsType, "") if table.builtinOptions is not None else "",
        options,
    )
    op.branches = tuple(called)
    op.intermediates = tuple(values(_ints(table.intermediates)))
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


def _ints(values: Iterable[int] | None) -> list[int]:
    # The generated code gives 0 for an empty vector of some fields.
    return [] if values is None or isinstance(values, int) else [int(v) for v in values]


def _floats(values: Iterable[float] | None) -> tuple[float, ...]:
    return () if values is None or isinstance(values, int) else tuple(float(v) for v in values)


# Writing


class _Buffers:
    """The buffers of a file: an empty one, then each content once."""

    def __init__(self) -> None:
        self.listed = [tables.BufferT()]
        self._places: dict[bytes, int] = {}
        self._arrays: dict[int, tuple[Array, int]] = {}

    def of_array(self, data: Array | None) -> int:
        if data is None:
            return 0
        if id(data) not in self._arrays:
            # The array is held, so that no other takes its number.
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
    table.deprecatedBuiltinCode = min(table.builtinCode, _PLACEHOLDER)
    table.version = code.version
    return table


def _tensor(value: Value, buffers: _Buffers) -> Table:
    table = tables.TensorT()
    table.name = value.name or None
    table.type = _NUMBERS_OF_TYPES[value.type]
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
    if known.zeros:
        table.zeroPoint = np.array(known.zeros, np.int64)
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
