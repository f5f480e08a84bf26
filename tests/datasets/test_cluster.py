"""Blocks of rows to results; a local Ray of two workers, one of which is killed."""

import os
import signal

import numpy as np
import pytest

import rnnlite
from rnnlite.datasets import cluster, predicting
from rnnlite.errors import DataError, DependencyError, ModelError, SampleError, as_data
from rnnlite.ray import Predictor

pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
pytest.importorskip("pyarrow.parquet")


@pytest.fixture
def table(rows):
    array = pa.array([r.tolist() for r in rows], pa.list_(pa.list_(pa.float32(), 3)))
    return pa.table({"frames": array, "id": pa.array(range(len(rows)))})


def same(found, expected):
    assert len(found) == len(expected)
    assert all(
        np.array_equal(np.array(a, np.float32), b) for a, b in zip(found, expected, strict=True)
    )


def test_a_table(tagger, rows, table):
    expected = rnnlite.load(tagger).predict(rows)
    found = Predictor(tagger)(table)
    assert found.column_names == ["frames", "id", "scores"]
    same(found.column("scores").to_pylist(), expected)
    alone = Predictor(tagger, keep=False, columns={"frames": "frames"})(table)
    assert alone.column_names == ["scores"]
    twice = Predictor(tagger)(found)
    assert twice.column_names == ["frames", "id", "scores"]


def test_a_dict_of_arrays(tagger, rows):
    ragged = np.empty(len(rows), object)
    ragged[:] = rows
    nested = np.empty(len(rows), object)
    for k, row in enumerate(rows):
        nested[k] = np.empty(len(row), object)
        nested[k][:] = list(row)
    expected = rnnlite.load(tagger).predict(rows)
    for column in (ragged, nested):
        found = Predictor(tagger)({"x": column})
        same(found["scores"], expected)
    stacked = np.zeros((5, 4, 3), np.float32)
    assert Predictor(tagger, keep=False)({"x": stacked})["scores"].shape == (5, 4, 4)


@pytest.mark.parametrize(
    "shapes", [[(2, 3), (2, 4)], [(2, 3), (1, 3)], [(), (2,)], [(0, 3), (2, 3)], [(2,), (2, 1)]]
)
def test_results_of_different_shapes_are_a_column_of_arrays(shapes):
    rows = [np.full(shape, k, np.float32) for k, shape in enumerate(shapes)]
    found = cluster._column(rows)
    assert (found.dtype, found.shape) == (np.dtype(object), (2,))
    for a, b in zip(found, rows, strict=True):
        np.testing.assert_array_equal(a, b)


def test_results_of_one_shape_are_one_array():
    found = cluster._column([np.zeros((2, 3), np.float32)] * 4)
    assert (found.dtype, found.shape) == (np.float32, (4, 2, 3))


@pytest.mark.parametrize("raw", [True, False])
def test_integers_of_a_block(small, raw):
    x = np.array([[1.0, -1.5], [0.0, 0.5]], np.float32)
    found = Predictor(small.integers(), raw=raw, keep=False)({"x": [x]})
    assert list(found) == ["y"]
    expected = np.array([[[-4, -14], [-8, -6]]], np.int8) if raw else x[None]
    assert found["y"].dtype == expected.dtype
    np.testing.assert_array_equal(found["y"], expected)
    array = pa.array([x.tolist()], pa.list_(pa.list_(pa.float32(), 2)))
    column = Predictor(small.integers(), raw=raw)(pa.table({"x": array})).column("y")
    assert ("int8" if raw else "float") in str(column.type)


def test_several_inputs_and_outputs_of_a_block(small):
    x, z = np.ones((3, 2), np.float32), np.full((3, 2), 5, np.float32)
    block = {"x": [x, 2 * x], "other": [z, z], "id": [7, 8]}
    found = Predictor(small.pair(), columns={"z": "other"})(block)
    assert list(found) == ["x", "other", "id", "total", "twice"]
    np.testing.assert_array_equal(found["total"], [x + z, 2 * x + z])
    np.testing.assert_array_equal(found["twice"], [2 * x, 4 * x])
    assert found["id"] == [7, 8]
    with pytest.raises(DataError, match="the block has no column for input 'z'; expected 'z'"):
        Predictor(small.pair())(block)


