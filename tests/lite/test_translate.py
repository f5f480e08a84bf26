"""The converter's refusals, in words."""

import re

import pytest
import tensorflow as tf

from rnnlite.errors import AbortError, UnsupportedError
from rnnlite.isolation.converter import Translated
from rnnlite.isolation.process import WorkerDied
from rnnlite.lite.translate import _abort, _refusal, run_converter


def test_an_op_without_builtin_form_is_named_with_its_place():
    def f(x):
        with tf.name_scope("spectrum"):
            return tf.linalg.svd(x, compute_uv=False)

    function = tf.function(f).get_concrete_function(tf.TensorSpec([3, 3]))
    with pytest.raises(UnsupportedError, match=r"Svd has no builtin LiteRT form \(at 'spectrum/"):
        run_converter(function)


def test_a_write_to_a_variable_is_named_before_anything_is_frozen(monkeypatch):
    """TensorFlow's freezing leaves functions behind, with a traceback each when they go."""
    monkeypatch.delattr("rnnlite.lite.translate._Converter")
    counter = tf.Variable(0.0, name="counter")

    def f(x):
        with tf.name_scope("counting"):
            counter.assign_add(1.0)
            counter.assign(counter + 1.0)
        return x + counter

    function = tf.function(f).get_concrete_function(tf.TensorSpec([3]))
    with pytest.raises(UnsupportedError, match="counting"):
        run_converter(function)


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
        run_converter(function)
    monkeypatch.undo()
    assert wrap_converter.wrapped_convert is own
    assert run_converter(function)[0][4:8] == b"TFL3"


@pytest.fixture(scope="module")
def plain():
    """tanh(a) + tanh(b) + cosh(c), a function with ops of these names."""

    def f(x):
        with tf.name_scope("first"):
            y = tf.tanh(x)
        return tf.tanh(y, name="second") + tf.cosh(x, name="third")

    return tf.function(f).get_concrete_function(tf.TensorSpec([3]))


REFUSED = {
    "error: 'tf.Cosh' op is neither a custom op nor a flex op": (
        r"Cosh has no builtin LiteRT form \(at 'third'\)\. "
        r"Replace the layer that uses it, or take it out of the model and run it outside\."
    ),
    "'tf.Tanh' op is neither a\n'tf.Cosh' op is neither b\n'tf.Tanh' op is neither c": (
        r"Cosh, Tanh have no builtin LiteRT form \(at 'first/Tanh', 'second', 'third'\)\."
    ),
    # Not among the function's own ops: in a body that it calls.
    "'tf.Betainc' op is neither a custom op nor a flex op": (
        r"^Betainc has no builtin LiteRT form\. Replace"
    ),
    # What merely is an input of another kind.
    "failed: tf.Placeholder and tf.LookupTableFindV2": r"^LookupTableFindV2 has no builtin",
    "'tf.TensorListReserve' op is neither x\n'tf.TensorListStack' op is neither": (
        r"the model holds a loop that was not recognised as a recurrence "
        r"\(TensorListReserve, TensorListStack\); expected Keras recurrent layers, or loops that "
        r"LiteRT can run\. If it comes from a SavedModel, pass the class of its layer"
    ),
    "Invalid: node counting/AssignAddVariableOp (defined at x.py) is stateful": (
        r"'counting' writes to a variable when the model is called\. LiteRT models here keep no "
        r"state: give it as an input and an output\."
    ),
    "\n  \n  out of memory \nmore": (
        r"the official converter refused the model; found out of memory\.$"
    ),
    "": r"the official converter refused the model; found no reason given\.$",
}


@pytest.mark.parametrize("message", REFUSED)
def test_what_the_converter_says_in_one_sentence(message, plain):
    refusal = _refusal(message, plain)
    assert isinstance(refusal, UnsupportedError)
    assert re.search(REFUSED[message], str(refusal))


def test_a_long_reason_is_cut(plain):
    assert len(_refusal("x" * 1000, plain).found) == 300


def test_at_most_three_places_are_named():
    def f(x):
        for _ in range(5):
            x = tf.cosh(x)
        return x

    function = tf.function(f).get_concrete_function(tf.TensorSpec([3]))
    text = str(_refusal("'tf.Cosh' op is neither", function))
    assert "(at 'Cosh', 'Cosh_1', 'Cosh_2')" in text


def test_the_ops_of_the_converters_last_words(plain):
    died = WorkerDied("signal 11 (SIGSEGV)", "see tf.Cosh and tf.Betainc, tf.lower")
    text = str(_abort(died, died.log, plain))
    assert text.startswith("the official converter ends its process, at 'third'; expected a model")
    assert "found signal 11 (SIGSEGV): see tf.Cosh" in text
    assert "process; expected" in str(_abort(died, "no words", plain))


def test_a_fault_of_the_native_part_is_told_by_its_words(monkeypatch, plain):
    """What it writes to standard error says more than what it raises."""
    answer = Translated(b"", "failed", (), "error: 'tf.Cosh' op is neither a custom op")
    monkeypatch.setattr("rnnlite.lite.translate.convert_apart", lambda *_: answer)
    with pytest.raises(UnsupportedError, match=r"Cosh has no builtin LiteRT form"):
        run_converter(plain)
