"""Messages over a pipe: whole, in order, or the end."""

import io
import os

import numpy as np
import pytest

from rnnlite.isolation.messages import HEADER, receive, send

MESSAGES = [("module:function", (1, "two")), None, {"a": [1, 2]}, b"\0" * 70_000, ""]


def test_in_order_and_whole():
    pipe = io.BytesIO()
    for message in MESSAGES:
        send(pipe, message)
    pipe.seek(0)
    assert [receive(pipe) for _ in MESSAGES] == MESSAGES
    with pytest.raises(EOFError):
        receive(pipe)


def test_arrays_come_back_with_type_and_shape():
    pipe = io.BytesIO()
    array = np.arange(6, dtype=np.int16).reshape(2, 3)
    send(pipe, array)
    pipe.seek(0)
    found = receive(pipe)
    assert found.dtype == np.int16
    np.testing.assert_array_equal(found, array)


@pytest.mark.parametrize("cut", [0, 3, HEADER.size, HEADER.size + 2])
def test_half_a_message_is_the_end(cut):
    pipe = io.BytesIO()
    send(pipe, "a message")
    with pytest.raises(EOFError):
        receive(io.BytesIO(pipe.getvalue()[:cut]))


def test_the_length_stands_in_front():
    pipe = io.BytesIO()
    send(pipe, "x")
    assert HEADER.unpack(pipe.getvalue()[: HEADER.size]) == (len(pipe.getvalue()) - HEADER.size,)


def test_without_a_pipe():
    with pytest.raises(OSError, match="no pipe"):
        send(None, 1)
    with pytest.raises(EOFError):
        receive(None)


def test_nobody_reads():
    end, begin = os.pipe()
    os.close(end)
    with os.fdopen(begin, "wb", buffering=0) as pipe, pytest.raises(OSError, match="pipe"):
        send(pipe, "x")
