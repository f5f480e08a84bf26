"""What the nodes of a body depend on, and which of them leave the loop."""

import numpy as np
import pytest
from tiny import Region, Rows, free

from rnnlite.loops import Kind
from rnnlite.loops.regions import (
    Body,
    Class,
    invariants_read,
    may_hoist,
    plan,
    shape_of,
    sort,
    step_weights,
)

BATCH, FEATURES, UNITS = 2, 3, 4
X, H = np.ones((BATCH, FEATURES)), np.ones((BATCH, UNITS))
W, U, B = np.ones((FEATURES, UNITS)), np.ones((UNITS, UNITS)), np.ones(UNITS)


def sorted_body(build, results, **bound):
    """A body with a row x, a counter t, a state h, and what is bound in front of the loop."""
    region = Region()
    build(region)
    region = region.bind({"w": W, "u": U, "b": B, **bound})
    shapes = region.shapes(results, {"h": H}, {"x": X[None]}, {"t": np.int32(0)})
    arrays = {("xs", 0): region.bound["xs"]} if "xs" in bound else {}
    return sort(Body(region, ("h",), ("x", "t"), tuple(results), shapes, arrays))


def rnn(region):
    """h' = tanh((x w + b) + h u)."""
    region.add(Kind.MATMUL, "x", "w", name="xw")
    region.add(Kind.BIAS_ADD, "xw", "b", name="biased")
    region.add(Kind.MATMUL, "h", "u", name="hu")
    region.add(Kind.ADD, "biased", "hu", name="sum")
    region.add(Kind.ELEMENTWISE, "sum", op="tanh", name="new")


def test_classes_and_order():
    nodes = sorted_body(rnn, ["new"])
    names = [n.name for n in nodes.order]
    assert sorted(names) == sorted(["xw", "biased", "hu", "sum", "new"])
    for node in nodes.order:
        for ref in node.reads:
            if ref in names:
                assert names.index(ref) < names.index(node.name)
    assert dict(nodes.classes) == {
        "xw": Class.INPUT,
        "biased": Class.INPUT,
        "hu": Class.STATE,
        "sum": Class.STATE,
        "new": Class.STATE,
    }
    assert [nodes.of(r) for r in ("x", "t", "h", "w", "elsewhere")] == [
        Class.INPUT,
        Class.INPUT,
        Class.STATE,
        Class.INVARIANT,
        Class.INVARIANT,
    ]


def test_what_leaves_and_what_the_step_reads():
    nodes = sorted_body(rnn, ["new"])
    found = plan(nodes)
    assert [n.name for n in found.hoisted] == ["xw", "biased"]
    assert found.frontier == ("biased",)
    assert set(invariants_read(nodes)) == {"w", "b", "u"}
    assert step_weights(nodes) == U.size


def test_an_output_that_left_the_loop_is_read():
    """y = x w beside the state: the step gives out what was computed in front of it."""
    nodes = sorted_body(rnn, ["new", "xw"])
    assert set(plan(nodes).frontier) == {"biased", "xw"}


def test_a_row_that_is_given_out_as_it_is():
    nodes = sorted_body(lambda r: None, ["x"])
    found = plan(nodes)
    assert (found.hoisted, found.frontier) == ((), ("x",))


@pytest.mark.parametrize(
    ("reads", "kind"),
    [(("x",), Kind.RANDOM), (("x",), Kind.BRANCH), (("b",), Kind.RANDOM)],
)
def test_what_stays_in_the_step(reads, kind):
    """Each step draws anew, even from what never changes."""

    def build(region):
        region.add(kind, *reads, op="tanh", name="drawn")
        region.add(Kind.ELEMENTWISE, "drawn", op="tanh", name="y")

    nodes = sorted_body(build, ["y"])
    assert nodes.classes["drawn"] is Class.STATE
    assert plan(nodes).hoisted == ()


def test_a_branch_of_what_never_changes_is_computed_once():
    def branch(region):
        region.add(Kind.BRANCH, "b", op="tanh", name="y")

    nodes = sorted_body(branch, ["y"])
    assert nodes.classes["y"] is Class.INVARIANT


