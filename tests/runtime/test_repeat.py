"""A chunk like the one before gives what it gives the general way, and nothing else changes."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rnnlite
from rnnlite.errors import SampleError
from rnnlite.runtime.repeat import Repeat, repeats
from rnnlite.runtime.signatures import StreamSignature
from rnnlite.runtime.stream import Stream
from rnnlite.specs import TensorSpec
from rnnlite.streaming.layout import StreamInput, StreamOutput
from rnnlite.streaming.rows import Rows
from runtime.files import LAYOUT, rows, summing

X = rows(12, 2)[0]


def signature(**changed):
    """A running sum of x (1, any, 2), as many steps a chunk as one likes up to 4."""
    specs = [TensorSpec(n, (1, None, 2), "float32") for n in ("x", "sums")]
    state = TensorSpec("state/sum/h", (1, 1, 2), "float32", batch_axis=None)
    layout = replace(LAYOUT, chunk=None, longest=4, **changed)
    return StreamSignature(layout, (specs[0],), (specs[1],), (state,))


def summed(arrays):
    x, state = arrays
    found = state + np.cumsum(x, 1)
    return [found, found[:, -1:].copy()]


class Memory:
    """A runtime that runs on the memory of states, while it knows where that is."""

    def __init__(self):
        self.runs, self.fails, self.known = 0, False, True

    def __call__(self, arrays, before, after):
        if not self.known:
            return None
        state = np.frombuffer(before[0], np.float32).reshape(1, 1, 2)
        found, last = summed([arrays[0], state])
        after[0][:] = last.reshape(-1).view(np.uint8).data
        if self.fails:
            raise SampleError("the model cannot run")
        self.runs += 1
        return [found]


@given(st.lists(st.integers(1, 6), min_size=1, max_size=8), st.integers(0, 7), st.booleans())
@settings(max_examples=60, deadline=None)
def test_any_chunks_give_the_whole(lengths, restored, known):
    x = rows(sum(lengths), 2)[0]
    memory = Memory()
    memory.known = known
    live = Stream(signature(), summed, 1, memory)
    found = []
    for k, chunk in enumerate(np.split(x, np.cumsum(lengths)[:-1])):
        if k == restored:
            live.state = live.state
        found.append(live(chunk))
    np.testing.assert_array_equal(np.concatenate(found), np.cumsum(x, 0))
    assert repr(live) == f"Stream(steps={len(x)}, delay=0, multiple=1)"


def test_chunks_alike_run_on_the_memory_of_states():
    memory = Memory()
    live = Stream(signature(), summed, 1, memory)
    for n in (2, 2, 2, 3, 3):
        live(X[:n])
    assert memory.runs == 3


def test_a_runtime_that_does_not_know_is_not_asked_again():
    memory = Memory()
    live = Stream(signature(), summed, 1, memory)
    live(X[:1])
    memory.known = False
    live(X[1:2])
    memory.known = True
    assert live(X[2:3]).tolist() == [np.cumsum(X[:3], 0)[-1].tolist()]
    assert memory.runs == 0


def test_a_state_is_a_copy_and_results_are_the_callers():
    live = Stream(signature(), summed, 1, Memory())
    found = [live(X[k : k + 1]) for k in range(3)]
    saved = live.state
    found[-1][:] = 99
    saved["state/sum/h"][:] = 99
    np.testing.assert_array_equal(live(X[3:4])[0], X[:4].sum(0))
    np.testing.assert_array_equal(found[1][0], X[:2].sum(0))


def test_a_run_that_fails_leaves_the_state_as_it_was():
    memory = Memory()
    live = Stream(signature(), summed, 1, memory)
    live(X[:1]), live(X[1:2])
    memory.fails = True
    with pytest.raises(SampleError, match="the model cannot run"):
        live(X[2:3])
    memory.fails = False
    np.testing.assert_array_equal(live(X[2:3])[0], X[:3].sum(0))


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (np.full((1, 2), np.nan, np.float32), "holds NaN"),
        (np.full((1, 2), -np.inf, np.float32), "holds infinity"),
        (X[:1, :1], "has the wrong shape"),
        (X[0], "has the wrong rank"),
        (X[:1].astype(complex), "has the wrong dtype"),
        (X[:0], "is empty"),
    ],
)
def test_a_chunk_that_is_not_alike_is_checked_whole(wrong, why):
    live = Stream(signature(), summed, 1, Memory())
    live(X[:1]), live(X[1:2])
    with pytest.raises(SampleError, match=why):
        live(wrong)
    # And one of another dtype is taken as ever.
    np.testing.assert_array_equal(live(X[2:3].astype(np.float64))[0], X[:3].sum(0))


@pytest.mark.parametrize("good", [1, 2])
def test_a_chunk_of_no_whole_multiple_is_refused_however_often_it_comes(good):
    live = Stream(signature(multiple=2), summed, 1, Memory())
    for k in range(good):
        live(X[2 * k : 2 * k + 2])
    for _ in range(3):
        with pytest.raises(SampleError, match="expected a multiple of 2; found 3"):
            live(X[:3])
    steps = 2 * good
    np.testing.assert_array_equal(live(X[steps : steps + 2])[-1], X[: steps + 2].sum(0))


def test_an_ended_stream_is_not_fed():
    live = Stream(signature(), summed, 1, Memory())
    live(X[:1]), live(X[1:2]), live.finish()
    with pytest.raises(SampleError, match="the stream has ended"):
        live(X[2:3])
    live.reset()
    np.testing.assert_array_equal(live(X[:1]), X[:1])
    np.testing.assert_array_equal(live(X[1:2])[0], X[:2].sum(0))


LATE = (StreamOutput("sums", Rows(1, delay=3), so_far=False),)
SO_FAR = (StreamOutput("sums", Rows(1, delay=3), so_far=True),)
CONSTANT = (StreamOutput("sums", None, so_far=False),)


@pytest.mark.parametrize(
    ("changed", "batch", "steps", "expected"),
    [
        ({}, 1, 0, True),
        ({}, 2, 0, False),
        ({"outputs": LATE}, 1, 2, False),
        ({"outputs": LATE}, 1, 3, True),
        ({"outputs": SO_FAR}, 1, 2, False),
        ({"outputs": SO_FAR}, 1, 3, True),
        ({"outputs": CONSTANT}, 1, 0, True),
        ({"inputs": (StreamInput("x", None),)}, 1, 0, False),
        ({"inputs": (StreamInput("x", 1), StreamInput("z", 1))}, 1, 0, False),
    ],
)
def test_what_repeats(changed, batch, steps, expected):
    assert repeats(signature(**changed), batch, steps) is expected


@pytest.mark.parametrize("part", [1, 2])
def test_rows_that_come_late_and_results_so_far(part):
    """Beside a stream that always goes the general way, from the first chunk to the end."""

    def delayed(arrays):
        """Sums three steps late, and the last of them."""
        x, state = arrays
        late = np.concatenate([state, x], 1)
        rows = late[:, : x.shape[1]]
        return [rows, rows[:, -1], late[:, -3:].copy()]

    late = (LATE[0], replace(SO_FAR[0], name="last"))
    one = signature(outputs=late, tail=True)
    specs = (*one.outputs, TensorSpec("last", (1, 2), "float32"))
    state = replace(one.states[0], shape=(1, 3, 2))
    one = replace(one, outputs=specs, states=(state,))
    quick, general = Stream(one, delayed), Stream(one, delayed)
    for begin in range(0, 12, part):
        chunk = X[begin : begin + part]
        found, expected = quick(chunk), general(chunk.tolist())
        np.testing.assert_array_equal(found["sums"], expected["sums"])
        if expected["last"] is None:
            assert found["last"] is None
        else:
            np.testing.assert_array_equal(found["last"], expected["last"])
            found["last"][:] = 99
    found, expected = quick.finish(), general.finish()
    np.testing.assert_array_equal(found["sums"], expected["sums"])
    np.testing.assert_array_equal(found["last"], expected["last"])
    np.testing.assert_array_equal(found["last"], X[-1])


def test_a_new_sequence_is_not_like_the_one_before():
    """Its first rows are not there, as the last ones of the one before were."""

    def delayed(arrays):
        late = np.concatenate([arrays[1], arrays[0]], 1)
        return [late[:, :1], late[:, 1:].copy()]

    outputs = (StreamOutput("sums", Rows(1, delay=1), so_far=False),)
    live = Stream(signature(outputs=outputs, tail=True), delayed)
    saved = live.state
    for begin in (live.reset, lambda: setattr(live, "state", saved)):
        begin()
        assert [len(live(X[k : k + 1])) for k in range(4)] == [0, 1, 1, 1]


def test_several_outputs_have_names():
    one = signature(outputs=(*LAYOUT.outputs, replace(LAYOUT.outputs[0], name="twice")))
    specs = (*one.outputs, replace(one.outputs[0], name="twice"))
    live = Stream(replace(one, outputs=specs), lambda a: [summed(a)[0], a[0] * 2, summed(a)[1]])
    live(X[:2])
    found = live(X[2:4])
    assert list(found) == ["sums", "twice"]
    np.testing.assert_array_equal(found["sums"], np.cumsum(X[:4], 0)[2:])
    np.testing.assert_array_equal(found["twice"], X[2:4] * 2)


def test_integers_and_an_axis_of_time_in_front():
    """x (any, 1, 2) in int8, real = (q - 1) / 2; results real = q / 4."""
    x = TensorSpec("x", (None, 1, 2), "int8", batch_axis=1, quantization=(0.5, 1))
    y = TensorSpec("sums", (None, 1, 2), "int8", batch_axis=1, quantization=(0.25, 0))
    layout = replace(
        LAYOUT, chunk=None, longest=4, inputs=(StreamInput("x", 0),), outputs=CONSTANT, states=()
    )
    layout = replace(layout, outputs=(replace(LAYOUT.outputs[0], rows=Rows(0)),))
    live = Stream(StreamSignature(layout, (x,), (y,), ()), lambda arrays: arrays)
    for chunk in ([[1.0, -2.0]], [[1.5, 60.0]], [[0.5, 3.0]]):
        q = np.minimum(np.array(chunk) * 2 + 1, 127)
        found = live(np.array(chunk, np.float32))
        assert (found.dtype, found.tolist()) == (np.float32, (q / 4).tolist())


def test_streams_of_one_file_side_by_side():
    model = rnnlite.load(summing())
    one, other = model.stream(), model.stream()
    for k in range(12):
        a, b = one(X[k : k + 1]), other(-2 * X[k : k + 1])
        np.testing.assert_array_equal(a[0], X[: k + 1].sum(0))
        np.testing.assert_array_equal(b, -2 * a)


def test_a_call_of_its_own_leaves_what_is_kept():
    repeat = Repeat(signature(), summed, Memory())
    live = Stream(signature(), summed)
    live(X[:1])
    kept = live._kept
    before = kept.states[0].copy()
    after, _ = repeat(X[1:2], kept)
    np.testing.assert_array_equal(kept.states[0], before)
    assert (kept.steps, after.steps) == (1, 2)
