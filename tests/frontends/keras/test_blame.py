"""Layers and errors in the words of a refusal."""

import pytest

from rnnlite.frontends.keras.blame import first_line, in_words, place_of


def test_a_layer_in_words(K):
    assert in_words(K.layers.Dense(2, name="head")) == "layer 'head' (Dense)"


@pytest.mark.parametrize(
    ("op", "found"),
    [
        ("net/conv/Pad", "layer 'conv' (Conv1D)"),
        ("net/conv/inner/Conv2D", "layer 'conv' (Conv1D)"),
        # Called again in one graph, all scopes get the model's number.
        ("net_1/conv_1/Pad", "layer 'conv' (Conv1D)"),
        ("net_2/conv_1_2/Pad", "layer 'conv_1' (Conv1D)"),
        ("net/conv_1/Pad", "layer 'conv_1' (Conv1D)"),
        ("net/conv_7/Pad", "layer 'conv' (Conv1D)"),
        ("while/Pad", "'while/Pad'"),
        ("Pad", "'Pad'"),
    ],
)
def test_the_layer_that_an_op_belongs_to(K, op, found):
    x = K.Input((None, 2))
    y = x
    for name in ("conv", "conv_1"):
        y = K.layers.Conv1D(2, 3, name=name)(y)
    assert place_of(op, K.Model(x, y, name="net")) == found


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("it is wrong.", "it is wrong"),
        ("", "ValueError"),
        ("\n\n  second line\nthird", "second line"),
        ("Exception encountered when calling Dense.call().\n\nshapes differ", "shapes differ"),
        ('in user code:\n\n  File "a.py", line 3\n    x = 1\n\n    it broke', "it broke"),
        (
            'in user code:\n\n  File "a.py", line 3\n    x = 1\n\n  ValueError: too short',
            "too short",
        ),
        ("\x1b[1mException encountered when calling X\x1b[0m\n\x1b[1mbad\x1b[0m", "bad"),
        ("x" * 400, "x" * 300),
    ],
)
def test_the_line_of_an_error_that_says_what_is_wrong(text, line):
    assert first_line(ValueError(text)) == line


FRAMES = """in user code:

    File "functions.py", line 34, in flat  *
        return [identity(y) for y in function(list(tensors))]
    File "cells.py", line 35, in __call__
        return self.function(x)

"""


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("Dimensions must be equal.", "Dimensions must be equal"),
        (
            FRAMES + "    ValueError: Cannot unroll without a length.",
            "Cannot unroll without a length",
        ),
        (
            FRAMES + "    UserWarning: Exception encountered when calling LSTM.call().\n\n"
            "    \x1b[1mThis axis has size 1.\x1b[0m\n\n    Arguments received by LSTM.call():",
            "This axis has size 1",
        ),
        (FRAMES, "RuntimeError"),
    ],
)
def test_the_line_of_a_foreign_error_that_says_what_is_wrong(text, line):
    assert first_line(RuntimeError(text)) == line
