"""Calibrating the function of a chunk: as a stream, its states fed back."""

from dataclasses import replace

import keras
import numpy as np

from rnnlite.quantization.stream_calibration import NOTHING, calibrate_stream
from stream_parts import both, samples, sequential

L = keras.layers


def test_states_have_the_ranges_of_real_use():
    net = sequential(L.LSTM(4, return_sequences=True, name="lstm"))
    _, chunk, entry = both(net)
    given, rows = samples(entry)
    seen = calibrate_stream(chunk.model, chunk.signature, given).values
    outputs = np.concatenate([net.predict(x[None], verbose=0)[0] for x in rows])
    h = next(after for s, _, after in chunk.states(chunk.model) if s.name == "state/lstm/h")
    y = chunk.model.main.outputs[0]
    np.testing.assert_allclose(seen[y], (outputs.min(), outputs.max()), rtol=1e-4)
    # Where chunks end, as they were cut.
    assert outputs.min() <= seen[h][0] < 0 < seen[h][1] <= outputs.max() + 1e-6
    before = next(b for s, b, _ in chunk.states(chunk.model) if s.name == "state/lstm/h")
    assert seen[before][0] < 0 < seen[before][1]


def test_a_maximum_of_nothing_widens_no_range():
    net = sequential(L.MaxPooling1D(3, 1, padding="same"), L.GlobalMaxPooling1D())
    _, chunk, entry = both(net)
    given, rows = samples(entry)
    largest = max(float(np.abs(x).max()) for x in rows)
    seen = calibrate_stream(chunk.model, chunk.signature, given).values
    floats = [r for v, r in seen.items() if v.type == "float32"]
    assert max(max(map(abs, r)) for r in floats) <= largest
    assert any(abs(s.initial) > NOTHING for s in chunk.signature.layout.states)


def test_samples_too_short_to_be_ended_are_fed_all_the_same():
    net = sequential(L.Conv1D(3, 5), L.GRU(4, return_sequences=True))
    _, chunk, entry = both(net)
    given, _ = samples(entry)
    short = [[row[0][:2]] for row in given.used]
    seen = calibrate_stream(chunk.model, chunk.signature, replace(given, used=short)).values
    assert seen[chunk.model.main.inputs[0]][1] > 0
