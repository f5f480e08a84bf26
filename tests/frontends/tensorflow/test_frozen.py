"""A frozen graph has no variables: writes to them become nothing, where nothing reads them."""

import pytest
import tensorflow as tf
from building import node, placeholder

from rnnlite.frontends.tensorflow.frozen import WRITES, Frozen, drop_writes

v1 = tf.compat.v1
F = tf.float32


def dropped(*nodes):
    definition = v1.GraphDef(node=nodes)
    drop_writes(definition)
    return {n.name: n for n in definition.node}


@pytest.mark.parametrize("op", sorted(WRITES))
def test_a_write_that_nothing_reads(op):
    """It waits for what it waited for, and reads nothing."""
    left = dropped(placeholder(), node("NoOp", "first"), node(op, "w", "v", "x", "^first", T=F))
    assert (left["w"].op, list(left["w"].input), dict(left["w"].attr)) == ("NoOp", ["^first"], {})
    assert left["x"].op == "Placeholder"


@pytest.mark.parametrize("reader", ["w", "w:0"])
def test_a_write_that_is_read_stays(reader):
    left = dropped(node("Assign", "w", "v", "x", T=F), node("Identity", "y", reader, T=F))
    assert left["w"].op == "Assign"
    assert list(left["w"].input) == ["v", "x"]


def test_who_waits_does_not_read():
    left = dropped(node("AssignAdd", "w", "v", "x", T=F), node("Identity", "y", "x", "^w", T=F))
    assert left["w"].op == "NoOp"
    assert list(left["y"].input) == ["x", "^w"]


def test_writes_of_functions_too():
    """What is read in one function does not keep a write of the same name in another."""
    definition = v1.GraphDef(node=[node("Identity", "y", "w", T=F)])
    for name, nodes in {
        "writes": [node("AssignVariableOp", "w", "v", "x")],
        "reads": [node("AssignVariableOp", "w", "v", "x"), node("Identity", "y", "w:o:0", T=F)],
    }.items():
        function = definition.library.function.add()
        function.signature.name = name
        function.node_def.extend(nodes)
    drop_writes(definition)
    found = {f.signature.name: f.node_def[0].op for f in definition.library.function}
    assert found == {"writes": "NoOp", "reads": "AssignVariableOp"}


def test_what_is_no_write_stays():
    nodes = (node("VarHandleOp", "v"), node("ReadVariableOp", "r", "v", dtype=F))
    before = v1.GraphDef(node=nodes)
    after = v1.GraphDef(node=nodes)
    drop_writes(after)
    assert after == before


def test_a_source_says_nothing_of_its_ends_unless_it_knows():
    source = Frozen(v1.GraphDef(), None, None, None, "graph 'a.pb'")
    assert (source.notes, source.fixed) == ((), ())
    assert (source.inputs, source.outputs, source.names) == (None, None, None)
