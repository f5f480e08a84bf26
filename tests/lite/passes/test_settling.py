"""Computed shapes in ops that the runtime computes before a run: equal, known, or left alone."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphs import INT32
from rnnlite.lite.at_allocation import AtAllocation, late_results
from rnnlite.lite.passes.settling import settle_shapes
from shapes import LENGTHS, begun, filled, is_known, pair, scalar


def two(kind):
    """An op of two numbers that both depend on the length."""
    return lambda b, one, other: b.make(kind, [one, other], [1])


def kinds(model):
    return [op.kind for op in model.main.ops]


def settled(make):
    """The model of FILL(make(T)), settled, with its shapes at each length."""
    model, b, _, t = begun()
    model.main.outputs = [filled(b, make(b, t))]
    _, before = is_known(model, model.main.outputs[0])
    settle_shapes(model)
    known, after = is_known(model, model.main.outputs[0])
    assert before == after
    return model, known, after


SAID = {
    "T - 3 + T": (
        lambda b, t: two("ADD")(b, pair("SUB", 3)(b, t), t),
        lambda t: 2 * t - 3,
    ),
    "T T": (lambda b, t: two("MUL")(b, t, t), lambda t: t * t),
    "3 T T / 2": (
        lambda b, t: pair("FLOOR_DIV", 2)(b, pair("MUL", 3)(b, two("MUL")(b, t, t))),
        lambda t: 3 * t * t // 2,
    ),
    "T mod 5 + 1": (
        lambda b, t: pair("ADD", 1)(b, pair("FLOOR_MOD", 5)(b, t)),
        lambda t: t % 5 + 1,
    ),
    "(T - 4) / 3 + 2": (
        lambda b, t: pair("ADD", 2)(b, pair("FLOOR_DIV", 3)(b, pair("SUB", 4)(b, t))),
        lambda t: (t - 4) // 3 + 2,
    ),
    "(T - 10) / 3 + 4": (
        lambda b, t: pair("ADD", 4)(b, pair("FLOOR_DIV", 3)(b, pair("SUB", 10)(b, t))),
        lambda t: (t - 10) // 3 + 4,
    ),
    "max(T - 5, 2)": (
        lambda b, t: pair("MAXIMUM", 2)(b, pair("SUB", 5)(b, t)),
        lambda t: max(t - 5, 2),
    ),
    "max(T - 5, 1) max(T, 7)": (
        lambda b, t: two("MUL")(
            b, pair("MAXIMUM", 1)(b, pair("SUB", 5)(b, t)), pair("MAXIMUM", 7)(b, t)
        ),
        lambda t: max(t - 5, 1) * max(t, 7),
    ),
    "T - T + 4": (lambda b, t: pair("ADD", 4)(b, two("SUB")(b, t, t)), lambda t: 4),
}


@pytest.mark.parametrize("name", SAID)
def test_sizes_are_said_in_ops_that_are_computed_before(name):
    make, meant = SAID[name]
    model, known, shapes = settled(make)
    assert shapes == [(meant(n),) for n in LENGTHS]
    assert known
    assert late_results(model) == []


CANNOT = {
    "the larger of two sizes": (
        lambda b, t: two("MAXIMUM")(b, pair("MUL", 2)(b, t), pair("ADD", 5)(b, t)),
        lambda t: max(2 * t, t + 5),
    ),
    "a product with a floor of what may be negative": (
        lambda b, t: pair("ADD", 7)(
            b, two("MUL")(b, t, pair("FLOOR_DIV", 3)(b, pair("SUB", 4)(b, t)))
        ),
        lambda t: t * ((t - 4) // 3) + 7,
    ),
    "less a floor of what may be negative": (
        lambda b, t: two("SUB")(b, t, pair("FLOOR_DIV", 3)(b, pair("SUB", 4)(b, t))),
        lambda t: t - (t - 4) // 3,
    ),
    "half of the smaller of two": (
        lambda b, t: pair("FLOOR_DIV", 2)(b, pair("MINIMUM", 7)(b, t)),
        lambda t: min(t, 7) // 2,
    ),
    "a number less the length": (
        lambda b, t: b.make("SUB", [b.constant([20]), t], [1]),
        lambda t: 20 - t,
    ),
}


@pytest.mark.parametrize("name", CANNOT)
def test_sizes_without_such_a_form_stay_right(name):
    """Whether they are known before or not, they are what they were."""
    make, meant = CANNOT[name]
    _, _, shapes = settled(make)
    assert shapes == [(meant(n),) for n in LENGTHS]


@pytest.mark.parametrize(
    "name",
    [
        "the larger of two sizes",
        "half of the smaller of two",
    ],
)
def test_and_their_ops_stay_as_they_are(name):
    make, _ = CANNOT[name]
    model, b, _, t = begun()
    dims = make(b, t)
    model.main.outputs = [filled(b, dims)]
    before = kinds(model)
    settle_shapes(model)
    assert kinds(model) == before
    assert model.main.ops[-1].input(0) is dims


# What is left over


def test_ops_that_said_the_size_before_are_gone():
    model, _, _ = settled(lambda b, t: pair("ADD", 2)(b, pair("SUB", 1)(b, t)))
    assert not {"ADD", "SUB"} & set(kinds(model))
    assert all(v.is_read for op in model.main.ops for v in op.outputs)


def test_they_stay_where_something_else_reads_them():
    model, b, _, t = begun()
    more = pair("ADD", 2)(b, t)
    model.main.outputs = [filled(b, more), more]
    settle_shapes(model)
    assert more.producer is not None
    assert model.main.ops[-1].kind == "FILL"
    assert model.main.ops[-1].input(0) is not more


def test_the_shape_of_a_value_is_asked_for_once():
    model, b, _, t = begun()
    first = filled(b, pair("ADD", 2)(b, t))
    second = filled(b, pair("SUB", 1)(b, t))
    model.main.outputs = [first, second]
    settle_shapes(model)
    x = model.main.inputs[0]
    made = [op for op in model.main.ops if op.kind == "SHAPE" and op.input(0) is x]
    # That of the model itself goes.
    assert len(made) == 1
    assert is_known(model, first)[0]
    assert is_known(model, second)[0]


def test_sizes_that_are_known_already_stay():
    model, b, _, t = begun()
    twice = pair("MUL", 2)(b, t)
    model.main.outputs = [filled(b, twice)]
    before = kinds(model)
    settle_shapes(model)
    assert kinds(model) == before
    assert model.main.ops[-1].input(0) is twice


# Several numbers, and scalars


def test_a_shape_of_several_numbers():
    model, b, _, t = begun()
    rows = scalar(b, pair("ADD", 1)(b, t))
    parts = [b.constant(2), rows, b.constant(3)]
    dims = b.make("PACK", parts, [3], valuesCount=3)
    model.main.outputs = [filled(b, dims)]
    settle_shapes(model)
    assert "PACK" not in kinds(model)
    assert is_known(model, model.main.outputs[0]) == (True, [(2, n + 1, 3) for n in LENGTHS])


def test_what_is_left_to_the_runtime_stays_minus_one():
    """RESHAPE(x, [T - 1 + 1, -1])."""
    model, b, x, t = begun()
    rows = scalar(b, pair("MINIMUM", 100)(b, pair("ADD", 0)(b, t)))
    dims = b.make("PACK", [rows, b.constant(-1)], [2], valuesCount=2)
    y = b.value([1, 1], "float32")
    y.signature = [-1, -1]
    b.add("RESHAPE", [x, dims], [y])
    model.main.outputs = [y]
    settle_shapes(model)
    assert is_known(model, y) == (True, [(n, 3) for n in LENGTHS])


def test_other_negative_numbers_are_no_sizes():
    model, b, x, t = begun()
    begin = b.make("CONCATENATION", [b.constant([0]), b.make("SUB", [t, t], [1])], [2], axis=0)
    begin = b.make("CONCATENATION", [begin, b.constant([-3])], [3], axis=0)
    begin = b.make("ADD", [begin, b.constant([0, 0, 1])], [3])
    size = b.constant([1, -1, 1])
    y = b.value([1, 1, 1], "float32")
    y.signature = [1, -1, 1]
    b.add("SLICE", [x, begin, size], [y])
    model.main.outputs = [y]
    settle_shapes(model)
    assert model.main.ops[-1].input(1) is begin


def test_scalars_are_settled_as_scalars():
    """RANGE reads scalars."""
    model, b, _, t = begun()
    end = scalar(b, pair("ADD", 2)(b, t))
    y = b.value([1], "int32")
    y.signature = [-1]
    op = model.main.op("RANGE", [b.constant(0), end, b.constant(1)], [y])
    op.table = "RangeOptions"
    model.main.append(op)
    model.main.outputs = [y]
    settle_shapes(model)
    limit = y.producer.input(1)
    assert limit.dims == ()
    assert AtAllocation().knows(limit)
    assert late_results(model) == []
    assert is_known(model, y) == (True, [(n + 2,) for n in LENGTHS])


def test_numbers_of_64_bits_stay():
    model, b, _, t = begun()
    wide = b.make("CAST", [pair("ADD", 2)(b, t)], [1], "int64")
    b.graph.ops[-1].options.update({"inDataType": INT32, "outDataType": 4})
    model.main.outputs = [filled(b, wide)]
    settle_shapes(model)
    assert model.main.ops[-1].input(0) is wide


# Any size


NUMBERED = ("ADD", "SUB", "MUL", "FLOOR_DIV", "FLOOR_MOD", "MAXIMUM", "MINIMUM")
MEANT = {
    "ADD": lambda a, b: a + b,
    "SUB": lambda a, b: a - b,
    "MUL": lambda a, b: a * b,
    "FLOOR_DIV": lambda a, b: a // b,
    "FLOOR_MOD": lambda a, b: a % b,
    "MAXIMUM": max,
    "MINIMUM": min,
}


@st.composite
def expressions(draw, depth=3):
    """T and numbers in arithmetic, as nested tuples."""
    if depth == 0 or draw(st.integers(0, 3)) == 0:
        return "T"
    kind = draw(st.sampled_from(NUMBERED))
    inner = draw(expressions(depth=depth - 1))
    if kind not in ("FLOOR_DIV", "FLOOR_MOD") and draw(st.integers(0, 2)) == 0:
        return kind, inner, draw(expressions(depth=depth - 1))
    return kind, inner, draw(st.integers(1, 5))


def meaning(expression, t):
    if not isinstance(expression, tuple):
        return t if expression == "T" else expression
    kind, *operands = expression
    return MEANT[kind](*(meaning(e, t) for e in operands))


def built(b, t, expression):
    if not isinstance(expression, tuple):
        return t if expression == "T" else b.constant([expression])
    kind, *operands = expression
    return b.make(kind, [built(b, t, e) for e in operands], [1])


@settings(max_examples=25, deadline=None)
@given(expressions())
def test_any_size_is_what_it_was(expression):
    wanted = [meaning(expression, n) for n in LENGTHS]
    # An operand of another sign is the business of another op.
    if not all(0 < n <= 2000 for n in wanted):
        return
    model, b, _, t = begun()
    model.main.outputs = [filled(b, built(b, t, expression))]
    settle_shapes(model)
    _, shapes = is_known(model, model.main.outputs[0])
    assert shapes == [(n,) for n in wanted]
