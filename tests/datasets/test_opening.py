"""Which files a path stands for, their rows put together, and what is refused."""

import numpy as np
import pytest

from rnnlite.datasets.columns import Column
from rnnlite.datasets.opening import JoinedRows, _natural, open_rows, read_samples, require_readable
from rnnlite.errors import DataError
from rnnlite.specs import TensorSpec

X = Column("x", shape=(None, 1))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """part-1, part-2 and part-10 of 1, 2 and 3 rows, beside what is no data."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "in"
    (folder / "deep").mkdir(parents=True)
    for number, count in ((10, 3), (2, 2), (1, 1)):
        np.savez(folder / f"part-{number}.npz", *[np.full((2, 1), number)] * count)
    np.save(folder / "deep" / "last.npy", np.full((2, 1), 99.0))
    for name in (".hidden.npz", "_SUCCESS.npz", "notes.txt"):
        (folder / name).write_bytes(b"")
    (folder / "out.npz.unfinished").mkdir()
    (folder / "out.npz.unfinished" / "a.npz").write_bytes(b"")
    return folder


def values(rows, start=0):
    return [int(row["x"][0, 0]) for row in rows.read(start)]


@pytest.mark.parametrize(
    ("data", "found"),
    [
        ("in", [99, 1, 2, 2, 10, 10, 10]),
        ("in/*.npz", []),
        ("in/part-*.npz", [1, 2, 2, 10, 10, 10]),
        ("in/part-?.npz", [1, 2, 2]),
        ("in/**/*.npy", [99]),
        (["in/part-10.npz", "in/part-1.npz"], [10, 10, 10, 1]),
        (["in/part-2.npz", "in/deep"], [2, 2, 99]),
    ],
)
def test_files(folder, data, found):
    if data == "in/*.npz":
        # A glob takes what it says: also a file that is none.
        with pytest.raises(DataError, match=r"'in/_SUCCESS\.npz' is not an \.npz file"):
            open_rows(data, [X])
        return
    rows = open_rows(data, [X])
    assert rows.count == len(found)
    assert values(rows) == found


@pytest.mark.parametrize("start", range(8))
def test_rows_from_anywhere_on(folder, start):
    rows = open_rows(folder, [X])
    assert isinstance(rows, JoinedRows)
    assert values(rows, start) == [99, 1, 2, 2, 10, 10, 10][start:]


@pytest.mark.parametrize(
    ("row", "place"),
    [
        (0, "sample 0 of 'in/deep/last.npy'"),
        (1, "sample 0 of 'in/part-1.npz'"),
        (3, "sample 1 of 'in/part-2.npz'"),
        (6, "sample 2 of 'in/part-10.npz'"),
    ],
)
def test_a_row_is_called_by_its_file(folder, row, place):
    assert open_rows("in", [X]).place(row) == place


def test_a_row_that_is_not_there(folder):
    with pytest.raises(IndexError):
        open_rows("in", [X]).place(7)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([], "no data is given; expected a file, folder or glob of .npz, .npy or .parquet"),
        ("none.npz", "cannot read the data 'none.npz': No such file or directory"),
        ("*.npz", r"'*.npz' holds no data; expected files of .npz, .npy or .parquet"),
        ("empty", "'empty' holds no data; expected files of"),
        ("in/notes.txt", "'in/notes.txt' is of a kind that is not read; expected .npz, .npy or"),
    ],
)
def test_refusals(folder, data, message):
    (folder.parent / "empty").mkdir()
    with pytest.raises(DataError) as found:
        open_rows(data, [X])
    assert message in str(found.value)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("in/part-1.npz", ""),
        ("in/deep", ""),
        ("in/.hidden.npz", "is not an .npz file of plain arrays"),
        ("in/notes.txt", "of a kind that is not read"),
    ],
)
def test_what_cannot_be_data_is_refused_early(folder, path, message):
    if not message:
        require_readable(path)
        return
    with pytest.raises(DataError) as found:
        require_readable(path)
    assert message in str(found.value)


def test_samples_by_input(tmp_path):
    np.savez(tmp_path / "s.npz", **{"a/0": np.ones(1), "a/1": np.ones(2), "b": np.ones((2, 3))})
    one, two = TensorSpec("a", (1, None), "float32"), TensorSpec("b", (1, 3), "float32")
    assert [s.shape for s in read_samples(tmp_path / "s.npz", [one])] == [(1,), (2,)]
    found = read_samples(tmp_path / "s.npz", [one, two])
    assert [{k: v.shape for k, v in s.items()} for s in found] == [
        {"a": (1,), "b": (3,)},
        {"a": (2,), "b": (3,)},
    ]


@pytest.mark.parametrize(
    ("names", "order"),
    [
        (["p-10", "p-2", "p-1"], ["p-1", "p-2", "p-10"]),
        (["b1", "a10", "a9"], ["a9", "a10", "b1"]),
        (["2/1", "10/1", "2/03"], ["2/1", "2/03", "10/1"]),
    ],
)
def test_numbers_in_names_are_numbers(names, order):
    assert sorted(names, key=_natural) == order
