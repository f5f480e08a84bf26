"""What is read out of a loop: kind, direction, weights, what is hoisted."""

import pytest
from artefacts import FOLDER

from rnnlite.frontends.opening import open_program
from rnnlite.frontends.request import Request

LSTM = "rnn/basic_lstm_cell/kernel"
EXPECTED = {
    "basic_lstm": [("rnn", "LSTM", 5, "forward", "all", LSTM)],
    "gru": [
        (
            "rnn",
            "GRU",
            5,
            "forward",
            "all",
            "rnn/gru_cell/candidate/kernel, rnn/gru_cell/gates/kernel",
        )
    ],
    "last_output": [("rnn", "LSTM", 5, "forward", "last", "rnn/lstm_cell/kernel")],
    "bidirectional_lengths": [
        ("bidirectional_rnn/bw/bw", "GRU", 5, "backward", "all", None),
        ("bidirectional_rnn/fw/fw", "GRU", 5, "forward", "all", None),
    ],
    "keras_embedding_simple_rnn": [("simple_rnn", None, 5, "forward", None, None)],
    "lstm_block_fused": [("lstm_fused_cell/BlockLSTM", "LSTM", 5, "forward", "all", None)],
}


@pytest.mark.parametrize("name", EXPECTED)
def test_recurrences_are_told(name):
    program = open_program(FOLDER / f"{name}.pb", Request())
    assert len(program.recurrences) == len(EXPECTED[name])
    for found, expected in zip(program.recurrences, EXPECTED[name], strict=True):
        values = (found.name, found.kind, found.units, found.direction, found.outputs)
        weights = ", ".join(sorted(found.weights.split(", ")))
        for value, wanted in zip((*values, weights), expected, strict=True):
            assert wanted is None or value == wanted
        assert found.hoisted


def products_of_bodies(function):
    """Shapes of the kernels that loop bodies multiply with."""
    shapes = set()
    for op in function.graph.get_operations():
        if "While" in op.type:
            body = function.graph._get_function(op.get_attr("body").name).graph
            shapes |= {
                tuple(o.inputs[1].shape) for o in body.get_operations() if o.type == "MatMul"
            }
    return shapes


@pytest.mark.parametrize(
    ("name", "kernels"),
    [("basic_lstm", {(5, 20)}), ("gru", {(5, 10), (5, 5)}), ("lstm_block_cell", {(5, 20)})],
)
def test_the_kernel_is_cut_and_the_input_hoisted(name, kernels):
    """[x, h] @ W stands in the graph; the body multiplies with the rows of h alone."""
    program = open_program(FOLDER / f"{name}.pb", Request())
    assert products_of_bodies(program.function) == kernels


def test_a_state_that_nothing_reads_is_no_output():
    program = open_program(FOLDER / "greedy_decoder.pb", Request())
    assert [r.outputs for r in program.recurrences] == ["last"]


def test_a_loop_within_a_loop_is_told_once():
    program = open_program(FOLDER / "nested_loops.pb", Request())
    found = [(r.name, r.outputs, r.unroll) for r in program.recurrences]
    assert found == [("while", "last", 1), ("while", "all", 1)]
