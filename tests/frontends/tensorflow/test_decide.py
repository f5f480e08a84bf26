"""Conditions whose predicate is known: one branch stays, and the graph gives what it gave."""

import numpy as np
import pytest
import tensorflow as tf
from building import as_tensorflow_runs, graph_def, graph_from, node, placeholder

from rnnlite.errors import SourceError
from rnnlite.frontends.tensorflow.decide import SMALL, decided
from rnnlite.frontends.tensorflow.nodes import pruned

v1 = tf.compat.v1
F, I, BOOL = tf.float32, tf.int32, tf.bool  # noqa: E741 - int32
X = np.array([[1.0, -2.0, 3.0]], np.float32)


def both(build, **shapes):
    """The graph with switches and the one with functions."""
    found = {}
    for name, start in (
        ("switches", v1.disable_control_flow_v2),
        ("functions", v1.enable_control_flow_v2),
    ):
        start()
        try:
            found[name] = graph_from(build, **shapes)
        finally:
            v1.enable_control_flow_v2()
    return found


def known(value, dtype=BOOL):
    """A predicate that is no constant of Python, so that tf.cond leaves both branches."""
    return tf.raw_ops.PreventGradient(input=tf.constant(value, dtype))


PREDICATES = {
    "true": (lambda: known(True), True),
    "false": (lambda: known(False), False),
    "a comparison": (lambda: known(0.7, F) < known(0.5, F), False),
    "of a sum": (lambda: tf.equal(known(2, I) + 1, 3), True),
    "all of several": (lambda: tf.logical_and(known(True), tf.logical_not(known(False))), True),
    "in a packed shape": (lambda: tf.stack([known(4, I), 7])[0] > 3, True),
}


@pytest.mark.parametrize("written", ["switches", "functions"])
@pytest.mark.parametrize("case", PREDICATES)
def test_the_branch_taken_stays(case, written):
    predicate, value = PREDICATES[case]

    def build(x):
        tf.identity(tf.cond(predicate(), lambda: tf.sin(x) * 2.0, lambda: tf.cos(x)), "y")

    definition = both(build, x=[None, 3])[written]
    found = pruned(decided(definition), ["y:0"])
    ops = {n.op for n in found.node}
    assert not ops & {"Switch", "Merge", "If", "StatelessIf"}
    assert ("Sin" in ops, "Cos" in ops) == (value, not value)
    (y,) = as_tensorflow_runs(found, ["y:0"], x=X)
    np.testing.assert_allclose(y, 2 * np.sin(X) if value else np.cos(X), rtol=1e-6)


@pytest.mark.parametrize("written", ["switches", "functions"])
@pytest.mark.parametrize(("outer", "inner"), [(True, True), (True, False), (False, True)])
def test_conditions_within_conditions(written, outer, inner):
    """Decided together; the last one stays, whose predicate the input decides."""

    def build(x):
        def first():
            return tf.cond(known(inner), lambda: x + 1.0, lambda: x + 2.0)

        def second():
            return tf.cond(x[0, 0] > 0, lambda: x * 3.0, lambda: x * 4.0)

        tf.identity(tf.cond(known(outer), first, second), "y")

    definition = both(build, x=[None, 3])[written]
    found = pruned(decided(definition), ["y:0"])
    left = {n.op for n in found.node} & {"Switch", "Merge", "If", "StatelessIf"}
    assert bool(left) == (not outer)
    for x in (X, -X):
        (y,) = as_tensorflow_runs(found, ["y:0"], x=x)
        wanted = x + (1 if inner else 2) if outer else x * (3 if x[0, 0] > 0 else 4)
        np.testing.assert_array_equal(y, wanted)


def test_a_graph_without_a_known_condition_is_given_back():
    def build(x):
        tf.identity(tf.cond(x[0, 0] > 0, lambda: x, lambda: -x), "y")

    for definition in both(build, x=[None, 3]).values():
        assert decided(definition) is definition


@pytest.mark.parametrize(("index", "factor"), [(0, 2), (1, 3), (2, 5), (7, 5), (-1, 5)])
def test_a_case_by_number(index, factor):
    """One that there is no branch for takes the last."""

    def build(x):
        branches = [lambda f=f: x * float(f) for f in (2, 3, 5)]
        tf.identity(tf.switch_case(known(index, I), branches), "y")

    definition = both(build, x=[None, 3])["functions"]
    found = decided(definition)
    assert "Case" in "".join(n.op for n in definition.node)
    assert "Case" not in "".join(n.op for n in found.node)
    (y,) = as_tensorflow_runs(found, ["y:0"], x=X)
    np.testing.assert_array_equal(y, X * factor)


def switched(value, *nodes):
    """x through a Switch by a known value, and what follows."""
    return graph_def(
        placeholder(shape=(None, 3)),
        node("Const", "p", dtype=BOOL, value=np.bool_(value)),
        node("Switch", "s", "x", "p", T=F),
        *nodes,
    )


