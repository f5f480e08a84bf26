"""Sums of int8 stay right where a batch grows and a length shrinks, by XNNPACK too."""

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from graphs import Model
from rnnlite.lite import schema
from rnnlite.lite.ir import Quantization
from rnnlite.lite.passes.sums import hold_sums

UNIT = Quantization((0.05,), (0,))


def model_of(kind="SUM", axes=(1,), type="int8", shape=(-1, -1, 12), keep=False):
    """y = product(reduced(x + x)): what is around the sum is in XNNPACK's memory."""
    model = Model()
    main = model.main
    given = UNIT if type == "int8" else None
    gone = {axis % 3 for axis in axes}
    small = [1 if k in gone else d for k, d in enumerate(shape) if keep or k not in gone]
    x, y = (main.tensor(shape, type, quantization=given) for _ in range(2))
    total, bent = (main.tensor(small, type, quantization=given) for _ in range(2))
    main.add("ADD", [x, x], [y], "AddOptions")
    operands = [y, main.constant(axes, "int32")]
    main.add(kind, operands, [total], "ReducerOptions", keepDims=keep)
    main.add("ADD", [total, total], [bent], "AddOptions")
    main.ends([x], [bent])
    return model.ir


def run(interpreter, x):
    place = interpreter.get_input_details()[0]["index"]
    interpreter.resize_tensor_input(place, x.shape)
    interpreter.allocate_tensors()
    known = list(interpreter.get_output_details()[0]["shape"])
    interpreter.set_tensor(place, x)
    interpreter.invoke()
    found = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    assert known == list(found.shape)
    return found


@pytest.mark.parametrize("kind", ["SUM", "MEAN"])
@pytest.mark.parametrize("axes", [(1,), (-2,)])
def test_a_batch_that_grows_while_its_length_shrinks(kind, axes):
    tree = model_of(kind, axes)
    assert hold_sums(tree) == 1
    interpreter = Interpreter(model_content=schema.write(tree), num_threads=1)
    rng = np.random.default_rng(0)
    for shape in ((3, 40), (2, 190), (3, 3), (1, 7), (3, 40)):
        x = rng.integers(-3, 4, (*shape, 12)).astype(np.int8)
        total = 2 * x.astype(int).sum(1)
        exact = 2 * (total if kind == "SUM" else total / shape[1])
        found = run(interpreter, x)
        assert np.max(np.abs(found - np.clip(exact, -128, 127))) <= 2


@pytest.mark.parametrize("axes", [(2,), (0, 1), (-1, -2)])
def test_axes_are_those_that_were(axes):
    tree = model_of("SUM", axes, keep=True)
    assert hold_sums(tree) == (axes != (0, 1))
    x = np.random.default_rng(0).integers(-1, 2, (2, 3, 12)).astype(np.int8)
    found = run(Interpreter(model_content=schema.write(tree), num_threads=1), x)
    np.testing.assert_array_equal(found, 4 * x.astype(int).sum(axes, keepdims=True))


@pytest.mark.parametrize(
    "given",
    [{"type": "float32"}, {"kind": "REDUCE_MAX"}, {"shape": (1, -1, 12), "axes": (2,)}],
    ids=["float32", "no sum", "one free axis"],
)
def test_others_stay_with_xnnpack(given):
    tree = model_of(**given)
    assert hold_sums(tree) == 0
    assert tree.main.ops[1].input(1).is_constant
