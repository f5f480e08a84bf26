"""Tables of rows: each whole or not there, also on a full disk."""

import csv
from pathlib import Path

import pytest

from rnnlite.errors import OutputError
from rnnlite.evaluation import writing
from rnnlite.evaluation.writing import RowTable, require_npz

RECORDS = [{"row": k, "length": k + 3, "difference": k / 4} for k in range(7)]


@pytest.mark.parametrize("kind", ["csv", "parquet"])
@pytest.mark.parametrize("batch", [3, 100])
def test_rows_in_batches(tmp_path, monkeypatch, kind, batch):
    monkeypatch.setattr(writing, "BATCH", batch)
    path = tmp_path / f"t.{kind}"
    with RowTable(path) as table:
        for record in RECORDS:
            table.add(record)
        assert not path.exists()
    if kind == "csv":
        with path.open() as file:
            found = [{k: float(v) for k, v in row.items()} for row in csv.DictReader(file)]
    else:
        parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
        found = parquet.read_table(path).to_pylist()
    assert found == RECORDS
    assert list(tmp_path.iterdir()) == [path]


class Full:
    """A file on a full disk: nothing fits, not even what a buffer still holds."""

    def __init__(self, file):
        self._file = file

    def __getattr__(self, name):
        return getattr(self._file, name)

    def write(self, _):
        raise OSError(28, "No space left on device")

    def close(self):
        self._file.close()
        raise OSError(28, "No space left on device")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("kind", ["csv", "parquet"])
@pytest.mark.parametrize("batch", [2, 100])
def test_a_full_disk(tmp_path, monkeypatch, kind, batch):
    monkeypatch.setattr(writing, "BATCH", batch)
    path = tmp_path / f"t.{kind}"
    path.write_text("old")

    def write():
        with RowTable(path) as table:
            table._file = Full(table._file)
            for record in RECORDS:
                table.add(record)

    with pytest.raises(OutputError, match=rf"cannot write '.*t\.{kind}': No space left"):
        write()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_fails_within_leaves_nothing(tmp_path):
    def stop():
        with RowTable(tmp_path / "t.csv") as table:
            table.add(RECORDS[0])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stop()
    assert not list(tmp_path.iterdir())


def test_kinds_that_are_not_written(tmp_path):
    for name, found in (("t.txt", r"\.txt"), ("t", "no suffix")):
        with pytest.raises(OutputError, match=rf"expected \.csv or \.parquet; found {found}"):
            RowTable(tmp_path / name)
    with pytest.raises(OutputError, match=r"'w\.csv' is of a kind.*expected \.npz; found \.csv"):
        require_npz(Path("w.csv"))
