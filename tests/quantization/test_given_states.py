"""States that a caller feeds back are told by shape and order, and have one scale and one type."""

import numpy as np
import pytest

from graphs import Model
from rnnlite.lite.ir import FREE
from rnnlite.quantization.calibration import Samples, calibrate
from rnnlite.quantization.given_states import fitting, pairs, state_places, types_within
from rnnlite.quantization.plan.plan import make_plan
from rnnlite.quantization.recipes import all_int8, int16_states
from rnnlite.quantization.rewrite.integer import rewrite_to_integers
from rnnlite.specs import TensorSpec


def model_of(inputs, outputs, unread=()):
    """A model with inputs and outputs of some shapes; each output depends on each input.

    Args:
        unread: inputs that no output depends on.
    """
    model = Model()
    main = model.main
    given = [main.tensor(shape) for shape in inputs]
    total = main.tensor((1,))
    everything = main.tensor((1,))
    read = [value for k, value in enumerate(given) if k not in unread]
    main.add("ADD_N", read, [total])
    main.add("NEG", [total], [everything])
    results = [main.tensor(shape) for shape in outputs]
    for result in results:
        main.add("EXP", [everything], [result])
    main.ends(given, results)
    return model.ir


def specs(*shapes, batch_axis=0):
    free = [tuple(None if d == FREE else d for d in shape) for shape in shapes]
    return [TensorSpec(f"i{k}", s, "float32", batch_axis=batch_axis) for k, s in enumerate(free)]


@pytest.mark.parametrize(
    ("inputs", "outputs", "wanted"),
    [
        pytest.param([(1, 9, 4), (1, 3)], [(1, 9, 2), (1, 3)], ((1, 1),), id="one"),
        pytest.param(
            [(1, 9, 4), (1, 3), (1, 3)], [(1, 2), (1, 3), (1, 3)], ((1, 1), (2, 2)), id="order"
        ),
        pytest.param([(1, 3), (1, 3)], [(1, 3), (1, 3)], ((1, 1),), id="data first"),
        pytest.param([(1, 4), (1, 3)], [(1, 3), (1, 3)], ((1, 1),), id="states last"),
        pytest.param([(1, 4), (1, 3)], [(1, 5), (1, 4)], ((0, 1),), id="any place"),
        pytest.param([(1, 3)], [(1, 3)], (), id="nothing but data"),
        pytest.param([(1, 4), (1, 3)], [(1, 5)], (), id="none comes back"),
        pytest.param([(1, FREE, 3), (1, 5)], [(1, FREE, 3)], (), id="time is no state"),
        pytest.param([(1, 4), (1, 3)], [(1, 2), (FREE, 3)], ((1, 1),), id="size not known"),
        pytest.param([(1, 4), (1, 1)], [(1, 2), (1, 1)], (), id="single numbers"),
    ],
)
def test_states_are_told_by_shape_and_order(inputs, outputs, wanted):
    assert state_places(specs(*inputs), model_of(inputs, outputs)) == wanted


def test_free_batches_stand_where_they_stand():
    shapes = [(4, FREE, 6), (2, FREE, 3)]
    model = model_of(shapes, [(4, FREE, 2), (2, FREE, 3)])
    assert state_places(specs(*shapes, batch_axis=1), model) == ((1, 1),)


def test_states_come_back_by_computation():
    """What is handed through, or nothing asks for, is no state."""
    shapes = [(1, 4), (1, 3)]
    assert state_places(specs(*shapes), model_of(shapes, [(1, 2), (1, 3)], unread=[1])) == ()


@pytest.mark.parametrize(
    ("given", "fits"),
    [((-1.0, 1.0), True), ((0.0, 0.0), True), ((-1.4, 1.0), True), ((-9.0, 9.0), False)],
)
def test_what_is_given_lies_within_what_comes_back(given, fits):
    model = model_of([(1, 4), (1, 3)], [(1, 2), (1, 3)])
    places = ((1, 1),)
    (before, after) = pairs(model, places)[0]
    ranges = {before: given, after: (-1.0, 1.0)}
    assert fitting(model, places, ranges) == (places if fits else ())
    assert fitting(model, places, {before: given}) == ()


@pytest.mark.parametrize(("precision", "dtype"), [(all_int8, "int8"), (int16_states, "int16")])
def test_a_state_is_fed_back_as_it_came(precision, dtype):
    """The caller gives zeros alone to calibrate on: the state comes back 50 times as large."""
    model = Model()
    main = model.main
    x, h = main.tensor((1, 3), name="x"), main.tensor((1, 3), name="h")
    moved, after, y = (main.tensor((1, 3)) for _ in range(3))
    main.add("MUL", [x, main.constant(np.float32(50))], [moved], "MulOptions")
    main.add("ADD", [moved, h], [after], "AddOptions")
    main.add("LOGISTIC", [after], [y])
    main.ends([x, h], [y, after])
    rng = np.random.default_rng(0)
    rows = [[rng.normal(size=3).astype(np.float32), np.zeros(3, np.float32)] for _ in range(9)]
    places = state_places(specs((1, 3), (1, 3)), model.ir)
    assert places == ((1, 1),)
    seen = calibrate(model.ir, Samples(rows, rows, ())).values
    states = pairs(model.ir, fitting(model.ir, places, seen))
    plan = make_plan(model.ir, seen, precision, allow_float=False, states=states)
    rewrite_to_integers(model.ir, plan, "int8", types_within(model.ir, places))
    before, back = model.ir.main.inputs[1], model.ir.main.outputs[1]
    assert (before.type, before.scale, before.zero_point) == (
        back.type,
        back.scale,
        back.zero_point,
    )
    assert before.type == dtype
    assert before.scale > 100 / 70000
    assert model.ir.main.inputs[0].type == "int8"
    assert model.ir.main.outputs[0].type == "int8"
