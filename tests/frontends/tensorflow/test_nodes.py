"""A GraphDef as a table: references, consumers, types, ancestors, functions, what is pruned."""

import pytest
import tensorflow as tf
from building import graph_def, graph_from, node, placeholder
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnlite.errors import SourceError
from rnnlite.frontends.tensorflow.nodes import (
    graph_of,
    name_of,
    pruned,
    ref,
    with_defaults,
)

v1 = tf.compat.v1
F = tf.float32


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("x", "x:0"),
        ("x:0", "x:0"),
        ("a/b:3", "a/b:3"),
        ("^wait", "wait:0"),
        ("^a/b", "a/b:0"),
    ],
)
def test_a_reference_has_an_index(text, reference):
    assert ref(text) == reference
    assert ref(ref(text)) == reference


@pytest.mark.parametrize(
    ("reference", "name"), [("x:0", "x"), ("a/b:12", "a/b"), ("odd:name:1", "odd:name")]
)
def test_the_node_of_a_reference(reference, name):
    assert name_of(reference) == name


@pytest.fixture(scope="module")
def diamond():
    """x -> a -> (b, c) -> d, d waits for w; e reads b alone."""
    return graph_def(
        placeholder(shape=(None, 3)),
        node("Identity", "a", "x", T=F),
        node("Tanh", "b", "a:0", T=F),
        node("Relu", "c", "a", T=F),
        node("NoOp", "w"),
        node("AddV2", "d", "b", "c:0", "^w", T=F),
        node("Neg", "e", "b", T=F),
    )


def test_data_and_controls(diamond):
    graph = graph_of(diamond)
    assert graph.inputs(graph.nodes["d"]) == ["b:0", "c:0"]
    assert graph.controls(graph.nodes["d"]) == ["w:0"]
    assert graph.inputs(graph.nodes["x"]) == []


def test_consumers_are_told_once_each():
    """A node that reads another twice is one consumer; who waits is none."""
    graph = graph_of(
        graph_def(
            placeholder(),
            node("Mul", "square", "x", "x:0", T=F),
            node("Neg", "late", "square", "^x", T=F),
        )
    )
    assert [n.name for n in graph.consumers["x"]] == ["square"]
    assert [n.name for n in graph.consumers["square"]] == ["late"]
    assert "late" not in graph.consumers
    assert graph.read == {"x:0", "square:0"}


@pytest.mark.parametrize(
    ("start", "names"),
    [
        (["x:0"], "x"),
        (["b:0"], "xab"),
        (["d:0"], "xabcd"),
        (["e:0", "c:0"], "xabec"),
    ],
)
def test_ancestors_are_what_a_tensor_is_made_of(diamond, start, names):
    assert graph_of(diamond).ancestors(start) == set(names)


@pytest.mark.parametrize(
    ("start", "names"),
    [(["e"], "xabe"), (["d:0"], "xabcwd"), (["^w"], "w"), (["c:0", "w"], "xacw")],
)
def test_what_is_waited_for_is_kept(diamond, start, names):
    """In the order of the GraphDef, and the whole stays as it was."""
    part = pruned(diamond, start)
    assert [n.name for n in part.node] == [n.name for n in diamond.node if n.name in names]
    assert len(diamond.node) == 7


def test_a_pruned_graph_keeps_its_library():
    @tf.function
    def inner(x):
        return x * 2.0

    definition = graph_from(lambda x: tf.identity(inner(x), "y"), x=[2])
    part = pruned(definition, ["x:0"])
    assert [n.name for n in part.node] == ["x"]
    assert len(part.library.function) == len(definition.library.function) >= 1


def test_the_origin_is_behind_ops_that_hand_on():
    graph = graph_of(
        graph_def(
            placeholder(),
            node("Identity", "one", "x", T=F),
            node("StopGradient", "two", "one", T=F),
            node("CheckNumerics", "three", "two:0", T=F),
            node("Tanh", "y", "three", T=F),
        )
    )
    assert graph.origin("three:0") == "x:0"
    assert graph.origin("y:0") == "y:0"


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("scors:0", "the graph has no tensor 'scors:0'; found near it: 'scores:0'. Give a tensor"),
        ("zzzzzz:0", "the graph has no tensor 'zzzzzz:0'. Give a tensor name of the graph"),
    ],
)
def test_a_name_that_is_not_there(asked, message):
    graph = graph_of(graph_def(placeholder("scores")))
    with pytest.raises(SourceError) as found:
        graph.node(asked)
    assert str(found.value).startswith(message)


