"""Models that go down to fewer steps and up again stream: Keras 3 and Keras 2, in all modes."""

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
