"""Which layers cost most: the largest error of a layer, and what it adds."""

import math

import pytest

from rnnlite.report.page.quantized import layer_errors
from rnnlite.report.quantization import OpError


def test_what_an_op_adds():
    assert OpError("ADD", "a", "", 0.05, 0.03).own == pytest.approx(0.04)
    assert OpError("ADD", "a", "", 0.03, 0.05).own == 0


def test_layers():
    shown = layer_errors(
        [
            OpError("CONV_2D", "m/conv/Relu", "conv", 0.02, 0.0),
            OpError("WHILE", "m/lstm/scan", "lstm", 0.10, 0.02),
            OpError("GATHER", "m/lstm/rows", "lstm", 0.09, 0.10),
            OpError("EXP", "x", "", math.inf, 0.0),
        ]
    )
    assert shown.index(">conv<") < shown.index(">lstm<")
    assert "lstm: 10 %" in shown
    assert "All 3 ops" in shown
    assert '<td class="n">9.798</td>' in shown


def test_none_where_nothing_was_measured():
    assert layer_errors([]) is None
