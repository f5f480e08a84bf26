"""Results as files: types by the outputs' shapes, parts joined in order."""

import numpy as np
import pytest

from rnnlite.datasets.results import ParquetFormat, format_for
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
