"""Frames of TensorFlow 1: what is found, and one that cannot be read."""

import building
import numpy as np
import pytest
import tensorflow as tf
from building import node, placeholder

import rnnlite
from rnnlite.errors import UnsupportedError
from rnnlite.frontends.tensorflow.frames import frames_of
from rnnlite.frontends.tensorflow.nodes import graph_of

F = tf.float32


def test_variables_constants_and_exits(tmp_path):
    path = building.write(tmp_path / "graph.pb", lambda x: tf.identity(building.recurrent(x), "y"))
    graph = graph_of(tf.compat.v1.GraphDef.FromString(path.read_bytes()))
    (frame,) = set(frames_of(graph).values())
    assert frame.name == "while/while_context"
    assert [graph.node(v.enter).op for v in frame.carried] == ["Const", "Fill"]
    assert all(graph.node(v.merge).op == "Merge" for v in frame.carried)
    assert graph.node(frame.condition).op == "Less"
    assert all(graph.node(inner).op == "Enter" for inner in frame.constants)


def test_a_frame_without_condition(tmp_path):
    nodes = (
        placeholder(),
        node("Enter", "enter", "x", T=F, frame_name="frame"),
        node("Merge", "merge", "enter", "next", T=F, N=2),
        node("Const", "go", dtype=tf.bool, value=np.array(False)),
        node("Switch", "switch", "merge", "go", T=F),
        node("Tanh", "body", "switch:1", T=F),
        node("NextIteration", "next", "body", T=F),
        node("Exit", "exit", "switch", T=F),
        node("Tanh", "y", "exit", T=F),
    )
    path = building.write_nodes(tmp_path / "graph.pb", *nodes)
    with pytest.raises(
        UnsupportedError, match="the loop 'frame' has no condition; expected a Loop"
    ):
        rnnlite.convert(path, outputs=["y:0"])
