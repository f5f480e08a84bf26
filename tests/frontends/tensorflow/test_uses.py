"""When the last row of what a loop writes is all that is read."""

import numpy as np
import pytest
import tensorflow as tf
from artefacts import FOLDER
from building import graph_def, node

import rnnlite
from rnnlite.frontends.tensorflow.files import read_frozen
from rnnlite.frontends.tensorflow.frames import frames_of
from rnnlite.frontends.tensorflow.nodes import Graph, graph_of
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


F, I = tf.float32, tf.int32  # noqa: E741 - int32


def sliced(at, **masks):
    """array -> stack (T, B, F) -> transpose (B, T, F) -> a slice; which nodes are needed."""
    names = {"begin": 0, "end": 0, "ellipsis": 0, "new_axis": 0, "shrink_axis": 0} | masks
    nodes = [
        node("TensorArrayV3", "array"),
        node("TensorArrayGatherV3", "stack", "array", "array", "array:1"),
        node("Const", "front", dtype=I, value=np.array([1, 0], np.int32)),
        node("Const", "start", dtype=I, value=np.int32(2)),
        node("Rank", "rank", "stack", T=F),
        node("Const", "three", dtype=I, value=np.int32(3)),
        node("Const", "one", dtype=I, value=np.int32(1)),
        node("Range", "rest", "start", "three", "one", Tidx=I),
        node("Const", "zero", dtype=I, value=np.int32(0)),
        node("ConcatV2", "perm", "front", "rest", "zero", T=I, N=2),
        node("Transpose", "turned", "stack", "perm", T=F),
        node("Identity", "passed", "turned", T=F),
        node("Const", "begin", dtype=I, value=np.array(at, np.int32)),
        node(
            "StridedSlice",
            "y",
            "passed",
            "begin",
            "begin",
            "begin",
            **{f"{k}_mask": v for k, v in names.items()},
        ),
    ]
    return graph_of(graph_def(*nodes))


def last_alone(graph, outputs=("y",)):
    needed = graph.ancestors([f"{o}:0" for o in outputs])
    return only_last_row(graph, "array:1", needed, set(outputs))


SLICES = {
    "y[:, -1]": ([0, -1], {"begin": 1, "end": 1, "shrink_axis": 2}, True),
    "y[:, -2]": ([0, -2], {"begin": 1, "end": 1, "shrink_axis": 2}, False),
    "y[:, -1:]": ([0, -1], {"begin": 1, "end": 3}, False),
    "y[-1]": ([-1], {"shrink_axis": 1}, False),
    "y[-1, -1]": ([-1, -1], {"shrink_axis": 3}, True),
    "y[:, :][0]": ([0, -1], {"begin": 3, "end": 3, "shrink_axis": 2}, False),
    "y[..., -1, :]": ([0, -1, 0], {"ellipsis": 1, "begin": 4, "end": 4, "shrink_axis": 2}, False),
    "y[None, :, -1]": ([0, -1], {"new_axis": 1, "begin": 1, "end": 1, "shrink_axis": 2}, False),
}


@pytest.mark.parametrize("case", SLICES)
def test_slices_of_what_is_stacked(case):
    """Behind a transpose, whose order is put together, time is the second axis."""
    at, masks, wanted = SLICES[case]
    assert last_alone(sliced(at, **masks)) == wanted


def test_what_is_an_output_itself_is_read_whole():
    graph = sliced([0, -1], begin=1, end=1, shrink_axis=2)
    assert last_alone(graph)
    for name in ("stack", "turned", "passed"):
        assert not last_alone(graph, ("y", name))


def test_who_asks_for_the_number_of_rows_reads_none():
    nodes = dict(sliced([0, -1], begin=1, end=1, shrink_axis=2).nodes)
    nodes["size"] = node("TensorArraySizeV3", "size", "array", "array:1")
    nodes["z"] = node("Identity", "z", "size", T=I)
    graph = Graph(nodes, {})
    assert last_alone(graph, ("y", "z"))
    # Of its size alone no row is read: then there is no last one to keep.
    assert not last_alone(graph, ("z",))


def test_a_second_reader_of_all_rows():
    nodes = dict(sliced([0, -1], begin=1, end=1, shrink_axis=2).nodes)
    nodes["mean"] = node("Mean", "mean", "turned", "zero", T=F)
    graph = Graph(nodes, {})
    assert not last_alone(graph, ("y", "mean"))
    # Unless nothing needs it.
    assert last_alone(graph, ("y",))


def test_an_order_that_is_not_known():
    nodes = dict(sliced([0, -1], begin=1, end=1, shrink_axis=2).nodes)
    nodes["rest"] = node("Range", "rest", "start", "rank", "one", Tidx=I)
    assert not last_alone(Graph(nodes, {}))
