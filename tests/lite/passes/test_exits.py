"""Pieces of a model: what each runs, and what is handed on."""

import numpy as np

from graphs import run
from rnnlite.lite import schema
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


def test_pieces_one_after_the_other_give_what_the_whole_gives():
    model = chain()
    x = np.float32([[1, -2, 0.5, 3]])
    # The constant of nine elements broadcasts to a result of nine.
    for value in model.main.values:
        if value.size == 9:
            value.data, value.shape = np.float32([2]), (1,)
        if value.is_constant and value.size == 3:
            value.data, value.shape = np.float32([3]), (1,)
    for value in model.main.values:
        if not value.is_constant:
            value.signature = None
    wanted = run(schema.write(model), x)
    pieces, _ = cut(model)
    handed, found = {}, {}
    for piece in pieces:
        given = [x for _ in piece.inputs] + [handed[k] for k in piece.taken]
        result, *rest = run(schema.write(piece.model), *given)
        found[piece.output] = result
        handed |= dict(zip(piece.given, rest, strict=True))
    assert sorted(found) == [0, 1, 2]
    for k, result in found.items():
        np.testing.assert_allclose(result, wanted[k], rtol=1e-6)


def test_every_piece_says_how_many_ops_it_has():
    pieces, _ = cut(chain())
    # A copy of a boundary value that is the result too is one more.
    assert [p.ops for p in pieces] == [len(p.model.main.ops) for p in pieces]


def test_one_result_is_one_piece():
    model = chain()
    model.main.outputs = model.main.outputs[2:]
    (piece,), boundary = cut(model)
    assert (piece.output, piece.inputs, piece.taken, piece.given) == (0, (0,), (), ())
    assert [op.kind for op in piece.model.main.ops] == ["ADD", "MUL", "ADD", "SUB"]
    assert boundary == []


def test_results_without_an_op_in_common_hand_nothing_on():
    model = Model()
    graph = model.graph()
    graph.inputs = [graph.value("float32", (1, 4), name=n) for n in "xy"]
    for value, kind in zip(graph.inputs, ("TANH", "ABS"), strict=True):
        made = graph.value("float32", (1, 4))
        graph.append(graph.op(kind, [value], [made]))
        graph.outputs = [*graph.outputs, made]
    pieces, boundary = cut(model)
    assert boundary == []
    assert [(p.output, p.inputs) for p in pieces] == [(0, (0,)), (1, (1,))]


def test_a_result_that_another_is_made_of_is_handed_on():
    """Nothing is left to run for it, but its own ops."""
    model = chain()
    a = model.main.ops[0].output
    model.main.outputs = [a, model.main.outputs[0]]
    pieces, boundary = cut(model)
    assert [v.name for v in boundary] == ["a"]
    assert [(p.taken, p.given) for p in pieces] == [((), (0,)), ((0,), ())]
