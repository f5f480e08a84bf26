"""Lists that a loop appends to become rows that it gives; other lists are refused."""

from dataclasses import replace

import numpy as np
import pytest

from rnnlite.errors import UnsupportedError
from rnnlite.frontends.onnx.nodes import Graph, Node, ValueInfo
from rnnlite.frontends.onnx.sequences import SEQUENCE, without_lists


def node(op, inputs, outputs, **attributes):
    return Node(op, "", op.lower(), tuple(inputs), tuple(outputs), attributes, 17)


def value_info(name, dtype="float32"):
    return ValueInfo(name, dtype, None)


APPEND = node("SequenceInsert", ["rows", "new"], ["longer"])
STACK = node("ConcatFromSequence", ["list"], ["y"], new_axis=1, axis=0)


def graph(*behind, append=APPEND, first=True, **changes):
    """A loop that carries a state and a list, before or behind it; its rows are stacked."""
    order = (lambda a, b: [b, a]) if first else (lambda a, b: [a, b])
    body = Graph(
        "body",
        (node("Tanh", ["s"], ["new"]), append),
        (
            value_info("i", "int64"),
            value_info("go", "bool"),
            *order(value_info("s"), value_info("rows", SEQUENCE)),
        ),
        (
            value_info("go", "bool"),
            *order(value_info("new"), value_info("longer", SEQUENCE)),
            value_info("each"),
        ),
        {},
    )
    loop = node(
        "Loop", ["n", "yes", *order("s0", "empty")], [*order("last", "list"), "all"], body=body
    )
    nodes = (node("SequenceEmpty", [], ["empty"]), loop, *(behind or (STACK,)))
    made = Graph("g", nodes, (value_info("n"),), (value_info("y"), value_info("last")), {})
    return replace(made, **changes)


@pytest.mark.parametrize("first", [True, False])
def test_a_list_becomes_rows(first):
    changed = without_lists(graph(first=first))
    loop, end = changed.nodes
    body = loop.attributes["body"]
    assert loop.inputs == ("n", "yes", "s0")
    assert loop.outputs == ("last", "all", "list")
    assert [p.name for p in body.inputs] == ["i", "go", "s"]
    assert [p.name for p in body.outputs] == ["go", "new", "each", "new"]
    assert [n.op for n in body.nodes] == ["Tanh"]
    assert (end.op, end.inputs, end.outputs) == ("Identity", ("list",), ("y",))


@pytest.mark.parametrize("outside", [True, False])
def test_rows_that_are_put_in_front_are_turned_round(outside):
    """`rows.insert(0, row)`: the place is a constant of the body or of the graph around it."""
    put = replace(APPEND, inputs=("rows", "new", "place"))
    given = graph(append=put)
    zero = {"place": np.array(0, np.int64)}
    if outside:
        given = replace(given, constants=zero)
    else:
        empty, loop, stack = given.nodes
        body = replace(loop.attributes["body"], constants=zero)
        given = replace(given, nodes=(empty, replace(loop, attributes={"body": body}), stack))
    loop, *numbers, turned, end = without_lists(given).nodes
    assert loop.outputs == ("last", "all", "list/from_behind")
    assert (turned.op, turned.inputs[0], turned.outputs) == ("Slice", loop.outputs[2], ("list",))
    assert [int(n.get("value")[0]) for n in numbers] == [-1, -(1 << 62), 0, -1]
    assert turned.inputs[1:] == tuple(n.outputs[0] for n in numbers)
    assert (end.op, end.inputs) == ("Identity", ("list",))
    assert [n.op for n in loop.attributes["body"].nodes] == ["Tanh"]


def test_rows_along_another_axis():
    stack = replace(STACK, attributes={"new_axis": 1, "axis": 1})
    *_, end = without_lists(graph(stack)).nodes
    assert (end.op, end.attributes) == ("StackedRows", {"axis": 1})


def test_graphs_without_lists_stay():
    plain = Graph("g", (node("Tanh", ["x"], ["y"]),), (value_info("x"),), (value_info("y"),), {})
    assert without_lists(plain).nodes == plain.nodes


def test_lists_within_a_body():
    outer = node("If", ["p"], ["z"], then_branch=graph())
    (changed,) = without_lists(Graph("g", (outer,), (), (value_info("z"),), {})).nodes
    assert [n.op for n in changed.attributes["then_branch"].nodes] == ["Loop", "Identity"]


