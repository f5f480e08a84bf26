"""One step of a Scan: what it carries, what it writes, what it costs."""

import numpy as np
import pytest
import tensorflow as tf

from rnnlite.errors import InternalError, UnsupportedError
from rnnlite.lowering.lower import lower
from rnnlite.lowering.schedule import Options, Schedule
from rnnlite.lowering.step import Step
from rnnlite.scan.cells import LSTM, Activation, TracedCell
from rnnlite.scan.projection import Projection
from rnnlite.scan.scan import Scan

TANH, SIGMOID = Activation(tf.tanh, True), Activation(tf.sigmoid, True)
FEATURES, UNITS = 3, 4


def lstm(seed=0):
    rng = np.random.default_rng(seed)
    shapes = (FEATURES, 4 * UNITS), (UNITS, 4 * UNITS), (4 * UNITS,)
    return LSTM(*(rng.standard_normal(s).astype(np.float32) for s in shapes), TANH, SIGMOID)


def doubling():
    """A cell whose output is no state: y = 2 s, s' = s + x."""
    return TracedCell(lambda x, s: ([2.0 * s[0]], [s[0] + x[0]]), kind="Doubling")


def step(cell=None, *, length=5, batch=2, states=None, **options):
    """A Step in a graph of its own."""
    cell = cell or lstm()
    width = FEATURES if isinstance(cell, LSTM) else UNITS
    with tf.__internal__.FuncGraph("test").as_default():
        x = tf.compat.v1.placeholder(tf.float32, [length, batch, width])
        count = 2 if isinstance(cell, LSTM) else 1
        zero = tf.zeros([batch or 1, UNITS])
        return Step(Scan(cell, (x,), states or (zero,) * count, **options))


@pytest.mark.parametrize(
    ("cell", "options", "carried"),
    [
        # h is the output: the state stands for it.
        (lstm, {}, False),
        (lstm, {"mask": True}, False),
        # A masked step repeats the output before it, and h does not start as that does.
        (lstm, {"mask": True, "started": True}, True),
        (lstm, {"mask": True, "started": True, "zero_output_for_mask": True}, False),
        # An output that is no state.
        (doubling, {}, True),
        (doubling, {"last_output": False}, False),
        (doubling, {"last_output": False, "mask": True}, True),
        (doubling, {"last_output": False, "mask": True, "zero_output_for_mask": True}, False),
    ],
)
def test_whether_the_output_is_carried(cell, options, carried):
    options = dict(options)
    made = cell()
    count = 2 if cell is lstm else 1
    with tf.__internal__.FuncGraph("test").as_default():
        width = FEATURES if cell is lstm else UNITS
        x = tf.compat.v1.placeholder(tf.float32, [5, 2, width])
        if options.pop("mask", False):
            options["mask"] = tf.ones([5, 2], tf.bool)
        first = tf.ones if options.pop("started", False) else tf.zeros
        found = Step(Scan(made, (x,), (first([2, UNITS]),) * count, **options))
        assert found.carries_output is carried
        values = ("a", "b")[:count] + (("y",) if carried else ())
        states, previous = found.unpack(values)
        assert (len(states), previous) == (count, ["y"] if carried else [])


def test_which_state_the_output_is():
    assert step().state_of_output() == 0
    same = TracedCell(lambda x, s: ([s[0] + x[0]], [s[0] + x[0]]), kind="Same")
    assert step(same).output_state is None
    with pytest.raises(InternalError, match="no state"):
        step(doubling()).state_of_output()

    def give_twice(x, s):
        y = s[0] + x[0]
        return [y], [y]

    # One that hands the same tensor on twice is found out.
    assert step(TracedCell(give_twice, kind="Twice")).state_of_output() == 0


def test_what_the_cost_model_asks():
    costs = step(all_outputs=True).costs()
    assert costs.recurrent_weights == 4 * UNITS * UNITS
    assert (costs.hoisted, costs.plain, costs.identity_padding, costs.fixed_rows) == (True,) * 4
    assert (costs.length, costs.batch, costs.features) == (5, 2, FEATURES)
    assert costs.row_bytes == 2 * UNITS * 4
    assert costs.projected_bytes == 4 * UNITS * 4
    # The last output alone: no rows.
    assert step().costs().row_bytes == 0
    free = step(length=None, all_outputs=True).costs()
    assert free.length is None


def test_other_cells_are_neither_plain_nor_neutral():
    costs = step(doubling()).costs()
    assert (costs.plain, costs.identity_padding, costs.hoisted) == (False, False, False)


def test_rows_are_neutral_only_where_the_state_starts_at_zero():
    with tf.__internal__.FuncGraph("test").as_default():
        x = tf.compat.v1.placeholder(tf.float32, [5, 2, FEATURES])
        ones = tf.ones([2, UNITS])
        assert Step(Scan(lstm(), (x,), (ones, ones))).identity_padding is None
        masked = Step(Scan(lstm(), (x,), (ones, ones), mask=tf.ones([5, 2], tf.bool)))
        # Under a mask any row is: it is not taken.
        assert [r.shape for r in masked.identity_padding] == [(4 * UNITS,)]


def test_ops_of_a_step_are_counted_without_constants():
    one = step(TracedCell(lambda x, s: ([s[0]], [s[0] + x[0]]), kind="Sum"))
    assert one.ops == 1
    assert step(doubling()).ops == 2


