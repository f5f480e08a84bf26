"""What is read out of a loop: kind, direction, weights, what is hoisted."""

import pytest
import tensorflow as tf
from artefacts import FOLDER
from building import KERNEL, RECURRENT, assert_equal_to_source, write

import rnnlite
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
    program = open_program(FOLDER / f"{name}.pb", Request()).main
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
    program = open_program(FOLDER / f"{name}.pb", Request()).main
    assert products_of_bodies(program.function) == kernels


def test_a_state_that_nothing_reads_is_no_output():
    program = open_program(FOLDER / "greedy_decoder.pb", Request()).main
    assert [r.outputs for r in program.recurrences] == ["last"]


def test_a_loop_within_a_loop_is_told_once():
    program = open_program(FOLDER / "nested_loops.pb", Request()).main
    found = [(r.name, r.outputs, r.unroll) for r in program.recurrences]
    assert found == [("while", "last", 1), ("while", "all", 1)]


ROWS = {
    "x[t]": lambda x, t: x[t],
    "x[t, :]": lambda x, t: x[t, :, :],
    "x[t, ...]": lambda x, t: x[t, ...],
    "gather": tf.gather,
}


BATCH_MAJOR = {
    "x[:, t]": lambda x, t: x[:, t],
    "x[:, t, ...]": lambda x, t: x[:, t, ...],
    "gather along 1": lambda x, t: tf.gather(x, t, axis=1),
}


def sliced(x, row, last=None, *, batch_major=False):
    """h = tanh(x[t] W + h U) over (B, T, 4), its rows taken by `row`."""
    count, batch = tf.shape(x)[1], tf.shape(x)[0]
    x = x if batch_major else tf.transpose(x, [1, 0, 2])
    start = (0, tf.zeros([batch, 8]), tf.TensorArray(tf.float32, count))

    def body(t, h, ys):
        h = tf.tanh(row(x, t) @ KERNEL + h @ RECURRENT)
        return t + 1, h, ys.write(t, h)

    steps = count if last is None else tf.minimum(count, last)
    loop = tf.compat.v1.while_loop(lambda t, *_: t < steps, body, start)
    return tf.identity(loop[2].stack(), name="y"), tf.identity(loop[1], name="h")


@pytest.mark.parametrize("v2", [False, True], ids=["frames", "While"])
@pytest.mark.parametrize("row", [*ROWS, *BATCH_MAJOR])
def test_rows_of_a_tensor_are_hoisted(tmp_path, row, v2):
    taken = (ROWS | BATCH_MAJOR)[row]
    batch_major = row in BATCH_MAJOR
    path = write(tmp_path / "rows.pb", lambda x: sliced(x, taken, batch_major=batch_major), v2=v2)
    program = open_program(path, Request()).main
    assert products_of_bodies(program.function) == {RECURRENT.shape}
    assert program.recurrences[0].hoisted
    assert_equal_to_source(rnnlite.convert(path), path, ["y:0", "h:0"])


@pytest.mark.parametrize(
    "row",
    [lambda x, t: x[t] + x[0], lambda x, t: x[-1 - t], lambda x, t: x[t : t + 1][0]],
    ids=["a fixed row", "from the end", "a slice"],
)
def test_other_slices_are_right(tmp_path, row):
    path = write(tmp_path / "rows.pb", lambda x: sliced(x, row))
    assert_equal_to_source(rnnlite.convert(path), path, ["y:0", "h:0"])


def test_rows_along_two_axes_of_one_tensor(tmp_path):
    """x[:, t] over all steps, beside x[t] of the same tensor, which is no time step."""

    def both(x):
        table = tf.reshape(x, [-1, 4])
        count = tf.shape(table)[0]
        square = tf.matmul(table, table, transpose_b=True)
        start = (0, tf.zeros([1, 8]), tf.TensorArray(tf.float32, count))

        def body(t, h, ys):
            row, column = square[t], square[:, t]
            seen = tf.reduce_sum(row) - 0.5 * tf.reduce_max(column)
            h = tf.tanh(table[t][tf.newaxis] @ KERNEL + 0.1 * seen + h @ RECURRENT)
            return t + 1, h, ys.write(t, h)

        loop = tf.compat.v1.while_loop(lambda t, *_: t < count, body, start)
        return tf.identity(loop[2].stack(), name="y"), tf.identity(loop[1], name="h")

    path = write(tmp_path / "both.pb", both)
    assert_equal_to_source(rnnlite.convert(path), path, ["y:0", "h:0"])


def test_a_loop_that_ends_before_its_rows(tmp_path):
    path = write(tmp_path / "rows.pb", lambda x: sliced(x, ROWS["x[t]"], last=4))
    assert products_of_bodies(open_program(path, Request()).main.function) == {RECURRENT.shape}
    assert_equal_to_source(rnnlite.convert(path), path, ["y:0", "h:0"])
