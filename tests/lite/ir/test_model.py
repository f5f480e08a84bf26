import numpy as np
import pytest

from rnnlite.lite.ir import Model, Origin, Quantization, Signature


def looping():
    """A main graph with a WHILE, and a graph that nothing runs."""
    model = Model()
    main, cond, body, lost = (model.graph(n) for n in ("main", "cond", "body", "lost"))
    for graph in (main, cond, body, lost):
        graph.inputs = [graph.value("int32", [], name="t")]
    verdict = cond.value("bool", [])
    limit = cond.constant(np.array(3, np.int32))
    cond.append(cond.op("LESS", [*cond.inputs, limit], [verdict], options={}, version=2))
    cond.outputs = [verdict]
    later = body.value("int32", [])
    one = body.constant(np.array(1, np.int32))
    body.append(body.op("ADD", [*body.inputs, one], [later], options={}))
    body.outputs = [later]
    result = main.value("int32", [])
    loop = main.op("WHILE", main.inputs, [result], options={}, branches=[cond, body])
    main.append(loop)
    main.outputs = [result]
    model.signatures = [Signature("serve", main, (("t", main.inputs[0]),), (("end", result),))]
    return model


def test_codes_are_listed_once_in_at_least_the_version():
    model = Model()
    code = model.code("ADD", 2)
    assert model.code("ADD", 1) is code
    assert model.code("ADD", 2) is code
    assert model.code("ADD", 3) is not code
    assert [c.version for c in model.codes] == [2, 3]


def test_a_version_is_raised_and_never_lowered():
    model = looping()
    less = model.graphs[1].ops[0]
    model.raise_version(less, 1)
    assert less.version == 2
    model.raise_version(less, 4)
    assert less.version == 4
    model.drop_unused_codes()
    assert {(c.kind, c.version) for c in model.codes} == {("LESS", 4), ("ADD", 1), ("WHILE", 1)}


def test_loops_and_the_graphs_they_reach():
    model = looping()
    (loop,) = model.loops()
    assert [g.name for g in loop.branches] == ["cond", "body"]
    assert [g.name for g in model.reached()] == ["main", "cond", "body"]


def test_a_copy_shares_contents_and_nothing_else():
    model = looping()
    twin, values = model.copy()
    assert str(twin) == str(model)
    assert len(values) == sum(len(g.values) for g in model.graphs)
    limit = model.graphs[1].ops[0].input(1)
    assert values[limit].data is limit.data
    assert values[limit] is not limit
    (loop,) = twin.loops()
    assert loop.branches == (twin.graphs[1], twin.graphs[2])
    assert twin.signatures[0].outputs == (("end", values[model.main.outputs[0]]),)
    twin.raise_version(loop, 7)
    twin.main.outputs = []
    assert next(model.loops()).version == 1
    assert model.main.outputs


def two_ways():
    """Two signatures of two graphs, each with an op; a third graph that a branch runs."""
    model = Model()
    graphs = [model.graph(n) for n in ("main", "other", "branch")]
    for graph, kind in zip(graphs, ("TANH", "ABS", "NEG"), strict=True):
        graph.inputs = [graph.value("float32", [1])]
        made = graph.value("float32", [1])
        graph.append(graph.op(kind, graph.inputs, [made]))
        graph.outputs = [made]
    main, other, branch = graphs
    result = other.value("float32", [1])
    other.append(other.op("IF", other.inputs, [result], options={}, branches=[branch, branch]))
    for key, graph in (("a", main), ("b", other)):
        model.signatures.append(Signature(key, graph, (("x", graph.inputs[0]),), ()))
    return model


def test_the_graphs_that_a_caller_runs():
    model = two_ways()
    assert [g.name for g in model.called] == ["main", "other"]
    model.signatures.reverse()
    assert [g.name for g in model.called] == ["main", "other"]
    assert [g.name for g in model.reached()] == ["main", "other", "branch"]
    assert model.main is model.graphs[0]


@pytest.mark.parametrize(
    ("key", "wanted"), [("a", ["TANH"]), ("b", ["ABS", "IF", "NEG"]), ("c", [])]
)
def test_ops_of_a_signature(key, wanted):
    """Those of its branches among them, once."""
    assert [op.kind for op in two_ways().ops_of(key)] == wanted


def test_ops_of_all_graphs():
    model = two_ways()
    assert [op.kind for op in model.ops()] == ["TANH", "ABS", "IF", "NEG"]
    assert list(model.loops()) == []


def test_a_sweep_may_add_graphs():
    model = two_ways()
    count = 0
    for _ in model.ops():
        count += 1
        model.graph()
    assert count == 4
    assert len(model.graphs) == 7


def test_fixed_shapes():
    model = two_ways()
    assert model.has_fixed_shapes
    model.graphs[2].inputs[0].signature = [-1]
    assert model.has_fixed_shapes
    model.graphs[1].inputs[0].signature = [-1]
    assert not model.has_fixed_shapes


def test_codes_in_use_are_kept_in_order():
    model = two_ways()
    model.code("MUL")
    main = model.main
    model.drop_unused_codes()
    assert [c.kind for c in model.codes] == ["TANH", "ABS", "NEG", "IF"]
    main.outputs = []
    main.remove(*main.ops)
    model.drop_unused_codes()
    assert [c.kind for c in model.codes] == ["ABS", "NEG", "IF"]


def test_raising_one_op_leaves_its_like():
    model = Model()
    graph = model.graph()
    x = graph.value("int32", [1])
    ops = [graph.op("ADD", [x, x], [graph.value("int32", [1])], options={}) for _ in range(2)]
    graph.append(*ops)
    model.raise_version(ops[0], 3)
    assert [op.version for op in ops] == [3, 1]
    model.raise_version(ops[1], 2)
    assert ops[1].code is ops[0].code


def test_a_copy_has_everything():
    model = two_ways()
    model.description, model.version, model.metadata = "it", 4, {"rnnlite": b"{}"}
    main = model.main
    value = main.inputs[0]
    value.name, value.quantization = "x", Quantization.of(0.5)
    value.origin, value.is_variable, value.derived = Origin(("a",)), True, 2
    value.extra, main.origin, main.debug = {"kept": 1}, Origin(("b",)), 7
    (tanh,) = main.ops
    tanh.intermediates, tanh.extra = (value, None), {"kept": 2}
    twin, values = model.copy()
    made = values[value]
    assert (twin.description, twin.version, twin.metadata) == ("it", 4, {"rnnlite": b"{}"})
    assert (made.name, made.quantization, made.origin) == ("x", value.quantization, value.origin)
    assert (made.is_variable, made.derived, made.extra) == (True, 2, {"kept": 1})
    assert (twin.main.origin, twin.main.debug) == (main.origin, 7)
    (op,) = twin.main.ops
    assert (op.intermediates, op.extra) == ((made, None), {"kept": 2})
    assert [s.graph for s in twin.signatures] == [twin.graphs[0], twin.graphs[1]]
    branches = next(o for o in twin.ops() if o.kind == "IF").branches
    assert branches == (twin.graphs[2], twin.graphs[2])


def test_a_copy_is_edited_by_itself():
    model = two_ways()
    before = str(model)
    twin, _ = model.copy()
    twin.metadata["new"] = b""
    for graph in twin.graphs:
        graph.outputs = []
        graph.remove(*graph.ops)
        graph.drop_unused_values()
    twin.drop_unused_codes()
    assert str(model) == before
    assert model.metadata == {}
    assert len(model.codes) == 4


def test_texts():
    model = two_ways()
    assert repr(model) == "Model of 3 graphs, 4 ops"
    assert str(model).count("Graph '") == 3