@pytest.mark.parametrize("place", list(Projection))
@pytest.mark.parametrize("remainder_rows", [0, 1])
def test_a_step_is_the_same_wherever_its_products_are_made(place, remainder_rows):
    rng = np.random.default_rng(1)
    x = rng.standard_normal((5, 2, FEATURES)).astype(np.float32)

    @tf.function(autograph=False)
    def run(value):
        zero = tf.zeros([2, UNITS])
        made = Step(Scan(lstm(), (value,), (zero, zero)))
        (rows,) = made.projected(Schedule(projection=place, remainder_rows=remainder_rows))
        states, outputs = made.take([rows[0]], None, [zero + 0.5, zero - 0.3], [])
        return (*states, *outputs)

    h, c = np.full((2, UNITS), 0.5), np.full((2, UNITS), -0.3)
    cell = lstm()
    i, f, g, o = np.split(x[0] @ cell.kernel + h @ cell.recurrent_kernel + cell.bias, 4, -1)
    sigmoid = lambda a: 1 / (1 + np.exp(-a))  # noqa: E731
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    h = sigmoid(o) * np.tanh(c)
    for found, wanted in zip(run(tf.constant(x)), (h, c, h), strict=True):
        np.testing.assert_allclose(found, wanted, atol=2e-6)


def test_striped_inputs_are_not_projected_ahead():
    with tf.__internal__.FuncGraph("test").as_default():
        x = tf.compat.v1.placeholder(tf.float32, [5, 2, FEATURES])
        made = Step(Scan(lstm(), (x,), (tf.zeros([2, UNITS]),) * 2))
        assert made.projected(Schedule(chunked_projection=True)) is None
        (rows,) = made.projected(Schedule())
        assert rows.shape.as_list() == [5, 2, 4 * UNITS]


@pytest.mark.parametrize("zero", [False, True])
def test_a_masked_step(zero):
    """It keeps the state; its output is the one before it, or zero."""

    @tf.function(autograph=False)
    def run(x):
        scan = Scan(
            doubling(),
            (x,),
            (tf.ones([2, UNITS]),),
            mask=tf.ones([5, 2], tf.bool),
            zero_output_for_mask=zero,
            all_outputs=True,
        )
        made = Step(scan)
        keep = tf.constant([True, False])
        states, outputs = made.take(
            [x[0]], keep, [tf.fill([2, UNITS], 5.0)], [tf.fill([2, UNITS], 9.0)]
        )
        return states[0], made.written(outputs, states, keep)[0]

    state, written = run(tf.ones([5, 2, UNITS]))
    np.testing.assert_array_equal(state, [[6] * UNITS, [5] * UNITS])
    np.testing.assert_array_equal(written, [[10] * UNITS, [0 if zero else 9] * UNITS])


@pytest.mark.parametrize("batch", [2, None])
def test_shapes_of_outputs(batch):
    @tf.function(autograph=False)
    def run(x):
        zero = tf.zeros([tf.shape(x)[1], UNITS])
        zero = tf.ensure_shape(zero, [batch, UNITS])
        return Step(Scan(lstm(), (x,), (zero, zero))).output_shapes()

    spec = tf.TensorSpec([None, batch, FEATURES], tf.float32)
    (shape,) = run.get_concrete_function(spec)(tf.zeros([4, 2, FEATURES]))
    np.testing.assert_array_equal(shape, [2, UNITS])


X = np.random.default_rng(0).normal(size=(6, 2, 3)).astype(np.float32)


def lowered(step, **options):
    """The results of a Scan over X from zeros, by its step (x, h) -> outputs, new states."""
    cell = TracedCell(lambda rows, states: step(rows[0], states[0]), kind="custom")
    scan = Scan(
        cell=cell,
        inputs=(tf.constant(X),),
        initial_states=(tf.zeros([2, 3]),),
        name="cell_of_mine",
        **options,
    )
    made = tf.function(lambda: lower(scan, Options())[0].tensors(), autograph=False)
    return made()


def test_a_running_sum():
    y, h = lowered(lambda x, h: ([2.0 * (x + h)], [x + h]), all_outputs=True, last_output=False)
    np.testing.assert_allclose(y, 2 * np.cumsum(X, 0), rtol=1e-5)
    np.testing.assert_allclose(h, X.sum(0), rtol=1e-5)


def test_another_number_of_states():
    message = (
        r"the cell of 'cell_of_mine' \(custom\) returns another number of states than it takes; "
        "expected 1; found 2"
    )
    with pytest.raises(UnsupportedError, match=message):
        lowered(lambda x, h: ([x], [x, h]))


@pytest.mark.parametrize(
    ("step", "found"),
    [
        (lambda x, h: ([x], [tf.cast(h, tf.float16)]), r"float16\(2, 3\)"),
        (lambda x, h: ([x], [tf.concat([h, x], 1)]), r"float32\(2, 6\)"),
    ],
)
def test_a_state_that_changes_its_type(step, found):
    message = r"state 0 of 'cell_of_mine' \(custom\) changes its type; expected float32\(2, 3\); "
    with pytest.raises(UnsupportedError, match=message + "found " + found):
        lowered(step)
