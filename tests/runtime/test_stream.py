"""The stream as users hold it: chunks, the end, states saved and restored, refusals."""

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnlite.errors import SampleError
from rnnlite.runtime.signatures import StreamSignature
from rnnlite.runtime.stream import Stream
from rnnlite.runtime.stream_state import HALFWAY
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


def scaled(batch=1, *, quantized=False):
    """y = x * rate, x (batch, any, 2) with time, rate (2,) without: given with each chunk."""
    spec = TensorSpec("x", (batch, None, 2), "float32")
    rate = TensorSpec("rate", (2,), "float32", batch_axis=None)
    y = TensorSpec("y", (batch, None, 2), "float32")
    if quantized:
        spec = replace(spec, dtype="int8", quantization=(0.5, 3))
        y = replace(y, dtype="int8", quantization=(0.25, -1))
    layout = Layout(
        chunk=None,
        multiple=1,
        longest=4,
        tail=False,
        inputs=(StreamInput("x", 1), StreamInput("rate", None)),
        outputs=(StreamOutput("y", Rows(1), so_far=False),),
        states=(),
    )
    return StreamSignature(layout, (spec, rate), (y,), ())


def times(arrays):
    x, rate = arrays
    return [x * rate]


def test_an_input_without_time_is_given_with_each_chunk():
    live = Stream(scaled(), times)
    rate = np.array([2.0, -1.0], np.float32)
    assert np.array_equal(live((X, rate)), X * rate)
    assert np.array_equal(live({"rate": 2 * rate, "x": X}), 2 * X * rate)
    # And kept for the end, where nobody gives it.
    assert np.array_equal(live.state["input/rate"], 2 * rate)
    assert live.finish().shape == (0, 2)


def test_chunks_of_several_sequences_and_what_they_share():
    live = Stream(scaled(2), times, batch=2)
    both, rate = np.stack([X, -X]), np.array([2.0, -1.0], np.float32)
    for chunk in ((both, rate), [both, rate], {"rate": rate, "x": both}):
        assert np.array_equal(live(chunk), both * rate)


@pytest.mark.parametrize(
    ("chunk", "why"),
    [
        (lambda both: both, "the chunk is one array, the model has 2 inputs"),
        (
            lambda both: (both, X[0], X[0]),
            "the chunk has the wrong number of arrays; expected 2 (x, rate); found 3.",
        ),
        (
            lambda both: {"x": both},
            "the chunk names other inputs than the model has; expected x, rate; found x.",
        ),
        (
            lambda both: (both[:1], X[0]),
            "the chunk has another batch than the stream; expected a first axis of 2; "
            "found (1, 10, 2).",
        ),
        (
            lambda both: (np.float32(1), X[0]),
            "the chunk has another batch than the stream; expected a first axis of 2; found ().",
        ),
        (lambda both: ([[[1.0]], [[1.0], [2.0]]], X[0]), "the chunk is no array."),
        (
            lambda both: (both, X[0][:1]),
            "the chunk, sequence 0, input 'rate' has the wrong shape; expected (2,); found (1,).",
        ),
        (
            lambda both: (np.where(both == both[1, 3, 0], np.nan, both), X[0]),
            "the chunk, sequence 1, input 'x' holds NaN",
        ),
    ],
)
def test_chunks_of_several_sequences_that_do_not_fit(chunk, why):
    live = Stream(scaled(2), times, batch=2)
    both = np.stack([X, -X - 1])
    with pytest.raises(SampleError, match=re.escape(why)):
        live(chunk(both))


def test_inputs_of_different_lengths():
    layout = Layout(None, 1, 64, False, (StreamInput("x", 1), StreamInput("z", 1)), (), ())
    specs = tuple(TensorSpec(n, (1, None, 2), "float32") for n in "xz")
    live = Stream(StreamSignature(layout, specs, (), ()), lambda arrays: [])
    expected = (
        "the inputs of the chunk have different lengths; expected as many steps of each; "
        "found 3 of 'x', 4 of 'z'."
    )
    with pytest.raises(SampleError, match=re.escape(expected)):
        live((X[:3], X[:4]))


def test_integers_are_made_of_real_numbers_and_back():
    seen = []

    def run(arrays):
        seen.append(arrays[0])
        return [arrays[0]]

    live = Stream(scaled(quantized=True), run)
    found = live((np.array([[0.5, -1.0]], np.float32), np.ones(2, np.float32)))
    assert (seen[0].dtype, seen[0].tolist()) == (np.int8, [[[4, 1]]])
    # As the output has them: (q + 1) / 4.
    assert (found.dtype, found.tolist()) == (np.float32, [[1.25, 0.5]])
    # No rows are rows of real numbers.
    assert live.finish().dtype == np.float32


