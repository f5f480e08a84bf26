"""Ways to quantize a model: which are made, in which order, and what each says of itself."""

import numpy as np
import pytest

from graphs import KERNEL, Model, nested, one_loop, run
from products import EXPECTED, IDS, product
from rnnlite.lite import schema
from rnnlite.quantization.calibration import Samples
from rnnlite.quantization.config import QuantizationConfig
from rnnlite.quantization.recipes import RECIPES
from rnnlite.quantization.select import (
    DYNAMIC,
    Candidate,
    Refused,
    candidates,
    lighten_weights,
    weights_a_step,
)


def config(mode, **more):
    return QuantizationConfig(mode, "float32", **more)


def stored(model):
    """The types of named constants of a model."""
    return {v.name: v.type for g in model.graphs for v in g.values if v.is_constant and v.name}


def test_float16_is_one_candidate():
    model = product()
    (only,) = candidates(model.ir, config("float16"), None)
    assert isinstance(only, Candidate)
    assert (only.recipe, only.limited, only.kept, only.ranges) == ("float32", False, (), None)
    assert {w.name: w.dtype for w in only.weights}["kernel"] == "float16"
    (found,) = run(model.bytes(), IDS)
    np.testing.assert_allclose(found, EXPECTED, atol=0.02)


def test_dynamic_goes_from_small_to_exact():
    model = product()
    found = list(candidates(model.ir, config("dynamic"), None))
    assert [c.recipe for c in found] == list(DYNAMIC)
    # Only the first may be as large as it likes.
    assert [c.limited for c in found] == [False, True, True]
    kernels = [{w.name: w.dtype for w in c.weights}["kernel"] for c in found]
    assert kernels == ["int8", "float16", "float16"]
    # Each is a copy.
    assert len({id(c.model) for c in found}) == 3


def test_each_is_made_when_it_is_asked_for():
    model = product()
    before = stored(model.ir)
    found = candidates(model.ir, config("dynamic"), None)
    assert stored(model.ir) == before
    assert next(found).recipe == "float32"


@pytest.mark.parametrize("recipe", DYNAMIC)
def test_another_model_of_the_source_gets_the_same_weights(recipe):
    first, second = product(), product()
    chosen = next(c for c in candidates(first.ir, config("dynamic"), None) if c.recipe == recipe)
    lighten_weights(second.ir, "dynamic", recipe)
    assert stored(second.ir) == stored(chosen.model)


def test_and_in_float16():
    first, second = product(), product()
    (only,) = candidates(first.ir, config("float16"), None)
    lighten_weights(second.ir, "float16", "float32")
    assert stored(second.ir) == stored(only.model)


# Integers


def rows(count=4):
    rng = np.random.default_rng(0)
    return [[rng.uniform(-1, 1, 3).astype(np.float32)] for _ in range(count)]


@pytest.mark.parametrize("mode", RECIPES)
def test_integer_recipes_in_order(mode):
    model, _, _ = one_loop()
    samples = Samples(rows(), [], ())
    x = rows()[0][0][None]
    (wanted,) = run(model.bytes(), x)
    found = list(candidates(model.ir, config(mode), samples))
    assert [c.recipe for c in found] == [r.name for r in RECIPES[mode]]
    assert [c.limited for c in found] == [mode == "int8" and bool(r.split) for r in RECIPES[mode]]
    errors = [np.max(np.abs(run(schema.write(c.model), x)[0] - wanted)) for c in found]
    assert errors[0] < 0.03
    assert errors[-1] < 0.002
    # The float model itself is as it was.
    np.testing.assert_array_equal(run(model.bytes(), x)[0], wanted)


def odd():
    """floor(x), which has no integer kernel, and a tangent of it."""
    model = Model()
    x, y, z = (model.main.tensor((1, 3), name=n) for n in "xyz")
    model.main.add("FLOOR", [x], [y])
    model.main.add("TANH", [y], [z])
    model.main.ends([x], [z])
    return model


def test_a_recipe_that_gives_none_says_why():
    found = list(candidates(odd().ir, config("int8"), Samples(rows(), [], ())))
    assert all(isinstance(c, Refused) for c in found)
    assert [c.recipe for c in found] == [r.name for r in RECIPES["int8"]]
    assert "FLOOR (it makes 'y') has no integer kernel" in str(found[0].refusal)


def test_or_which_ops_it_kept():
    first = next(candidates(odd().ir, config("int8", allow_float=True), Samples(rows(), [], ())))
    assert first.kept == ("FLOOR 'y': no integer kernel",)


# Weights of a step


def test_weights_of_a_step():
    assert weights_a_step(one_loop()[0].ir) == np.size(KERNEL)
    assert weights_a_step(nested().ir) == np.size(KERNEL)
    assert weights_a_step(product().ir) == 0


def test_a_kernel_that_a_body_reads_twice_counts_once():
    model, _, _ = one_loop()
    body = model.ir.graphs[2]
    first = next(op for op in body.ops if op.kind == "FULLY_CONNECTED")
    again = body.constant(first.input(1).data.copy())
    body.append(first.twin([body.inputs[2], again, None], [body.value("float32", (1, 3))]))
    assert weights_a_step(model.ir) == 9
    other = body.constant(first.input(1).data + 1)
    body.append(first.twin([body.inputs[2], other, None], [body.value("float32", (1, 3))]))
    assert weights_a_step(model.ir) == 18
