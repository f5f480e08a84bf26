"""Rows of Parquet files: each way to write a matrix, and what is refused."""

import numpy as np
import pytest

from rnnlite.datasets.columns import Column
from rnnlite.errors import DataError

pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")

from rnnlite.datasets.parquet import ParquetRows, samples_of  # noqa: E402

X = Column("x", shape=(None, 3))
ROWS = [np.arange(t * 3, dtype=np.float32).reshape(t, 3) for t in (2, 1, 4)]
LISTS = [row.tolist() for row in ROWS]
FLAT = [row.ravel().tolist() for row in ROWS]
FIXED = pa.list_(pa.float32(), 3)


def write(path, array, name="x", **options):
    pa.parquet.write_table(pa.table({name: array}), path, **options)
    return path


@pytest.mark.parametrize(
    "array",
    [
        pa.array(LISTS, pa.list_(pa.list_(pa.float32()))),
        pa.array(LISTS, pa.large_list(pa.large_list(pa.float64()))),
        pa.array(LISTS, pa.list_(FIXED)),
        pa.array(FLAT, pa.list_(pa.float32())),
    ],
    ids=["lists", "large", "fixed", "flat"],
)
@pytest.mark.parametrize("start", [0, 1, 2])
def test_a_feature_matrix(tmp_path, array, start):
    rows = ParquetRows(write(tmp_path / "s.parquet", array), [X])
    assert rows.count == 3
    found = [row["x"] for row in rows.read(start)]
    assert all((a == b).all() for a, b in zip(found, ROWS[start:], strict=True))


@pytest.mark.parametrize("start", [0, 1, 4, 7, 9, 10])
def test_rows_over_row_groups(tmp_path, start):
    samples = [[[float(k)] * 3] * (k % 4 + 1) for k in range(10)]
    array = pa.array(samples, pa.list_(FIXED))
    rows = ParquetRows(write(tmp_path / "s.parquet", array, row_group_size=3), [X])
    found = [row["x"] for row in rows.read(start)]
    assert [a[0, 0] for a in found] == list(range(start, 10))
    assert [len(a) for a in found] == [k % 4 + 1 for k in range(start, 10)]


def test_slices_keep_their_place():
    array = pa.array(LISTS, pa.list_(pa.list_(pa.float32()))).slice(1)
    assert (samples_of(array, X, "column", 1)[1] == ROWS[2]).all()


def test_fixed_lengths_and_tensors():
    stacked = np.arange(24, dtype=np.float32).reshape(2, 4, 3)
    tensors = pa.FixedShapeTensorArray.from_numpy_ndarray(stacked)
    assert (np.stack(samples_of(tensors, X, "column", 0)) == stacked).all()
    nested = pa.array(stacked.tolist(), pa.list_(FIXED, 4))
    assert (np.stack(samples_of(nested, X, "column", 0)) == stacked).all()


def test_ids_numbers_and_texts():
    ids = samples_of(
        pa.array([[1, 2], [3]], pa.list_(pa.int64())), Column("x", shape=(None,)), "", 0
    )
    assert [a.tolist() for a in ids] == [[1, 2], [3]]
    numbers = samples_of(pa.array([4, 5]), Column("n", shape=()), "", 0)
    assert [int(n) for n in numbers] == [4, 5]
    label = Column("labels", is_input=False)
    texts = pa.array(["a", "b", "a"])
    for array in (texts, texts.dictionary_encode()):
        assert [str(t) for t in samples_of(array, label, "", 0)] == ["a", "b", "a"]


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (pa.array([LISTS[0], None]), "column c holds nulls.*none in row 11"),
        (pa.array([LISTS[0], [[1.0, None, 2.0]]]), "holds nulls.*within a row"),
        (pa.array([[[1.0, 2.0, 3.0]], [None]], pa.list_(FIXED)), "holds nulls.*within a row"),
        (pa.array([[[1.0] * 3], [[1.0] * 3, [1.0] * 2]]), "row 11 in column c is of ragged width"),
        (pa.array([[1.0] * 6, [1.0] * 7]), "row 11 in column c is a flat list.*multiple of 3.*7"),
        (pa.array(["a", "b"]), "holds no numbers; expected numbers; found string"),
    ],
)
def test_refusals(array, message):
    with pytest.raises(DataError, match=message):
        samples_of(array, X, "column c", 10)


def test_a_missing_column_and_no_parquet_file(tmp_path):
    path = write(tmp_path / "s.parquet", pa.array(LISTS), name="frames")
    assert ParquetRows(path, [X]).count == 3, "the only column is the only input"
    pa.parquet.write_table(pa.table({"a": [1], "b": [2]}), path)
    with pytest.raises(
        DataError, match=r"no column for input 'x'; expected 'x'; found a, b.*--column"
    ):
        ParquetRows(path, [X])
    with pytest.raises(DataError, match=r"no column for labels.*--labels"):
        ParquetRows(path, [Column("x", "a", ()), Column("labels", "y", is_input=False)])
    label = Column("labels", is_input=False)
    with pytest.raises(DataError, match=r"no column for labels.*found a, b\. Call it 'labels', or"):
        ParquetRows(path, [label])
    pa.parquet.write_table(pa.table({"y": [1, 2]}), path)
    assert [int(row["labels"]) for row in ParquetRows(path, [label]).read()] == [1, 2]
    for content in (b"", b"PAR1", path.read_bytes()[:-9]):
        (tmp_path / "t.parquet").write_bytes(content)
        with pytest.raises(DataError, match="not a Parquet file that can be read"):
            ParquetRows(tmp_path / "t.parquet", [X])
    with pytest.raises(DataError, match="No such file"):
        ParquetRows(tmp_path / "none.parquet", [X])
