"""Rows of .npy and .npz files, in each of their layouts, and what is refused."""

import io
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnlite.datasets.columns import Column
from rnnlite.datasets.numpy_files import NpyRows, NpzRows, refusing
from rnnlite.errors import DataError

X = Column("x", shape=(None, 3))
LABELS = Column("labels", is_input=False)


def sequences(*lengths):
    return [np.arange(t * 3, dtype=np.float32).reshape(t, 3) + t for t in lengths]


def same(rows, expected, name="x"):
    found = [row[name] for row in rows]
    assert [a.shape for a in found] == [a.shape for a in expected]
    assert all((a == b).all() for a, b in zip(found, expected, strict=True))


@pytest.mark.parametrize("start", [0, 1, 11, 12])
def test_npz_of_an_array_a_sample(tmp_path, start):
    samples = sequences(*range(1, 13))
    np.savez(tmp_path / "s.npz", *samples)
    rows = NpzRows(tmp_path / "s.npz", [X])
    assert rows.count == 12
    same(rows.read(start), samples[start:])


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("start", [0, 3, 5])
def test_npz_of_rows_in_one_array(tmp_path, save, start):
    stacked = np.stack(sequences(4, 4, 4, 4, 4)) + np.arange(5, dtype=np.float32)[:, None, None]
    save(tmp_path / "s.npz", x=stacked, labels=np.arange(5) * 7)
    rows = NpzRows(tmp_path / "s.npz", [X, LABELS])
    assert rows.count == 5
    found = list(rows.read(start))
    same(found, list(stacked[start:]))
    assert [int(row["labels"]) for row in found] == list(range(0, 35, 7))[start:]


def test_npz_stored_column_by_column(tmp_path):
    stacked = np.asfortranarray(np.arange(24, dtype=np.float32).reshape(2, 4, 3))
    np.savez(tmp_path / "s.npz", x=stacked)
    same(NpzRows(tmp_path / "s.npz", [X]).read(1), [stacked[1]])


def test_npz_of_one_sample(tmp_path):
    (sample,) = sequences(6)
    np.savez(tmp_path / "s.npz", sample)
    same(NpzRows(tmp_path / "s.npz", [X]).read(), [sample])


def test_npz_of_several_inputs(tmp_path):
    arrays = {"a/0": np.ones(1), "a/1": np.ones(2), "b/0": np.ones(3), "b/1": np.ones(4)}
    np.savez(tmp_path / "s.npz", **arrays)
    columns = [Column("a", shape=(None,)), Column("b", shape=(None,))]
    found = list(NpzRows(tmp_path / "s.npz", columns).read())
    assert [{k: v.shape for k, v in row.items()} for row in found] == [
        {"a": (1,), "b": (3,)},
        {"a": (2,), "b": (4,)},
    ]


def test_a_key_of_the_users(tmp_path):
    np.savez(tmp_path / "s.npz", frames=np.zeros((2, 4, 3)), other=np.ones((2, 4, 3)))
    column = Column("x", key="other", shape=(None, 3))
    same(NpzRows(tmp_path / "s.npz", [column]).read(), [np.ones((4, 3))] * 2)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"first": np.ones((4, 3)), "second": np.ones((4, 3))}, "no column for input 'x'.*first"),
        ({"arr_0": np.ones((4, 3)), "arr_2": np.ones((4, 3))}, r"named as expected.*arr_0.*arr_1"),
        ({"arr_0": np.ones((4, 3)), "odd": np.ones(3)}, r"named as expected.*odd"),
        ({"x/0": np.ones((4, 3)), "x/2": np.ones((4, 3))}, r"expected x/0, x/1.*x/1"),
        ({"x": np.ones(3)}, r"wrong rank; expected 2, one sample, or 3.*\(3,\)"),
        ({}, "holds no samples"),
        ({"arr_0": np.array([None])}, "plain arrays"),
    ],
)
def test_refusals_of_an_npz(tmp_path, arrays, message):
    np.savez(tmp_path / "s.npz", **arrays)
    with pytest.raises(DataError, match=message):
        list(NpzRows(tmp_path / "s.npz", [X]).read())


