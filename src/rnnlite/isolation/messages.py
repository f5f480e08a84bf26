"""Messages between two processes of one program: pickled, with their length in front.

What enters: any object that can be pickled, and a pipe. What leaves: the same object at the other
end.
"""

from __future__ import annotations

import pickle
import struct
from typing import IO, Any

HEADER = struct.Struct("<Q")


def send(pipe: IO[bytes] | None, message: Any) -> None:
    """Write a message.

    Raises:
        OSError: nobody reads.
    """
    if pipe is None:
        raise OSError("no pipe")
    data = pickle.dumps(message, protocol=5)
    pipe.write(HEADER.pack(len(data)))
    pipe.write(data)
    pipe.flush()


def receive(pipe: IO[bytes] | None) -> Any:
    """Read a message.

    Raises:
        EOFError: the other side has ended.
    """
    if pipe is None:
        raise EOFError
    (size,) = HEADER.unpack(_exactly(pipe, HEADER.size))
    return pickle.loads(_exactly(pipe, size))  # noqa: S301 - from our own worker


def _exactly(pipe: IO[bytes], size: int) -> bytes:
    data = pipe.read(size)
    if len(data) < size:
        raise EOFError
    return data
