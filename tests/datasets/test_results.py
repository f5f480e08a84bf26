"""Results as files: types by the outputs' shapes, parts joined in order."""

import errno
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnlite.datasets import results
from rnnlite.datasets.results import (
    NpzFormat,
    ParquetFormat,
    format_for,
    refusing_write,
    unwritten,
)
from rnnlite.errors import OutputError
from rnnlite.specs import TensorSpec

pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
pytest.importorskip("pyarrow.parquet")

LABEL = TensorSpec("label", (1, 3), "float32")
TAGS = TensorSpec("tags", (1, None, 2), "float32")
LENGTH = TensorSpec("length", (1,), "int32")
MAPS = TensorSpec("maps", (1, None, None, 2), "int8", quantization=(0.5, 3))
RNG = np.random.default_rng(2)


def columns(count):
    sizes = RNG.integers(0, 4, (count, 2))
    return {
        "label": [RNG.random(3, np.float32) for _ in sizes],
        "tags": [RNG.random((t, 2), np.float32) for t, _ in sizes],
        "length": [np.int32(t) for t, _ in sizes],
        "maps": [RNG.integers(-9, 9, (t, h, 2), np.int8) for t, h in sizes],
    }


def test_parquet_types_and_values(tmp_path):
    outputs = [LABEL, TAGS, LENGTH, MAPS]
    form = format_for(tmp_path / "out.parquet", outputs, raw=True)
    first, second = columns(5), columns(4)
    for name, part in ("a", first), ("b", second):
        (tmp_path / name).write_bytes(form.part(part, 0))
    form.join([tmp_path / "a", tmp_path / "b"], tmp_path / "out.parquet")
    table = pa.parquet.read_table(tmp_path / "out.parquet")
    assert [str(t) for t in table.schema.types] == [
        "fixed_size_list<element: float>[3]",
        "large_list<element: fixed_size_list<element: float>[2]>",
        "int32",
        "large_list<element: large_list<element: fixed_size_list<element: int8>[2]>>",
    ]
    for spec in outputs:
        found = table.column(spec.name).to_pylist()
        wanted = [*first[spec.name], *second[spec.name]]
        assert found == [row.tolist() for row in wanted]


def test_quantized_outputs_are_floats_unless_raw():
    rows = {"maps": [np.ones((1, 1, 2), np.float32) / 4]}
    for raw, kind in ((False, "float"), (True, "int8")):
        content = ParquetFormat([MAPS], raw=raw).part(rows, 0)
        assert kind in str(pa.parquet.read_table(pa.BufferReader(content)).schema.types[0])


@pytest.mark.parametrize(
    ("outputs", "keys"),
    [
        ([LABEL], ["arr_7", "arr_8", "arr_9"]),
        ([LABEL, LENGTH], ["label/7", "label/8", "label/9", "length/7", "length/8", "length/9"]),
    ],
)
def test_npz_keys_go_on_from_part_to_part(tmp_path, outputs, keys):
    form = format_for(tmp_path / "out.npz", outputs)
    part = {spec.name: columns(3)[spec.name] for spec in outputs}
    (tmp_path / "a").write_bytes(form.part({n: rows[:2] for n, rows in part.items()}, 7))
    (tmp_path / "b").write_bytes(form.part({n: rows[2:] for n, rows in part.items()}, 9))
    form.join([tmp_path / "a", tmp_path / "b"], tmp_path / "out.npz")
    with np.load(tmp_path / "out.npz") as found:
        assert sorted(found.files) == keys
        values = [found[k] for k in keys]
    wanted = [row for spec in outputs for row in part[spec.name]]
    assert all(np.array_equal(a, b) for a, b in zip(values, wanted, strict=True))


def test_kinds_that_are_not_written(tmp_path):
    with pytest.raises(OutputError, match=r"kind that is not written; .*found \.txt"):
        format_for(tmp_path / "out.txt", [LABEL])


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.npz", NpzFormat),
        ("a.NPZ", NpzFormat),
        ("a.parquet", ParquetFormat),
        ("a.b.pq", ParquetFormat),
    ],
)
def test_the_format_goes_by_the_suffix(name, kind):
    assert isinstance(format_for(Path(name), [LABEL]), kind)


@pytest.mark.parametrize(
    ("name", "found"), [("a.txt", ".txt"), ("a", "no suffix"), (".npz", "no suffix")]
)
def test_a_kind_that_is_not_written(name, found):
    expected = (
        f"'{name}' is of a kind that is not written; expected .npz or .parquet; found {found}."
    )
    with pytest.raises(OutputError) as caught:
        format_for(Path(name), [LABEL])
    assert str(caught.value) == expected
    assert str(unwritten(Path(name), ".npz or .parquet")) == expected


@settings(max_examples=30, deadline=None)
@given(
    shape=st.lists(st.one_of(st.none(), st.integers(1, 3)), max_size=3),
    sizes=st.lists(st.lists(st.integers(0, 3), min_size=3, max_size=3), max_size=5),
    dtype=st.sampled_from(["float32", "int8", "int32", "bool"]),
)
def test_rows_of_any_shape_come_back_from_lists(shape, sizes, dtype):
    """Fixed axes and free ones, in any order, empty ones too."""
    spec = TensorSpec("y", (1, *shape), dtype)
    rng = np.random.default_rng(len(sizes))
    rows = [
        rng.integers(0, 2, [d or n for d, n in zip(shape, free, strict=False)]).astype(dtype)
        for free in sizes
    ]
    array = ParquetFormat([spec]).arrays({"y": rows})["y"]
    assert len(array) == len(rows)
    assert array.to_pylist() == [row.tolist() for row in rows]


def test_no_rows_keep_their_type():
    for spec, kind in ((LABEL, "fixed_size_list"), (TAGS, "large_list"), (LENGTH, "int32")):
        array = ParquetFormat([spec]).arrays({spec.name: []})[spec.name]
        assert (len(array), str(array.type).startswith(kind)) == (0, True)


@pytest.mark.parametrize("suffix", [".npz", ".parquet"])
def test_one_part_is_the_whole(tmp_path, suffix):
    form = format_for(tmp_path / f"out{suffix}", [LABEL])
    rows = [np.full(3, k, np.float32) for k in range(4)]
    (tmp_path / "a").write_bytes(form.part({"label": rows}, 0))
    form.join([tmp_path / "a"], tmp_path / f"out{suffix}")
    if suffix == ".npz":
        with np.load(tmp_path / "out.npz") as found:
            assert [found[f"arr_{k}"].tolist() for k in range(4)] == [r.tolist() for r in rows]
    else:
        table = pa.parquet.read_table(tmp_path / "out.parquet")
        assert table.column("label").to_pylist() == [r.tolist() for r in rows]


def test_a_part_of_an_npz_needs_no_pyarrow(tmp_path, monkeypatch):
    def missing():
        raise AssertionError("pyarrow was asked for")

    monkeypatch.setattr(results, "arrow", missing)
    assert format_for(tmp_path / "a.npz", [LABEL]).part({"label": [np.zeros(3)]}, 0)


@pytest.mark.parametrize(
    ("error", "found"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "No space left on device"),
        (OSError("odd"), "odd"),
    ],
)
def test_what_writing_raises_names_the_path(error, found):
    with pytest.raises(OutputError) as caught, refusing_write(Path("a/b.npz"), "Free some"):
        raise error
    assert str(caught.value) == f"cannot write 'a/b.npz': {found}. Free some."
    with pytest.raises(ZeroDivisionError), refusing_write(Path("a")):
        raise ZeroDivisionError
