"""Variables are read and joined, all at once, chunk by chunk, and merged before."""

import numpy as np
import pytest

from layouts import APART, FEATURES, content, layout_of, plain, written
from rnnlite.lite.ir import Builder, Model
from rnnlite.lite.passes.variables import SHORT, assign_zeros, read_at_once, read_in_chunks
from rnnlite.lowering.merging import FAN, FEW


def begun(layout, most):
    model = Model()
    b = Builder(model.graph())
    count = b.argument([])
    count.name = "count"
    written(b, layout, most)
    return model, b, count


@pytest.mark.parametrize(
    ("rows", "level", "chunk", "limit"),
    [
        (1, SHORT, None, FAN),
        (1, 0, (1, FEATURES), FEW * FAN),
        (3, 0, (3, FEATURES), FEW * FAN * 3),
        (3, 1, (3 * FAN, FEATURES), FEW * FAN**2 * 3),
        (2, 2, (2 * FAN**2, FEATURES), FEW * FAN**3 * 2),
    ],
)
def test_blocks_and_limits(rows, level, chunk, limit):
    layout = layout_of(rows=rows, levels=3)
    assert layout.limit(level) == limit
    if chunk is not None:
        assert layout.chunk(level) == chunk


@pytest.mark.parametrize("rows", [1, 3])
def test_a_short_sequence_at_once(rows):
    layout = layout_of(rows=rows, levels=1)
    model, b, count = begun(layout, FAN * rows)
    b.graph.outputs = [read_at_once(b, layout, count)]
    run = plain(model)
    for length in (1, rows, rows + 1, FAN * rows - 1, FAN * rows):
        (found,) = run(np.array(length, np.int32))
        assert found.shape == (FAN * rows, FEATURES)
        np.testing.assert_array_equal(found[:length], content(layout, length))


def test_beyond_the_last_variable_it_is_read_again():
    layout = layout_of(rows=2, levels=1)
    model, b, count = begun(layout, 6)
    b.graph.outputs = [read_at_once(b, layout, count)]
    (found,) = plain(model)(np.array(6, np.int32))
    expected = content(layout, 6)
    np.testing.assert_array_equal(found[6:], np.tile(expected[4:], (FAN - 3, 1)))


def test_no_rows_at_all_read_the_first_variable():
    layout = layout_of(rows=2, levels=1)
    model = Model()
    b = Builder(model.graph())
    count = b.argument([])
    count.name = "count"
    assign_zeros(b, layout)
    b.graph.outputs = [read_at_once(b, layout, count)]
    (found,) = plain(model)(np.array(0, np.int32))
    np.testing.assert_array_equal(found, np.zeros((2 * FAN, FEATURES)))


@pytest.mark.parametrize(("rows", "level"), [(1, 0), (2, 0), (1, 1)])
def test_blocks_of_each_level(rows, level):
    layout = layout_of(rows=rows, levels=3)
    size = layout.chunk(level + 1)[0]
    blocks = 2
    model, b, count = begun(layout, blocks * size)
    shape = (blocks * size, FEATURES)
    b.graph.outputs = [read_in_chunks(b, layout, count, b.constant(shape), level, shape)]
    run = plain(model)
    for length in (1, size - 1, size, size + 1, blocks * size, 1):
        (found,) = run(np.array(length, np.int32))
        np.testing.assert_array_equal(found[:length], content(layout, length))


def test_merging_loops_share_their_subgraphs():
    layout = layout_of(rows=1, levels=2)
    model, b, count = begun(layout, 2 * FAN)
    shape = (2 * FAN**2, FEATURES)
    made = [read_in_chunks(b, layout, count, b.constant(shape), 1, shape) for _ in range(2)]
    b.graph.outputs = made
    merging = [op for op in model.main.ops if op.kind == "WHILE"][::2]
    assert merging[0].branches == merging[1].branches
    assert len(layout.merging) == 1
    for found in plain(model)(np.array(20, np.int32)):
        np.testing.assert_array_equal(found[:20], content(layout, 20))


def test_what_is_merged_is_named_by_its_level():
    layout = layout_of(rows=1, levels=2)
    model, b, count = begun(layout, 2 * FAN)
    shape = (FAN**2, FEATURES)
    read_in_chunks(b, layout, count, b.constant(shape), 1, shape)
    name = b.constant(layout.names[0] + APART + FAN)
    merged = layout.make(b, "READ_VARIABLE", [name], layout.chunk(1))
    b.graph.outputs = [merged]
    (found,) = plain(model)(np.array(2 * FAN, np.int32))
    np.testing.assert_array_equal(found, content(layout, 2 * FAN)[FAN:])
