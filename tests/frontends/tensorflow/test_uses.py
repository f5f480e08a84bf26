"""When the last row of what a loop writes is all that is read."""

import pytest
from artefacts import FOLDER

import rnnlite
from rnnlite.frontends.tensorflow.files import read_frozen
from rnnlite.frontends.tensorflow.frames import frames_of
from rnnlite.frontends.tensorflow.nodes import graph_of
from rnnlite.frontends.tensorflow.request import TensorFlowRequest
from rnnlite.frontends.tensorflow.uses import only_last_row


def read_rows(name, outputs):
    """For each array behind the loops of a graph: whether its last row alone is read."""
    path = FOLDER / f"{name}.pb"
    graph = graph_of(read_frozen(path, TensorFlowRequest()).definition)
    needed = graph.ancestors([f"{o}:0" for o in outputs])
    exits = [
        e for f in dict.fromkeys(frames_of(graph).values()) for v in f.carried for e in v.exits
    ]
    arrays = [
        e
        for e in exits
        if any(n.op == "TensorArrayGatherV3" for n in graph.consumers.get(e.split(":")[0], []))
    ]
    return {only_last_row(graph, e, needed, set(outputs)) for e in arrays}


@pytest.mark.parametrize(
    ("name", "outputs", "expected"),
    [
        ("last_output", ["scores"], {True}),
        ("basic_lstm", ["outputs"], {False}),
        ("keras_lstm", ["y"], {True, False}),
        ("multi_exit", ["early", "late"], {False}),
        ("multi_exit", ["early"], {True, False}),
    ],
)
def test_uses(name, outputs, expected):
    assert read_rows(name, outputs) == expected


def test_a_last_output_needs_no_sequence():
    last = rnnlite.convert(FOLDER / "last_output.pb").report
    every = rnnlite.convert(FOLDER / "basic_lstm.pb").report
    assert "DYNAMIC_UPDATE_SLICE" not in last.ops
    assert "DYNAMIC_UPDATE_SLICE" in every.ops
