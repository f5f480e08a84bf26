"""Squeeze behind Transpose, over free shapes, against TensorFlow."""

import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

from rnnlite.lite.before_translation.rewrite import rewrite
from rnnlite.lite.before_translation.squeezes import squeezed, squeezes
from rnnlite.lite.translate import run_converter


def swapped(x):
    return tf.transpose(x, [0, 2, 1, 3])


def turned(x):
    return tf.transpose(x, [2, 1, 0, 3])


GRAPHS = {
    # The official converter refuses these three.
    "computed order": ((None, None, 1), lambda x: tf.squeeze(tf.nn.softmax(x, 1), [2])),
    "two free axes": ((None, None, 1, 5), lambda x: tf.squeeze(swapped(x), [1])),
    "from the end": ((2, 4, 5, 1), lambda x: tf.squeeze(tf.transpose(x, [0, 3, 2, 1]), [-3])),
    # It takes the wrong axes of these.
    "two from the end": ((None, 1, 5, 1), lambda x: tf.squeeze(turned(x), [-3, -1])),
    "from both sides": ((None, 1, 5, 1), lambda x: tf.squeeze(turned(x), [1, -1])),
    "all of size 1": ((None, 1, 5, 1), lambda x: tf.squeeze(turned(x))),
    "twice": ((None, 1, 5, 3), lambda x: tf.squeeze(tf.identity(swapped(turned(x))), [2])),
}


@pytest.mark.parametrize("name", list(GRAPHS))
def test_what_is_transposed(name):
    shape, compute = GRAPHS[name]
    made = tf.function(compute).get_concrete_function(tf.TensorSpec(shape))
    found = rewrite(made)
    assert squeezes(found.graph) == {}
    sizes = [3 if n is None else n for n in shape]
    x = np.arange(np.prod(sizes), dtype=np.float32).reshape(sizes)
    expected = made(tf.constant(x)).numpy()
    np.testing.assert_array_equal(found(tf.constant(x))[0], expected)
    interpreter = Interpreter(model_content=run_converter(found)[0])
    index = interpreter.get_input_details()[0]["index"]
    interpreter.resize_tensor_input(index, sizes)
    interpreter.allocate_tensors()
    interpreter.set_tensor(index, x)
    interpreter.invoke()
    result = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    assert result.shape == expected.shape
    np.testing.assert_allclose(result, expected, rtol=1e-6)


def test_axes_in_order_are_not_transposed():
    x = tf.zeros([2, 1, 5])
    assert squeezed(x, [1], [0, 1, 2]).shape == (2, 5)
    assert squeezed(x, [1], [2, 1, 0]).shape == (5, 2)


def test_others_stay():
    specs = tf.TensorSpec([None, 1, 5]), tf.TensorSpec([3], tf.int32)
    plain = tf.function(lambda x, _: tf.squeeze(x, [1])).get_concrete_function(*specs)
    assert rewrite(plain) is plain
    made = tf.function(lambda x, order: tf.squeeze(tf.transpose(x, order), [1]))
    assert squeezes(made.get_concrete_function(*specs).graph) == {}
