import numpy as np
import pytest

from rnnlite.lite.ir import Model
from rnnlite.lite.ir.ops import OpCode


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


@pytest.mark.parametrize(
    ("ask", "what"), [("integer", "integer"), ("real", "number"), ("numbers", "list")]
)
def test_an_option_of_another_type_is_told(ask, what):
    graph, x = one_input()
    value = 1 if ask == "numbers" else "text"
    op = graph.op("GATHER", [x, x], [graph.value("float32", [1])], options={"axis": value})
    with pytest.raises(TypeError, match=f"option axis of GATHER is no {what}: "):
        getattr(op, ask)("axis")


@pytest.mark.parametrize("number", [3, np.int8(3), np.int64(3)])
def test_integers_of_any_type(number):
    graph, x = one_input()
    op = graph.op("GATHER", [x, x], [graph.value("float32", [1])], options={"axis": number})
    assert op.integer("axis") == op.real("axis") == 3
    assert isinstance(op.integer("axis"), int)


@pytest.mark.parametrize("numbers", [[1, 2], (1, 2), np.array([1, 2], np.int32)])
def test_lists_of_any_type(numbers):
    graph, x = one_input()
    op = graph.op("RESHAPE", [x, x], [graph.value("float32", [1])], options={"newShape": numbers})
    assert op.numbers("newShape") == (1, 2)
    assert all(isinstance(n, int) for n in op.numbers("newShape"))


def test_what_is_not_there_is_zero():
    graph, x = one_input()
    op = graph.op("GATHER", [x, x], [graph.value("float32", [1])])
    assert (op.integer("axis"), op.real("beta"), op.flag("keepDims")) == (0, 0.0, False)
    assert (op.numbers("shape"), op.table) == (None, "")


def test_options_are_its_own():
    graph, x = one_input()
    given = {"axis": 1}
    op = graph.op("GATHER", [x, x], [graph.value("float32", [1])], options=given)
    given["axis"] = 2
    assert op.integer("axis") == 1


def test_an_operand_that_is_read_twice_is_given_up_at_one_place():
    graph, x = one_input()
    op = graph.op("ADD", [x, x], [graph.value("float32", [1])], options={})
    op.set_input(0, None)
    assert op.inputs == (None, x)
    assert [use.place for use in x.uses] == [1]
    assert op.operands == (x,)
    op.inputs = ()
    assert x.uses == ()


def test_a_result_that_another_op_makes_keeps_its_new_producer():
    """As in a replacement: the old op goes after the new one has come."""
    graph, x = one_input()
    y = graph.value("float32", [1])
    old = graph.op("TANH", [x], [y])
    new = graph.op("ABS", [x], [y])
    old.outputs = ()
    assert y.producer is new


def test_the_first_result():
    graph, x = one_input()
    parts = [graph.value("float32", [1]) for _ in range(2)]
    op = graph.op("UNPACK", [x], parts, options={"num": 2})
    assert op.output is parts[0]


def test_texts():
    graph, x = one_input()
    made = graph.value("float32", [1], name="y")
    op = graph.op("FULLY_CONNECTED", [x, None], [made], version=4)
    assert repr(op) == "'y': float32[1] = FULLY_CONNECTED('x', -)"
    assert repr(op.code) == "FULLY_CONNECTED 4"
    assert repr(OpCode("CUSTOM:mine", 1)) == "CUSTOM:mine 1"


def test_a_twin_runs_the_same_graphs_and_keeps_its_own_fields():
    model = Model()
    main, cond, body = (model.graph() for _ in range(3))
    x, y, z = (main.value("int32", []) for _ in range(3))
    loop = main.op("WHILE", [x], [y], options={}, branches=[cond, body])
    loop.extra["kept"] = 1
    twin = loop.twin([x], [z])
    twin.extra["kept"] = 2
    assert twin.branches == (cond, body)
    assert loop.extra == {"kept": 1}
    assert (y.producer, z.producer) == (loop, twin)


def test_an_op_that_stands_alone_has_no_op_behind():
    graph, x = one_input()
    op = graph.op("ABS", [x], [graph.value("float32", [1])])
    assert (op.following, op.graph) == (None, None)
