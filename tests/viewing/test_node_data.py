"""The time of each op (never how long it took)."""

import json

import pytest

import rnnlite
from rnnlite.lite import schema
from rnnlite.viewing.node_data import node_data, op_times


def test_every_op_of_the_main_graph(exits):
    found = op_times(exits.tflite, 20)
    ops = list(schema.read(exits.tflite).main.ops)
    assert [(kind, name) for kind, name, _ in found] == [(op.kind, op.output.name) for op in ops]
    assert all(ms >= 0 for *_, ms in found)
    assert sum(ms for kind, _, ms in found if kind == "WHILE") > 0


def test_as_json(exits):
    found = json.loads(node_data(exits.tflite, 20))["main"]
    names = {op.output.name for op in schema.read(exits.tflite).main.ops}
    assert set(found["results"]) == names
    assert found["name"] == "milliseconds at 20 steps, by rnnlite"


def test_no_model():
    with pytest.raises(rnnlite.ModelError):
        op_times(b"nonsense")
