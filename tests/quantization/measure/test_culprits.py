"""Where the error of an integer model enters is named."""

import numpy as np

from graphs import Model
from rnnlite.quantization.calibration import Samples
from rnnlite.quantization.measure.culprits import Culprit, _worst, worst_tensors
from rnnlite.quantization.recipe import take_order
from rnnlite.quantization.select import TRIALS


def test_the_op_that_loses_what_it_is_given():
    """A wide range that most values are small in: int8 keeps the largest alone."""
    model = Model()
    shape = (1, 2, 4)
    x = model.main.tensor(shape, name="x")
    power = model.main.tensor(shape, name="head/power")
    root = model.main.tensor(shape, name="head/root")
    model.main.add("EXP", [x], [power])
    model.main.add("MUL", [power, model.main.constant(2.0)], [root], "MulOptions")
    model.main.ends([x], [root])
    rows = [[np.linspace(-6, 6, 8, dtype=np.float32).reshape(2, 4)]]
    rows += [[np.full((2, 4), -2.0, np.float32)]] * 3
    order = take_order("int8", rows, None, allow_float=False, max_error=None, progress=False)
    samples = Samples(rows, rows[1:], ())
    (first,) = worst_tensors(model.ir, order, TRIALS["int8"][0], samples)[:1]
    assert first.startswith("EXP 'head/power' (")


def test_where_it_enters_comes_before_where_it_is_largest():
    found = [
        Culprit("FULLY_CONNECTED", "a", 0.02, 0.01),
        Culprit("RSQRT", "b", 0.9, 0.02),
        Culprit("MUL", "c", 1.5, 0.9),
    ]
    assert [c.name for c in _worst(found)] == ["b"]
    creeping = [Culprit("ADD", "a", 0.1, 0.09), Culprit("ADD", "b", 0.12, 0.1)]
    assert [c.name for c in _worst(creeping)] == ["b", "a"]


def test_in_words():
    assert str(Culprit("EXP", "'y'", 0.51234, 0.0123)) == "EXP 'y' (51.23 %, from 1.2 %)"
