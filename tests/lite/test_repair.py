"""WHILE bodies that return another of their arguments: right only after the pass."""

import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

from rnnlite.lite import flatbuffer
from rnnlite.lite.repair import separate_loop_results
from rnnlite.lite.translate import translate


def delay_line(dtype):
    """Three values that move one place on at each of four iterations: (a, b, c) -> (c, a, b)."""

    @tf.function
    def run(n):
        a, b, c = (tf.fill([2], tf.constant(k, dtype)) for k in (1, 2, 3))
        loop = tf.while_loop(lambda t, *_: t < n, lambda t, a, b, c: (t + 1, c, a, b), [0, a, b, c])
        return loop[1:]

    return run.get_concrete_function(tf.TensorSpec([], tf.int32))


def run(data):
    interpreter = Interpreter(model_content=data)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], np.int32(4))
    interpreter.invoke()
    return [interpreter.get_tensor(d["index"]).tolist() for d in interpreter.get_output_details()]


@pytest.mark.parametrize("dtype", [tf.float32, tf.int32])
def test_a_rotation_is_computed_right(dtype):
    model = flatbuffer.read(translate(delay_line(dtype)))
    assert separate_loop_results(model) == 3
    assert run(flatbuffer.write(model)) == [[3, 3], [1, 1], [2, 2]]


def test_arguments_in_their_own_place_are_left_alone(exits):
    assert separate_loop_results(flatbuffer.read(exits.tflite)) == 0
