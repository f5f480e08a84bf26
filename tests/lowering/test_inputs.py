"""Which rows the iterations of a loop read: each step once, in order, identity padding in front."""

import numpy as np
import pytest
import tensorflow as tf

from rnnlite.errors import InternalError
from rnnlite.lowering.buffers import LengthVector
from rnnlite.lowering.inputs import Inputs
from rnnlite.lowering.schedule import Schedule
from rnnlite.scan.scan import Scan

BATCH, WIDTH = 2, 3


class Cell:
    """It hands its inputs on."""

    cuts = None

    def project(self, inputs):
        return list(inputs)


def steps_read(length, unroll, remainder, *, reverse=False, masked=False, chunk=0):
    """The value and the mask of each step that the loops of K steps read, in order.

    Row t of the input is t + 1 throughout, identity padding is 0.
    """
    x = np.broadcast_to(np.arange(1, length + 1)[:, None, None], (length, BATCH, WIDTH))
    x = tf.constant(x.astype(np.float32))
    flags = (np.arange(1, length + 1) % 3 > 0)[:, None] & np.ones((1, BATCH), bool)
    scan = Scan(Cell(), (x,), (), reverse=reverse, mask=tf.constant(flags) if masked else None)
    schedule = Schedule(unroll, remainder, chunked_projection=bool(chunk))
    end = length - length % unroll
    if remainder == "front":
        end = LengthVector.of(x).steps(unroll).count
    padding = [np.zeros(WIDTH, np.float32)]
    inputs = Inputs(scan, Cell(), None if chunk else [x], schedule, end, padding)
    found = []
    for base in range(0, end, chunk or end or 1):
        size = min(chunk or end, end - base)
        source = inputs.chunk(base, chunk or end)
        reader = inputs.reader(source, base, unroll)
        places = reader.places
        for _ in range(size // unroll):
            rows, keeps = reader.read(places)
            for (row,), keep in zip(rows, keeps, strict=True):
                values = np.unique(row)
                assert len(values) == 1
                flag = None if keep is None else np.unique(keep).tolist()
                found.append((int(values[0]), flag))
            places = reader.advanced(places)
    return found


def expected(length, unroll, remainder, *, reverse, masked):
    order = list(range(1, length + 1))[:: -1 if reverse else 1]
    if remainder == "front":
        order = [0] * (-length % unroll) + order
    else:
        order = order[: length - length % unroll]
    return [(n, [bool(n % 3)] if masked else None) for n in order]


@pytest.mark.parametrize("length", [1, 2, 5, 8, 11])
@pytest.mark.parametrize("unroll", [1, 2, 4])
@pytest.mark.parametrize("remainder", ["front", "single"])
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("chunk", [0, 4])
def test_each_step_once_and_in_order(length, unroll, remainder, reverse, masked, chunk):
    found = steps_read(length, unroll, remainder, reverse=reverse, masked=masked, chunk=chunk)
    assert found == expected(length, unroll, remainder, reverse=reverse, masked=masked)


def test_the_rows_of_all_steps_are_not_there_where_blocks_are_projected():
    x = tf.zeros([4, BATCH, WIDTH])
    inputs = Inputs(
        Scan(Cell(), (x,), ()), Cell(), None, Schedule(chunked_projection=True), 4, None
    )
    with pytest.raises(InternalError, match="chunk by chunk"):
        inputs.all()


def test_places_of_the_mask_are_those_of_the_rows_where_they_are_the_same():
    x, mask = tf.zeros([4, BATCH, WIDTH]), tf.ones([4, BATCH], tf.bool)
    scan = Scan(Cell(), (x,), (), mask=mask)
    whole = Inputs(scan, Cell(), [x], Schedule(), 4, None)
    assert len(whole.reader(whole.all(), 0, 1).places) == 1
    chunks = Inputs(scan, Cell(), None, Schedule(chunked_projection=True), 4, None)
    assert len(chunks.reader(chunks.chunk(0, 2), 0, 1).places) == 2
