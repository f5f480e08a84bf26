"""Scalars by SQUEEZE: the runtime knows what is behind them before a run."""

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from graphs import Model, run
from rnnlite.lite.at_allocation import late_results
from rnnlite.lite.passes.scalars import squeeze_scalars


def model_of(shape=(1,), wanted=()):
    """x reshaped, then as many ones as y has rows, in a signature of both."""
    model = Model()
    main = model.main
    x, y = main.tensor(shape, "int32", "x"), main.tensor((-1, 2), name="y")
    new = main.constant(wanted if wanted else np.zeros(0), "int32")
    z, doubled = main.tensor(wanted, "int32"), main.tensor((-1, 2))
    main.add("RESHAPE", [x, new], [z], "ReshapeOptions", newShape=list(wanted))
    main.add("ADD", [y, y], [doubled], "AddOptions")
    main.ends([x, y], [z, doubled])
    return model


def allocated(model, rows):
    """The shape of the second result before a run, at so many rows."""
    interpreter = Interpreter(model_content=model.bytes())
    interpreter.resize_tensor_input(1, [rows, 2])
    interpreter.allocate_tensors()
    return tuple(interpreter.get_output_details()[1]["shape"])


@pytest.mark.parametrize("shape", [(1,), (1, 1), (1, 1, 1)])
def test_what_is_behind_is_known(shape):
    model = model_of(shape)
    assert len(late_results(model.ir)) == 1
    assert squeeze_scalars(model.ir) == 1
    assert model.main.kinds == ["SQUEEZE", "ADD"]
    assert not late_results(model.ir)
    assert allocated(model, 9) == (9, 2)
    found = run(model.bytes(), np.full(shape, 7, np.int32), np.ones((3, 2), np.float32))
    assert found[0].shape == ()
    assert found[0] == 7
    np.testing.assert_array_equal(found[1], np.full((3, 2), 2.0))
    assert squeeze_scalars(model.ir) == 0


def test_the_runtime_takes_an_empty_shape_for_unknown():
    """What the rule of late results says of it."""
    assert allocated(model_of(), 9) != (9, 2)


def test_other_shapes_stay():
    model = model_of((1, 1), (1,))
    assert squeeze_scalars(model.ir) == 0
    assert model.main.kinds == ["RESHAPE", "ADD"]


def test_every_axis_is_named():
    model = model_of((1, 1, 1))
    squeeze_scalars(model.ir)
    assert model.main.ir.ops[0].numbers("squeezeDims") == (0, 1, 2)


def test_a_shape_that_is_computed_stays():
    model = model_of()
    main = model.main
    new = main.tensor((0,), "int32")
    main.ir.inputs = [*main.ir.inputs, source := main.tensor((0,), "int32")]
    (reshape, _) = main.ir.ops
    main.ir.insert(reshape, main.ir.op("ABS", [source], [new]))
    reshape.set_input(1, new)
    assert squeeze_scalars(model.ir) == 0


def test_an_axis_of_any_size_stays():
    model = model_of((1,))
    model.main.ir.inputs[0].signature = (-1,)
    assert squeeze_scalars(model.ir) == 0


def test_a_shape_among_the_options_alone_stays():
    model = model_of((1, 1), (1,))
    (reshape, _) = model.main.ir.ops
    reshape.inputs = reshape.inputs[:1]
    assert squeeze_scalars(model.ir) == 0
