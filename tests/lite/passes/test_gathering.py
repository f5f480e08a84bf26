"""A sequence is put together from variables that are assigned in code, by every strategy."""

from itertools import pairwise

import numpy as np
import pytest

from graphs import kinds
from layouts import content, layout_of, plain, rows_of, written
from rnnlite.lite.ir import Builder, Model, Quantization
from rnnlite.lite.passes.gathering import gather_fixed, gather_rows
from rnnlite.lite.passes.variables import SHORT
from rnnlite.lite.schema import type_number
from rnnlite.lowering.merging import FAN, FEW

INT32 = type_number("int32")


def gathered(layout, most):
    """A model whose input says which rows are wanted, of as many as it has elements."""
    model = Model()
    b = Builder(model.graph())
    places = b.argument([1], free=True)
    b.graph.inputs[0].name = "places"
    written(b, layout, most)
    dims = b.make("SHAPE", [places], [1], outType=INT32)
    ends = [b.constant([k]) for k in (0, 1, 1)]
    count = b.make("STRIDED_SLICE", [dims, *ends], shrinkAxisMask=1)
    result = layout.values(b, layout.shape, free=True)
    gather_rows(b, layout, count, dims, places, result)
    b.graph.outputs = [result]
    return model


def around(*limits):
    """Lengths at which another strategy is taken, and their neighbours."""
    return sorted({1, 2, *(n + d for n in limits for d in (-1, 0, 1))})


@pytest.mark.parametrize(
    ("rows", "levels"),
    [(1, 1), (1, 2), (1, 3), (3, 1), (2, 2)],
    ids=lambda value: str(value),
)
def test_all_rows_at_every_length(rows, levels):
    layout = layout_of(rows=rows, levels=levels)
    limits = [layout.limit(k) for k in range(SHORT, levels - 1)]
    assert limits == [FAN * rows, *(FEW * FAN**k * rows for k in range(1, levels))]
    most = max(limits) + 2 * FAN * rows
    run = plain(gathered(layout, most))
    # Long, short and long again: what a longer run merged is of no account.
    for length in (most, *around(*limits), most):
        (found,) = run(np.arange(length, dtype=np.int32))
        np.testing.assert_array_equal(found, content(layout, length))


def test_rows_in_the_order_that_is_asked_for():
    layout = layout_of(rows=2, levels=2)
    run = plain(gathered(layout, 200))
    for length in (3, 40, 150):
        for places in (np.arange(length)[::-1], np.arange(length) // 2 * 2):
            (found,) = run(places.astype(np.int32))
            np.testing.assert_array_equal(found, content(layout, length)[places])


def test_no_places_are_all():
    layout = layout_of(rows=1, levels=2)
    model = Model()
    b = Builder(model.graph())
    x = b.argument([1], free=True)
    x.name = "x"
    written(b, layout, 100)
    dims = b.make("SHAPE", [x], [1], outType=INT32)
    ends = [b.constant([k]) for k in (0, 1, 1)]
    count = b.make("STRIDED_SLICE", [dims, *ends], shrinkAxisMask=1)
    result = layout.values(b, layout.shape, free=True)
    gather_rows(b, layout, count, dims, None, result)
    b.graph.outputs = [result]
    run = plain(model)
    for length in (1, 16, 17, 100):
        np.testing.assert_array_equal(run(np.zeros(length, np.int32))[0], content(layout, length))


def test_fewer_rows_than_the_sequence_has():
    """Single steps last: the loop made some rows, others are added behind them elsewhere."""
    layout = layout_of(rows=1, levels=1)
    model = Model()
    b = Builder(model.graph())
    places = b.argument([1], free=True)
    places.name = "places"
    written(b, layout, 80)
    dims = b.make("SHAPE", [places], [1], outType=INT32)
    ends = [b.constant([k]) for k in (0, 1, 1)]
    rows = b.make("STRIDED_SLICE", [dims, *ends], shrinkAxisMask=1)
    count = b.make("SUB", [rows, b.constant(3)])
    result = layout.values(b, layout.shape, free=True)
    gather_rows(b, layout, count, dims, places, result)
    b.graph.outputs = [result]
    run = plain(model)
    for length in (5, 18, 19, 70):
        (found,) = run(np.arange(length, dtype=np.int32))
        np.testing.assert_array_equal(found[: length - 3], content(layout, length - 3))


@pytest.mark.parametrize("length", [1, 15, 16, 17, 63, 64, 65, 130])
def test_a_known_length_takes_one_strategy(length):
    layout = layout_of(rows=1, levels=2)
    model = Model()
    b = Builder(model.graph())
    count = b.argument([])
    count.name = "count"
    written(b, layout, length)
    result = layout.values(b, (length, *layout.shape[1:]))
    gather_fixed(b, layout, count, length, result)
    b.graph.outputs = [result]
    (found,) = plain(model)(np.array(length, np.int32))
    np.testing.assert_array_equal(found, content(layout, length))
    made = kinds(model.main)
    assert "IF" not in made
    # At once, then by a loop over blocks, then by one that merges in front of it.
    assert made.count("WHILE") == (length > layout.limit(SHORT)) + (length > layout.limit(0))


def test_integers_keep_their_scale():
    params = Quantization((0.5,), (3,))
    layout = layout_of(rows=2, levels=1, dtype="int8", quantization=params)
    run = plain(gathered(layout, 70))
    for length in (4, 33, 70):
        (found,) = run(np.arange(length, dtype=np.int32))
        assert found.dtype == np.int8
        np.testing.assert_array_equal(found, content(layout, length))


def test_strategies_stand_one_behind_the_other():
    """An IF within a branch would prepare all that it holds at each run."""
    model = gathered(layout_of(rows=1, levels=1), 4)
    ifs = [op for op in model.main.ops if op.kind == "IF"]
    assert len(ifs) == 2
    for before, after in pairwise(ifs):
        assert before.output in after.operands
    assert not any(op.kind == "IF" for i in ifs for g in i.branches for op in g.ops)


def test_rows_are_numbers_of_the_step_they_begin_with():
    np.testing.assert_array_equal(rows_of(layout_of(rows=2, levels=1), 4)[:, 0], [6, 8])
