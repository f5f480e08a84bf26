"""Ties of WHILE and IF, on flatbuffers built in code."""

import pytest

import rnnlite
from graphs import SHAPE, branches, nested, one_loop
from rnnlite.lite.control_flow import flows, in_loops


def test_while_ties_five_places():
    model, start, results = one_loop()
    (flow,) = flows(model.tree)
    assert flow.name == "WHILE"
    assert len(flow.slots) == 3
    body = model.tree.subgraphs[2]
    # operand, result, the condition's argument, the body's argument, the body's result
    assert flow.slots[1] == (
        (0, start[1]),
        (0, results[1]),
        (1, 1),
        (2, 1),
        (2, body.outputs[1]),
    )
    # an invariant is its own result
    assert flow.slots[2][3] == flow.slots[2][4]


def test_loops_that_share_a_body_tie_through_it():
    model, _, results = one_loop()
    main = model.main
    cond, body = model.tree.subgraphs[1], model.tree.subgraphs[2]
    again = [main.tensor([], "int32"), main.tensor(SHAPE), main.tensor(SHAPE)]
    main.add("WHILE", results, again, "WhileOptions", condSubgraphIndex=1, bodySubgraphIndex=2)
    assert (len(cond.inputs), len(body.inputs)) == (3, 3)
    first, second = flows(model.tree)
    assert first.slots[1][2:] == second.slots[1][2:]
    assert first.slots[1][1] == second.slots[1][0]


def test_nested_loops_and_what_runs_in_them():
    model = nested()
    outer, inner = sorted(flows(model.tree), key=lambda f: f.subgraph)
    # the outer body's state argument is the inner loop's operand
    assert outer.slots[1][3] == inner.slots[1][0]
    assert in_loops(model.tree) == {1, 2, 3, 4}


def test_if_ties_operands_and_results():
    (flow,) = flows(branches().tree)
    assert flow.slots == (((0, 1), (1, 0), (2, 0)), ((0, 2), (1, 1), (2, 1)))
    assert in_loops(branches().tree) == set()


def test_different_numbers_of_values_are_refused():
    model, _, _ = one_loop()
    model.tree.subgraphs[1].inputs = model.tree.subgraphs[1].inputs[:2]
    with pytest.raises(rnnlite.ModelError, match=r"WHILE of subgraph 0 .*found 3, 3, 2, 3, 3"):
        list(flows(model.tree))
