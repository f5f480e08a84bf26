"""Read a model from a flatbuffer, and write it; only this folder uses the schema.

What enters: bytes, or a `Model`. What leaves: a `Model`, or bytes. A file that is read and written
again has the same tensors, ops and op codes in the same order.
"""

from __future__ import annotations

from rnnlite.errors import ModelError
from rnnlite.lite.ir import Model
from rnnlite.lite.schema.collector import paused
from rnnlite.lite.schema.packing import IDENTIFIER, pack
from rnnlite.lite.schema.reading import from_tree
from rnnlite.lite.schema.references import fault
from rnnlite.lite.schema.tables import ACTIVATIONS, SAME_PADDING, tables, type_number
from rnnlite.lite.schema.writing import to_tree

__all__ = ["ACTIVATIONS", "SAME_PADDING", "from_tree", "read", "to_tree", "type_number", "write"]


@paused()
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


@paused()
def write(model: Model) -> bytes:
    """Serialize a model; equal constants, tensors, shapes, scales and options are stored once."""
    return pack(to_tree(model))
