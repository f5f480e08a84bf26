"""Call the native part of the official converter, which importing this loads: only workers do.

What enters: a graph and flags, as serialized protocol buffers. What leaves: the bytes of a file, or
a refusal.
"""

from __future__ import annotations

from rnnlite.isolation.converter import native_converter

_NATIVE = native_converter()


def convert(
    model_flags: bytes, flags: bytes, graph: bytes, debug: bytes | None
) -> tuple[bytes, str, list[bytes]]:
    """Convert a graph: the flatbuffer, the refusal, the errors that were collected."""
    try:
        return bytes(_NATIVE.Convert(model_flags, flags, graph, False, debug, None)), "", []
    except Exception as e:  # noqa: BLE001 - its refusal, which tf.lite turns into its own
        return b"", str(e) or type(e).__name__, list(_NATIVE.RetrieveCollectedErrors())
