"""Recurrences of a model while it is emitted: what is kept of each, in order."""

import numpy as np
import pytest
import tensorflow as tf

from rnnlite.frontends.recurrences import Recurrences
from rnnlite.lowering.schedule import Options
from rnnlite.scan import cells, oracle
from rnnlite.scan.cells import Activation
from rnnlite.scan.scan import Scan

T, B, F, UNITS = 5, 1, 3, 4
RNG = np.random.default_rng(0)
X = RNG.normal(size=(T, B, F)).astype(np.float32)
SIZES = ((F, UNITS), (UNITS, UNITS), UNITS)
W, U, BIAS = (RNG.normal(size=s).astype(np.float32) * 0.5 for s in SIZES)


def scan_of(name, **changed):
    cell = cells.SimpleRNN(W, U, BIAS, Activation(tf.tanh, elementwise=True))
    given = {"all_outputs": True, "last_output": False, **changed}
    states = (tf.zeros([B, UNITS]),)
    return Scan(cell=cell, inputs=(tf.constant(X),), initial_states=states, name=name, **given)


def wanted(*, reverse=False, mask=None):
    return oracle.scan(
        oracle.simple_rnn_step(W, U, BIAS),
        np.swapaxes(X, 0, 1),
        [np.zeros((B, UNITS))],
        reverse=reverse,
        mask=mask,
    )


@pytest.fixture(scope="module")
def lowered():
    """Three recurrences of one graph, and what each gave."""
    found = Recurrences(Options())
    mask = np.array([[1, 1, 0, 1, 1]], bool)

    def call():
        keep = tf.constant(mask.T[:, :, None])
        results = [
            found.lower(scan_of("one")),
            found.lower(scan_of("two", reverse=True)),
            found.lower(scan_of("three", all_outputs=False, last_output=True, mask=keep)),
        ]
        return [results[0].outputs[0], results[1].outputs[0], results[2].last[0]]

    values = tf.function(call).get_concrete_function()()
    return found, mask, [np.asarray(v) for v in values]


def test_what_each_gives(lowered):
    _, mask, (one, two, three) = lowered
    np.testing.assert_allclose(np.swapaxes(one, 0, 1), wanted()[0], atol=1e-6)
    np.testing.assert_allclose(np.swapaxes(two, 0, 1), wanted(reverse=True)[0], atol=1e-6)
    np.testing.assert_allclose(three, wanted(mask=mask)[1][0], atol=1e-6)


def test_what_is_said_of_each_in_order(lowered):
    found, _, _ = lowered
    said = [(r.name, r.kind, r.units, r.direction, r.outputs, r.masked) for r in found.records]
    assert said == [
        ("one", "SimpleRNN", UNITS, "forward", "all", False),
        ("two", "SimpleRNN", UNITS, "backward", "all", False),
        ("three", "SimpleRNN", UNITS, "forward", "last", True),
    ]
    assert all(r.hoisted for r in found.records)


def test_the_tensors_of_each_are_kept(lowered):
    found, _, _ = lowered
    assert [item.scan.name for item in found.lowered] == ["one", "two", "three"]
    for item, record in zip(found.lowered, found.records, strict=True):
        assert item.unroll == record.unroll
