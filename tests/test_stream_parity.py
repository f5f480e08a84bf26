"""Chunks against the whole, on a model of NumPy: what is fed, what is found, what bounds it."""

from dataclasses import replace

import numpy as np
import pytest

import rnnlite
from graphs import Model
from rnnlite import stream_parity
from rnnlite.frontends.program import Entry
from rnnlite.lengths.lengths import Lengths
from rnnlite.lengths.sizes import Axis
from rnnlite.lite.ir import Quantization
from rnnlite.parity import TOLERANCE
from rnnlite.runtime.signatures import StreamSignature
from rnnlite.specs import TensorSpec
from rnnlite.stream_parity import SINGLE, STEP, STEPS, check_stream, steps_of
from rnnlite.streaming.layout import Layout, StreamInput, StreamOutput, StreamState
from rnnlite.streaming.rows import Rows

X = TensorSpec("x", (None, None, 2), "float32")
ROWS, LAST = (
    TensorSpec("rows", (None, None, 2), "float32"),
    TensorSpec("last", (None, 2), "float32"),
)


class RunningSum:
    """A file whose outputs are the running sum and the sum so far, as `ModelApart` runs it.

    Args:
        chunk, multiple: of its stream.
        batch: of its signature, None where free.
        off: how much a chunk's rows are off.
        forgets: whether it leaves out what the chunk before left.
    """

    def __init__(
        self, data, *, delegates, chunk=None, multiple=1, batch=None, off=0.0, forgets=False
    ):
        self.delegates, self.off, self.forgets, self.closed = delegates, off, forgets, False
        self.calls = []
        layout = Layout(
            chunk=chunk,
            multiple=multiple,
            longest=chunk or 64,
            tail=False,
            inputs=(StreamInput("x", 1),),
            outputs=(
                StreamOutput("rows", Rows(1), so_far=False),
                StreamOutput("last", Rows(1), so_far=True),
            ),
            states=(StreamState("state/sum/rows", 0.0, 0 if batch is None else None),),
        )
        self.inputs = (replace(X, shape=(batch, None, 2)),)
        self.stream_signature = StreamSignature(
            layout,
            self.inputs,
            (replace(ROWS, shape=(batch, None, 2)), replace(LAST, shape=(batch, 2))),
            (TensorSpec("state/sum/rows", (batch, 2), "float32"),),
        )

    def run(self, inputs):
        (x,) = inputs
        return [np.cumsum(x, 1), np.sum(x, 1)]

    def run_chunk(self, arrays):
        x, state = arrays
        self.calls.append(x.shape[:2])
        before = np.zeros_like(state) if self.forgets else state
        rows = before[:, None] + np.cumsum(x, 1)
        return [rows + self.off, rows[:, -1], rows[:, -1]]

    def close(self):
        self.closed = True


def program(lengths=None, **changed):
    """The Entry that it was made from."""

    def reference(inputs):
        (x,) = inputs
        return [np.cumsum(x, 1), np.sum(x, 1)]

    def perturbed(amount, seed):
        return lambda inputs: [a * (1 + 1e4 * amount) for a in reference(inputs)]

    made = Entry(
        origin="a running sum",
        inputs=(X,),
        outputs=(ROWS, LAST),
        function=None,
        reference=reference,
        perturbed=perturbed,
        recurrences=(),
        lengths=lengths or Lengths(axes=(Axis(0, 1),)),
    )
    return replace(made, **changed)


@pytest.fixture
def checked(monkeypatch):
    """Checks a running sum with options; what was made stands in its `made`."""

    def check(most=0.0, entry=None, steps=(None, None), **options):
        check.made = []

        def make(data, *, delegates):
            check.made.append(RunningSum(data, delegates=delegates, **options))
            return check.made[-1]

        monkeypatch.setattr(stream_parity, "ModelApart", make)
        monkeypatch.setattr(stream_parity, "steps_of", lambda data: list(steps))
        return check_stream(entry or program(), b"", most)

    return check


def test_chunks_that_give_the_whole_are_equal(checked):
    found = checked()
    assert [o.name for o in found.outputs] == ["rows", "last"]
    # Sums in another order differ by rounding.
    assert all(o.max_rel < 1e-6 and o.bound == TOLERANCE and o.within for o in found.outputs)
    assert (found.chunk, found.multiple, found.delay) == (None, 1, 0)
    assert found.states == ("state/sum/rows",)
    assert found.lengths == STEPS
    found.require_within()


def test_with_delegates_and_without_each_once(checked):
    checked()
    assert [m.delegates for m in checked.made] == [True, False]
    assert all(m.closed for m in checked.made)
    # Both were fed alike.
    assert checked.made[0].calls == checked.made[1].calls


