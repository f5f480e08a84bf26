"""Pieces of a model: what each runs, and what is handed on."""

import numpy as np

from rnnlite.lite.ir import Model
from rnnlite.lite.passes.exits import cut


def chain():
    """a = x + 1; b = a * 2 (result, dear); c = a + 3 (result, cheap); d of b and c (result)."""
    model = Model()
    graph = model.graph()
    x = graph.value("float32", (1, 4), (1, -1), name="x")
    graph.inputs = [x]

    def op(kind, left, right, name):
        made = graph.value("float32", (1, 4), (1, -1), name=name)
        graph.append(graph.op(kind, [left, right], [made], options={}))
        return made

    one, two, three = (graph.constant(np.full(n, n, np.float32)) for n in (1, 9, 3))
    a = op("ADD", x, one, "a")
    b = op("MUL", a, two, "b")
    c = op("ADD", a, three, "c")
    d = op("SUB", b, c, "d")
    graph.outputs = [b, c, d]
    return model


def test_each_runs_what_is_left():
    model = chain()
    pieces, boundary = cut(model)
    # c reads 4 numbers, b 10, d all of them.
    assert [p.output for p in pieces] == [1, 0, 2]
    assert [v.name for v in boundary] == ["a", "b", "c"]
    assert [p.inputs for p in pieces] == [(0,), (), ()]
    assert [(p.taken, p.given) for p in pieces] == [((), (0, 2)), ((0,), (1,)), ((1, 2), ())]
    kinds = [[op.kind for op in p.model.main.ops] for p in pieces]
    assert [k[0] for k in kinds] == ["ADD", "MUL", "SUB"]
    assert sum(len(k) for k in kinds) < 4 + 3 + 3


def test_the_model_is_left_as_it_is():
    model = chain()
    before = str(model)
    cut(model)
    assert str(model) == before


def test_shapes_are_computed_again():
    model = chain()
    graph = model.main
    _, c, _ = graph.outputs
    shape = graph.value("int32", (2,), name="shape")
    graph.append(graph.op("SHAPE", [c.producer.inputs[0]], [shape], options={}))
    filled = graph.value("float32", (1, 4), (1, -1), name="filled")
    graph.append(graph.op("BROADCAST_TO", [c, shape], [filled], options=None))
    graph.outputs = [c, filled]
    pieces, boundary = cut(model)
    assert [v.name for v in boundary] == ["a", "c"]
    assert [op.kind for op in pieces[1].model.main.ops] == ["SHAPE", "BROADCAST_TO"]
