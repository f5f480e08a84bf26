"""The body of a loop as a cell: what it seems to be, what it computes, what it is not."""

from collections import Counter

import numpy as np
import pytest
from tiny import Builder, Region, Rows, Tensors, free

from rnnlite.loops import BodyCell, Kind, NotAScan
from rnnlite.loops.cell import _agree, _name

T, B, F, UNITS = 5, 2, 3, 4
RNG = np.random.default_rng(0)
XS = free(RNG.normal(size=(T, B, F)))
W, U = RNG.normal(size=(F, UNITS)), RNG.normal(size=(UNITS, UNITS))


def rnn():
    region = Region()
    region.add(Kind.MATMUL, "x", "w", name="xw")
    region.add(Kind.MATMUL, "h", "u", name="hu")
    region.add(Kind.ADD, "xw", "hu", name="sum")
    region.add(Kind.ELEMENTWISE, "sum", op="tanh", name="new")
    return region.bind({"w": W, "u": U})


def cell_of(region, *, states=None, updates=("new",), outputs=("new",), counters=None, rows=None):
    return BodyCell(
        region=region,
        tensors=Tensors(),
        states={"h": np.zeros((B, UNITS))} if states is None else states,
        rows={"x": XS} if rows is None else rows,
        arrays={},
        counters={} if counters is None else counters,
        updates=updates,
        outputs=outputs,
    )


def run(cell, sequences, states):
    """Outputs of all steps and the last states."""
    projected = cell.project([*sequences, np.arange(T).reshape(-1, 1)])
    outputs = []
    for t in range(T):
        (output,), states = cell.step([p[t] for p in projected], states, cell.weights())
        outputs.append(output)
    return np.array(outputs), states


def test_a_plain_recurrence():
    cell = cell_of(rnn())
    assert cell.refused is None
    assert (cell.hoisted, cell.recurrent_weights) == (True, U.size)
    assert cell.describe() == ("RNN", UNITS)
    h, wanted = np.zeros((B, UNITS)), []
    for t in range(T):
        h = np.tanh(XS[t] @ W + h @ U)
        wanted.append(h)
    outputs, states = run(cell, [XS], [np.zeros((B, UNITS))])
    np.testing.assert_allclose(outputs, wanted, rtol=1e-12)
    np.testing.assert_allclose(states, [h], rtol=1e-12)


def test_nothing_is_hoisted_of_states_alone():
    region = Region()
    region.add(Kind.MATMUL, "h", "u", name="new")
    cell = cell_of(region.bind({"u": U}), rows={}, outputs=("new",))
    assert not cell.hoisted
    # The step still needs something to count its rows by.
    (time,) = cell.project([np.arange(T).reshape(-1, 1)])
    assert time.shape == (T, 1)


def test_a_number_each_step():
    """Carried as a row of one, and a number again in the step."""
    region = Region()
    region.add(Kind.ELEMENTWISE, "h", "s", op="mul", name="new")
    numbers = free(RNG.normal(size=T))
    cell = cell_of(region, rows={"s": numbers})
    (carried,) = cell.project([numbers.reshape(-1, 1), np.arange(T).reshape(-1, 1)])
    assert carried.shape == (T, 1)
    start = np.full((B, UNITS), 2.0)
    outputs, _ = run(cell, [numbers.reshape(-1, 1)], [start])
    np.testing.assert_allclose(outputs[-1], start * np.prod(numbers), rtol=1e-12)


@pytest.mark.parametrize("start", [0, 7])
def test_a_counter_of_the_step(start):
    """y = h + t, t from its first value on."""
    region = Region()
    region.add(Kind.ADD, "h", "t", name="new")
    cell = cell_of(region, rows={}, counters={"t": start})
    outputs, _ = run(cell, [], [np.zeros((B, UNITS))])
    np.testing.assert_array_equal(outputs[:, 0, 0], np.cumsum(start + np.arange(T)))


def test_a_state_that_changes_its_shape():
    region = Region()
    region.add(Kind.CONCAT, "h", "h", axis=1, name="new")
    assert cell_of(region).refused == NotAScan("a state changes its shape")


def test_an_array_among_the_states():
    region = Region()
    region.add(Kind.WRITE_ROW, "xs", "t", "h", name="new")
    rows = Rows("xs", T, np.zeros((T, B, UNITS)))
    cell = cell_of(region.bind({"xs": rows}), counters={"t": 0}, outputs=())
    assert cell.refused == NotAScan("an array is a state")


@pytest.mark.parametrize(
    ("one", "other", "agree"),
    [
        ((2, 3), (2, 3), True),
        ((2, 3), (2, 4), False),
        ((2, 3), (2, 3, 1), False),
        ((2, None), (2, 3), True),
        ((None, 4), (2, 3), False),
        (None, (2, 3), True),
        ((), (), True),
        ((1,), (), False),
    ],
)
def test_shapes_that_may_be_the_same(one, other, agree):
    assert _agree(one, other) == _agree(other, one) == agree


@pytest.mark.parametrize(
    ("states", "counts", "name"),
    [
        (2, {"sigmoid": 3, "tanh": 2, "product": 2}, "LSTM"),
        # Hard sigmoids: a minimum and a maximum each.
        (2, {"minimum": 3, "maximum": 3, "tanh": 2}, "LSTM"),
        (2, {"sigmoid": 3, "minimum": 1, "maximum": 1, "tanh": 2}, "LSTM"),
        (2, {"sigmoid": 1, "minimum": 2, "maximum": 2, "tanh": 2}, "graph cell"),
        (2, {"sigmoid": 3, "tanh": 1}, "graph cell"),
        (1, {"sigmoid": 2, "tanh": 1}, "GRU"),
        (1, {"sigmoid": 1, "tanh": 1}, "GRU"),
        (1, {"minimum": 2, "maximum": 2, "tanh": 1}, "GRU"),
        (1, {"minimum": 2, "tanh": 1, "product": 1}, "RNN"),
        (1, {"tanh": 1, "product": 2}, "RNN"),
        (1, {"tanh": 1, "product": 3}, "graph cell"),
        (1, {"tanh": 1}, "graph cell"),
        (3, {"sigmoid": 3, "tanh": 2}, "graph cell"),
        (0, {}, "graph cell"),
    ],
    ids=str,
)
def test_what_a_cell_seems_to_be(states, counts, name):
    assert _name(states, Counter(counts)) == name


def test_what_never_changes_is_no_part_of_what_it_seems():
    """tanh of a weight, made once."""
    region = Region()
    region.add(Kind.ELEMENTWISE, "u", op="tanh", name="squashed")
    region.add(Kind.MATMUL, "h", "squashed", name="new")
    cell = cell_of(region.bind({"u": U}), rows={})
    assert cell.describe() == ("RNN", UNITS)


def test_units_of_what_has_no_axis():
    b = Builder()
    region = b.body
    region.add(Kind.ADD, "h", "s", name="new")
    cell = cell_of(region, states={"h": np.array(0.0)}, rows={"s": free(np.ones(T))})
    assert cell.describe() == ("graph cell", None)
