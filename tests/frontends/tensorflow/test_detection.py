"""Files and folders of TensorFlow, told by the first bytes and by what lies beside them."""

import numpy as np
import pytest
import tensorflow as tf
from building import graph_from, node, placeholder

from rnnlite.frontends.tensorflow import detection
from rnnlite.frontends.tensorflow.detection import detect

GRAPH = tf.compat.v1.GraphDef(node=[placeholder(), node("Tanh", "y", "x", T=tf.float32)])


def write(folder, *names, data=b"\n"):
    for name in names:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(data)


FOLDERS = {
    "SavedModel": (["saved_model.pb"], "SavedModel"),
    "of Keras": (["saved_model.pb", "keras_metadata.pb"], "SavedModel of Keras that is read"),
    "checkpoint": (["checkpoint", "model.ckpt.meta"], "checkpoint"),
    "no graph beside the checkpoint": (["checkpoint"], None),
    "no list of checkpoints": (["model.ckpt.meta"], None),
    "empty": ([], None),
}


@pytest.mark.parametrize("case", FOLDERS)
def test_folders(tmp_path, case):
    names, kind = FOLDERS[case]
    write(tmp_path, *names)
    found = detect(tmp_path)
    assert found is None if kind is None else found.name.startswith(kind)


@pytest.mark.parametrize("given", ["model.ckpt", "model.ckpt.meta", "model.ckpt.index"])
def test_a_checkpoint_by_any_of_its_names(tmp_path, given):
    write(tmp_path, "model.ckpt.meta", "model.ckpt.index", "model.ckpt.data-00000-of-00001")
    assert detect(tmp_path / given) is detection.CHECKPOINT


def test_an_index_alone_is_no_checkpoint(tmp_path):
    write(tmp_path, "model.ckpt.index", data=b"\x00")
    assert detect(tmp_path / "model.ckpt.index") is None
    assert detect(tmp_path / "model.ckpt") is None


def test_a_graph_in_bytes(tmp_path):
    (tmp_path / "any.name").write_bytes(GRAPH.SerializeToString())
    assert detect(tmp_path / "any.name") is detection.GRAPH


@pytest.mark.parametrize("before", ["", "\n", "  \n\t"])
def test_a_graph_as_text(tmp_path, before):
    (tmp_path / "graph.pbtxt").write_text(before + str(GRAPH))
    assert detect(tmp_path / "graph.pbtxt") is detection.GRAPH


def test_the_file_in_a_saved_model(tmp_path):
    """Its first field is its version; elsewhere it is only a file that begins so."""
    write(tmp_path, "saved_model.pb", "other.pb", data=b"\x08\x01")
    assert detect(tmp_path / "saved_model.pb") is detection.SAVED_MODEL
    assert detect(tmp_path / "other.pb") is None


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"\x89HDF", b"nod", b"\x00\x01"])
def test_something_else(tmp_path, data):
    write(tmp_path, "file", data=data)
    assert detect(tmp_path / "file") is None


def test_what_a_saved_model_is(tmp_path):
    class Doubled(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None, 3])])
        def __call__(self, x):
            return 2.0 * x

    tf.saved_model.save(Doubled(), tmp_path)
    assert detect(tmp_path) is detect(tmp_path / "saved_model.pb") is detection.SAVED_MODEL


def test_options_that_each_kind_takes():
    """A graph has no signatures, a live object no tags."""
    takes = {
        k.name: set(k.options) for k in (detection.LIVE, detection.GRAPH, detection.CHECKPOINT)
    }
    ends = {"inputs", "outputs", "constants"}
    assert list(takes.values()) == [ends | {"signature"}, ends, ends]
    assert set(detection.SAVED_MODEL.options) == ends | {"signature", "tags"}


def test_a_frozen_graph_of_its_own(tmp_path):
    definition = graph_from(lambda x: tf.matmul(x, np.eye(3, dtype=np.float32), name="y"), x=[2, 3])
    (tmp_path / "g").write_bytes(definition.SerializeToString())
    assert detect(tmp_path / "g") is detection.GRAPH
