"""Walks from values back to what they are made of."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny import Region

from rnnlite.loops import Kind
from rnnlite.loops.walks import nodes_of, origin, reached


@pytest.fixture
def region():
    """y = tanh(pass(pass(x)) + h) * tanh(h); z = pass(y)."""
    r = Region()
    one = r.add(Kind.PASS, "x", name="one")
    two = r.add(Kind.PASS, one, name="two")
    s = r.add(Kind.ADD, two, "h", name="sum")
    left = r.add(Kind.ELEMENTWISE, s, op="tanh", name="left")
    right = r.add(Kind.ELEMENTWISE, "h", op="tanh", name="right")
    r.add(Kind.PASS, r.add(Kind.ELEMENTWISE, left, right, op="mul", name="y"), name="z")
    return r


@pytest.mark.parametrize(
    ("ref", "behind"),
    [("two", "x"), ("one", "x"), ("x", "x"), ("z", "y"), ("y", "y"), ("nowhere", "nowhere")],
)
def test_the_value_behind_those_that_hand_on(region, ref, behind):
    assert origin(region, ref) == behind


@pytest.mark.parametrize(
    ("refs", "names"),
    [
        (["y"], ["left", "one", "right", "sum", "two", "y"]),
        (["two"], ["one", "two"]),
        (["left", "right"], ["left", "one", "right", "sum", "two"]),
        (["x"], []),
        ([], []),
    ],
)
def test_nodes_by_name_once_each(region, refs, names):
    assert [n.name for n in nodes_of(region, refs)] == names


@pytest.mark.parametrize(
    ("ref", "stop", "found"),
    [
        ("y", {"x", "h"}, {"x", "h"}),
        ("right", {"x", "h"}, {"h"}),
        ("y", {"sum"}, {"sum"}),
        # Behind what it stops at nothing is looked for.
        ("y", {"sum", "x"}, {"sum"}),
        ("x", {"x"}, {"x"}),
        ("y", set(), set()),
    ],
)
def test_what_a_value_depends_on(region, ref, stop, found):
    assert reached(region, ref, stop) == found


def test_nothing_is_looked_for_in_front_of_the_loop(region):
    bound = region.bind({"sum": 1.0})
    assert reached(bound, "y", {"x", "h"}) == {"h"}
    # But what is asked for may itself be bound.
    assert reached(bound, "y", {"sum"}) == {"sum"}


def test_a_loop_of_references_ends():
    """A graph of while frames has circles."""
    r = Region()
    r.add(Kind.ELEMENTWISE, "b", op="tanh", name="a")
    r.add(Kind.ADD, "a", "x", name="b")
    assert [n.name for n in nodes_of(r, ["a"])] == ["a", "b"]
    assert reached(r, "a", {"x"}) == {"x"}


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=12))
def test_what_is_reached_is_among_what_it_is_made_of(edges):
    r = Region()
    for k, (a, b) in enumerate(edges):
        refs = [f"n{c % k}" if c % (k + 1) < k else f"x{c % 3}" for c in (a, b) if k] or [
            "x0",
            "x1",
        ]
        r.add(Kind.ADD, *refs, name=f"n{k}")
    last = f"n{len(edges) - 1}"
    leaves = {x for n in nodes_of(r, [last]) for x in n.reads if x.startswith("x")}
    assert reached(r, last, {"x0", "x1", "x2"}) == leaves