TYPES = {
    "one type": (node("Tanh", "n", "x", T=F), [F]),
    "a fixed type": (node("Equal", "n", "x", "x", T=F), [tf.bool]),
    "as many as a number says": (
        node("Split", "n", "axis", "x", T=F, num_split=3),
        [F, F, F],
    ),
    "a type of its own": (node("Cast", "n", "x", SrcT=F, DstT=tf.int64), [tf.int64]),
    "several": (node("TopKV2", "n", "x", "k", T=F), [F, tf.int32]),
    "a default": (node("ArgMax", "n", "x", "axis", T=F), [tf.int64]),
    "none": (node("NoOp", "n"), []),
    "an op that is not known": (node("NoSuchOp", "n", "x"), []),
}


@pytest.mark.parametrize("case", TYPES)
def test_the_types_of_results(case):
    made, wanted = TYPES[case]
    assert graph_of(v1.GraphDef(node=[made])).types(made) == wanted


def test_the_types_of_a_list():
    made = node("IdentityN", "n", "a", "b")
    made.attr["T"].list.type.extend([F.as_datatype_enum, tf.int32.as_datatype_enum])
    assert graph_of(v1.GraphDef(node=[made])).types(made) == [F, tf.int32]


@pytest.fixture(scope="module")
def library():
    """A graph that calls a function of the library, and the name of that."""

    @tf.function(autograph=False)
    def inner(x, k):
        return tf.split(x, 2, axis=1)[1] * k, tf.shape(x)

    def build(x, k):
        one, other = inner(x, k)
        tf.identity(one, "y")
        tf.identity(other, "z")

    definition = graph_from(build, x=[None, 4], k=[])
    graph = graph_of(definition)
    return graph, next(name for name in graph.functions if "inner" in name)


def test_a_call_has_the_types_of_its_function(library):
    graph, name = library
    assert graph.types(v1.NodeDef(op=name, name="call")) == [F, tf.int32]


def test_the_body_of_a_function_is_made_once(library):
    graph, name = library
    body = graph.function(name)
    assert body is graph.function(name)
    assert len(body.arguments) == 2
    assert [body.node(r).op for r in body.arguments] == ["Placeholder", "Placeholder"]
    first, second = (body.node(body.origin(r)) for r in body.results)
    assert (first.op, second.op) == ("Mul", "Shape")
    # "split:output:1" of the FunctionDef.
    assert body.inputs(first)[0].endswith(":1")
    assert body.node(body.inputs(first)[0]).op == "Split"


def test_attributes_that_were_left_out_are_filled_in():
    bare = v1.NodeDef(op="MatMul", name="y", input=["x", "x"])
    bare.attr["T"].type = F.as_datatype_enum
    function = v1.GraphDef().library.function.add()
    function.signature.name = "f"
    function.node_def.append(bare)
    definition = v1.GraphDef(node=[bare])
    definition.library.function.append(function)
    full = with_defaults(definition)
    for found in (full.node[0], full.library.function[0].node_def[0]):
        assert not found.attr["transpose_a"].b
        assert set(found.attr) >= {"T", "transpose_a", "transpose_b"}
    # The given one is left alone, and what is set stays.
    assert set(definition.node[0].attr) == {"T"}
    set_already = node("MatMul", "y", "x", "x", T=F, transpose_a=True)
    assert with_defaults(v1.GraphDef(node=[set_already])).node[0].attr["transpose_a"].b


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.booleans()), max_size=12),
    st.integers(0, 12),
)
def test_ancestors_are_closed(edges, start):
    """Of a random graph: with a node all that it reads, and nothing that is not reached."""
    nodes = [node("NoOp", "n0")]
    for k, (a, b, waits) in enumerate(edges, start=1):
        one, other = f"n{a % k}", f"n{b % k}"
        nodes.append(node("AddV2", f"n{k}", one, f"^{other}" if waits else other))
    graph = graph_of(v1.GraphDef(node=nodes))
    last = f"n{min(start, len(edges))}"
    found = graph.ancestors([f"{last}:0"])
    read = {name_of(r) for name in found for r in graph.inputs(graph.nodes[name])}
    assert found == {last} | read
    kept = {n.name for n in pruned(v1.GraphDef(node=nodes), [last]).node}
    assert kept >= found
