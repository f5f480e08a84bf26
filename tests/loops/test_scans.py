"""Loops of the tiny dialect that are recurrences: the Scan gives what the loop gives."""

import logging

import numpy as np
import pytest
from tiny import Builder, Rows, assert_same, free, run_loop, run_scan

from rnnlite.loops import Kind, Node, NotAScan, scan_of
from rnnlite.scan import oracle

RNG = np.random.default_rng(0)
STEPS, BATCH, FEATURES, UNITS = 7, 2, 3, 4


def normal(*shape):
    return RNG.normal(size=shape)


def sequence(name="x", *, width=FEATURES):
    return Rows(name, STEPS, free(normal(STEPS, BATCH, width)))


def checked(loop):
    """The Scan of a loop, which gives what the loop gives."""
    raised = scan_of(loop)
    assert not isinstance(raised, NotAScan), raised
    assert_same(run_scan(loop, raised), run_loop(loop))
    return raised


def begun(name="loop", **sequences):
    """A builder with a counter and sequences that are read at it."""
    b = Builder(name)
    rows = []
    for ref, value in sequences.items():
        b.read_outside(ref, value)
        rows.append(b.body.add(Kind.READ_ROW, ref, "t"))
    return b, b.counter(), rows


def written(b, ref, row):
    """An array that a row is written to at the counter; gives its update."""
    b.carry(ref, Rows(ref, STEPS))
    return b.body.add(Kind.WRITE_ROW, ref, "t", row)


def test_a_delay_line():
    """y[t] = x[t - 2]."""
    b, following, (x,) = begun(xs=sequence())
    b.carry("one", np.zeros((BATCH, FEATURES)))
    b.carry("two", np.zeros((BATCH, FEATURES)))
    updates = {"t": following, "one": x, "two": "one", "ys": written(b, "ys", "two")}
    loop = b.loop(updates, b.while_below(STEPS))
    raised = checked(loop)
    assert raised.scan.all_outputs
    assert not raised.cell.hoisted
    x = loop.arrays["xs"].content
    np.testing.assert_array_equal(run_scan(loop, raised)[3].rows()[2:], x[:-2])


def lstm(b, x, kernel, bias):
    """i, f, g, o of [x, h] W + b; gives the new h and c."""
    body, n = b.body, UNITS
    b.read_outside("kernel", kernel, weight="rnn/kernel")
    b.carry("h", np.zeros((BATCH, n)))
    b.carry("c", np.zeros((BATCH, n)))
    joined = body.add(Kind.CONCAT, x, "h", axis=1)
    gates = body.add(Kind.BIAS_ADD, body.add(Kind.MATMUL, joined, "kernel"), body.constant(bias))

    def gate(k, function):
        pick = body.constant(np.eye(4 * n)[:, k * n : (k + 1) * n])
        return body.apply_function(function, body.add(Kind.MATMUL, gates, pick))

    i, f, g, o = gate(0, "sigmoid"), gate(1, "sigmoid"), gate(2, "tanh"), gate(3, "sigmoid")
    kept = body.apply_function("mul", f, "c")
    c = body.add(Kind.ADD, kept, body.apply_function("mul", i, g))
    return body.apply_function("mul", o, body.apply_function("tanh", c)), c


def test_an_lstm_whose_kernel_is_cut():
    kernel, bias = normal(FEATURES + UNITS, 4 * UNITS), normal(4 * UNITS)
    b, following, (x,) = begun(xs=sequence())
    h, c = lstm(b, x, kernel, bias)
    updates = {"t": following, "h": h, "c": c, "ys": written(b, "ys", h)}
    loop = b.loop(updates, b.while_below(STEPS))
    raised = checked(loop)
    assert raised.cell.describe() == ("LSTM", UNITS)
    assert raised.weights == ("rnn/kernel",)
    assert raised.cell.hoisted
    # x times its rows of the kernel, for all time steps at once; the bias with it.
    assert [a for a in loop.tensors.asked if a != "take"] == [
        f"product ({FEATURES}, {4 * UNITS})",
        "add",
    ]
    step = oracle.lstm_step(kernel[:FEATURES], kernel[FEATURES:], bias)
    x = np.swapaxes(loop.arrays["xs"].content, 0, 1)
    y, _ = oracle.scan(step, x, [np.zeros((BATCH, UNITS))] * 2)
    np.testing.assert_allclose(run_scan(loop, raised)[3].rows(), np.swapaxes(y, 0, 1))


