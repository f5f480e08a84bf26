"""What ops demand, kept once and only where it says something; an op as its rule sees it."""

import numpy as np
import pytest
from rules import FakeOp, T, U, t, u

from rnnlite.lengths.facts import (
    LARGEST_CONTENT,
    NOTHING,
    RULES,
    Demands,
    Fact,
    Node,
    Requirement,
    Untold,
    filled,
    rule,
    scalar,
    static,
    vector,
    with_content,
)
from rnnlite.lengths.sizes import floor_div, unknown
from rnnlite.lengths.values import is_known


def demanded(kind, left, right):
    demands = Demands()
    demands.add(kind, left, right, "op")
    return [(r.kind, r.left, r.right) for r in demands.found.values()]


@pytest.mark.parametrize(
    ("kind", "left", "right", "kept"),
    [
        ("equal", t, 5, ("equal", t, 5)),
        ("multiple", t, 4, ("multiple", t, 4)),
        ("least", t - 2, 1, ("least", t - 2, 1)),
        ("meant", t, 9, ("meant", t, 9)),
        # What both are multiples of by a free axis, as the batch is, says nothing.
        ("equal", t * u, 5 * u, ("equal", t, 5)),
        ("multiple", 6 * t * u, 4 * u, ("multiple", 6 * t, 4)),
        # A bound is none of a quotient.
        ("least", t * u, u, ("least", t * u, u)),
        # It always holds, or never does: numbers are TensorFlow's own matter.
        ("equal", t, t, None),
        ("equal", 3, 5, None),
        ("equal", 3 * u, 3 * u, None),
        # Of what is not known nothing is said.
        ("equal", unknown(), t, None),
        ("multiple", t + unknown(), 4, None),
        ("least", floor_div(unknown() * t, 2), 1, None),
    ],
)
def test_what_is_kept(kind, left, right, kept):
    assert demanded(kind, left, right) == ([] if kept is None else [kept])


def test_each_is_kept_once_with_the_op_that_came_first():
    demands = Demands()
    for op in ("first", "second"):
        demands.add("equal", t, u, op)
    demands.add("least", t, u, "third")
    assert [(r.kind, r.op) for r in demands.found.values()] == [
        ("equal", "first"),
        ("least", "third"),
    ]


@pytest.mark.parametrize(
    ("kind", "left", "right", "holding"),
    [
        ("equal", 2 * t, 12, {6}),
        ("meant", 2 * t, 12, {6}),
        ("multiple", t, 4, {4, 8}),
        ("least", t, 7, {7, 8, 9}),
        ("multiple", t, t - 4, {5, 6, 8}),
    ],
)
def test_where_it_holds(kind, left, right, holding):
    requirement = Requirement(kind, left, right, "op")
    assert {n for n in range(1, 10) if requirement.holds({T: n})} == holding


def test_where_that_is_not_known():
    assert Requirement("equal", t, u, "op").holds({T: 3}) is None
    assert Requirement("equal", t, unknown(), "op").holds({T: 3}) is None


def test_of_which_axes_it_speaks():
    assert Requirement("equal", t, 3, "op").axes == {T}
    assert Requirement("least", floor_div(t, 2), u, "op").axes == {T, U}
    assert Requirement("least", 2, 3, "op").axes == frozenset()


@pytest.mark.parametrize(
    ("requirement", "values", "left"),
    [
        (Requirement("equal", t + u, 9, "op"), {U: 2}, ("equal", t + 2, 9)),
        (Requirement("equal", t * u, 4 * u, "op"), {T: 4}, None),
        (Requirement("multiple", t * u, 6, "op"), {U: 12}, None),
        (Requirement("multiple", t * u, 6, "op"), {U: 2}, ("multiple", 2 * t, 6)),
        (Requirement("least", t - u, 1, "op"), {T: 9}, ("least", 9 - u, 1)),
        (Requirement("least", t + u, 4, "op"), {U: 3}, None),
        (Requirement("meant", t * u, 12, "op"), {T: 3, U: 4}, None),
        # One that never holds then stays.
        (Requirement("equal", t, 5, "op"), {T: 4}, ("equal", 4, 5)),
    ],
)
def test_some_axes_are_fixed(requirement, values, left):
    found = requirement.fixed(values)
    assert (None if found is None else (found.kind, found.left, found.right)) == left


def node(*facts, **attrs):
    return Node(FakeOp("Any", attrs), list(facts), Demands())


def test_an_op_as_its_rule_sees_it():
    given = node(Fact((2, t)), with_content(vector([4, 5])), with_content(scalar(t)), mode=b"SAME")
    assert given.sizes(0) == (2, t)
    assert given.numbers(1) == [4, 5]
    assert given.only(2) == t
    assert (given.attr("mode"), given.text("mode")) == (b"SAME", "SAME")
    assert node(with_content(scalar(7))).number(0) == 7


@pytest.mark.parametrize(
    "ask",
    [
        lambda: node(NOTHING).sizes(0),
        lambda: node(Fact((2,))).content(0),
        lambda: node(with_content(vector([t]))).numbers(0),
        lambda: node(with_content(scalar(t))).number(0),
        lambda: node(Fact((2,))).only(0),
    ],
    ids=["rank", "content", "free numbers", "a free number", "one"],
)
def test_what_is_not_known_is_untold(ask):
    with pytest.raises(Untold):
        ask()


def test_of_two_equal_sizes_the_one_that_says_more():
    what = unknown()
    for left, right, more in (
        (t, 5, 5),
        (5, t, 5),
        (t, u, t),
        (what, t, t),
        (t, what, t),
        (what, 3, 3),
    ):
        assert node().demand_equal(left, right) == more


def test_a_rule_is_registered_for_its_ops():
    try:

        @rule("TestOne", "TestTwo")
        def both(given):
            return [Fact(given.sizes(0)[::-1])]

        for name in ("TestOne", "TestTwo"):
            (fact,) = RULES[name].sizes(node(Fact((2, t))))
            assert fact.sizes == (t, 2)
    finally:
        del RULES["TestOne"], RULES["TestTwo"]


def test_static_sizes():
    import tensorflow as tf

    def of(shape):
        return static(type("Tensor", (), {"shape": tf.TensorShape(shape)}))

    assert of(None) is None
    assert of([]) == ()
    sizes = of([2, None, 3])
    assert [is_known(s) for s in sizes] == [True, False, True]
    assert sizes[::2] == (2, 3)


def test_content():
    assert list(vector([1, t])) == [1, t]
    assert scalar(t).shape == ()
    assert scalar(t)[()] == t
    assert filled([2, 2], 7).tolist() == [[7, 7], [7, 7]]
    assert filled([2], np.array([t, 4], object)).tolist() == [t, 4]
    fact = with_content(filled([2, 3], 1))
    assert (fact.sizes, fact.content.shape) == ((2, 3), (2, 3))


def test_long_content_is_not_followed():
    assert with_content(vector([1] * LARGEST_CONTENT)).content is not None
    long = with_content(vector([1] * (LARGEST_CONTENT + 1)))
    assert (long.sizes, long.content) == ((LARGEST_CONTENT + 1,), None)