def test_states_of_integers_begin_as_they_stand_for():
    state = StreamState("state/gru/h", 1.5, 0, "int8", 0.5, -3)
    spec = TensorSpec("state/gru/h", (None, 4), "int8", quantization=(0.5, -3))
    layout = Layout(None, 1, 64, False, (StreamInput("x", 1),), (), (state,))
    x = TensorSpec("x", (None, None, 2), "float32")
    live = Stream(StreamSignature(layout, (x,), (), (spec,)), lambda arrays: arrays[1:], batch=3)
    held = live.state["state/gru/h"]
    assert (held.shape, held.dtype, set(held.ravel().tolist())) == ((3, 4), np.int8, {0})


def test_how_it_shows_itself():
    live = stream(delay=3, multiple=2)
    live(X[:4])
    assert repr(live) == "Stream(steps=4, delay=3, multiple=2)"


CLOCK = ("state/stream/steps", "state/stream/end")


def clocked(log):
    """A stream of x (1, any, 1) whose file counts steps itself; gives what it got at each call."""
    states = tuple(StreamState(n, 0.0, None, "int32") for n in CLOCK)
    specs = tuple(TensorSpec(n, (1,), "int32", batch_axis=None) for n in CLOCK)
    layout = Layout(
        None,
        1,
        64,
        True,
        (StreamInput("x", 1),),
        (StreamOutput("y", Rows(1, 1, 2, 0), so_far=False),),
        states,
    )
    spec = TensorSpec("x", (1, None, 1), "float32")

    def run(arrays):
        x, count, end = arrays
        log.append((x.shape[1], int(count[0]), int(end[0])))
        return [x, count + x.shape[1], end]

    return Stream(StreamSignature(layout, (spec,), (spec,), specs), run)


def test_the_end_is_told_to_what_counts():
    log = []
    live = clocked(log)
    live(np.ones((5, 1)))
    live.finish()
    # Two steps more are fed, for what is two late.
    assert log == [(5, 0, 0), (2, 5, 5)]


def test_steps_told_at_the_end_are_bounded():
    """However long it was: there is room for what comes behind."""
    log = []
    live = clocked(log)
    live(np.ones((5, 1)))
    state = live.state
    state["steps"] = np.array((1 << 40) + 1)
    live.state = state
    live.finish()
    assert log[-1] == (2, HALFWAY, HALFWAY)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda s: s | {"more": X}, "this is the state of another model"),
        (lambda s: {k: v for k, v in s.items() if k != "steps"}, "this is the state of another"),
        (lambda s: [1, 2], "found [1, 2]."),
        (
            lambda s: s | {"state/sum/rows": s["state/sum/rows"].astype(np.float64)},
            "state 'state/sum/rows' is of another model, mode or batch; "
            "expected float32 (1, 2, 2); found float64 (1, 2, 2).",
        ),
    ],
)
def test_states_that_do_not_fit_change_nothing(change, why):
    live = stream(delay=1)
    live(X[:4])
    before = live.state
    with pytest.raises(SampleError, match=re.escape(why)):
        live.state = change(dict(before))
    assert all(np.array_equal(before[k], v) for k, v in live.state.items())


def test_a_state_that_is_set_opens_an_ended_stream():
    live = stream()
    live(X[:4])
    saved = live.state
    live.finish()
    live.state = saved
    assert np.array_equal(live(X[4:])["last"], X.sum(0))


@settings(max_examples=30, deadline=None)
@given(
    parts=st.lists(st.integers(1, 4), min_size=1, max_size=6),
    delay=st.integers(0, 4),
    chunk=st.sampled_from([None, 1, 2]),
    stop=st.integers(0, 5),
)
def test_any_cutting_gives_the_whole_even_when_saved_half_way(parts, delay, chunk, stop):
    unit = chunk or 1
    total = unit * sum(parts)
    x = np.arange(2 * total, dtype=np.float32).reshape(total, 2)
    live = stream(delay=delay, chunk=chunk)
    found = []
    for k, part in enumerate(np.split(x, np.cumsum(np.multiply(parts, unit))[:-1])):
        if k == stop:
            saved, live = live.state, stream(delay=delay, chunk=chunk)
            live.state = saved
        found.append(live(part)["rows"])
    end = live.finish()
    np.testing.assert_array_equal(np.concatenate([*found, end["rows"]]), np.cumsum(x, 0))
    np.testing.assert_array_equal(end["last"], x.sum(0))
