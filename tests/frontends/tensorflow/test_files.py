"""SavedModels and checkpoints; broken and foreign files are refused in words."""

import re
import shutil

import numpy as np
import pytest
import tensorflow as tf
import tf_keras
from artefacts import FOLDER, error

import rnnlite
from rnnlite.errors import ShapeError, SourceError, UnsupportedError
from rnnlite.frontends.tensorflow.files import read_frozen
from rnnlite.frontends.tensorflow.request import TensorFlowRequest


@pytest.mark.parametrize("name", ["bidirectional_lengths", "keras_lstm"])
def test_a_saved_model_of_tensorflow_1(name):
    converted = rnnlite.convert(FOLDER / f"{name}_saved_model")
    assert error(converted, name) < 1e-5


@pytest.mark.parametrize("end", ["", "/model.ckpt", "/model.ckpt.meta"])
def test_a_checkpoint_by_folder_prefix_and_meta(end):
    converted = rnnlite.convert(f"{FOLDER}/lstm_peepholes_checkpoint{end}")
    assert error(converted, "lstm_peepholes") < 1e-5


def test_a_training_graph_is_pruned_to_the_outputs():
    converted = rnnlite.convert(FOLDER / "training_checkpoint", outputs=["scores:0"])
    assert [i["name"] for i in converted.report.inputs] == ["x"]
    assert error(converted, "training") < 1e-5


def test_outputs_that_cannot_be_found_are_suggested():
    with pytest.raises(SourceError, match=r"no node that could be an output.*'scores:0'"):
        rnnlite.convert(FOLDER / "training_checkpoint")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"outputs": ["output:0"]}, r"no tensor 'output:0'; found near it: 'outputs:0'"),
        ({"inputs": ["y"]}, "no tensor 'y:0'"),
    ],
)
def test_unknown_names(options, message):
    with pytest.raises((SourceError, UnsupportedError), match=message):
        rnnlite.convert(FOLDER / "basic_lstm.pb", **options)


def test_an_input_that_was_not_named():
    with pytest.raises(UnsupportedError, match=r"need the input 'x:0', which was not named"):
        rnnlite.convert(FOLDER / "lengths_given.pb", inputs=["lengths:0"])


def test_inner_tensors_may_be_inputs_and_outputs():
    converted = rnnlite.convert(
        FOLDER / "multi_exit.pb", inputs=["x:0"], outputs=["one/transpose_1:0"]
    )
    (output,) = converted.report.outputs
    assert (output["name"], output["shape"]) == ("one/transpose_1", (1, None, 5))


def truncated(path, target, keep):
    target.write_bytes(path.read_bytes()[:keep])
    return target


def test_bad_files(tmp_path):
    whole = FOLDER / "basic_lstm.pb"
    cases = [
        (truncated(whole, tmp_path / "short.pb", 900), "is no graph, or it is truncated"),
        (truncated(whole, tmp_path / "none.pb", 0), "is empty"),
    ]
    (tmp_path / "foreign.pb").write_bytes(b"\n\x03abc" * 7)
    cases.append((tmp_path / "foreign.pb", "is no graph"))
    saved = tmp_path / "saved"
    shutil.copytree(FOLDER / "keras_lstm_saved_model", saved)
    shutil.rmtree(saved / "variables")
    cases.append((saved, "cannot be loaded"))
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    truncated(FOLDER / "keras_lstm_saved_model" / "saved_model.pb", damaged / "saved_model.pb", 999)
    cases.append((damaged, "truncated or damaged"))
    checkpoint = tmp_path / "checkpoint"
    shutil.copytree(FOLDER / "lstm_peepholes_checkpoint", checkpoint)
    next(checkpoint.glob("*.data-*")).unlink()
    cases.append((checkpoint / "model.ckpt", "variables of the checkpoint .* cannot be restored"))
    for path, message in cases:
        with pytest.raises(SourceError, match=message):
            rnnlite.convert(path)


def graph_of(build):
    graph = tf.Graph()
    with graph.as_default():
        build(tf.compat.v1)
    return graph.as_graph_def()


@pytest.mark.parametrize(
    ("build", "kind", "message"),
    [
        (
            lambda v1: v1.identity(
                v1.strings.to_number(v1.placeholder("string", [None], "s")), "y"
            ),
            UnsupportedError,
            "input 's:0' takes strings.*Name inputs behind the decoding: 'StringToNumber:0'",
        ),
        (
            lambda v1: v1.identity(
                v1.get_variable("w", [3, 2]) + v1.placeholder("float32", [2]), "y"
            ),
            UnsupportedError,
            "is a variable, of which the graph holds no value",
        ),
        (
            lambda v1: v1.tanh(v1.placeholder("float32", None, "x"), "y"),
            ShapeError,
            "the rank of input 'x:0' is not known",
        ),
        (lambda v1: v1.constant(1.0, name="c"), SourceError, "no node that could be an output"),
        (
            lambda v1: v1.identity(v1.linalg.inv(v1.placeholder("float32", [1, 3, 3], "x")), "y"),
            UnsupportedError,
            "MatrixInverse has no builtin LiteRT form",
        ),
    ],
)
def test_what_has_no_form_is_refused_by_name(tmp_path, build, kind, message):
    path = tmp_path / "graph.pb"
    path.write_bytes(graph_of(build).SerializeToString())
    with pytest.raises(kind, match=message):
        rnnlite.convert(path)


