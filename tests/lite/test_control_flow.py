"""Ties of WHILE and IF, on models built in code."""

import pytest

import rnnlite
from graphs import SHAPE, Graph, branches, nested, one_loop
from rnnlite.lite.control_flow import flows, in_loops


def test_while_ties_five_places():
    model, start, results = one_loop()
    (flow,) = flows(model.ir)
    assert flow.is_loop
    assert len(flow.slots) == 3
    _, cond, body = model.ir.graphs
    # operand, result, the condition's argument, the body's argument, the body's result
    assert flow.slots[1] == (
        start[1],
        results[1],
        cond.inputs[1],
        body.inputs[1],
        body.outputs[1],
    )
    # an invariant is its own result
    assert flow.slots[2][3] == flow.slots[2][4]


def test_loops_that_share_a_body_tie_through_it():
    model, _, results = one_loop()
    main = model.main
    _, cond, body = map(Graph, model.ir.graphs)
    again = [main.tensor([], "int32"), main.tensor(SHAPE), main.tensor(SHAPE)]
    model.loop(main, results, again, cond, body)
    first, second = flows(model.ir)
    assert first.slots[1][2:] == second.slots[1][2:]
    assert first.slots[1][1] == second.slots[1][0]


def test_nested_loops_and_what_runs_in_them():
    model = nested()
    outer, inner = sorted(flows(model.ir), key=lambda f: f.graph.number)
    # the outer body's state argument is the inner loop's operand
    assert outer.slots[1][3] == inner.slots[1][0]
    assert in_loops(model.ir) == set(model.ir.graphs[1:])


def test_if_ties_operands_and_results():
    model = branches().ir
    (flow,) = flows(model)
    _, then, other = model.graphs
    assert flow.slots == (
        (flow.op.input(1), then.inputs[0], other.inputs[0]),
        (flow.op.output, then.outputs[0], other.outputs[0]),
    )
    assert in_loops(model) == set()


def test_different_numbers_of_values_are_refused():
    model, _, _ = one_loop()
    model.ir.graphs[1].inputs = model.ir.graphs[1].inputs[:2]
    with pytest.raises(rnnlite.ModelError, match=r"WHILE of subgraph 0 .*found 3, 3, 2, 3, 3"):
        list(flows(model.ir))