def test_what_is_bound_is_no_node_of_the_step():
    def build(region):
        region.add(Kind.ADD, "w", "w", name="doubled")
        region.add(Kind.MATMUL, "x", "doubled", name="y")

    nodes = sorted_body(build, ["y"])
    assert [n.name for n in nodes.order] == ["doubled", "y"]
    assert nodes.classes["doubled"] is Class.INVARIANT
    np.testing.assert_array_equal(nodes.known("doubled"), 2 * W)
    bound = sorted_body(build, ["y"], doubled=-W)
    assert [n.name for n in bound.order] == ["y"]
    np.testing.assert_array_equal(bound.known("doubled"), -W)


def test_what_is_known():
    nodes = sorted_body(rnn, ["new"], u=free(U))
    assert nodes.known("u") is None
    assert nodes.known("h") is None
    np.testing.assert_array_equal(nodes.known("w"), W)
    # A kernel that is not known counts for nothing.
    assert step_weights(nodes) == 0


@pytest.mark.parametrize(
    ("axis", "found"), [(1, 1), (None, None), ("where", 2), ("unknown", None), ("h", None)]
)
def test_the_axis_of_a_node(axis, found):
    def build(region):
        region.add(Kind.EXPAND, "x", axis=0, name="y")

    nodes = sorted_body(build, ["y"], where=np.array(2), unknown=free(1))
    node = nodes.body.region.node("y")
    node = type(node)(**{**vars(node), "axis": axis})
    assert nodes.axis(node) == found


def hoists(kind, *operands, op="tanh", **attributes):
    """Whether a node of these operands may leave; `xw` is over time, `h` is a state."""

    def build(region):
        region.add(Kind.MATMUL, "x", "w", name="xw")
        region.add(kind, *operands, op=op, name="y", **attributes)

    array = Rows("xs", 5, np.ones((5, BATCH, FEATURES)))
    region = Region()
    build(region)
    region = region.bind({"w": W, "u": U, "b": B, "xs": array, "ids": np.array([0, 1])})
    shapes = {"x": (BATCH, FEATURES), "t": (), "h": (BATCH, UNITS), "xw": (BATCH, UNITS)}
    shapes["odd"] = None
    body = Body(region, ("h",), ("x", "t", "odd"), ("y",), shapes, {("xs", 0): array})
    return may_hoist(sort(body), region.node("y"))


@pytest.mark.parametrize(
    ("node", "may"),
    [
        ((Kind.MATMUL, "x", "w"), True),
        ((Kind.MATMUL, "w", "x"), False),
        ((Kind.MATMUL, "x", "xw"), False),
        ((Kind.BIAS_ADD, "xw", "b"), True),
        ((Kind.BIAS_ADD, "xw", "xw"), False),
        ((Kind.ELEMENTWISE, "xw"), True),
        ((Kind.ADD, "xw", "b"), True),
        # Of unknown rank: nothing says how it broadcasts.
        ((Kind.ADD, "xw", "odd"), False),
        ((Kind.SOFTMAX, "xw"), True),
        ((Kind.OTHER, "xw"), False),
        ((Kind.PRODUCT, "x", "w"), False),
    ],
    ids=str,
)
def test_nodes_that_may_leave(node, may):
    kind, *operands = node
    assert hoists(kind, *operands) == may


@pytest.mark.parametrize(
    ("kind", "operands", "axis", "may"),
    [
        (Kind.CONCAT, ("x", "xw"), 1, True),
        (Kind.CONCAT, ("x", "b"), 1, False),
        (Kind.CONCAT, ("x", "xw"), None, False),
        (Kind.EXPAND, ("x",), 0, True),
        (Kind.EXPAND, ("b",), 0, False),
        (Kind.GATHER, ("w", "t"), 0, True),
        (Kind.GATHER, ("w", "t"), 1, False),
        (Kind.GATHER, ("x", "ids"), 0, False),
        (Kind.READ_ROW, ("xs", "t"), None, True),
        (Kind.READ_ROW, ("xs", "t"), 1, False),
        (Kind.READ_ROW, ("x", "t"), None, False),
        (Kind.READ_ROW, ("xs", "x"), None, False),
    ],
)
def test_nodes_with_an_axis_that_may_leave(kind, operands, axis, may):
    assert hoists(kind, *operands, axis=axis) == may


def test_shapes():
    nodes = sorted_body(rnn, ["new"])
    assert shape_of(nodes, "xw") == (BATCH, UNITS)
    assert shape_of(nodes, "w") == W.shape
    assert shape_of(nodes, "h") == H.shape
