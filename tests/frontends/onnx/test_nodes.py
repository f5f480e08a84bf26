"""Graphs as data: names for messages, nodes within nodes, what comes from outside."""

from rnnlite.frontends.onnx.nodes import Graph, Node, ValueInfo


def node(op, inputs, outputs, domain="", **attributes):
    return Node(op, domain, op.lower(), tuple(inputs), tuple(outputs), attributes, 17)


def value_info(name):
    return ValueInfo(name, "float32", None)


INNER = Graph("inner", (node("Add", ["x", "c"], ["z"]),), (value_info("x"),), (value_info("z"),))
BODY = Graph(
    "body",
    (
        node("Mul", ["i", "k"], ["a"]),
        node("Relu", ["a", ""], ["c"]),
        node("Loop", ["a", "n"], ["d"], body=INNER),
    ),
    (value_info("i"),),
    (value_info("d"), value_info("w")),
    {"k": None},
)


def test_names_for_messages():
    plain, other = node("LSTM", [], []), node("Rows", [], [], domain="own")
    assert (plain.key, plain.label) == ("LSTM", "LSTM 'lstm'")
    assert (other.key, other.label) == ("own.Rows", "Rows 'rows'")
    assert (node("A", [], [], axis=2).get("axis"), plain.get("axis", 5)) == (2, 5)


def test_nodes_of_bodies_come_behind_their_node():
    assert [n.op for n in BODY.walk()] == ["Mul", "Relu", "Loop", "Add"]


def test_what_comes_from_outside():
    """Not its inputs, constants and own results; also what a body within asks for, and outputs."""
    assert INNER.outside() == ["c"]
    assert BODY.outside() == ["n", "w"]
    assert Graph("g", (node("If", ["p"], ["y"], then_branch=INNER),), (), ()).outside() == [
        "p",
        "c",
    ]
