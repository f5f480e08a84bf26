"""Sources that are defined of some numbers alone are checked on these."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import rnnlite
from rnnlite.frontends.domains import with_domain
from rnnlite.frontends.opening import open_program
from rnnlite.frontends.request import Request


def headed(front):
    inputs = keras.Input((None, 3))
    return keras.Model(inputs, layers.Dense(2)(layers.GRU(4)(front(inputs))))


MEL = np.abs(np.random.default_rng(1).normal(size=(3, 3))).astype("float32")
CASES = [
    ("log", lambda x: ops.log(x + 1e-6), "positive"),
    ("sqrt", ops.sqrt, "positive"),
    ("power", lambda x: ops.power(x, 0.3), "positive"),
    ("logit", lambda x: ops.log(x + 1e-3) - ops.log(1.001 - x), "unit"),
    ("log, then a largest", lambda x: layers.MaxPooling1D(2)(ops.log(x + 1e-6)), "positive"),
    ("log of a product, then RELU", lambda x: ops.relu(ops.log(ops.matmul(x, MEL))), "positive"),
    ("root left out", lambda x: ops.relu(ops.where(x > 0, ops.sqrt(x), -x)), "real"),
    ("safe log", lambda x: ops.log(ops.maximum(x, 1e-3)), "real"),
    ("none", ops.tanh, "real"),
]


@pytest.mark.parametrize(("front", "domain"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_the_first_domain_that_gives_numbers(front, domain):
    entry = open_program(headed(front), Request()).main
    assert [p.domain for p in entry.inputs] == [domain]
    notes = [n for n in entry.notes if n.startswith("checked on")]
    expected = {"positive": "positive numbers", "unit": "numbers from 0 to 1"}.get(domain)
    assert notes == ([f"checked on {expected}: the source gives NaN of others"] if expected else [])
    # Once more changes nothing.
    assert with_domain(entry) is entry


def test_a_source_of_nan_stays_as_it_is():
    entry = open_program(headed(lambda x: ops.log(-1.0 - ops.abs(x))), Request()).main
    assert [p.domain for p in entry.inputs] == ["real"]


def test_a_logarithm_of_the_input_converts():
    model = headed(lambda x: ops.log(x + 1e-6))
    made = rnnlite.convert(model)
    assert made.report.parity.outputs[0].max_rel < 1e-5
    assert made.report.parity.undefined == ()
    x = np.random.default_rng(0).uniform(0.01, 9.0, (1, 11, 3)).astype("float32")
    found = rnnlite.load(made.tflite).predict(x)
    np.testing.assert_allclose(found, model(x), atol=1e-6)