def test_a_state_that_is_not_handed_on_is_found(checked):
    found = checked(forgets=True)
    assert all(o.max_rel > 0.1 and not o.within for o in found.outputs)
    with pytest.raises(
        rnnlite.ParityError, match="the LiteRT model gives something else in chunks than as a whole"
    ):
        found.require_within()


@pytest.mark.parametrize("off", [0.5, 2.0])
def test_the_largest_difference_is_told(checked, off):
    rows, last = checked(off=off).outputs
    assert rows.max_abs == pytest.approx(off, rel=1e-3)
    assert rows.max_rel == pytest.approx(off / rows.scale, rel=1e-3)
    assert last.max_abs < 1e-4


def test_what_rounding_of_the_source_explains_is_allowed(checked):
    """The source itself changes by 1e4 roundings of its weights: 8 times so much may differ."""
    rows, _ = checked(off=0.01).outputs
    assert rows.max_rel > TOLERANCE
    assert rows.bound == pytest.approx(8 * 1e4 * 2.0**-24, rel=1e-3)
    assert rows.within


@pytest.mark.parametrize(("most", "bound"), [(0.25, 0.25), (1e-7, TOLERANCE)])
def test_what_is_allowed_in_any_case_is_never_less(checked, most, bound):
    rows, last = checked(most=most).outputs
    assert rows.bound == last.bound == bound


def test_integers_may_differ_by_one_step(checked):
    rows, last = checked(steps=(0.5, None)).outputs
    assert rows.bound == pytest.approx(STEP * 0.5 / rows.scale)
    assert last.bound == TOLERANCE


def test_a_free_batch_runs_one_and_two_sequences(checked):
    checked()
    assert {batch for batch, _ in checked.made[0].calls} == {1, 2}


def test_a_fixed_batch_is_what_runs(checked):
    entry = program(inputs=(replace(X, shape=(3, None, 2)),))
    assert all(o.within for o in checked(entry=entry, batch=3).outputs)
    assert {batch for batch, _ in checked.made[0].calls} == {3}


@pytest.mark.parametrize(
    ("options", "lengths", "unit"),
    [({"chunk": 4}, (4, 8, 20, 48), 4), ({"multiple": 5}, (5, 10, 20, 45), 5)],
)
def test_lengths_are_whole_chunks(checked, options, lengths, unit):
    assert checked(**options).lengths == lengths
    assert all(steps % unit == 0 for _, steps in checked.made[0].calls)


def test_short_sequences_are_fed_step_by_step_too(checked):
    checked()
    ones = sum(steps == 1 for batch, steps in checked.made[0].calls if batch == 1)
    singles = sum(n for n in STEPS if n <= SINGLE)
    assert ones >= singles
    # The first chunk of every cutting is a single step.
    assert checked.made[0].calls[0] == (1, 1)


def test_a_least_length_is_kept(checked):
    """Lengths that leave a recurrence nothing are passed by."""
    entry = program(inputs=(replace(X, least=(1, 8, 2)),))
    assert checked(entry=entry).lengths == (1, 8, 19, 45)


def test_no_length_at_all_is_refused(checked, monkeypatch):
    monkeypatch.setattr(Lengths, "completed", lambda self, values: None)
    with pytest.raises(
        rnnlite.ShapeError,
        match="a running sum takes no length up to 4096 that its stream takes; expected a multiple "
        "of 6",
    ):
        checked(multiple=6)


def file_of(outputs):
    """A file with outputs that a function makes in its graph."""
    model = Model()
    x = model.main.tensor((1, 3), name="x")
    model.main.ends([x], outputs(model.main, x))
    return model.bytes()


def relu(graph, x):
    y = graph.tensor((1, 3))
    graph.add("RELU", [x], [y])
    return [y]


def integers(graph, x):
    y = graph.tensor((1, 3), "int8", quantization=Quantization.of(0.25, 3))
    graph.add("QUANTIZE", [x], [y])
    return [y]


def given_as_real_numbers(graph, x):
    """Two outputs: one was computed as integers, one was not."""
    (q,) = integers(graph, x)
    y = graph.tensor((1, 3))
    graph.add("DEQUANTIZE", [q], [y])
    return [y, *relu(graph, x)]


@pytest.mark.parametrize(
    ("outputs", "steps"),
    [(relu, [None]), (integers, [0.25]), (given_as_real_numbers, [0.25, None])],
)
def test_steps_of_outputs(outputs, steps):
    assert steps_of(file_of(outputs)) == steps
