"""Rows that recurrences begin with, one for each reader."""

import keras
import numpy as np

import rnnlite
from rnnlite.lite import schema
from rnnlite.quantization.prepare.fills import separate_fills


def readers(model):
    """How often each float result of FILL in the main graph is read."""
    fills = [op.output for op in model.main.ops if op.kind == "FILL"]
    return [len(value.uses) for value in fills if value.type == "float32"]


def test_each_reader_has_a_fill_of_its_own():
    keras.utils.set_random_seed(0)
    x = keras.Input((None, 3))
    layers = [keras.layers.SimpleRNN(4, return_sequences=True, name=n) for n in "ab"]
    source = keras.Model(x, [layer(x) for layer in layers])
    # Blocks are written into buffers, which FILL makes.
    schedule = {"unroll": 4, "chunk": 2, "variables": 0}
    data = rnnlite.convert(source, batch_size=None, schedule=schedule, verify=False).tflite
    model = schema.read(data)
    before = readers(model)
    assert max(before) > 1
    assert separate_fills(model) >= sum(before) - len(before)
    assert set(readers(model)) == {1}
    assert separate_fills(model) == 0
    rows = np.random.default_rng(0).standard_normal((1, 23, 3)).astype(np.float32)
    pairs = zip(
        rnnlite.load(schema.write(model)).run([rows]),
        rnnlite.load(data).run([rows]),
        strict=True,
    )
    for found, expected in pairs:
        np.testing.assert_array_equal(found, expected)
