"""Models that go down to fewer steps, and perhaps up again, stream: Keras 3 and 2, in all modes."""

import pytest

import stream_models
from test_stream_models import BOUNDS


@pytest.mark.long
@pytest.mark.parametrize(
    ("seed", "mode", "chunk"),
    [
        (4, None, True),
        (4, "dynamic", True),
        # One form of a transposed convolution for chunks of fixed size and another one for the
        # whole give other integers.
        (3, "int8", 2),
        (4, "int16x8", 6),
    ],
)
def test_chunks_give_the_whole(seed, mode, chunk):
    made = stream_models.convert(stream_models.hourglass(seed), seed, mode, chunk, unit=6)
    assert stream_models.off(made, seed) <= BOUNDS[mode]


@pytest.mark.long
@pytest.mark.parametrize(
    ("seed", "mode", "unit"),
    [(1, None, 9), (1, "int16x8", 9), (5, "float16", 4), (5, "dynamic", 4), (5, "int8", 4)],
)
def test_stacked_steps_give_the_whole(seed, mode, unit):
    made = stream_models.convert(stream_models.pyramid(seed), seed, mode, unit=unit)
    assert stream_models.off(made, seed) <= BOUNDS[mode]
