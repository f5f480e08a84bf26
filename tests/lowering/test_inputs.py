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
        source = inputs.chunk(base, np.arange(chunk or end))
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
    assert len(chunks.reader(chunks.chunk(0, np.arange(2)), 0, 1).places) == 2


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("batch", [2, None])
def test_padding_stands_before_the_first_step_that_is_computed(reverse, batch):
    """Behind all rows, where these are read backwards; its mask says that nothing changes."""
    given = np.ones((3, BATCH, WIDTH), np.float32)
    row = np.array([0.0, 5.0, 0.0], np.float32)

    @tf.function(input_signature=[tf.TensorSpec([3, batch, WIDTH])], autograph=False)
    def call(x):
        mask = tf.ones([3, BATCH], tf.bool)
        scan = Scan(Cell(), (x,), (), reverse=reverse, mask=mask)
        inputs = Inputs(scan, Cell(), [x], Schedule(4, "front"), 4, [row])
        (rows,) = inputs.all().projected
        return rows, inputs.mask

    rows, mask = call(tf.constant(given))
    padding = np.broadcast_to(row, (3, BATCH, WIDTH))
    wanted = [given, padding] if reverse else [padding, given]
    np.testing.assert_array_equal(rows, np.concatenate(wanted))
    kept = [[True] * BATCH] * 3, [[False] * BATCH] * 3
    np.testing.assert_array_equal(mask, np.concatenate(kept if reverse else kept[::-1]))


@pytest.mark.parametrize(("unroll", "shape"), [(1, []), (3, [3])])
def test_places_are_advanced_by_constants_of_their_shape(unroll, shape):
    """An addition that broadcasts takes longer."""
    x, mask = tf.zeros([9, BATCH, WIDTH]), tf.ones([9, BATCH], tf.bool)
    for reverse, first, then in ((False, 0, unroll), (True, 8, 8 - unroll)):
        scan = Scan(Cell(), (x,), (), reverse=reverse, mask=mask)
        inputs = Inputs(scan, Cell(), [x], Schedule(unroll), 9, None)
        reader = inputs.reader(inputs.all(), 0, unroll)
        (place,) = reader.places
        (later,) = reader.advanced([place])
        assert place.shape == later.shape == shape
        assert (int(np.ravel(place)[0]), int(np.ravel(later)[0])) == (first, then)
        assert later.dtype == tf.int32


def test_rows_without_a_mask_have_none():
    x = tf.zeros([4, BATCH, WIDTH])
    inputs = Inputs(Scan(Cell(), (x,), ()), Cell(), [x], Schedule(2), 4, None)
    reader = inputs.reader(inputs.all(), 0, 2)
    rows, keeps = reader.read(reader.places)
    assert ([len(r) for r in rows], keeps) == ([1, 1], [None, None])


def test_parts_of_rows_are_those_of_the_cell():
    """Each time step as the parts that its step takes, of every projected tensor in turn."""

    class Parted(Cell):
        cuts = ((0, 1), (1, 3))

    x = tf.reshape(tf.range(4 * BATCH * WIDTH), [4, BATCH, WIDTH])
    inputs = Inputs(Scan(Parted(), (x,), ()), Parted(), [x, x + 100], Schedule(2), 4, None)
    reader = inputs.reader(inputs.all(), 2, 2)
    rows, _ = reader.read(reader.places)
    for t, parts in zip((2, 3), rows, strict=True):
        assert [p.shape[-1] for p in parts] == [1, 2, 1, 2]
        np.testing.assert_array_equal(tf.concat(parts[:2], -1), x[t])
        np.testing.assert_array_equal(tf.concat(parts[2:], -1), x[t] + 100)
