"""What a file says of its stream: lateness, what is lacking at the end, and back from JSON."""

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnlite.streaming.layout import (
    Layout,
    StreamInput,
    StreamOutput,
    StreamState,
    layout_from,
)
from rnnlite.streaming.rows import Rows


def layout(*rows, chunk=None, multiple=1, **more):
    """A layout of outputs with such rows; None: an output without time."""
    return Layout(
        chunk=chunk,
        multiple=multiple,
        longest=chunk or 64,
        tail=True,
        inputs=(StreamInput("x", 1),),
        outputs=tuple(StreamOutput(f"y{k}", r, so_far=False) for k, r in enumerate(rows)),
        states=(),
        **more,
    )


@pytest.mark.parametrize(
    ("rows", "delay"),
    [
        ([], 0),
        ([None], 0),
        ([Rows(1)], 0),
        ([Rows(1, 1, 3)], 3),
        # In steps of the inputs, not in rows.
        ([Rows(1, 4, 3)], 12),
        ([Rows(1, 1, 3), None, Rows(1, 2, 2)], 4),
        # What is cut off in front is late, whatever is added behind.
        ([Rows(1, 1, 2, 9)], 2),
    ],
)
def test_the_look_ahead_is_that_of_the_latest_output(rows, delay):
    assert layout(*rows).delay == delay


@pytest.mark.parametrize(
    ("rows", "options", "steps", "lacking"),
    [
        ([], {}, 10, 0),
        ([None], {}, 10, 0),
        ([Rows(1)], {}, 10, 0),
        ([Rows(1, 1, 3)], {}, 10, 3),
        # Rows that fall away at the end need not be waited for.
        ([Rows(1, 1, 3, -3)], {}, 10, 0),
        ([Rows(1, 1, 3, -1)], {}, 10, 2),
        # A stride of 2, one row late: a whole row is to be fed.
        ([Rows(1, 2, 1)], {"multiple": 2}, 10, 2),
        # In whole chunks, and in whole multiples.
        ([Rows(1, 1, 3)], {"chunk": 4}, 12, 4),
        ([Rows(1, 1, 5)], {"chunk": 4}, 12, 8),
        ([Rows(1, 1, 3)], {"multiple": 2}, 10, 4),
        # A chunk goes before a multiple.
        ([Rows(1, 1, 3)], {"chunk": 6, "multiple": 2}, 12, 6),
        ([Rows(1, 1, 1), Rows(1, 1, 4)], {}, 10, 4),
        # Shorter than what is cut off: there is no row to wait for.
        ([Rows(1, 1, 2, -8)], {}, 3, 0),
    ],
)
def test_what_is_still_to_be_fed_at_the_end(rows, options, steps, lacking):
    assert layout(*rows, **options).lacking(steps) == lacking


@settings(max_examples=50, deadline=None)
@given(
    stride=st.integers(1, 4),
    delay=st.integers(0, 6),
    add=st.integers(-6, 6),
    count=st.integers(1, 9),
    cut=st.integers(1, 3),
)
def test_after_what_was_lacking_all_rows_are_given(stride, delay, add, count, cut):
    rows = Rows(1, stride, delay, add)
    steps = count * stride * cut
    found = layout(rows, multiple=stride * cut).lacking(steps)
    assert found % (stride * cut) == 0
    assert rows.given(steps + found) >= rows.length(steps)
    # And not before: one unit less is one row short.
    if found and rows.length(steps):
        assert rows.given(steps + found - stride * cut) < rows.length(steps)


FULL = Layout(
    chunk=6,
    multiple=3,
    longest=6,
    tail=True,
    inputs=(StreamInput("x", 1), StreamInput("speaker", None)),
    outputs=(
        StreamOutput("rows", Rows(1, 3, 2, -1), so_far=False),
        StreamOutput("mean", Rows(1, 3, 2, -1), so_far=True),
        StreamOutput("gain", None, so_far=True),
    ),
    states=(
        StreamState("state/stream/end", 2147483647.0, None, "int32"),
        StreamState("state/lstm/h", 0.0, 0, "int8", 0.5, -3),
        StreamState("state/mean/sum", 0.0, 0, grows=True),
    ),
)


def test_a_layout_goes_through_json():
    assert layout_from(json.loads(json.dumps(FULL.to_dict()))) == FULL


def test_a_layout_without_anything_goes_through_json():
    empty = replace(FULL, chunk=None, inputs=(), outputs=(), states=())
    assert layout_from(json.loads(json.dumps(empty.to_dict()))) == empty


def test_the_record_of_an_output_has_no_bound():
    """A bound is known while the function is emitted alone: the runtime has no clock to ask."""
    found = FULL.to_dict()["outputs"]
    assert found[0] == {
        "name": "rows",
        "rows": {"axis": 1, "stride": 3, "delay": 2, "add": -1, "rate": 1},
        "so_far": False,
    }
    assert found[2] == {"name": "gain", "rows": None, "so_far": True}


def test_the_record_of_a_state_has_all_that_integers_want():
    keys = {"name", "initial", "batch_axis", "dtype", "scale", "grows"}
    for state in FULL.to_dict()["states"]:
        assert keys <= state.keys()


def test_a_state_without_more_is_of_floats():
    state = StreamState("state/gru/h", 0.0, None)
    assert (state.dtype, state.scale, state.grows) == ("float32", None, False)


def test_a_record_of_an_unknown_field_is_refused():
    """A file of a later version that says more than is known here is not half understood."""
    data = FULL.to_dict()
    data["states"][0]["clock"] = 3
    with pytest.raises(TypeError, match="unexpected keyword argument 'clock'"):
        layout_from(data)


@pytest.mark.parametrize("gone", ["chunk", "multiple", "longest", "tail", "inputs", "states"])
def test_a_record_that_lacks_a_field_is_no_layout(gone):
    data = FULL.to_dict()
    del data[gone]
    with pytest.raises(KeyError, match=gone):
        layout_from(data)
