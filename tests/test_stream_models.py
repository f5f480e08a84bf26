"""Random models that stream, by random cuttings, in all modes; those that cannot, by the layer."""

import os
import warnings

import pytest

import rnnlite
import stream_models
from rnnlite.errors import ShapeError, StreamingError

EXAMPLES = max(int(os.environ.get("RNNLITE_EXAMPLES", "16")) // 8, 1)

BOUNDS = {None: 1e-5, "float16": 1e-5, "dynamic": 0.1, "int8": 1.001, "int16x8": 1.001}
"""Relative to the output's scale; of integers, steps of the output."""


@pytest.mark.long(minutes=1)
@pytest.mark.parametrize("mode", stream_models.MODES)
def test_chunks_of_random_models_give_the_whole(mode):
    for seed in range(EXAMPLES):
        model = stream_models.streamable(seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                made = stream_models.convert(model, seed, mode, (True, 1)[seed % 2])
            except ShapeError:
                # Strides along time want another multiple than 1.
                made = stream_models.convert(model, seed, mode)
        assert stream_models.off(made, seed) <= BOUNDS[mode], seed


ROUNDED = {
    31: "outputs of two scales are put side by side",
    203: "a normalization behind rows of padding",
    226: "an addition and a product of known size",
}
"""Seeds whose chunks once gave other integers than the whole -> what they have."""


@pytest.mark.long
@pytest.mark.parametrize("seed", ROUNDED)
def test_chunks_give_the_integers_of_the_whole(seed):
    made = stream_models.convert(
        stream_models.streamable(seed), seed, "int8", (True, True, 4, 1)[seed % 4]
    )
    assert stream_models.off(made, seed) == 0


CASES = stream_models.unstreamable()


@pytest.mark.long(minutes=1)
@pytest.mark.parametrize("name", CASES)
def test_what_needs_the_future_is_refused_by_its_layer(name):
    make, layer = CASES[name]
    with pytest.raises(StreamingError, match=f"'{layer}'.*cannot be streamed"):
        rnnlite.convert(make(), streaming=True, trust=True)
