"""Frozen graphs that are written: names, control flow of TensorFlow 1, the same results."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tf_keras
from artefacts import FOLDER, error
from tensorflow.python.framework import op_def_registry

import rnnlite

V2 = ("While", "StatelessWhile", "If", "StatelessIf", "PartitionedCall", "StatefulPartitionedCall")


def read(path):
    graph = tf.compat.v1.GraphDef()
    graph.ParseFromString(path.read_bytes())
    return graph


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("lstm_peepholes_checkpoint", "lstm_peepholes"),
        ("bidirectional_lengths_saved_model", "bidirectional_lengths"),
        ("greedy_decoder.pb", "greedy_decoder"),
    ],
)
def test_any_source_freezes_and_converts(tmp_path, source, name):
    signature = rnnlite.freeze(FOLDER / source, tmp_path / "frozen.pb")
    shapes = {t.name: t.shape for t in signature.inputs}
    assert shapes["x"] == (None, None, 3)
    assert all(t.shape is not None for t in signature.outputs)
    assert error(rnnlite.convert(tmp_path / "frozen.pb"), name) < 1e-5


@pytest.mark.parametrize("K", [keras, tf_keras], ids=["keras", "tf_keras"])
def test_a_live_model(tmp_path, K):
    model = K.Sequential(
        [
            K.Input((None, 3), name="frames"),
            K.layers.Bidirectional(K.layers.LSTM(4, return_sequences=True)),
            K.layers.GRU(5),
            K.layers.Dense(2, name="scores"),
        ]
    )
    signature = rnnlite.freeze(model, tmp_path / "frozen.pb")
    names = [[t.name for t in part] for part in signature]
    assert names == [["frames"], ["scores"]]
    graph = read(tmp_path / "frozen.pb")
    ops = {n.op for n in graph.node}
    assert not ops & {*V2, "VarHandleOp", "ReadVariableOp"}
    assert {"Enter", "Exit", "LoopCond"} <= ops
    x = np.random.default_rng(0).standard_normal((2, 7, 3)).astype(np.float32)
    with tf.Graph().as_default() as opened, tf.compat.v1.Session(graph=opened) as session:
        tf.import_graph_def(graph, name="")
        found = session.run("scores:0", {"frames:0": x})
    np.testing.assert_allclose(found, model(x), atol=1e-6)


def test_no_attribute_is_written_that_older_versions_do_not_know(tmp_path):
    rnnlite.freeze(FOLDER / "gru.pb", tmp_path / "frozen.pb")
    for node in read(tmp_path / "frozen.pb").node:
        defaults = {
            a.name: a.default_value
            for a in op_def_registry.get(node.op).attr
            if a.HasField("default_value")
        }
        assert not [k for k, v in node.attr.items() if defaults.get(k) == v]


def test_the_ends_print_as_a_table(tmp_path):
    signature = rnnlite.freeze(FOLDER / "gru.pb", tmp_path / "frozen.pb")
    assert "input   x        [any, any, 3]  float32" in str(signature)
    assert signature.to_dict()["outputs"][0]["name"] == "outputs"