def test_columns_of_different_numbers_of_rows(tmp_path):
    np.savez(tmp_path / "s.npz", x=np.ones((2, 4, 3)), labels=np.ones(3))
    with pytest.raises(DataError, match="different numbers of rows; found 2 x, 3 labels"):
        NpzRows(tmp_path / "s.npz", [X, LABELS])


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04" + b"\0" * 40])
def test_what_is_no_npz(tmp_path, content):
    (tmp_path / "s.npz").write_bytes(content)
    with pytest.raises(DataError, match=r"is not an \.npz file of plain arrays"):
        NpzRows(tmp_path / "s.npz", [X])


def test_an_npz_that_ends_early(tmp_path):
    np.savez(tmp_path / "s.npz", *sequences(4, 5))
    content = (tmp_path / "s.npz").read_bytes()
    (tmp_path / "s.npz").write_bytes(content[: len(content) // 2])
    with pytest.raises(DataError, match="plain arrays"):
        NpzRows(tmp_path / "s.npz", [X])


def test_no_such_file(tmp_path):
    with pytest.raises(DataError, match=r"cannot read the data.*No such file"):
        NpzRows(tmp_path / "none.npz", [X])
    with pytest.raises(DataError, match=r"cannot read the data.*No such file"):
        NpyRows(tmp_path / "none.npy", [X])


def test_npy_of_rows_and_of_one_sample(tmp_path):
    stacked = np.arange(24, dtype=np.float32).reshape(2, 4, 3)
    np.save(tmp_path / "all.npy", stacked)
    np.save(tmp_path / "one.npy", stacked[1])
    assert NpyRows(tmp_path / "all.npy", [X]).count == 2
    same(NpyRows(tmp_path / "all.npy", [X]).read(1), [stacked[1]])
    same(NpyRows(tmp_path / "one.npy", [X]).read(), [stacked[1]])


def test_refusals_of_an_npy(tmp_path):
    np.save(tmp_path / "s.npy", np.ones(3))
    with pytest.raises(DataError, match=r"wrong rank; expected 2, one sample, or 3.*\(3,\)"):
        NpyRows(tmp_path / "s.npy", [X])
    with pytest.raises(DataError, match="holds one array, 2 columns are wanted"):
        NpyRows(tmp_path / "s.npy", [X, LABELS])
    np.save(tmp_path / "s.npy", np.array([None]))
    with pytest.raises(DataError, match="plain numbers"):
        NpyRows(tmp_path / "s.npy", [X])
    np.savez(tmp_path / "s.npz", np.ones(3))
    (tmp_path / "s.npz").rename(tmp_path / "t.npy")
    with pytest.raises(DataError, match=r"no \.npy file"):
        NpyRows(tmp_path / "t.npy", [X])


@settings(max_examples=30, deadline=None)
@given(
    lengths=st.lists(st.integers(1, 4), min_size=2, max_size=12),
    start=st.integers(0, 12),
    named=st.booleans(),
    dtype=st.sampled_from(["float32", "float64", "int16", "bool"]),
)
def test_samples_of_any_lengths_come_back(tmp_path_factory, lengths, start, named, dtype):
    path = tmp_path_factory.mktemp("npz") / "s.npz"
    samples = [(np.arange(3 * t).reshape(t, 3) % 2).astype(dtype) for t in lengths]
    if named:
        np.savez(path, **{f"x/{k}": s for k, s in enumerate(samples)})
    else:
        np.savez(path, *samples)
    rows = NpzRows(path, [X])
    assert rows.count == len(samples)
    found = [row["x"] for row in rows.read(start)]
    assert [f.tolist() for f in found] == [s.tolist() for s in samples[start:]]
    assert {f.dtype for f in found} <= {np.dtype(dtype)}


def test_rows_are_read_by_number_not_by_name(tmp_path):
    """x/10 stands behind x/9, whatever the order in the file."""
    samples = sequences(*[2] * 12)
    for k, sample in enumerate(samples):
        sample[:] = k
    np.savez(
        tmp_path / "s.npz", **{f"x/{k}": samples[k] for k in (11, 3, *range(3), *range(4, 11))}
    )
    found = [row["x"][0, 0] for row in NpzRows(tmp_path / "s.npz", [X]).read()]
    assert found == list(range(12))


def test_a_digit_that_is_no_number_is_no_row(tmp_path):
    np.savez(tmp_path / "s.npz", **{"arr_0": np.ones((4, 3)), "arr_\u00b2": np.ones((4, 3))})
    with pytest.raises(DataError, match=r"named as expected.*arr_\u00b2"):
        NpzRows(tmp_path / "s.npz", [X])


def test_other_files_in_an_archive_are_left_alone(tmp_path):
    np.savez(tmp_path / "s.npz", x=np.ones((2, 4, 3)))
    with zipfile.ZipFile(tmp_path / "s.npz", "a") as archive:
        archive.writestr("README.txt", "two samples")
    assert NpzRows(tmp_path / "s.npz", [X]).count == 2


@pytest.mark.parametrize("version", [(1, 0), (2, 0)])
def test_versions_of_the_array_format(tmp_path, version):
    stacked = np.arange(24, dtype=np.float32).reshape(2, 4, 3)
    sink = io.BytesIO()
    np.lib.format.write_array(sink, stacked, version)
    with zipfile.ZipFile(tmp_path / "s.npz", "w") as archive:
        archive.writestr("x.npy", sink.getvalue())
    same(NpzRows(tmp_path / "s.npz", [X]).read(), list(stacked))


def test_rows_that_end_early_are_refused(tmp_path):
    """The header says more than there is."""
    sink = io.BytesIO()
    np.save(sink, np.ones((2, 4, 3), np.float32))
    with zipfile.ZipFile(tmp_path / "s.npz", "w") as archive:
        archive.writestr("x.npy", sink.getvalue()[:-20])
    rows = NpzRows(tmp_path / "s.npz", [X])
    read = rows.read()
    assert next(read)["x"].shape == (4, 3)
    with pytest.raises(DataError, match=r"is not an \.npz file of plain arrays"):
        next(read)


def test_labels_may_be_of_any_rank(tmp_path):
    np.savez(tmp_path / "s.npz", x=np.ones((2, 4, 3)), labels=np.array(["a", "b"]))
    found = [str(row["labels"]) for row in NpzRows(tmp_path / "s.npz", [X, LABELS]).read()]
    assert found == ["a", "b"]


def test_one_label_is_no_column_of_labels(tmp_path):
    np.savez(tmp_path / "s.npz", x=np.ones((4, 3)), labels=np.array(3))
    with pytest.raises(DataError, match=r"array 'labels' in .* has the wrong rank"):
        NpzRows(tmp_path / "s.npz", [X, LABELS])


def test_places_are_named_by_the_file(tmp_path):
    np.savez(tmp_path / "s.npz", *sequences(2, 3))
    np.save(tmp_path / "s.npy", np.ones((2, 4, 3)))
    for rows, name in ((NpzRows, "s.npz"), (NpyRows, "s.npy")):
        made = rows(tmp_path / name, [X])
        assert made.place(1) == f"sample 1 of '{tmp_path / name}'"
        assert made.files == (tmp_path / name,)


def test_rows_of_an_npy_are_the_readers_own(tmp_path):
    """The file stays as it is, whatever is done to a row."""
    np.save(tmp_path / "s.npy", np.ones((2, 4, 3)))
    for row in NpyRows(tmp_path / "s.npy", [X]).read():
        row["x"][:] = 0
    assert np.load(tmp_path / "s.npy").all()


@pytest.mark.parametrize(
    ("shape", "array", "count"),
    [((), np.ones(5), 5), ((), np.ones(()), 1), (None, np.ones((2, 3)), 2), ((4,), np.ones(4), 1)],
)
def test_what_a_row_of_an_npy_is_goes_by_the_rank(tmp_path, shape, array, count):
    np.save(tmp_path / "s.npy", array)
    assert NpyRows(tmp_path / "s.npy", [Column("x", shape=shape)]).count == count


def test_one_number_is_no_rows_of_anything(tmp_path):
    np.save(tmp_path / "s.npy", np.ones(()))
    with pytest.raises(DataError, match=r"has the wrong rank.*found shape \(\)"):
        NpyRows(tmp_path / "s.npy", [Column("x")])


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (OSError(5, "Input/output error"), "cannot read the data 'd': Input/output error."),
        (OSError("odd"), "cannot read the data 'd': odd."),
        (zipfile.BadZipFile("bad"), "'d' is not a file. Write it."),
        (EOFError(), "'d' is not a file. Write it."),
        (KeyError("x"), "'d' is not a file. Write it."),
        (DataError("already said"), "already said."),
    ],
)
def test_what_reading_raises_names_the_file(error, message):
    matched = pytest.raises(DataError, match=f"^{re.escape(message)}$")
    with matched, refusing(Path("d"), "a file", "Write it"):
        raise error
