"""A node over all time steps at once gives what it gives step by step."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny import Region, Rows, Tensors, free

from rnnlite.errors import InternalError
from rnnlite.loops import Kind
from rnnlite.loops.over_time import Sequenced, over_time
from rnnlite.loops.regions import Body, sort

T, B, F = 4, 2, 3
RNG = np.random.default_rng(0)
XS, NUMBERS = RNG.normal(size=(T, B, F)), RNG.normal(size=T)
IDS = RNG.integers(0, 5, (T, B))
TABLE, W, BIAS = RNG.normal(size=(5, F)), RNG.normal(size=(F, 2)), RNG.normal(size=F)
ROWS = Rows("rows", 6, RNG.normal(size=(6, B, F)))
GIVEN = {"x": XS, "s": NUMBERS, "ids": IDS}
BOUND = {"w": W, "wt": W.T.copy(), "b": BIAS, "table": TABLE, "rows": ROWS, "one": np.array(1)}


def compared(kind, *operands, op="", **attributes):
    """Over all time steps, beside each step by itself; gives the rank of a step."""
    region = Region()
    region.add(kind, *operands, op=op, name="y", **attributes)
    region = region.bind(BOUND)
    node = region.node("y")
    inputs = tuple(r for r in GIVEN if r in operands)
    shapes = {r: np.shape(GIVEN[r][0]) for r in inputs}
    nodes = sort(Body(region, (), inputs, ("y",), shapes, {("rows", 0): ROWS}))
    values = {r: Sequenced(GIVEN[r], np.ndim(GIVEN[r]) - 1) for r in inputs}
    found = over_time(nodes, Tensors(), node, values)
    wanted = [region.emit(["y"], {r: GIVEN[r][t] for r in inputs})[0] for t in range(T)]
    np.testing.assert_allclose(found.tensor, np.stack(wanted), rtol=1e-12)
    assert found.rank == np.ndim(wanted[0])
    return found.rank


@pytest.mark.parametrize(
    ("kind", "operands", "attributes"),
    [
        (Kind.MATMUL, ("x", "w"), {}),
        (Kind.MATMUL, ("x", "wt"), {"transposed": True}),
        (Kind.BIAS_ADD, ("x", "b"), {}),
        (Kind.ADD, ("x", "b"), {}),
        (Kind.ADD, ("b", "x"), {}),
        # A number a step is broadcast over the whole row.
        (Kind.ADD, ("x", "s"), {}),
        (Kind.ADD, ("s", "one"), {}),
        (Kind.ELEMENTWISE, ("x",), {"op": "tanh"}),
        (Kind.ELEMENTWISE, ("s", "x"), {"op": "mul"}),
        (Kind.SOFTMAX, ("x",), {}),
        (Kind.LESS, ("x", "s"), {}),
        (Kind.GATHER, ("table", "ids"), {"axis": 0}),
        (Kind.EXPAND, ("x",), {"axis": 0}),
        (Kind.EXPAND, ("x",), {"axis": 1}),
        (Kind.EXPAND, ("x",), {"axis": -1}),
        (Kind.EXPAND, ("s",), {"axis": 0}),
        (Kind.CONCAT, ("x", "x"), {"axis": 0}),
        (Kind.CONCAT, ("x", "x"), {"axis": 1}),
        (Kind.CONCAT, ("x", "x"), {"axis": -1}),
        (Kind.PASS, ("x",), {}),
    ],
    ids=str,
)
def test_as_step_by_step(kind, operands, attributes):
    compared(kind, *operands, **attributes)


@pytest.mark.parametrize(("axis", "along"), [(0, 1), (1, 2), (-1, -1), (-2, -2)])
def test_axes_of_a_step_in_the_sequence(axis, along):
    assert Sequenced(XS, 2).along(axis) == along


@settings(max_examples=25)
@given(indices=st.lists(st.integers(0, 9), min_size=1, max_size=6))
def test_rows_by_indices(indices):
    """Beyond the end the last one, which no step that is wanted reads."""
    region = Region()
    region.add(Kind.READ_ROW, "rows", "at", name="y")
    region = region.bind(BOUND)
    nodes = sort(Body(region, (), ("at",), ("y",), {"at": ()}, {("rows", 0): ROWS}))
    values = {"at": Sequenced(np.array(indices), 0)}
    found = over_time(nodes, Tensors(), region.node("y"), values)
    wanted = ROWS.content[[min(k, 5) for k in indices]]
    np.testing.assert_array_equal(found.tensor, wanted)
    assert found.rank == 2


def test_a_row_of_what_changes():
    region = Region().bind({})
    region.add(Kind.READ_ROW, "h", "t", name="y")
    nodes = sort(Body(region, ("h",), ("t",), ("y",), {"h": (3,), "t": ()}, {}))
    with pytest.raises(InternalError, match=r"^'y' reads what changes"):
        over_time(nodes, Tensors(), region.node("y"), {"t": Sequenced(NUMBERS, 0)})


@pytest.mark.parametrize("kind", [Kind.CONCAT, Kind.EXPAND])
def test_an_axis_that_is_not_known(kind):
    region = Region()
    region.add(kind, "x", axis="where", name="y")
    region = region.bind({"where": free(1)})
    nodes = sort(Body(region, (), ("x",), ("y",), {"x": (B, F)}, {}))
    with pytest.raises(InternalError, match=r"^the axis of 'y' is not known"):
        over_time(nodes, Tensors(), region.node("y"), {"x": Sequenced(XS, 2)})
