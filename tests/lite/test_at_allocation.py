"""What is known before a run, by running each op at changing lengths."""

import pytest

from rnnlite.lite.at_allocation import COMPUTED, SHAPES, AtAllocation, late_results
from rnnlite.lite.passes.settling import settle_shapes
from shapes import LENGTHS, begun, filled, is_known, pair, scalar

NUMBERS = {
    "MUL": (pair("MUL", 2), lambda t: t * 2),
    "ADD": (pair("ADD", 2), lambda t: t + 2),
    "SUB": (pair("SUB", 3), lambda t: t - 3),
    "FLOOR_DIV": (pair("FLOOR_DIV", 4), lambda t: t // 4),
    "FLOOR_MOD": (pair("FLOOR_MOD", 5), lambda t: t % 5),
    "MAXIMUM": (pair("MAXIMUM", 7), lambda t: max(t, 7)),
    "MINIMUM": (pair("MINIMUM", 7), lambda t: min(t, 7)),
    "PACK": (
        lambda b, t: b.make("PACK", [scalar(b, t)], [1], valuesCount=1),
        lambda t: t,
    ),
    "GATHER": (lambda b, t: b.make("GATHER", [t, b.constant([0])], [1]), lambda t: t),
    "SLICE": (
        lambda b, t: b.make("SLICE", [t, b.constant([0]), b.constant([1])], [1]),
        lambda t: t,
    ),
    "RESHAPE": (lambda b, t: b.make("RESHAPE", [t, b.constant([1])], [1]), lambda t: t),
    "CONCATENATION": (
        lambda b, t: b.make("GATHER", [b.make("CONCATENATION", [t, t], [2]), b.constant([1])], [1]),
        lambda t: t,
    ),
    "ceil": (
        lambda b, t: pair("FLOOR_DIV", 3)(b, pair("ADD", 2)(b, t)),
        lambda t: -(-t // 3),
    ),
    "windows": (
        lambda b, t: pair("ADD", 1)(b, pair("FLOOR_DIV", 2)(b, pair("SUB", 3)(b, t))),
        lambda t: (t - 3) // 2 + 1,
    ),
    "padding": (
        lambda b, t: pair("ADD", 1)(b, pair("MAXIMUM", 0)(b, pair("SUB", 5)(b, t))),
        lambda t: max(t - 5, 0) + 1,
    ),
}


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers(name):
    """The table says which ops the runtime computes before; settled, the number always is."""
    make, meant = NUMBERS[name]
    model, b, _, t = begun()
    result = filled(b, make(b, t))
    assert AtAllocation().knows(result.producer.input(0)) == (name in COMPUTED)
    known, shapes = is_known(model, result)
    assert shapes == [(meant(n),) for n in LENGTHS]
    assert known == (name in COMPUTED) == (late_results(model) == [])
    settle_shapes(model)
    assert late_results(model) == []
    assert is_known(model, model.main.outputs[0]) == (True, shapes)


def test_a_size_that_the_data_decide_stays():
    model, b, x, _ = begun()
    flat = b.make("RESHAPE", [x, b.constant([-1])], [1], "float32", free=True)
    count = b.make("CAST", [b.make("REDUCE_MAX", [flat, b.constant([0])], [], "float32")], [])
    one = b.make("RESHAPE", [count, b.constant([1])], [1])
    result = filled(b, one)
    model.main.outputs = [result]
    settle_shapes(model)
    assert late_results(model) == [result]
    assert result.producer.input(0) is one


def test_all_behind_what_is_late_is_late():
    model, b, x, t = begun()
    early = b.make("ADD", [x, x], [1, 1, 3], "float32")
    early.signature = x.signature
    late = filled(b, pair("ADD", 2)(b, t))
    behind = b.make("MUL", [x, x], [1, 1, 3], "float32")
    behind.signature = x.signature
    model.main.outputs = [early, late, behind]
    assert late_results(model) == [late, behind]


def test_shapes_are_operands_of_integers():
    assert set(SHAPES) >= {"RESHAPE", "FILL", "SPLIT_V", "TRANSPOSE_CONV"}