def test_sizes_that_the_graph_pins():
    with pytest.raises(ShapeError, match="'x' cannot have batch size 3; expected 2"):
        rnnlite.convert(FOLDER / "pinned.pb", batch_size=3)
    with pytest.raises(ShapeError, match="length of input 'x' cannot be freed"):
        rnnlite.convert(FOLDER / "pinned.pb", sequence_length=None)
    converted = rnnlite.convert(FOLDER / "pinned.pb")
    assert "input 'x' has a fixed length, 6, as the graph pins it" in converted.report.notes


class Halved(tf.Module):
    """A function with a loop, a write to a variable and two results."""

    def __init__(self):
        self.kernel = tf.Variable(np.linspace(-0.5, 0.5, 28, dtype=np.float32).reshape(7, 4))
        self.calls = tf.Variable(0.0)

    @tf.function(input_signature=[tf.TensorSpec([None, None, 3], name="x")])
    def run(self, x):
        h = tf.zeros([tf.shape(x)[0], 4])
        rows = tf.TensorArray(tf.float32, tf.shape(x)[1])
        for t in tf.range(tf.shape(x)[1]):
            h = tf.tanh(tf.concat([x[:, t], h], 1) @ self.kernel)
            rows = rows.write(t, h)
        self.calls.assign_add(1.0)
        return {"rows": tf.transpose(rows.stack(), [1, 0, 2]), "h": h}


def test_a_function_of_tensorflow_2(tmp_path):
    module = Halved()
    function = module.run.get_concrete_function()
    tf.saved_model.save(
        module, str(tmp_path / "m"), signatures={"run": function, "other": function}
    )
    with pytest.raises(SourceError, match=r"does not say which of its signatures.*'other', 'run'"):
        rnnlite.convert(tmp_path / "m")
    with pytest.raises(SourceError, match="has no signature 'walk'; found 'other', 'run'"):
        rnnlite.convert(tmp_path / "m", signature="walk")
    with pytest.raises(SourceError, match="no graph with the tags asked for; expected train"):
        rnnlite.convert(tmp_path / "m", signature="run", tags=["train"])
    converted = rnnlite.convert(tmp_path / "m", signature="run")
    assert [o["name"] for o in converted.report.outputs] == ["h", "rows"]
    x = np.random.default_rng(0).standard_normal((1, 6, 3)).astype(np.float32)
    expected = module.run(x)
    for spec, found in zip(
        converted.report.outputs, rnnlite.load(converted.tflite).run([x]), strict=True
    ):
        np.testing.assert_allclose(found, expected[spec["name"]], atol=1e-6)


