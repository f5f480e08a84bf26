"""What LiteRT computes in int32 alone: sums so far, waves."""

import numpy as np
import pytest

from graphs import Model
from integers import MAGNITUDES, SHAPE, Head, relative_error, rows

LIMITS = {"int8": 0.04, "int16": 0.003}


@pytest.mark.parametrize("magnitude", MAGNITUDES)
@pytest.mark.parametrize("dtype", ["int8", "int16"])
def test_sums_so_far(dtype, magnitude):
    h = Head()
    model = h.end(h.op("CUMSUM", h.x, h.main.constant(1, "int32"), options="CumsumOptions"))
    array = rows(SHAPE, magnitude)
    expected = np.cumsum(array.astype(np.float64), axis=1)
    assert relative_error(model, [array], expected, dtype) < LIMITS[dtype]


@pytest.mark.parametrize("magnitude", [1e-3, 0.1, 1.0, 8.0])
@pytest.mark.parametrize("dtype", ["int8", "int16"])
@pytest.mark.parametrize("name", ["SIN", "COS"])
def test_waves(name, dtype, magnitude):
    h = Head()
    model = h.end(h.op(name, h.x))
    array = np.linspace(-magnitude, magnitude, 240, dtype=np.float32).reshape(SHAPE)
    expected = {"SIN": np.sin, "COS": np.cos}[name](array.astype(np.float64))
    # Of eight radians, a step of int8 is 0.07.
    limit = 0.06 if (magnitude, dtype) == (8.0, "int8") else LIMITS[dtype]
    assert relative_error(model, [array], expected, dtype, faint=True) < limit


@pytest.mark.parametrize("dtype", ["int8", "int16"])
@pytest.mark.parametrize("numbers", [(1.0, 0.0), (2.5, -0.5)])
def test_one_hot(numbers, dtype):
    model = Model()
    main = model.main
    index, y = main.tensor([1, 7], "int32"), main.tensor([1, 7, 4])
    depth = main.constant(4, "int32")
    on, off = (main.constant(n) for n in numbers)
    main.add("ONE_HOT", [index, depth, on, off], [y], "OneHotOptions", axis=-1)
    main.ends([index], [y])
    array = np.array([[0, 3, 2, 1, 1, 3, 0]], np.int32)
    expected = np.where(np.eye(4)[array] > 0, *numbers)
    assert relative_error(model, [array], expected, dtype) < LIMITS[dtype]


@pytest.mark.parametrize("dtype", ["int8", "int16"])
def test_products_along_an_axis(dtype):
    h = Head()
    model = h.end(h.reduce("REDUCE_PROD", h.x))
    array = 0.5 + np.abs(rows(SHAPE, 0.3, spread=0.0))
    expected = np.prod(array.astype(np.float64), axis=-1, keepdims=True)
    assert relative_error(model, [array], expected, dtype) < LIMITS[dtype]
