"""Inputs of a graph fixed to a value: numbers against TensorFlow with the same values."""

import numpy as np
import pytest
import tensorflow as tf
from building import HEAD, assert_equal_to_source, recurrent, v1, write

import rnnlite
from rnnlite.errors import ShapeError, SourceError, UnsupportedError

BOTH = pytest.mark.parametrize("v2", [False, True], ids=["switches", "functions"])


def with_keep_prob(rank):
    def build(x):
        keep = v1.placeholder(tf.float32, rank, name="keep_prob")
        tf.nn.softmax(v1.nn.dropout(recurrent(x), keep_prob=keep) @ HEAD, name="y")

    return build


OFF = {"is_training:0": False, "labels:0": np.zeros((1, 8), np.float32)}


def with_training(x):
    training = v1.placeholder(tf.bool, None, name="is_training")
    labels = v1.placeholder(tf.float32, [None, 8], name="labels")
    h = recurrent(x)
    h = tf.cond(training, lambda: v1.nn.dropout(h, rate=0.5) + labels, lambda: h * 2.0)
    tf.identity(h @ HEAD, name="y")


@BOTH
@pytest.mark.parametrize("rank", [None, []], ids=["unknown rank", "scalar"])
def test_dropout_is_folded_away(tmp_path, rank, v2):
    path = write(tmp_path / "g.pb", with_keep_prob(rank), v2=v2)
    for name in ("keep_prob:0", "keep_prob"):
        converted = rnnlite.convert(path, constants={name: 1})
        assert "input 'keep_prob:0' is fixed to 1.0" in converted.report.notes
        assert not [op for op in converted.report.ops if "RANDOM" in op]
    assert_equal_to_source(converted, path, ["y:0"], {"keep_prob:0": 1.0})


@BOTH
def test_a_random_op_that_stays_is_refused(tmp_path, v2):
    path = write(tmp_path / "g.pb", with_keep_prob([]), v2=v2)
    message = (
        "RandomUniform 'dropout/random_uniform/RandomUniform' draws random numbers at inference; "
        r"expected a model that gives the same results each time. If an input switches it off, fix "
        r"that to {} value: constants=\{{'keep_prob:0': VALUE\}} \(--constant keep_prob:0=VALUE\)."
    )
    with pytest.raises(UnsupportedError, match=message.format("a")):
        rnnlite.convert(path)
    with pytest.raises(UnsupportedError, match=message.format("another")):
        rnnlite.convert(path, constants={"keep_prob": 0.5})


@BOTH
def test_a_branch_is_chosen_and_what_the_other_reads_is_not_needed(tmp_path, v2):
    path = write(tmp_path / "g.pb", with_training, v2=v2)
    converted = rnnlite.convert(path, constants={"is_training": False})
    assert [o["name"] for o in converted.report.outputs] == ["y"]
    assert_equal_to_source(converted, path, ["y:0"], OFF)


def test_a_file_is_verified_and_frozen_with_the_same_values(tmp_path):
    path = write(tmp_path / "g.pb", with_training)
    constants = {"is_training": False}
    rnnlite.convert(path, constants=constants).save(tmp_path / "m.tflite")
    assert rnnlite.verify(path, tmp_path / "m.tflite", constants=constants).parity.within
    signature = rnnlite.freeze(path, tmp_path / "f.pb", constants=constants)
    assert [t.name for t in signature.inputs] == ["x"]
    definition = v1.GraphDef.FromString((tmp_path / "f.pb").read_bytes())
    assert not {"Switch", "Merge", "RandomUniform"} & {
        n.op for n in definition.node if "cond" in n.name
    }
    converted = rnnlite.convert(tmp_path / "f.pb")
    assert_equal_to_source(converted, path, ["y:0"], OFF)


def test_a_default_is_taken_and_can_be_overridden(tmp_path):
    def build(x):
        scale = v1.placeholder_with_default(2.0, [], name="scale")
        tf.identity(recurrent(x) * scale, name="y")

    path = write(tmp_path / "g.pb", build)
    converted = rnnlite.convert(path)
    assert (
        "input 'scale:0' is left at its default, 2.0; constants= (--constant) gives it another "
        "value" in converted.report.notes
    )
    assert_equal_to_source(converted, path, ["y:0"])
    converted = rnnlite.convert(path, constants={"scale": 3.0})
    assert_equal_to_source(converted, path, ["y:0"], {"scale:0": 3.0})
    named = rnnlite.convert(path, inputs=["x:0", "scale:0"])
    assert [i["shape"] for i in named.report.inputs] == [(1, None, 4), ()]


def test_placeholders_with_a_default_alone_are_inputs(tmp_path):
    def build(x):
        x = v1.placeholder_with_default(np.zeros((1, 2, 4), np.float32), [None, None, 4], name="z")
        tf.identity(recurrent(x), name="y")

    definition = v1.GraphDef.FromString(write(tmp_path / "g.pb", build).read_bytes())
    kept = [n for n in definition.node if n.name != "x"]
    del definition.node[:]
    definition.node.extend(kept)
    (tmp_path / "g.pb").write_bytes(definition.SerializeToString())
    converted = rnnlite.convert(tmp_path / "g.pb")
    assert [(i["name"], i["shape"]) for i in converted.report.inputs] == [("z", (1, None, 4))]


