"""The stream as users hold it: chunks, the end, states saved and restored, refusals."""

import re

import numpy as np
import pytest

from rnnlite.errors import SampleError
from rnnlite.runtime.stream import Stream, StreamSignature
from rnnlite.specs import TensorSpec
from rnnlite.streaming.layout import Layout, StreamInput, StreamOutput, StreamState
from rnnlite.streaming.rows import Rows


def signature(*, chunk=None, multiple=1, delay=0):
    """A running sum of (T, 2), `delay` steps late: rows of all steps, and the last."""
    layout = Layout(
        chunk=chunk,
        multiple=multiple,
        longest=chunk or 64,
        tail=delay > 0,
        inputs=(StreamInput("x", 1),),
        outputs=(
            StreamOutput("rows", Rows(1, 1, delay, 0), so_far=False),
            StreamOutput("last", Rows(1, 1, delay, 0), so_far=True),
        ),
        states=(StreamState("state/sum/rows", 0.0, None),),
    )
    return StreamSignature(
        layout,
        (TensorSpec("x", (1, None, 2), "float32"),),
        (TensorSpec("rows", (1, None, 2), "float32"), TensorSpec("last", (1, 2), "float32")),
        (TensorSpec("state/sum/rows", (1, delay + 1, 2), "float32"),),
    )


def run(arrays):
    """Row t is the sum of the rows up to t - delay."""
    x, state = arrays
    late = np.concatenate([state[:, 1:], x], 1)
    rows = state[:, :1] + np.cumsum(late[:, : x.shape[1]], 1)
    after = np.concatenate([rows[:, -1:], late[:, x.shape[1] :]], 1)
    return [rows, rows[:, -1], after]


X = np.arange(20, dtype=np.float32).reshape(10, 2)


def stream(**options):
    return Stream(signature(**options), run)


@pytest.mark.parametrize("delay", [0, 3])
@pytest.mark.parametrize("parts", [[10], [1] * 10, [2, 5, 3]])
def test_chunks_and_the_end_give_the_whole(delay, parts):
    live = stream(delay=delay)
    found = [live(part) for part in np.split(X, np.cumsum(parts)[:-1])]
    found.append(live.finish())
    assert np.array_equal(np.concatenate([f["rows"] for f in found]), np.cumsum(X, 0))
    assert np.array_equal(found[-1]["last"], X.sum(0))
    assert live.delay == delay


def test_rows_come_later_by_the_delay():
    live = stream(delay=3)
    found = live(X[:2])
    assert found["rows"].shape == (0, 2)
    assert found["last"] is None
    assert live(X[2:5])["rows"].shape == (2, 2)
    assert live.finish()["rows"].shape == (3, 2)


def test_reset_begins_anew():
    live = stream(delay=1)
    first = live(X)["rows"]
    live.finish()
    live.reset()
    assert np.array_equal(live(X)["rows"], first)


def test_two_streams_do_not_disturb_each_other():
    shared = signature(delay=2)
    one, other = Stream(shared, run), Stream(shared, run)
    a, b = [], []
    for k in range(10):
        a.append(one(X[k : k + 1])["rows"])
        b.append(other(-X[k : k + 1])["rows"])
    assert np.array_equal(np.concatenate(a), -np.concatenate(b))


def test_a_state_is_saved_and_restored_half_way():
    live = stream(delay=2)
    live(X[:6])
    saved = live.state
    rest = [live(X[6:])["rows"], live.finish()["rows"]]
    again = stream(delay=2)
    again.state = saved
    assert np.array_equal(again(X[6:])["rows"], rest[0])
    ended = again.finish()
    assert np.array_equal(ended["rows"], rest[1])
    assert np.array_equal(ended["last"], X.sum(0))
    at_once = stream()
    at_once(X)
    again = stream()
    again.state = at_once.state
    assert np.array_equal(again.finish()["last"], X.sum(0))


def test_a_state_is_a_copy():
    live = stream()
    live(X[:5])
    live.state["state/sum/rows"][:] = 0
    assert np.array_equal(live(X[5:])["last"], X.sum(0))


def test_a_long_chunk_is_cut_into_those_of_the_file():
    shapes = []

    def watched(arrays):
        shapes.append(arrays[0].shape[1])
        return run(arrays)

    live = Stream(signature(chunk=2, delay=3), watched)
    assert live.multiple == 2
    found = [live(X[:6])["rows"], live(X[6:])["rows"], live.finish()["rows"]]
    assert np.array_equal(np.concatenate(found), np.cumsum(X, 0))
    assert shapes == [2] * 7


def test_several_sequences_at_once():
    shared = signature()
    spec = TensorSpec("state/sum/rows", (None, 1, 2), "float32")
    states = (StreamState("state/sum/rows", 0.0, 0),)
    layout = Layout(**{**vars(shared.layout), "states": states})
    live = Stream(StreamSignature(layout, shared.inputs, shared.outputs, (spec,)), run, batch=2)
    both = np.stack([X, -X])
    assert np.array_equal(live(both)["rows"], np.cumsum(both, 1))
    with pytest.raises(SampleError, match="the chunk has another batch than the stream"):
        live(both[:1])


@pytest.mark.parametrize(
    ("chunk", "why"),
    [
        (X[:, :1], "the chunk, input 'x' has the wrong shape; expected (T, 2); found (10, 1)."),
        (X[:0], "the chunk, input 'x' is empty"),
        (X[0], "the chunk, input 'x' has the wrong rank"),
        (X * np.nan, "the chunk, input 'x' holds NaN"),
        (
            X[:3],
            "the chunk has a number of steps that the model does not take; expected a multiple of "
            "2; found 3.",
        ),
    ],
)
def test_a_chunk_that_does_not_fit_changes_nothing(chunk, why):
    live = stream(multiple=2)
    live(X[:4])
    before = live.state
    with pytest.raises(SampleError, match=re.escape(why)):
        live(chunk)
    assert all(np.array_equal(before[k], v) for k, v in live.state.items())


def test_a_run_that_fails_changes_nothing():
    fails = [False]

    def sometimes(arrays):
        if fails[0]:
            raise SampleError("the runtime refuses")
        return run(arrays)

    live = Stream(signature(chunk=2), sometimes)
    live(X[:4])
    fails[0] = True
    with pytest.raises(SampleError, match="the runtime refuses"):
        live(X[4:])
    fails[0] = False
    assert np.array_equal(live(X[4:])["last"], X.sum(0))


def test_an_end_is_an_end():
    live = stream()
    with pytest.raises(SampleError, match="ends before the model gives anything"):
        live.finish()
    live(X)
    live.finish()
    for call in (live.finish, lambda: live(X)):
        expected = "the stream has ended. Call reset() to begin a new sequence."
        with pytest.raises(SampleError, match=re.escape(expected)):
            call()


def test_the_state_of_another_model_is_refused():
    live = stream(delay=1)
    with pytest.raises(SampleError, match="this is the state of another model"):
        live.state = {"state/gru/h": X}
    other = stream(delay=2).state
    with pytest.raises(SampleError, match="of another model, mode or batch"):
        live.state = other