REFUSED = {
    "inserted at a place": (
        graph(append=replace(APPEND, inputs=("rows", "new", "i"))),
        "node Loop 'loop' works on a list",
    ),
    "another list": (
        graph(append=replace(APPEND, inputs=("other", "new"))),
        "node Loop 'loop' works on a list",
    ),
    "an element": (
        graph(STACK, node("SequenceAt", ["list", "n"], ["z"])),
        "node SequenceAt 'sequenceat' works on a list",
    ),
    "a number of rows": (
        graph(STACK, node("Shape", ["list"], ["z"])),
        "node Shape 'shape' works on a list",
    ),
    "an output": (
        graph(outputs=(value_info("list", SEQUENCE),)),
        "'list' of the ONNX model is a sequence",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refusals(case):
    source, message = REFUSED[case]
    with pytest.raises(UnsupportedError, match=message):
        without_lists(source)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_along_which_axis_rows_stand(axis):
    stack = node("ConcatFromSequence", ["list"], ["y"], new_axis=1, axis=axis)
    *_, end = without_lists(graph(stack)).nodes
    assert end.op == ("StackedRows" if axis else "Identity")
    assert end.attributes == ({"axis": axis} if axis else {})


def test_a_list_that_nobody_stacks_is_rows_that_nobody_reads():
    other = node("Tanh", ["last"], ["y"])
    loop, end = without_lists(graph(other)).nodes
    assert loop.outputs == ("last", "all", "list")
    assert end is other


def test_two_lists():
    """Each becomes rows, in the order in which they were carried."""
    first, second = (node("SequenceInsert", [f"rows{k}", "new"], [f"longer{k}"]) for k in range(2))
    body = Graph(
        "body",
        (node("Tanh", ["i"], ["new"]), first, second),
        tuple(map(value_info, ("i", "go", "rows0", "rows1"))),
        tuple(map(value_info, ("go", "longer0", "longer1"))),
        {},
    )
    empty = [node("SequenceEmpty", [], [f"empty{k}"]) for k in range(2)]
    loop = node("Loop", ["n", "yes", "empty0", "empty1"], ["list0", "list1"], body=body)
    stacks = [
        node("ConcatFromSequence", [f"list{k}"], [f"y{k}"], new_axis=1, axis=0) for k in range(2)
    ]
    ends = (value_info("n"),), (value_info("y0"), value_info("y1"))
    changed = without_lists(Graph("g", (*empty, loop, *stacks), *ends, {}))
    made, *others = changed.nodes
    assert (made.inputs, made.outputs) == (("n", "yes"), ("list0", "list1"))
    assert [p.name for p in made.attributes["body"].outputs] == ["go", "new", "new"]
    assert [n.op for n in made.attributes["body"].nodes] == ["Tanh"]
    assert [n.inputs for n in others] == [("list0",), ("list1",)]


def test_the_graph_that_is_given_stays_as_it_is():
    given = graph()
    before = [n.op for n in given.walk()]
    without_lists(given)
    assert [n.op for n in given.walk()] == before


def test_an_insertion_at_a_place_is_refused():
    """Rows come in the order in which a loop makes them."""
    insert = node("SequenceInsert", ["rows", "new", "i"], ["longer"])
    with pytest.raises(UnsupportedError, match="works on a list of tensors; expected a list"):
        without_lists(graph(append=insert))


@pytest.mark.parametrize("axis", [0, 1])
def test_rows_joined_along_their_own_axis(axis):
    stack = node("ConcatFromSequence", ["list"], ["y"], axis=axis)
    *_, end = without_lists(graph(stack)).nodes
    assert (end.op, end.attributes) == ("StackedRows", {"axis": axis, "joins": True})


@pytest.mark.parametrize("keepdims", [0, 1])
def test_steps_of_a_tensor_in_a_body(keepdims):
    """As a loop over torch.unbind is exported."""
    split = node("SplitToSequence", ["x", "one"], ["steps"], axis=1, keepdims=keepdims)
    number = node("SequenceLength", ["steps"], ["n"])
    body = Graph(
        "body",
        (node("SequenceAt", ["steps", "i"], ["row"]), node("Tanh", ["row"], ["new"])),
        tuple(map(value_info, ("i", "go"))),
        tuple(map(value_info, ("go", "new"))),
        {},
    )
    loop = node("Loop", ["n", "yes"], ["y"], body=body)
    whole = Graph("g", (split, number, loop), (value_info("x"),), (value_info("y"),))
    changed = without_lists(replace(whole, constants={"one": np.array(1)}))
    shape, axis, size, end = changed.nodes
    assert (shape.op, shape.inputs, size.op) == ("Shape", ("x",), "Gather")
    assert axis.get("value") == 1
    assert size.inputs == (shape.outputs[0], axis.outputs[0])
    assert (size.outputs, end.inputs) == (("n",), ("n", "yes"))
    row, *grown, _ = end.attributes["body"].nodes
    assert (row.op, row.inputs, row.attributes) == ("Gather", ("x", "i"), {"axis": 1})
    assert [(g.op, g.attributes) for g in grown] == [("Unsqueeze", {"axes": [1]})] * keepdims


def test_parts_of_a_tensor_are_refused():
    """Lists of more than single steps."""
    split = node("SplitToSequence", ["x", "two"], ["parts"], axis=1)
    one = node("SequenceAt", ["parts", "i"], ["y"])
    whole = Graph("g", (split, one), (value_info("x"),), (value_info("y"),), {"two": np.array(2)})
    with pytest.raises(UnsupportedError, match="node SequenceAt 'sequenceat' works on a list"):
        without_lists(whole)