def test_a_bidirectional_read():
    """x[t] beside x[T - 1 - t], as one loop over both directions reads them."""
    b, following, (x,) = begun(xs=sequence())
    behind = b.body.apply_function("sub", b.body.constant(STEPS - 1), "t")
    back = b.body.add(Kind.READ_ROW, "xs", behind)
    w = b.read_outside("w", normal(FEATURES, UNITS))
    total = b.body.add(Kind.ADD, b.body.add(Kind.MATMUL, x, w), b.body.add(Kind.MATMUL, back, w))
    b.carry("h", np.zeros((BATCH, UNITS)))
    h = b.body.apply_function("tanh", b.body.add(Kind.ADD, total, "h"))
    loop = b.loop({"t": following, "h": h}, b.while_below(STEPS))
    raised = checked(loop)
    # Both products leave the loop; the step reads their sum alone.
    assert loop.tensors.asked.count("rows_at") == 1
    assert loop.tensors.asked.count(f"product ({FEATURES}, {UNITS})") == 2
    assert len(raised.cell.plan.frontier) == 1


def test_an_index_that_is_packed_on_the_way_stays_behind():
    """What only a row that left the loop reads is neither hoisted nor carried into the step."""
    b, following, (x,) = begun(xs=sequence())
    late = b.body.apply_function("maximum", t_less_one(b), b.body.constant(0))
    b.body.add(Kind.OTHER, late, op="pack", name="packed")
    row = Node("row", "slice", Kind.READ_ROW, ("xs", "packed"), "row", ("xs", late))
    b.body.nodes["row"] = row
    b.carry("h", np.zeros((BATCH, FEATURES)))
    h = b.body.apply_function(
        "tanh", b.body.add(Kind.ADD, b.body.add(Kind.ADD, x, row.result), "h")
    )
    raised = checked(b.loop({"t": following, "h": h}, b.while_below(STEPS)))
    assert "row" in {n.name for n in raised.cell.plan.hoisted}
    assert len(raised.cell.plan.frontier) == 1


def t_less_one(b):
    return b.body.apply_function("sub", "t", b.body.constant(1))


def test_a_row_of_an_array_that_changes_is_read_in_the_step():
    """y[t] = x[t] + y[t - 1], read from what the loop writes itself."""
    b, following, (x,) = begun(xs=sequence(width=2))
    ys = Rows("ys", STEPS, np.ones((STEPS, BATCH, 2)))
    b.carry("ys", ys)
    one = b.body.apply_function("sub", "t", b.body.constant(1))
    before = b.body.add(Kind.READ_ROW, "ys", one)
    row = b.body.add(Kind.ADD, x, before)
    written_row = b.body.add(Kind.WRITE_ROW, "ys", "t", row)
    loop = b.loop({"t": following, "ys": written_row}, b.while_below(STEPS))
    found = scan_of(loop)
    assert found == NotAScan("'ys' is read in the loop that writes it")


def test_a_sequence_that_was_reversed():
    array = sequence()
    b, following, (x,) = begun(xs=Rows("x", STEPS, array.content[::-1]))
    b.carry("h", np.ones((BATCH, FEATURES)))
    h = b.body.apply_function("tanh", b.body.add(Kind.ADD, x, "h"))
    loop = b.loop({"t": following, "h": h}, b.while_below(STEPS), t={"wanted": False})
    wanted = np.ones((BATCH, FEATURES))
    for row in np.asarray(array.content)[::-1]:
        wanted = np.tanh(row + wanted)
    np.testing.assert_allclose(run_scan(loop, checked(loop))[1], wanted)


def test_a_masked_step_keeps_the_state():
    """h' = t < length ? tanh(x + h) : h, the comparison for all time steps at once."""
    b, following, (x,) = begun(xs=sequence())
    lengths = b.read_outside("lengths", free([[3], [6]]))
    b.carry("h", np.zeros((BATCH, FEATURES)))
    new = b.body.apply_function("tanh", b.body.add(Kind.ADD, x, "h"))
    keep = b.body.add(Kind.LESS, "t", lengths)
    h = b.body.apply_function("select", keep, new, "h")
    raised = checked(b.loop({"t": following, "h": h}, b.while_below(STEPS)))
    assert [n.kind for n in raised.cell.plan.hoisted] == [Kind.LESS]


def test_what_is_hoisted_has_the_rank_of_one_step():
    """Numbers, ids of a table, new axes and broadcasting over a time step's axes."""
    ids = free(RNG.integers(0, 5, (STEPS, BATCH)))
    scale = free(normal(STEPS))
    b, following, (row, number) = begun(ids=Rows("ids", STEPS, ids), s=Rows("s", STEPS, scale))
    table = b.read_outside("table", normal(5, FEATURES))
    body = b.body
    embedded = body.apply_function("mul", body.add(Kind.GATHER, table, row, axis=0), number)
    column = body.add(Kind.EXPAND, embedded, axis=-1)
    flat = body.add(Kind.OTHER, column, op="sum")
    joined = body.add(Kind.CONCAT, embedded, embedded, axis=-1)
    b.carry("h", np.zeros((BATCH, FEATURES)))
    b.carry("k", np.zeros((BATCH, 2 * FEATURES)))
    h, k = body.add(Kind.ADD, flat, "h"), body.add(Kind.ADD, joined, "k")
    raised = checked(b.loop({"t": following, "h": h, "k": k}, b.while_below(STEPS)))
    assert [n.kind for n in raised.cell.plan.hoisted] == [
        Kind.GATHER,
        Kind.ELEMENTWISE,
        Kind.EXPAND,
        Kind.CONCAT,
    ]


