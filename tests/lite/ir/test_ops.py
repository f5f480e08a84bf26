import pytest

from rnnlite.lite.ir import Model


def one_input():
    graph = Model().graph()
    graph.inputs = [graph.value("float32", [1], name="x")]
    return graph, graph.inputs[0]


def test_an_operand_that_is_left_out():
    graph, x = one_input()
    op = graph.op("FULLY_CONNECTED", [x, x, None], [graph.value("float32", [1])], options={})
    assert op.operands == (x, x)
    assert op.operand(2) is None
    assert op.operand(5) is None
    with pytest.raises(ValueError, match="has no operand 2"):
        op.input(2)


def test_options_are_asked_for_by_type():
    graph, x = one_input()
    fields = {"axis": 2, "newShape": [1, 2], "beta": 0.5, "keepDims": True}
    op = graph.op("GATHER", [x, x], [graph.value("float32", [1])], options=fields)
    assert op.integer("axis") == 2
    assert op.integer("batchDims") == 0
    assert op.numbers("newShape") == (1, 2)
    assert op.numbers("squeezeDims") is None
    assert op.real("beta") == 0.5
    assert op.flag("keepDims")
    assert not op.flag("keepNumDims")
    with pytest.raises(TypeError, match="option newShape of GATHER is no integer"):
        op.integer("newShape")


def test_one_operand_is_changed_and_the_others_stay():
    graph, x = one_input()
    y = graph.value("float32", [1], name="y")
    op = graph.op("ADD", [x, x], [graph.value("float32", [1])], options={})
    op.set_input(1, y)
    assert op.inputs == (x, y)
    assert [use.place for use in x.uses] == [0]
    assert [use.place for use in y.uses] == [1]


def test_results_that_are_given_up_have_no_producer():
    graph, x = one_input()
    first, second = (graph.value("float32", [1]) for _ in range(2))
    op = graph.op("TANH", [x], [first])
    op.outputs = [second]
    assert first.producer is None
    assert second.producer is op


def test_a_twin_is_an_op_of_its_own():
    graph, x = one_input()
    a, b = (graph.value("float32", [1]) for _ in range(2))
    op = graph.op("GATHER", [x, x], [a], version=3, options={"axis": 1})
    twin = op.twin([x, None], [b])
    twin.options["axis"] = 2
    assert (twin.kind, twin.version, twin.table) == ("GATHER", 3, "GatherOptions")
    assert op.integer("axis") == 1
    assert twin.graph is None
    assert b.producer is twin


def test_the_op_behind():
    graph, x = one_input()
    first, second = (graph.op("ABS", [x], [graph.value("float32", [1])]) for _ in range(2))
    graph.append(first, second)
    assert first.following is second
    assert second.following is None
