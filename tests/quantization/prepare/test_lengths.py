"""Which axes of free size have the size of another one, read off the ops between."""

import pytest

from graphs import FREE, Model
from rnnlite.quantization.prepare.lengths import ELEMENTWISE, reshaped, same_axes


@pytest.fixture
def main():
    return Model().main


def made(main, kind, inputs, dims, **fields):
    y = main.tensor(dims)
    main.add(kind, inputs, [y], **fields)
    return y


def test_a_value_has_its_own_axis(main):
    x = main.tensor((1, FREE, 3))
    assert same_axes(x, 1) == {(x, 1)}


@pytest.mark.parametrize("kind", sorted(ELEMENTWISE))
def test_elements_keep_their_place(main, kind):
    x = main.tensor((1, FREE, 3))
    y = made(main, kind, [x], (1, FREE, 3))
    assert same_axes(y, 1) == {(y, 1), (x, 1)}


def test_operands_of_lower_rank_stand_at_the_end(main):
    x, row, number = main.tensor((2, FREE, 3)), main.tensor((FREE, 3)), main.tensor(())
    y = made(main, "ADD", [x, row], (2, FREE, 3))
    z = made(main, "MUL", [y, number], (2, FREE, 3))
    assert same_axes(z, 1) == {(z, 1), (y, 1), (x, 1), (row, 0)}


def test_an_axis_of_one_that_is_repeated_says_nothing(main):
    x, mean = main.tensor((2, FREE, 3)), main.tensor((2, 1, 3))
    y = made(main, "SUB", [x, mean], (2, FREE, 3))
    assert same_axes(y, 1) == {(y, 1), (x, 1)}


def test_through_transpositions(main):
    x = main.tensor((2, FREE, 3))
    y = made(main, "TRANSPOSE", [x, main.constant([1, 0, 2], "int32")], (FREE, 2, 3))
    assert same_axes(y, 0) == {(y, 0), (x, 1)}


def test_a_computed_order_ends_the_path(main):
    x, order = main.tensor((2, FREE, 3)), main.tensor((3,), "int32")
    y = made(main, "TRANSPOSE", [x, order], (FREE, 2, 3))
    assert same_axes(y, 0) == {(y, 0)}


@pytest.mark.parametrize("kind", ["RESHAPE", "EXPAND_DIMS", "SQUEEZE"])
def test_axes_of_one_come_and_go(main, kind):
    x = main.tensor((1, FREE, 1))
    y = made(main, kind, [x], (FREE,))
    assert same_axes(y, 0) == {(y, 0), (x, 1)}


def test_a_reshape_that_joins_axes_ends_the_path(main):
    x = main.tensor((1, FREE, 4))
    y = made(main, "RESHAPE", [x], (FREE, 2))
    assert same_axes(y, 0) == {(y, 0)}


def test_a_lookup_is_as_long_as_its_numbers(main):
    table, ids = main.constant([[1.0, 2.0]]), main.tensor((1, FREE), "int32")
    y = made(main, "GATHER", [table, ids], (1, FREE, 2), options="GatherOptions")
    assert same_axes(y, 1) == {(y, 1), (ids, 1)}


@pytest.mark.parametrize("fields", [{"axis": 1}, {"batchDims": 1}])
def test_lookups_along_other_axes_end_the_path(main, fields):
    table, ids = main.tensor((2, FREE, 3)), main.tensor((FREE,), "int32")
    y = made(main, "GATHER", [table, ids], (2, FREE, 3), options="GatherOptions", **fields)
    assert same_axes(y, 1) == {(y, 1)}


def test_axes_of_the_table_are_none_of_the_numbers(main):
    table, ids = main.tensor((4, FREE)), main.tensor((3,), "int32")
    y = made(main, "GATHER", [table, ids], (3, FREE), options="GatherOptions")
    assert same_axes(y, 1) == {(y, 1)}


def test_other_ops_end_the_path(main):
    x = main.tensor((1, FREE, 3))
    y = made(main, "CONCATENATION", [x, x], (1, FREE, 3))
    assert same_axes(y, 1) == {(y, 1)}


def test_two_paths_to_one_axis(main):
    x = main.tensor((1, FREE, 3))
    a, b = (made(main, kind, [x], (1, FREE, 3)) for kind in ("EXP", "TANH"))
    y = made(main, "MUL", [a, b], (1, FREE, 3))
    assert same_axes(y, 1) == {(v, 1) for v in (x, a, b, y)}


@pytest.mark.parametrize(
    ("new", "old", "axis", "place"),
    [
        ((FREE, 4), (1, FREE, 4), 0, 1),
        ((1, FREE, 4), (FREE, 4), 1, 0),
        ((2, FREE, 6), (FREE, 12), 1, 0),
        ((2, 6, FREE), (FREE, 12), 2, 0),
        # Not one of the free ones.
        ((FREE, 4), (FREE, 4), 1, None),
        # As many elements beside it must be left.
        ((FREE, 2), (FREE, 4), 0, None),
        # One free axis of two.
        ((FREE, 4), (FREE, FREE, 4), 0, None),
        # Two free ones keep their order where nothing but ones is between.
        ((FREE, FREE, 4), (FREE, 1, FREE, 4), 1, 2),
        ((FREE, 2, FREE), (FREE, FREE, 2), 2, None),
    ],
)
def test_where_a_free_axis_was(new, old, axis, place):
    assert reshaped(new, old, axis) == place
