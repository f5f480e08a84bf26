"""Free axes that stand in a shape: the runtime loads what the converter made of an Einsum."""

import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

from graphs import Model
from rnnlite.lite import schema
from rnnlite.lite.passes.free_axes import mark_free_axes
from rnnlite.lite.translate import run_converter

MATRIX = np.arange(20, dtype=np.float32).reshape(4, 5)


def test_the_product_of_a_matrix_with_an_inner_axis():
    call = tf.function(lambda x: tf.einsum("ij,btjc->btic", tf.constant(MATRIX), x))
    function = call.get_concrete_function(tf.TensorSpec([1, None, 5, 3]))
    model = schema.read(run_converter(function)[0])
    with pytest.raises(ValueError, match="overflowed"):
        Interpreter(model_content=schema.write(model)).allocate_tensors()
    assert mark_free_axes(model) == 1
    interpreter = Interpreter(model_content=schema.write(model))
    for steps in (1, 4, 2):
        x = np.random.default_rng(steps).normal(size=(1, steps, 5, 3)).astype(np.float32)
        interpreter.resize_tensor_input(0, x.shape)
        interpreter.allocate_tensors()
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], x)
        interpreter.invoke()
        found = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
        np.testing.assert_allclose(found, call(x), rtol=1e-5, atol=1e-5)


def test_what_has_a_signature_stays():
    model = Model()
    x, y = model.main.tensor((-1, 2), name="x"), model.main.tensor((-1, 2))
    model.main.add("ADD", [x, x], [y], "AddOptions")
    model.main.ends([x], [y])
    assert mark_free_axes(model.ir) == 0