@pytest.mark.parametrize("steps", [3, STEPS])
@pytest.mark.parametrize("kind", [Kind.READ_ROW, Kind.GATHER])
def test_rows_of_a_tensor_are_an_input(kind, steps):
    """x[t] and take(x, t): no copy is made, and nothing of it stays in the step."""
    b, following, _ = begun()
    x = b.read_outside("x", free(normal(STEPS, BATCH, FEATURES)))
    axis = {"axis": 0} if kind is Kind.GATHER else {}
    row = b.body.add(kind, x, "t", **axis)
    b.carry("h", np.zeros((BATCH, FEATURES)))
    h = b.body.apply_function("tanh", b.body.add(Kind.ADD, row, "h"))
    loop = b.loop({"t": following, "h": h}, b.while_below(steps))
    raised = checked(loop)
    assert list(raised.reading.rows) == [row]
    assert [x.shape for x in raised.scan.inputs] == [(steps, BATCH, FEATURES), (steps, 1)]
    assert "take" not in loop.tensors.asked


def test_rows_of_a_state_are_none():
    b, following, _ = begun()
    b.carry("x", normal(STEPS, FEATURES))
    row = b.body.add(Kind.READ_ROW, "x", "t")
    x = b.body.apply_function("mul", "x", row)
    raised = checked(b.loop({"t": following, "x": x}, b.while_below(STEPS)))
    assert raised.reading.rows == {}


def test_what_draws_or_branches_stays_in_the_step():
    b, following, (x,) = begun(xs=sequence())
    b.carry("h", np.zeros((BATCH, FEATURES)))
    drawn = b.body.add(Kind.RANDOM, x, op="tanh")
    h = b.body.add(Kind.ADD, b.body.apply_function("tanh", drawn), "h")
    loop = b.loop({"t": following, "h": h}, b.while_below(STEPS))
    raised = scan_of(loop)
    assert raised.cell.plan.hoisted == ()
    assert len(raised.cell.plan.frontier) == 1


@pytest.mark.parametrize("bound", [3, STEPS])
def test_the_last_row_stands_for_all_where_none_is_padding(bound):
    b, following, (x,) = begun(xs=sequence())
    b.carry("h", np.zeros((BATCH, FEATURES)))
    h = b.body.add(Kind.ADD, x, "h")
    updates = {"t": following, "h": h, "ys": written(b, "ys", h)}
    loop = b.loop(updates, b.while_below(bound), ys={"last": True})
    scan = scan_of(loop).scan
    assert (scan.last_output, scan.all_outputs) == (bound == STEPS, bound != STEPS)


def test_an_array_of_one_row_is_a_state():
    """As Keras keeps a last output: written at row 0 in every iteration."""
    b, following, (x,) = begun(xs=sequence())
    b.carry("h", np.zeros((BATCH, FEATURES)))
    h = b.body.add(Kind.ADD, x, "h")
    b.carry("last", Rows("last", 1))
    last = b.body.add(Kind.WRITE_ROW, "last", b.body.constant(0), h)
    raised = checked(b.loop({"t": following, "h": h, "last": last}, b.while_below(STEPS)))
    assert [v.argument for v in raised.reading.last] == ["last"]


def test_several_bounds_and_counters():
    """t < 9 and 10 >= u + ..., u from 5: the least of the bounds is the number of iterations."""
    b, following, (x,) = begun(xs=sequence())
    u = b.counter(5, "u")
    b.carry("h", np.zeros((BATCH, FEATURES)))
    h = b.body.add(Kind.ADD, x, "h")
    limit = b.read_outside("limit", free(10))
    both = b.test.add(
        Kind.AND, b.while_below(9), b.test.add(Kind.GREATER_EQUAL, limit, "u?"), name="both"
    )
    loop = b.loop({"t": following, "u": u, "h": h}, both)
    assert checked(loop).reading.count == 6


def test_what_is_no_scan_is_logged(caplog):
    b, following, _ = begun("counting")
    loop = b.loop({"t": following}, b.test.constant(True))
    with caplog.at_level(logging.INFO, logger="rnnlite"):
        found = scan_of(loop)
        scan_of(loop, quiet=True)
    assert found == NotAScan("its condition has no bound")
    (record,) = caplog.records
    assert record.getMessage() == (
        "loop 'counting' is no recurrence over time: its condition has no bound"
    )