@pytest.mark.parametrize(
    ("constants", "message"),
    [
        (
            {"is_trainin:0": False},
            "the constant 'is_trainin:0' is no input of graph 'g.pb'; expected one of its "
            "placeholders; found 'is_training:0'. Give the name of an input",
        ),
        ({"y": 1.0}, "the constant 'y' is a tensor, but no input of graph 'g.pb'"),
        (
            {"is_training": 1},
            r"'is_training' has the wrong dtype; expected true or false \(bool\); found 1 \(int",
        ),
        (
            {"labels": "x"},
            r"'labels' has the wrong dtype; expected numbers \(float32\); found x \(<U1\)",
        ),
        (
            {"labels": [[1, 2]]},
            r"'labels' has the wrong shape; expected \(None, 8\); found \(1, 2\)",
        ),
        (
            {"is_training": [True, False]},
            "the condition '.*' is fixed to 2 values; expected one. Fix the input that it comes "
            "from to a single value",
        ),
    ],
)
def test_constants_that_do_not_fit(tmp_path, constants, message):
    path = write(tmp_path / "g.pb", with_training)
    with pytest.raises(SourceError, match=message):
        rnnlite.convert(path, constants=constants)


def test_one_of_several_functions(tmp_path):
    def build(x):
        mode = v1.placeholder(tf.int32, [], name="mode")
        h = recurrent(x)
        branches = [lambda: h * 2.0, lambda: tf.tanh(h), lambda: h @ HEAD @ tf.transpose(HEAD)]
        tf.identity(tf.switch_case(mode, branches), name="y")

    path = write(tmp_path / "g.pb", build, v2=True)
    for mode in (0, 1, 7):
        converted = rnnlite.convert(path, constants={"mode": mode})
        assert_equal_to_source(converted, path, ["y:0"], {"mode:0": mode})
    free = rnnlite.convert(path)
    note = "input 'mode' takes a single number at each call; constants= (--constant) fixes it"
    assert note in free.report.notes
    assert free.report.parity.within


def test_dropout_of_before_tensorflow_1_13(tmp_path):
    """x / keep_prob * floor(keep_prob + random number)."""

    def build(x):
        keep = v1.placeholder(tf.float32, None, name="keep_prob")
        h = recurrent(x)
        kept = tf.floor(keep + v1.random_uniform(tf.shape(h)))
        tf.identity(tf.divide(h, keep) * kept @ HEAD, name="y")

    path = write(tmp_path / "g.pb", build)
    converted = rnnlite.convert(path, constants={"keep_prob": 1.0})
    assert not [op for op in converted.report.ops if op in ("FLOOR", "DIV", "RANDOM_UNIFORM")]
    assert_equal_to_source(converted, path, ["y:0"], {"keep_prob:0": 1.0})


def test_an_input_that_is_a_constant_too(tmp_path):
    path = write(tmp_path / "g.pb", with_training)
    with pytest.raises(SourceError, match="'labels' is named twice: as an input, and as a const"):
        rnnlite.convert(path, inputs=["x:0", "labels:0"], constants={"labels": [[0.0] * 8]})


def test_an_output_in_the_branch_that_is_not_taken(tmp_path):
    path = write(tmp_path / "g.pb", with_training)
    with pytest.raises(SourceError, match="output 'cond/mul:0' lies in a branch that is never tak"):
        rnnlite.convert(path, outputs=["cond/mul:0"], constants={"is_training": True})


def test_a_switch_that_is_not_fixed_is_named_with_the_remedy(tmp_path):
    path = write(tmp_path / "g.pb", with_training)
    with pytest.raises(
        ShapeError,
        match=r"the rank of input 'is_training:0' is not known.*fix it: "
        r"constants=\{'is_training:0': VALUE\} \(--constant is_training:0=VALUE\); if it takes",
    ):
        rnnlite.convert(path)


def test_a_keras_model_has_no_constants(exits_model):
    with pytest.raises(
        SourceError, match=r"constants=\{'keep_prob': .*\} is given, but the source is a live Keras"
    ):
        rnnlite.convert(exits_model, constants={"keep_prob": 1.0})


def test_constants_are_values_by_name_each_once(tmp_path):
    path = write(tmp_path / "g.pb", with_keep_prob([]))
    for constants in ([("keep_prob", 1.0)], {3: 1.0}):
        message = r"constants is no mapping from the names of inputs to values; expected such as"
        with pytest.raises(SourceError, match=message):
            rnnlite.convert(path, constants=constants)
    message = (
        "the input 'keep_prob:0' is fixed twice: as 'keep_prob', and as 'keep_prob:0'. "
        "Leave one of them out."
    )
    with pytest.raises(SourceError, match=message):
        rnnlite.convert(path, constants={"keep_prob": 1.0, "keep_prob:0": 0.5})


def test_all_inputs_fixed(tmp_path):
    path = write(tmp_path / "g.pb", with_keep_prob([]), v2=False)
    values = {"keep_prob:0": 1.0, "x:0": np.zeros((1, 5, 4), np.float32)}
    message = "fixes all inputs; .*'x:0' is fixed.*Leave its constant out"
    with pytest.raises(SourceError, match=message):
        rnnlite.convert(path, constants=values)
