"""Which tensors of a graph are taken for its outputs."""

import pytest
import tensorflow as tf
from building import HEAD, assert_equal_to_source, recurrent, v1, write

import rnnlite
from rnnlite.errors import UnsupportedError
from rnnlite.frontends.tensorflow.nodes import graph_of
from rnnlite.frontends.tensorflow.outputs import outputs_of

BOTH = pytest.mark.parametrize("v2", [False, True], ids=["frames", "functions"])


def found(path):
    return outputs_of(graph_of(v1.GraphDef.FromString(path.read_bytes())), None)[0]


@BOTH
def test_arrays_counters_and_handles_are_no_outputs(tmp_path, v2):
    path = write(tmp_path / "g.pb", lambda x: tf.identity(recurrent(x) @ HEAD, name="y"), v2=v2)
    converted = rnnlite.convert(path)
    assert [o["name"] for o in converted.report.outputs] == ["y"]
    assert_equal_to_source(converted, path, ["y:0"])


@BOTH
def test_what_a_loop_leaves_behind_where_there_is_nothing_else(tmp_path, v2):
    path = write(tmp_path / "g.pb", recurrent, v2=v2)
    (output,) = found(path)
    assert_equal_to_source(rnnlite.convert(path), path, [output])


def test_every_result_that_nothing_reads(tmp_path):
    def build(x):
        h = recurrent(x)
        a, _ = tf.split(h, 2, axis=1, name="halves")
        tf.tanh(a, name="y")
        tf.unstack(h, num=8, axis=1, name="parts")
        tf.math.top_k(h, 2, name="best")

    assert found(write(tmp_path / "g.pb", build)) == (
        "halves:1",
        "y:0",
        *(f"parts:{k}" for k in range(8)),
        "best:0",
        "best:1",
    )


def test_copies_of_inputs_summaries_and_asserts_are_no_outputs(tmp_path):
    def build(x):
        tf.identity(x, name="copy")
        h = recurrent(x)
        v1.summary.histogram("states", h)
        v1.debugging.assert_less(h, 2.0)
        tf.identity(h, name="y")

    assert found(write(tmp_path / "g.pb", build)) == ("y:0",)


def with_text(*, scores):
    def build(x):
        h = recurrent(x)
        place = tf.argmax(h, 1, name="place")
        tf.gather(tf.constant(list("abcdefgh")), place, name="label")
        if scores:
            tf.identity(h, name="scores")

    return build


def test_strings_beside_numbers_are_left_out(tmp_path):
    path = write(tmp_path / "g.pb", with_text(scores=True))
    converted = rnnlite.convert(path)
    assert [o["name"] for o in converted.report.outputs] == ["scores"]
    assert (
        "output 'label:0' is left out: it holds strings, which LiteRT models here do not"
        in converted.report.notes
    )


@pytest.mark.parametrize("options", [{}, {"outputs": ["label:0"]}])
def test_strings_alone_are_refused_with_the_numbers_in_front(tmp_path, options):
    path = write(tmp_path / "g.pb", with_text(scores=False))
    with pytest.raises(
        UnsupportedError,
        match=r"output 'label:0' holds strings.*Name outputs in front of it, such as 'place:0' "
        r"\(--outputs place:0\), and look strings up outside",
    ):
        rnnlite.convert(path, **options)


def test_a_string_input_is_refused_with_the_first_numbers_behind_it(tmp_path):
    def build(x):
        text = v1.placeholder(tf.string, [None, None], name="text")
        table = tf.lookup.StaticHashTable(
            tf.lookup.KeyValueTensorInitializer(["a", "b"], tf.constant([0, 1], tf.int64)), 0
        )
        ids = table.lookup(tf.strings.lower(text, name="lower"), name="look")
        tf.identity(recurrent(tf.one_hot(ids, 4)), name="y")

    path = write(tmp_path / "g.pb", build)
    with pytest.raises(
        UnsupportedError,
        match=r"input 'text:0' takes strings.*Name inputs behind the decoding: "
        r"'look.*:0' \(--inputs\)",
    ):
        rnnlite.convert(path)


def test_decoders_are_refused_with_the_tensor_in_front(tmp_path):
    def build(x):
        logits = tf.transpose(x, [1, 0, 2], name="logits")
        count = v1.placeholder(tf.int32, [None], name="count")
        decoded, _ = v1.nn.ctc_greedy_decoder(logits, count)
        v1.sparse.to_dense(decoded[0], name="y")

    path = write(tmp_path / "g.pb", build)
    with pytest.raises(
        UnsupportedError,
        match=r"CTCGreedyDecoder 'CTCGreedyDecoder' has no form in builtin LiteRT ops. Name "
        r"outputs in front of it, such as 'logits:0' \(--outputs logits:0\), and run it outside",
    ):
        rnnlite.convert(path, outputs=["y:0"])
