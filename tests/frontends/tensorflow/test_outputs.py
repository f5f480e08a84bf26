"""Which tensors of a graph are taken for its outputs."""

import numpy as np
import pytest
import tensorflow as tf
from building import (
    HEAD,
    assert_equal_to_source,
    graph_def,
    node,
    placeholder,
    recurrent,
    v1,
    write,
)

import rnnlite
from rnnlite.errors import UnsupportedError
from rnnlite.frontends.tensorflow.nodes import graph_of
from rnnlite.frontends.tensorflow.outputs import (
    depends_on_input,
    holds_strings,
    numbers_behind,
    outputs_of,
    shown,
)

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


F, I = tf.float32, tf.int32  # noqa: E741 - int32


def table(*nodes):
    return graph_of(graph_def(*nodes))


def of_nodes(*nodes, outputs=None):
    return outputs_of(table(placeholder(), *nodes), outputs)


LEAVES = {
    "what nothing reads": ([node("Tanh", "y", "x", T=F)], ["y:0"]),
    "not what is read": ([node("Tanh", "a", "x", T=F), node("Neg", "y", "a", T=F)], ["y:0"]),
    "who waits reads nothing": (
        [node("Tanh", "y", "x", T=F), node("NoOp", "group", "^y")],
        ["y:0"],
    ),
    "parts that nothing reads": (
        [
            node("Const", "axis", dtype=I, value=np.int32(2)),
            node("Split", "parts", "axis", "x", T=F, num_split=3),
            node("Neg", "y", "parts:1", T=F),
        ],
        ["parts:0", "parts:2", "y:0"],
    ),
    "no saver": ([node("Tanh", "y", "x", T=F), node("Tanh", "save/z", "x", T=F)], ["y:0"]),
    "no copy of an input": (
        [node("Identity", "copy", "x", T=F), node("Tanh", "y", "x", T=F)],
        ["y:0"],
    ),
    "nothing of its shape alone": (
        [node("Shape", "s", "x", T=F, out_type=I), node("Tanh", "y", "x", T=F)],
        ["y:0"],
    ),
    "no predicate of a condition": (
        [node("IsNan", "cond/pred_id", "x", T=F), node("Tanh", "y", "x", T=F)],
        ["y:0"],
    ),
    "nothing that depends on no input": (
        [
            node("Const", "c", dtype=F, value=np.float32(1)),
            node("Neg", "z", "c", T=F),
            node("Tanh", "y", "x", T=F),
        ],
        ["y:0"],
    ),
}


@pytest.mark.parametrize("case", LEAVES)
def test_leaves(case):
    nodes, wanted = LEAVES[case]
    references, notes = of_nodes(*nodes)
    assert list(references) == wanted
    assert notes == (f"outputs found (nothing reads them): {', '.join(wanted)}",)


def test_named_outputs_are_taken_as_they_are():
    nodes = [node("Tanh", "a", "x", T=F), node("Neg", "y", "a", T=F)]
    assert of_nodes(*nodes, outputs=["a", "y:0"]) == (("a:0", "y:0"), ())
    with pytest.raises(rnnlite.SourceError, match="the graph has no tensor 'b:0'"):
        of_nodes(*nodes, outputs=["b"])


@pytest.mark.parametrize(
    ("nodes", "candidates"),
    [
        ([], "none"),
        (
            [
                node("Softmax", "scores", "x", T=F),
                node("Softmax", "gradients/grad", "x", T=F),
                node("ApplyAdam", "Adam/update", "scores", "gradients/grad"),
                node("NoOp", "train"),
            ],
            "results that others read: 'scores:0'",
        ),
    ],
    ids=["inputs alone", "training"],
)
def test_a_graph_in_which_nothing_could_be_an_output(nodes, candidates):
    with pytest.raises(rnnlite.SourceError) as error:
        of_nodes(*nodes)
    assert str(error.value) == (
        "the graph has no node that could be an output; expected a node that no other one reads; "
        f"found {candidates}. Name the outputs (--outputs a:0,b:0)."
    )


@pytest.mark.parametrize(
    ("count", "text"),
    [(1, "n0:0"), (8, ", ".join(f"n{k}:0" for k in range(8)))],
)
def test_references_with_commas(count, text):
    assert shown([f"n{k}:0" for k in range(count)]) == text


def test_many_references_are_cut():
    assert shown([f"n{k}:0" for k in range(11)]).endswith("n7:0 and 3 more")


def test_a_counter_does_not_depend_on_what_it_counts():
    """How often a loop of functions runs is left aside."""

    def build(x):
        count = tf.shape(x)[1]
        start = (0, tf.zeros([1, 4]))
        t, h = tf.while_loop(lambda t, h: t < count, lambda t, h: (t + 1, h + x[:, t]), start)
        tf.identity(t, "t")
        tf.identity(h, "h")

    with tf.Graph().as_default() as made:
        build(v1.placeholder(F, [1, None, 4], "x"))
    graph = graph_of(made.as_graph_def())
    assert depends_on_input(graph, "h:0")
    assert not depends_on_input(graph, "t:0")


@pytest.mark.parametrize(
    ("op", "strings"), [("AsString", True), ("Tanh", False), ("NoSuchOp", False), ("NoOp", False)]
)
def test_tensors_of_strings(op, strings):
    graph = table(placeholder(), node(op, "y", "x", T=F))
    assert holds_strings(graph, "y:0") == strings


def test_the_first_numbers_behind_a_string():
    """Behind a table and what looks it up, in the order in which they are met."""
    graph = table(
        node("Placeholder", "text", dtype=tf.string),
        node("StringJoin", "joined", "text", N=1),
        node("StringToNumber", "number", "joined", out_type=F),
        node("Neg", "y", "number", T=F),
    )
    assert numbers_behind(graph, "text:0") == ["number:0"]
    assert numbers_behind(graph, "y:0") == []
