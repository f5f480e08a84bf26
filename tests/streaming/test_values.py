"""What a tensor is in a chunk, and refusals."""

import pytest

from rnnlite.errors import StreamingError
from rnnlite.lengths.sizes import free
from rnnlite.streaming.emit import TIME
from rnnlite.streaming.rows import Rows
from rnnlite.streaming.values import Bounded, Fold, SoFar, Static, Timed, refused

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


@pytest.mark.parametrize("found", ["", "three"])
def test_what_was_found_is_said_where_it_is_known(found):
    assert ("; found three." in str(refused("op 'a'", "it waits", found))) is bool(found)


def test_a_value_with_time_beside_others_is_not_plain():
    fold = Fold(time=free(TIME), front=3, behind=1, count=4, place="layer 'dense'")
    value = Timed("x", ROWS, fold=fold)
    assert not value.plain
    # Time on another axis is folded as before.
    assert value.at(0, "y").fold is fold


def test_values_are_themselves_alone():
    """Tensors compare elementwise: so do none of these."""
    assert Static("x") != Static("x")
    assert Timed("x", ROWS) != Timed("x", ROWS)
    value = SoFar("x", ROWS)
    assert value in (value,)
    assert len({Bounded(0), Bounded(0)}) == 2
