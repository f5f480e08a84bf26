import numpy as np

from rnnlite.lite.ir import Model, Signature


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
