"""From the schema's objects to bytes, with equal parts stored once.

What enters: the root of the schema's objects. What leaves: the bytes of a file. The format allows
parts to be shared, but the official builder does not do so: shapes, scales and options, which
unrolled steps repeat, would be a third of a small model's bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import partial
from typing import Any

import flatbuffers
import numpy as np

IDENTIFIER = b"TFL3"
LARGE_VECTOR = 1 << 16


def pack(tree: Any) -> bytes:
    """Serialize a model that is given as the schema's objects."""
    builder = _Sharing(1 << 20)
    shared: list[Any] = []
    for subgraph in tree.subgraphs:
        _make_arrays(subgraph, "inputs", "outputs")
        for tensor in subgraph.tensors or []:
            _make_arrays(tensor, "shape", "shapeSignature")
            shared.append(tensor)
            if tensor.quantization is not None:
                shared.append(tensor.quantization)
        for op in subgraph.operators or []:
            _make_arrays(op, "inputs", "outputs")
            if op.builtinOptions is not None:
                shared.append(op.builtinOptions)
    try:
        for table in shared:
            table.Pack = partial(_pack_once, table)
        builder.Finish(tree.Pack(builder), file_identifier=IDENTIFIER)
    finally:
        for table in shared:
            vars(table).pop("Pack", None)
    return bytes(builder.Output())


class _Sharing(flatbuffers.Builder):  # type: ignore[misc]
    """A builder that writes equal vectors, texts and tables once, and one-byte fields side by side.

    A field of one byte between longer ones would take four.
    """

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.vectors: dict[tuple[str, bytes], int] = {}
        self.texts: dict[str, int] = {}
        self.tables: dict[Hashable, int] = {}
        self._bytes: list[Callable[[], None]] = []

    def PrependInt8Slot(self, o: int, x: int, d: int) -> None:  # noqa: N802
        self._bytes.append(partial(super().PrependInt8Slot, o, x, d))

    def PrependUint8Slot(self, o: int, x: int, d: int) -> None:  # noqa: N802
        self._bytes.append(partial(super().PrependUint8Slot, o, x, d))

    def PrependBoolSlot(self, o: int, x: bool, d: bool) -> None:  # noqa: N802
        self._bytes.append(partial(super().PrependBoolSlot, o, x, d))

    def EndObject(self) -> int:  # noqa: N802
        for field in self._bytes:
            field()
        self._bytes.clear()
        return int(super().EndObject())

    def CreateString(self, s: str, encoding: str = "utf-8", errors: str = "strict") -> int:  # noqa: N802
        if s not in self.texts:
            self.texts[s] = int(super().CreateString(s, encoding, errors))
        return self.texts[s]

    def CreateNumpyVector(self, x: Any) -> int:  # noqa: N802 - the library's name
        if x.nbytes > LARGE_VECTOR:
            return int(super().CreateNumpyVector(x))
        key = x.dtype.str, x.tobytes()
        if key not in self.vectors:
            self.vectors[key] = int(super().CreateNumpyVector(x))
        return self.vectors[key]


def _make_arrays(table: object, *fields: str) -> None:
    """Turn lists into arrays, of which the builder writes equal ones once."""
    for field in fields:
        value = getattr(table, field)
        if isinstance(value, list):
            setattr(table, field, np.array(value, np.int32))


def _pack_once(table: Any, builder: _Sharing) -> int:
    key = plain(table, without=("Pack",))
    if key not in builder.tables:
        builder.tables[key] = int(type(table).Pack(table, builder))
    return builder.tables[key]


LEAVES = frozenset({int, float, bool, str, bytes, type(None)})
"""Types of most fields: those that are no tables, lists or arrays."""


def plain(value: object, without: tuple[str, ...] = ()) -> Hashable:
    """A value of the schema, tables included, as nested tuples that can be compared and hashed.

    Args:
        value: a table, list, array, number or text.
        without: fields of the outermost table that are left out.
    """
    kind = type(value)
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, value.tobytes()
    if isinstance(value, (list, tuple)):
        return tuple([v if type(v) in LEAVES else plain(v) for v in value])
    if kind in LEAVES or not hasattr(value, "__dict__"):
        assert isinstance(value, Hashable)  # noqa: S101 - numbers, texts and None are left
        return value
    # The schema's classes set all their fields at the start, always in one order.
    fields = vars(value).items()
    found = [v if type(v) in LEAVES else plain(v) for k, v in fields if k not in without]
    return kind.__name__, *found
