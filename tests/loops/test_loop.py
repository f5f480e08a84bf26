"""Variables of a loop: what is an array is no tensor."""

import numpy as np
import pytest
from tiny import Builder, Rows, free

from rnnlite.errors import InternalError
from rnnlite.loops import Kind, Variable


def test_the_value_of_what_is_no_array():
    value = np.zeros(2)
    assert Variable("h", "h'", "h?", value).tensor is value


def test_an_array_is_no_tensor():
    rows = Rows("ys", 3)
    with pytest.raises(InternalError, match=r"^'ys' is an array"):
        Variable("ys", "ys'", "ys?", rows, rows=rows).tensor  # noqa: B018


def test_a_variable_is_itself_alone():
    """Two of equal names and values are two: they are told apart as keys."""
    one, other = (Variable("h", "h'", "h?", 0.0) for _ in range(2))
    assert one != other
    assert len({one, other}) == 2


def test_a_loop_knows_what_it_reads_from_outside():
    b = Builder("net")
    b.read_outside("xs", Rows("xs", 3, free(np.zeros((3, 2)))))
    w = b.read_outside("w", np.ones((2, 2)), weight="net/kernel")
    h = b.carry("h", np.zeros((1, 2)))
    loop = b.loop({"t": b.counter(), "h": b.body.add(Kind.MATMUL, h, w)}, b.while_below(3))
    assert loop.outside == {"xs", "w"}
    assert set(loop.arrays) == {"xs"}
    assert loop.weights == {"w": "net/kernel"}
    assert loop.body.is_bound("w")
    assert not loop.body.is_bound("h")