def test_a_signature_of_a_block(small):
    x = np.ones((3, 2), np.float32)
    found = Predictor(small.two().bytes(), signature="second", keep=False)({"x": [x]})
    np.testing.assert_array_equal(found["of_second"], [3 * x])
    with pytest.raises(ModelError, match="the file has no signature 'third'"):
        Predictor(small.two().bytes(), signature="third")


def test_a_column_that_a_model_has_no_input_for(tagger):
    with pytest.raises(DataError, match="the input 'x', which the model does not have"):
        Predictor(tagger, columns={"x": "frames"})


def test_no_rows_are_no_results(tagger, table):
    found = Predictor(tagger)(table.slice(0, 0))
    assert found.column_names == ["frames", "id", "scores"]
    assert found.num_rows == 0


def test_refusals(tagger, table):
    with pytest.raises(ModelError, match="no LiteRT model"):
        Predictor(b"nothing")
    with pytest.raises(DataError, match=r"no column for .*'frames'; expected 'mfcc'; found frames"):
        Predictor(tagger, columns={"frames": "mfcc"})(table)
    with pytest.raises(SampleError, match="sample 1, input 'frames' has the wrong shape"):
        Predictor(tagger)({"frames": [np.zeros((2, 3)), np.zeros((2, 4))]})


def test_unknown_engine(tagger, tmp_path):
    with pytest.raises(DataError, match="unknown engine; expected local or ray; found dask"):
        rnnlite.predict_files(tagger, "x.npz", tmp_path / "o.npz", engine="dask")


def test_without_ray(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    with pytest.raises(DependencyError, match=r"need Ray, which is not installed.*rnnlite\[ray\]"):
        list(cluster.results_from_ray(b"", [], {}))


@pytest.fixture(scope="module")
def ray():
    """Ray on this machine: two workers, and room for what feeds them."""
    ray = pytest.importorskip("ray", reason="ray is not installed")
    ray.init(num_cpus=4, include_dashboard=False, log_to_driver=False)
    yield ray
    ray.shutdown()


def test_workers_give_what_one_gives(ray, tagger, rows, tmp_path, monkeypatch):
    monkeypatch.setattr(predicting, "RAY_ROWS", 7)
    np.savez(tmp_path / "in.npz", *rows)
    rnnlite.predict_files(
        tagger, tmp_path / "in.npz", tmp_path / "out.npz", engine="ray", workers=2
    )
    expected = rnnlite.load(tagger).predict(rows)
    with np.load(tmp_path / "out.npz") as found:
        same([found[f"arr_{k}"] for k in range(40)], expected)


class Refusing(cluster._Worker):
    """Refuses windows of 2 samples."""

    def run(self, window, options):
        if len(window) == 2:
            return as_data(SampleError("sample 7 is odd", expected="even", found="odd"))
        return super().run(window, options)


def test_what_a_worker_refuses(ray, tagger, rows, monkeypatch):
    monkeypatch.setattr(cluster, "_Worker", Refusing)
    windows = [[[row] for row in rows[:n]] for n in (1, 2, 1)]
    with pytest.raises(SampleError, match="sample 7 is odd; expected even; found odd"):
        list(cluster.results_from_ray(tagger, windows, {}, workers=2))


class Dying(cluster._Worker):
    """Ends its process at the first window of 3 samples, once."""

    def run(self, window, options):
        mark = options["mark"]
        if len(window) == 3 and not os.path.exists(mark):
            open(mark, "w").close()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().run(window, {})


def test_the_block_of_a_killed_worker_is_computed_again(ray, tagger, rows, tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "_Worker", Dying)
    sizes = [5, 3, 4, 3, 6, 5, 5, 9]
    windows, first = [], 0
    for size in sizes:
        windows.append([[row] for row in rows[first : first + size]])
        first += size
    options = {"mark": str(tmp_path / "died")}
    found = list(cluster.results_from_ray(tagger, windows, options, workers=2))
    assert (tmp_path / "died").exists()
    assert [len(results) for _, results in found] == sizes
    same([r[0] for _, results in found for r in results], rnnlite.load(tagger).predict(rows))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_map_batches(ray, tagger, rows, table):
    data = pytest.importorskip("ray.data", reason="ray.data is not installed")
    data.DataContext.get_current().enable_progress_bars = False
    found = (
        data.from_arrow(table)
        .repartition(4)
        .map_batches(Predictor, fn_constructor_args=[tagger], batch_format="pyarrow", concurrency=2)
        .sort("id")
        .take_all()
    )
    same([row["scores"] for row in found], rnnlite.load(tagger).predict(rows))