class Twice(tf_keras.layers.Layer):
    """A recurrence inside a class of the user's."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.lstm = tf_keras.layers.LSTM(6, return_sequences=True)
        self.gru = tf_keras.layers.Bidirectional(tf_keras.layers.GRU(5))

    def call(self, x):
        return self.gru(self.lstm(x))


@pytest.mark.parametrize("metadata", [True, False])
def test_a_keras_saved_model_without_its_classes(tmp_path, metadata):
    model = tf_keras.Sequential([tf_keras.Input((None, 3)), Twice(), tf_keras.layers.Dense(2)])
    model.save(tmp_path / "m")
    if not metadata:
        (tmp_path / "m" / "keras_metadata.pb").unlink()
    converted = rnnlite.convert(tmp_path / "m")
    x = np.random.default_rng(0).standard_normal((1, 9, 3)).astype(np.float32)
    (found,) = rnnlite.load(converted.tflite).run([x])
    np.testing.assert_allclose(found, model(x), atol=1e-6)
    told = [n for n in converted.report.notes if "read by its signature" in n]
    assert len(told) == metadata
    kinds = sorted(r["kind"] for r in converted.report.recurrences)
    assert kinds == ["GRU", "GRU", "LSTM"]


def checkpoint(folder):
    shutil.copytree(FOLDER / "lstm_peepholes_checkpoint", folder)
    return folder


@pytest.mark.parametrize("text", ["", "no such field: 1", None])
def test_a_folder_that_names_no_checkpoint(tmp_path, text):
    """Its file is empty, damaged, or names one that is not there."""
    folder = checkpoint(tmp_path / "saved")
    (folder / "checkpoint").write_text(text or 'model_checkpoint_path: "other"')
    if text is not None:
        (folder / "checkpoint").write_text(text)
    with pytest.raises(
        SourceError, match=r"the folder '.*saved' names no checkpoint. Give NAME.meta"
    ):
        rnnlite.convert(folder)


def test_a_truncated_graph_of_a_checkpoint(tmp_path):
    folder = checkpoint(tmp_path / "saved")
    meta = next(folder.glob("*.meta"))
    truncated(meta, meta, 1000)
    message = r"the graph of the checkpoint, '.*\.meta', cannot be read; expected a MetaGraphDef"
    with pytest.raises(SourceError, match=message):
        rnnlite.convert(meta)


def test_a_graph_whose_variables_nothing_restores(tmp_path):
    """Written without its collections, a graph does not say that it has variables."""
    v1 = tf.compat.v1
    with tf.Graph().as_default():
        x = v1.placeholder(tf.float32, [None, None, 4], "x")
        v1.disable_resource_variables()
        w = v1.get_variable("w", [4], use_resource=False)
        v1.enable_resource_variables()
        tf.identity(x * w, "y")
        with v1.Session() as session:
            session.run(v1.global_variables_initializer())
            v1.train.Saver().save(session, str(tmp_path / "m"), write_meta_graph=False)
            v1.train.export_meta_graph(str(tmp_path / "m.meta"), collection_list=[])
    with pytest.raises(SourceError, match=r"checkpoint 'm' cannot be frozen; found .*w"):
        rnnlite.convert(tmp_path / "m.meta", outputs=["y:0"])


@pytest.mark.parametrize(
    ("nodes", "found"),
    [
        ([tf.compat.v1.NodeDef(name="x")], "1 nodes, some without op"),
        ([tf.compat.v1.NodeDef(op="Tanh")] * 2, "2 nodes, some without op"),
    ],
)
def test_nodes_that_are_none(tmp_path, nodes, found):
    """Bytes that parse by chance."""
    path = tmp_path / "g.pb"
    path.write_bytes(tf.compat.v1.GraphDef(node=nodes).SerializeToString())
    with pytest.raises(SourceError) as error:
        read_frozen(path, TensorFlowRequest())
    assert str(error.value) == (
        f"'{path}' is no graph; expected a GraphDef with nodes; found {found}. Give a frozen "
        "graph, a SavedModel folder or a checkpoint."
    )


class OfTexts(tf.Module):
    """Characters of texts, a table of rows, and whether a sum of them is above 0, in words."""

    def __init__(self):
        super().__init__()
        rng = np.random.default_rng(0)
        self.table = tf.Variable(rng.standard_normal((300, 4)).astype(np.float32))

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="texts")])
    def __call__(self, texts):
        letters = tf.io.decode_raw(texts, tf.uint8, fixed_length=8)
        return {"words": tf.strings.as_string(self.above(tf.cast(letters, tf.int32)))}

    @tf.function(input_signature=[tf.TensorSpec([None, None], tf.int32)])
    def above(self, ids):
        ids = tf.identity(ids, "letters")
        with tf.compat.v1.get_default_graph().colocate_with(ids.op):
            rows = tf.nn.embedding_lookup(self.table, ids)
        return tf.identity(tf.reduce_sum(tf.cumsum(rows, 1), -1) > 0, "above")


def test_tensors_within_functions_are_named_as_a_refusal_names_them(tmp_path):
    model = OfTexts()
    tf.saved_model.save(model, str(tmp_path / "m"), signatures=model.__call__)
    with pytest.raises(UnsupportedError, match="holds strings") as refused:
        rnnlite.convert(tmp_path / "m")
    (front,) = set(re.findall(r"such as '([^']+)'", str(refused.value)))
    # It is the result of a call: what the function is made of stands behind its name.
    call = front.removesuffix(":0")
    with pytest.raises(UnsupportedError, match="takes strings"):
        rnnlite.convert(tmp_path / "m", outputs=[front])
    ends = {"inputs": [f"{call}/letters:0"], "outputs": [f"{call}/above:0"]}
    converted = rnnlite.convert(tmp_path / "m", **ends)
    ids = np.random.default_rng(1).integers(0, 300, (1, 8)).astype(np.int32)
    (found,) = rnnlite.load(converted).run([ids])
    np.testing.assert_array_equal(found, model.above(ids))
    with pytest.raises(SourceError, match=r"the graph has no tensor '.*/none:0'; found near it"):
        rnnlite.convert(tmp_path / "m", outputs=[f"{call}/none:0"])