def branches():
    return (
        node("Neg", "off", "s:0", T=F),
        node("Square", "on", "s:1", T=F),
        node("Merge", "m", "off", "on", T=F, N=2),
    )


@pytest.mark.parametrize("value", [False, True])
def test_a_merge_tells_which_input_came(value):
    definition = switched(value, *branches(), node("Identity", "k", "m:1", T=I))
    found = decided(definition)
    assert {n.name for n in found.node} >= {"m", "m/value_index"}
    assert ({"on", "off"} & {n.name for n in found.node}) == {"on" if value else "off"}
    y, k = as_tensorflow_runs(found, ["m:0", "k:0"], x=X)
    np.testing.assert_array_equal(y, X**2 if value else -X)
    assert k == int(value)


@pytest.mark.parametrize("value", [False, True])
def test_who_waits_for_what_never_runs_does_not_run(value):
    """A constant of a branch reads nothing, and waits for its Switch."""
    definition = switched(
        value,
        node("Identity", "gate_on", "s:1", T=F),
        node("Identity", "gate_off", "s", T=F),
        node("Const", "one", "^gate_on", dtype=F, value=np.float32(1)),
        node("Const", "two", "^gate_off", dtype=F, value=np.float32(2)),
        node("Merge", "m", "two", "one", T=F, N=2),
        node("AddV2", "y", "x", "m", T=F),
    )
    found = decided(definition)
    names = {n.name for n in found.node}
    assert ("one" in names, "two" in names) == (value, not value)
    (y,) = as_tensorflow_runs(found, ["y:0"], x=X)
    np.testing.assert_array_equal(y, X + (1 if value else 2))


@pytest.mark.parametrize("value", [False, True])
def test_a_loop_in_a_branch_that_is_never_taken_goes(value):
    """Its Merges have an input that comes again: that alone does not start it."""

    def build(x):
        def looped():
            return v1.while_loop(lambda k, y: k < 3, lambda k, y: (k + 1, y * 2.0), (0, x))[1]

        tf.identity(tf.cond(known(value), looped, lambda: x - 1.0), "y")

    definition = both(build, x=[None, 3])["switches"]
    found = decided(definition)
    loops = [n.name for n in found.node if n.op == "LoopCond"]
    assert len(loops) == value
    (y,) = as_tensorflow_runs(found, ["y:0"], x=X)
    np.testing.assert_array_equal(y, X * 8 if value else X - 1)


def test_a_choice_keeps_its_name_for_who_waits():
    """And for who names it as an output."""

    def build(x):
        y = tf.cond(known(True), lambda: x * 2.0, lambda: x)
        with tf.control_dependencies([y]):
            tf.identity(x, "z")

    definition = both(build, x=[None, 3])["functions"]
    choice = next(n.name for n in definition.node if n.op in ("If", "StatelessIf"))
    found = decided(definition)
    kept = {n.name: n.op for n in found.node}
    assert kept[choice] == "IdentityN"
    y, z = as_tensorflow_runs(found, [f"{choice}:0", "z:0"], x=X)
    np.testing.assert_array_equal(y, 2 * X)
    np.testing.assert_array_equal(z, X)


def test_an_argument_that_a_branch_hands_through():
    def build(x):
        tf.identity(tf.cond(known(True), lambda: x, lambda: x * 9.0), "y")

    (y,) = as_tensorflow_runs(decided(both(build, x=[None, 3])["functions"]), ["y:0"], x=X)
    np.testing.assert_array_equal(y, X)


def test_a_predicate_of_several_values():
    definition = graph_def(
        placeholder(shape=(None, 3)),
        node("Const", "training", dtype=BOOL, value=np.array([True, False])),
        node("Switch", "s", "x", "training", T=F),
        *branches(),
    )
    with pytest.raises(SourceError) as found:
        decided(definition)
    assert str(found.value) == (
        "the condition 'training' is fixed to 2 values; expected one. "
        "Fix the input that it comes from to a single value."
    )


@pytest.mark.parametrize("count", [SMALL, SMALL + 1])
def test_values_of_many_elements_decide_nothing(count):
    """They are no predicates, and computing them would take time."""
    definition = switched(
        True,
        node("Const", "many", dtype=F, value=np.ones(count, np.float32)),
        node("Const", "axis", dtype=I, value=np.int32(0)),
        node("Sum", "sum", "many", "axis", T=F, Tidx=I, keep_dims=False),
        node("Const", "limit", dtype=F, value=np.float32(0)),
        node("Greater", "q", "sum", "limit", T=F),
        node("Switch", "t", "x", "q", T=F),
        node("Neg", "a", "t:0", T=F),
        node("Relu", "b", "t:1", T=F),
        node("Merge", "n", "a", "b", T=F, N=2),
    )
    found = decided(definition)
    assert ("a" in {n.name for n in found.node}) == (count > SMALL)
    (y,) = as_tensorflow_runs(found, ["n:0"], x=X)
    np.testing.assert_array_equal(y, np.maximum(X, 0))
