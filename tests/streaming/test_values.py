"""What a tensor is in a chunk, and refusals."""

import pytest

from rnnlite.errors import StreamingError
from rnnlite.streaming.rows import Rows
from rnnlite.streaming.values import Timed, refused

ROWS = Rows(axis=1, stride=2, delay=3, add=-1)


@pytest.mark.parametrize(
    ("more", "plain"),
    [({}, True), ({"before": 1}, False), ({"behind": 2}, False), ({"dilation": 4}, False)],
)
def test_whether_it_stands_as_it_is(more, plain):
    assert Timed("x", ROWS, **more).plain is plain


def test_time_on_another_axis():
    found = Timed("x", ROWS, before=2, pad=-1.0).at(2, "y")
    assert (found.tensor, found.rows) == ("y", Rows(2, 2, 3, -1))
    # What is still to be put around it goes along.
    assert (found.before, found.pad) == (2, -1.0)


def test_refusals_name_the_place_and_a_way_out():
    error = refused("layer 'attention'", "it looks at all steps", "softmax over time")
    assert isinstance(error, StreamingError)
    assert str(error) == (
        "layer 'attention' cannot be streamed: it looks at all steps; found softmax over time. "
        "Stream the part of the model in front of it, or convert without streaming."
    )
