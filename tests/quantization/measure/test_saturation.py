"""States whose values leave their ranges in long use are named, with how far they go."""

from dataclasses import replace

import keras
import numpy as np

import rnnlite
from rnnlite.quantization.measure.saturation import saturation_warnings
from stream_parts import both, samples, sequential

L = keras.layers


def with_scale(layout, scale):
    """The layout with all states of real numbers with one scale in int8."""
    states = [
        replace(s, dtype="int8", scale=scale, zero_point=0) if s.dtype == "float32" else s
        for s in layout.states
    ]
    return replace(layout, states=tuple(states))


def test_only_states_beyond_their_ranges_are_named():
    net = sequential(L.LSTM(4, return_sequences=True, name="lstm"))
    bias = np.repeat([9, 9, 3, 9], 4).astype("f")
    net.set_weights([np.zeros((3, 16), "f"), np.zeros((4, 16), "f"), bias])
    _, chunk, entry = both(net)
    given, _ = samples(entry)
    long = [np.ones((60, 3), np.float32)]
    # The forget gate is open, so that c adds up, while h stays below 1.
    (said,) = saturation_warnings(chunk, with_scale(chunk.signature.layout, 1 / 100), given, [long])
    assert said.startswith("state 'state/lstm/c' saturates: within 60 steps it takes values from ")
    assert float(said.split(" to ")[1].split(",")[0]) > 40
    assert "its range is -1.28 to 1.27. Give calibration samples of such lengths" in said
    assert not saturation_warnings(chunk, with_scale(chunk.signature.layout, 1.0), given, [long])


def test_nothing_is_said_of_real_numbers_and_without_sequences():
    _, chunk, entry = both(sequential(L.GRU(4, return_sequences=True)))
    given, _ = samples(entry)
    assert not saturation_warnings(chunk, chunk.signature.layout, given, [list(given.used[0])])
    assert not saturation_warnings(chunk, with_scale(chunk.signature.layout, 1e-9), given, [])


def test_the_report_has_it():
    net = sequential(L.SimpleRNN(2, activation="relu", return_sequences=True, name="sum"))
    net.set_weights([np.full((3, 2), 0.1, "f"), np.eye(2, dtype="f"), np.zeros(2, "f")])
    rng = np.random.default_rng(0)
    rows = [rng.random((int(n), 3)).astype("f") for n in rng.integers(9, 30, 24)]
    made = rnnlite.convert(net, streaming=True, quantize="int8", calibration=rows, max_error=100.0)
    (said,) = [w for w in made.report.quantization.warnings if "saturates" in w]
    assert said.startswith("state 'state/sum/h' saturates: within 1,000 steps")
