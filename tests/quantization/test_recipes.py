"""Ways to quantize to integers: what each says of an op, and their order."""

import itertools

import pytest

from rnnlite.quantization.config import LIMITS
from rnnlite.quantization.ops import RULES, Kind
from rnnlite.quantization.recipes import (
    PRODUCTS,
    RECIPES,
    all_int8,
    all_int16,
    int16_states,
)


@pytest.mark.parametrize("inside", [True, False])
def test_one_type_for_all(inside):
    for kind in RULES:
        assert all_int8(kind, inside) == "int8"
        assert all_int16(kind, inside) == "int16"


def test_states_are_finer_than_products_and_what_is_outside():
    for kind in RULES:
        assert int16_states(kind, False) == "int8"
        assert int16_states(kind, True) == ("int8" if kind in PRODUCTS else "int16")


def test_all_that_multiplies_by_weights_is_a_product():
    assert set(PRODUCTS) == {k for k, rule in RULES.items() if rule.kind is Kind.WEIGHTED}


@pytest.mark.parametrize("mode", RECIPES)
def test_names_tell_recipes_apart(mode):
    names = [recipe.name for recipe in RECIPES[mode]]
    assert len(set(names)) == len(names)


def bytes_and_time(recipe):
    """How fine a recipe is: the type within loops, outside, of products, parts of weights."""
    types = ("int8", "int16")
    return (
        types.index(recipe.precision("TANH", True)),
        types.index(recipe.precision("TANH", False)),
        types.index(recipe.precision("FULLY_CONNECTED", True)),
        recipe.by_row,
        ("", "kernels", "all").index(recipe.split),
    )


@pytest.mark.parametrize("mode", RECIPES)
def test_each_is_finer_than_those_before(mode):
    steps = [bytes_and_time(recipe) for recipe in RECIPES[mode]]
    for before, behind in itertools.pairwise(steps):
        assert all(a <= b for a, b in zip(before, behind, strict=True))
        assert before != behind


def test_every_integer_mode_has_recipes_and_a_limit():
    assert set(RECIPES) <= set(LIMITS)
