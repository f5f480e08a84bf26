"""Barriers are taken out; other maxima stay."""

import numpy as np
import pytest

from graphs import Model, run
from rnnlite.lite.passes.barriers import drop_barriers
from rnnlite.lowering.barriers import LOWEST


def model_of(limit, *, swapped=False):
    model = Model()
    x, between, y = (model.main.tensor((1, 4), name=name) for name in ("x", "between", "y"))
    operands = [x, model.main.constant(limit)]
    model.main.add("MAXIMUM", operands[::-1] if swapped else operands, [between])
    model.main.add("TANH", [between], [y])
    model.main.ends([x], [y])
    return model


@pytest.mark.parametrize("swapped", [False, True])
def test_readers_read_what_stands_behind(swapped):
    model = model_of(LOWEST, swapped=swapped)
    assert drop_barriers(model.ir) == 1
    assert model.main.kinds == ["TANH"]
    values = np.array([[-2.0, -1.0, 0.5, 3.0]], np.float32)
    np.testing.assert_allclose(run(model.bytes(), values)[0], np.tanh(values), atol=1e-6)
    assert drop_barriers(model.ir) == 0


@pytest.mark.parametrize("limit", [0.0, -1e9, [LOWEST, LOWEST, 0.0, 0.0]])
def test_other_maxima_stay(limit):
    model = model_of(limit)
    assert drop_barriers(model.ir) == 0
    assert model.main.kinds == ["MAXIMUM", "TANH"]


def test_one_that_is_a_result_stays():
    model = Model()
    x, y = model.main.tensor((1, 4)), model.main.tensor((1, 4))
    model.main.add("MAXIMUM", [x, model.main.constant(LOWEST)], [y])
    model.main.ends([x], [y])
    assert drop_barriers(model.ir) == 0


def test_barriers_one_behind_the_other():
    model = Model()
    main = model.main
    x, a, b, y = (main.tensor((1, 4)) for _ in range(4))
    for source, made in ((x, a), (a, b)):
        main.add("MAXIMUM", [source, main.constant(LOWEST)], [made])
    main.add("ADD", [b, a], [y], "AddOptions")
    main.ends([x], [y])
    assert drop_barriers(model.ir) == 2
    assert main.ir.ops[0].inputs == (x, x)


def test_barriers_in_bodies():
    model = Model()
    inner = model.graph()
    x, a, y = (inner.tensor((1, 4)) for _ in range(3))
    inner.add("MAXIMUM", [x, inner.constant([LOWEST])], [a])
    inner.add("TANH", [a], [y])
    inner.ends([x], [y])
    assert drop_barriers(model.ir) == 1
    assert inner.kinds == ["TANH"]


def test_a_limit_that_is_computed_is_no_barrier():
    model = Model()
    main = model.main
    x, limit, a, y = (main.tensor((1, 4)) for _ in range(4))
    main.add("MAXIMUM", [x, limit], [a])
    main.add("TANH", [a], [y])
    main.ends([x, limit], [y])
    assert drop_barriers(model.ir) == 0
