"""What is wanted of a row, and what a file that lacks it is told."""

from pathlib import Path

import pytest

from rnnlite.datasets.columns import Column, input_columns, missing_column, place_in
from rnnlite.errors import DataError
from rnnlite.specs import TensorSpec

X = TensorSpec("x", (1, None, 3), "float32")
Y = TensorSpec("y", (1, 4), "float32")


@pytest.mark.parametrize(
    ("keys", "found"),
    [
        (None, [Column("x", None, (None, 3)), Column("y", None, (4,))]),
        ({"y": "who"}, [Column("x", None, (None, 3)), Column("y", "who", (4,))]),
    ],
)
def test_a_column_for_each_input(keys, found):
    assert input_columns([X, Y], keys) == found


def test_a_key_for_what_is_no_input():
    message = "given for the input 'a', which the model does not have; expected x, y. Name an input"
    with pytest.raises(DataError, match=message):
        input_columns([X, Y], {"x": "k", "b": "k", "a": "k"})


@pytest.mark.parametrize(("shape", "rank"), [(None, None), ((), 0), ((None, 3), 2)])
def test_ranks(shape, rank):
    assert Column("x", shape=shape).rank == rank


@pytest.mark.parametrize(
    ("column", "there", "message"),
    [
        (
            Column("x"),
            ["a", "b"],
            "'d.npz' has no column for input 'x'; expected 'x'; found a, b. "
            "Say which it is: --column x=COLUMN.",
        ),
        (
            Column("x", "k"),
            [],
            "'d.npz' has no column for input 'x'; expected 'k'; found no column. "
            "Say which it is: --column x=COLUMN.",
        ),
        (
            Column("labels", is_input=False),
            ["a", "b"],
            "'d.npz' has no column for labels; expected 'labels'; found a, b. "
            "Call it 'labels', or leave it alone in the file.",
        ),
        (
            Column("labels", "k", is_input=False),
            [f"c{k}" for k in range(9)],
            "'d.npz' has no column for labels; expected 'k'; found c0, c1, c2, c3, c4, c5, c6, c7, "
            ".... Say which column, or which file, holds them: --labels COLUMN or --labels FILE.",
        ),
    ],
)
def test_a_missing_column(column, there, message):
    assert str(missing_column(Path("d.npz"), column, there)) == message


def test_a_row_in_a_file():
    assert place_in(Path("a/b.npz"), 12) == "sample 12 of 'a/b.npz'"
