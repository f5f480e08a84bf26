"""The time of each op (never how long it took), and its error."""

import json

import keras
import pytest

import rnnlite
from rnnlite.lite import schema
from rnnlite.viewing.node_data import error_data, node_data, op_times


@pytest.fixture(scope="module")
def small():
    """A file of few ops: each of them is a run of its own."""
    layers = [keras.Input((None, 3)), keras.layers.SimpleRNN(4), keras.layers.Dense(2)]
    return rnnlite.convert(keras.Sequential(layers), verify=False, schedule="chunk=1,depth=1")


def test_every_op_of_the_main_graph(small):
    found = op_times(small.tflite, 20)
    ops = list(schema.read(small.tflite).main.ops)
    assert [(kind, name) for kind, name, _ in found] == [(op.kind, op.output.name) for op in ops]
    assert all(ms >= 0 for *_, ms in found)
    assert sum(ms for kind, _, ms in found if kind == "WHILE") > 0


def test_as_json(small):
    found = json.loads(node_data(small.tflite, 20))["main"]
    names = {op.output.name for op in schema.read(small.tflite).main.ops}
    assert set(found["results"]) == names
    assert found["name"] == "milliseconds at 20 steps, by rnnlite"


def test_no_model():
    with pytest.raises(rnnlite.ModelError):
        op_times(b"nonsense")


def write(path, value):
    path.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
    return path


def of(*errors):
    keys = ("tensor", "error")
    return {"quantization": {"op_errors": [dict(zip(keys, e, strict=True)) for e in errors]}}


def test_errors_of_a_report(small, tmp_path):
    name = next(op.output.name for op in schema.read(small.tflite).main.ops)
    for report in (of((name, 0.012), ("", 0.5)), {"signatures": [of((name, 0.012))]}):
        found = json.loads(error_data(small.tflite, write(tmp_path / "r.json", report)))["main"]
        assert found["results"] == {name: {"value": 1.2}}
        assert found["name"] == "error against float32 in percent, by rnnlite"


@pytest.mark.parametrize(
    ("report", "message"),
    [
        ("{", "'.*r.json' is no report; expected what convert --json prints; found no JSON"),
        ([1], "has no errors of ops; expected that of a conversion to int8 or int16x8"),
        ({}, "has no errors of ops"),
        ({"quantization": None}, "has no errors of ops"),
        (of(), "has no errors of ops"),
        (of(("", 0.5)), "is the report of another file; expected names of tensors; found"),
        (of(("none/0", 0.5)), "is the report of another file; expected none/0; found .*--json"),
    ],
)
def test_reports_that_do_not_fit(small, tmp_path, report, message):
    with pytest.raises(rnnlite.DataError, match=message):
        error_data(small.tflite, write(tmp_path / "r.json", report))


def test_no_report(small, tmp_path):
    with pytest.raises(rnnlite.DataError, match=r"cannot read the report .*No such file"):
        error_data(small.tflite, tmp_path / "none.json")
