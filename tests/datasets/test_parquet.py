"""Rows of Parquet files: each way to write a matrix, and what is refused."""

import re
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnlite.datasets.columns import Column
from rnnlite.errors import DataError, DependencyError

pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
pytest.importorskip("pyarrow.parquet")

from rnnlite.datasets import parquet as module  # noqa: E402
from rnnlite.datasets.parquet import ParquetRows, arrow, samples_of  # noqa: E402

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
        (pa.array([LISTS[0], [[1.0, None, 2.0]]]), "holds nulls.*missing value within row 11"),
        (
            pa.array([[[1.0, 2.0, 3.0]], [None]], pa.list_(FIXED)),
            "holds nulls.*missing value within row 11",
        ),
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


@settings(max_examples=40, deadline=None)
@given(
    lengths=st.lists(st.integers(0, 4), min_size=1, max_size=6),
    shape=st.lists(st.integers(1, 3), max_size=2),
    large=st.booleans(),
    cut=st.integers(0, 5),
)
def test_rows_of_any_shape_come_back(lengths, shape, large, cut):
    """Lists of lists, whatever their depth, and slices of them."""
    rng = np.random.default_rng(sum(lengths))
    rows = [rng.integers(0, 99, (t, *shape)).astype(np.float32) for t in lengths]
    kind = pa.float32()
    for _ in range(1 + len(shape)):
        kind = pa.large_list(kind) if large else pa.list_(kind)
    array = pa.array([r.tolist() for r in rows], kind).slice(cut)
    column = Column("x", shape=(None, *shape))
    found = samples_of(array, column, "c", cut)
    # Rows that are all empty do not say how wide they would be.
    full = [r for r in rows[cut:] if r.size]
    assert [f.tolist() for f in found if f.size] == [r.tolist() for r in full]
    assert len(found) == len(rows[cut:])


@pytest.mark.parametrize(
    ("kind", "dtype"),
    [
        (pa.float16(), np.float16),
        (pa.float64(), np.float64),
        (pa.int8(), np.int8),
        (pa.uint16(), np.uint16),
        (pa.bool_(), np.bool_),
    ],
)
def test_numbers_keep_their_type(kind, dtype):
    values = [np.array([0, 1], dtype), np.array([1], dtype)]
    array = pa.array(values, pa.list_(kind))
    found = samples_of(array, Column("x", shape=(None,)), "c", 0)
    assert [f.dtype for f in found] == [dtype] * 2
    assert [f.tolist() for f in found] == [v.tolist() for v in values]


@pytest.mark.parametrize(
    ("shape", "width"), [((None, 2, 3), (2, 3)), ((None, 6), (6,)), ((None,), ()), (None, ())]
)
def test_flat_lists_are_cut_as_the_model_has_its_rows(shape, width):
    array = pa.array([list(range(12)), list(range(6))], pa.list_(pa.float32()))
    found = samples_of(array, Column("x", shape=shape), "c", 0)
    lengths = [12, 6] if not width else [12 // int(np.prod(width)), 6 // int(np.prod(width))]
    assert [f.shape for f in found] == [(n, *width) for n in lengths]


def test_steps_of_no_width_are_counted():
    array = pa.array([[[], []], [[]], []], pa.list_(pa.list_(pa.float32())))
    found = samples_of(array, X, "c", 0)
    assert [f.shape for f in found] == [(2, 0), (1, 0), (0, 0)]


def test_flat_lists_of_two_free_axes_are_left_flat():
    """How wide a row is cannot be known."""
    array = pa.array([[1.0] * 6], pa.list_(pa.float32()))
    assert samples_of(array, Column("x", shape=(None, None)), "c", 0)[0].shape == (6,)


MORE = {
    "times": (pa.array([1, 2], pa.timestamp("s")), X, "expected numbers; found timestamp[s]"),
    "texts within lists": (
        pa.array([["a"], ["b"]]),
        X,
        "c holds no numbers; expected numbers; found string",
    ),
    "a label that is neither": (
        pa.array([b"a"]),
        Column("labels", is_input=False),
        "c holds no numbers; expected numbers or texts; found binary",
    ),
    "nothing but nulls": (pa.array([None, None], pa.float32()), X, "found none in row 10"),
}


@pytest.mark.parametrize("name", MORE)
def test_more_refusals(name):
    array, column, message = MORE[name]
    with pytest.raises(DataError, match=re.escape(message)):
        samples_of(array, column, "c", 10)


@pytest.mark.parametrize("start", range(8))
def test_batches_are_of_bounded_size(tmp_path, monkeypatch, start):
    """A file of 7 rows in groups of 3, read two rows at a time, from any row on."""
    array = pa.array([[[float(k)] * 3] for k in range(7)], pa.list_(FIXED))
    path = write(tmp_path / "s.parquet", array, row_group_size=3)
    monkeypatch.setattr(module, "MOST_ROWS", 2)
    rows = ParquetRows(path, [X])
    assert rows._rows_a_batch == 2
    assert [r["x"][0, 0] for r in rows.read(start)] == list(range(start, 7))


def test_large_rows_come_one_at_a_time(tmp_path, monkeypatch):
    path = write(tmp_path / "s.parquet", pa.array(LISTS, pa.list_(FIXED)))
    monkeypatch.setattr(module, "BATCH_BYTES", 1)
    rows = ParquetRows(path, [X])
    assert rows._rows_a_batch == 1
    assert len(list(rows.read())) == 3


def test_a_file_without_rows(tmp_path):
    path = write(tmp_path / "s.parquet", pa.array([], pa.list_(FIXED)))
    rows = ParquetRows(path, [X])
    assert rows.count == 0
    assert list(rows.read()) == []


def test_a_row_is_called_by_its_file(tmp_path):
    path = write(tmp_path / "s.parquet", pa.array(LISTS, pa.list_(FIXED)))
    rows = ParquetRows(path, [X])
    assert rows.files == (path,)
    assert rows.place(2) == f"sample 2 of '{path}'"


def test_a_row_far_into_a_file_is_named_by_its_number(tmp_path, monkeypatch):
    samples = [[[1.0] * 3]] * 8
    samples[6] = None
    path = write(tmp_path / "s.parquet", pa.array(samples, pa.list_(FIXED)), row_group_size=3)
    monkeypatch.setattr(module, "MOST_ROWS", 2)
    with pytest.raises(
        DataError, match=f"column 'x' of '{re.escape(str(path))}' holds nulls.*row 6"
    ):
        list(ParquetRows(path, [X]).read(1))


def test_inputs_and_labels_side_by_side(tmp_path):
    path = tmp_path / "s.parquet"
    flat = pa.array(FLAT, pa.list_(pa.float32()))
    pa.parquet.write_table(pa.table({"frames": flat, "labels": [4, 5, 6]}), path)
    columns = [Column("x", "frames", (None, 3)), Column("labels", is_input=False)]
    found = list(ParquetRows(path, columns).read())
    assert [int(r["labels"]) for r in found] == [4, 5, 6]
    assert [r["x"].shape for r in found] == [(2, 3), (1, 3), (4, 3)]


def test_one_column_for_two_inputs(tmp_path):
    path = write(tmp_path / "s.parquet", pa.array(LISTS, pa.list_(FIXED)), name="k")
    columns = [Column("x", "k", (None, 3)), Column("z", "k", (None, 3))]
    for row in ParquetRows(path, columns).read():
        assert np.array_equal(row["x"], row["z"])


def test_without_pyarrow(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    message = "Parquet files need pyarrow, which is not installed. pip install 'rnnlite[data]'."
    with pytest.raises(DependencyError, match=f"^{re.escape(message)}$"):
        arrow()
