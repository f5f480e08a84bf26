"""The converter's refusals, in words."""

import pytest
import tensorflow as tf

from rnnlite.errors import AbortError, UnsupportedError
from rnnlite.lite.translate import translate


def test_an_op_without_builtin_form_is_named_with_its_place():
    def f(x):
        with tf.name_scope("spectrum"):
            return tf.linalg.svd(x, compute_uv=False)

    function = tf.function(f).get_concrete_function(tf.TensorSpec([3, 3]))
    with pytest.raises(UnsupportedError, match=r"Svd has no builtin LiteRT form \(at 'spectrum/"):
        translate(function)


def test_a_write_to_a_variable_is_named():
    counter = tf.Variable(0.0, name="counter")

    def f(x):
        with tf.name_scope("counting"):
            counter.assign_add(1.0)
            counter.assign(counter + 1.0)
        return x + counter

    function = tf.function(f).get_concrete_function(tf.TensorSpec([3]))
    with pytest.raises(UnsupportedError, match="counting"):
        translate(function)


def test_an_end_of_the_converters_process_is_an_error(monkeypatch):
    from tensorflow.compiler.mlir.lite.python import wrap_converter

    from rnnlite.isolation.process import borrowed

    def dies(*args):
        with borrowed("test") as worker:
            worker.call("os:abort")

    monkeypatch.setattr("rnnlite.lite.translate.convert_apart", dies)
    own = wrap_converter.wrapped_convert
    function = tf.function(lambda x: 2 * x).get_concrete_function(tf.TensorSpec([3]))
    with pytest.raises(
        AbortError, match=r"the official converter ends its process; expected .*; found signal 6"
    ):
        translate(function)
    monkeypatch.undo()
    assert wrap_converter.wrapped_convert is own
    assert translate(function)[0][4:8] == b"TFL3"
