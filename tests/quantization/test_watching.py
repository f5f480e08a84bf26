"""An interpreter that watches: ranges over runs and graphs, counts, and what cannot run."""

import re

import numpy as np
import pytest

from graphs import SHAPE, Model, one_loop, run
from rnnlite.errors import SampleError
from rnnlite.quantization.calibration import numbered
from rnnlite.quantization.watching import MANY, Watched


def watched(model, axes=()):
    """The model under watch, and the name of each of its values."""
    data, places = numbered(model.ir)
    main = model.ir.main
    inputs = [main.values.index(v) for v in main.inputs]
    return Watched(data, inputs, axes), {value: name for name, value in places.items()}


@pytest.fixture
def doubled():
    """2 x, of any length, each named."""
    model = Model()
    x, y = model.main.tensor((1, -1)), model.main.tensor((1, -1))
    model.main.add("MUL", [x, model.main.constant(2.0)], [y], "MulOptions")
    model.main.ends([x], [y])
    found, names = watched(model)
    return found, names[x], names[y]


def row(*numbers):
    return [np.array(numbers, np.float32)]


def test_ranges_widen_over_runs(doubled):
    found, x, y = doubled
    found.run(row(1.0, 3.0), "a sample")
    assert (found.ranges[x], found.ranges[y]) == ((1.0, 3.0), (2.0, 6.0))
    found.run(row(-0.5), "a sample")
    assert (found.ranges[x], found.ranges[y]) == ((-0.5, 3.0), (-1.0, 6.0))
    found.run(row(2.0), "a sample")
    assert (found.ranges[x], found.ranges[y]) == ((-0.5, 3.0), (-1.0, 6.0))


def test_infinity_counts_as_the_largest_number_where_it_is_made(doubled):
    """A mask of minus infinity is to be seen, for what stands in for it (`plan.masks`)."""
    found, x, y = doubled
    found.run(row(1.0), "a sample")
    # 2e38 is a number, twice that is none.
    found.run(row(2e38), "a sample")
    assert found.ranges[x][1] == pytest.approx(2e38)
    assert found.ranges[y] == (2.0, float(np.finfo(np.float32).max))


def test_an_input_of_infinity_or_of_no_number_widens_nothing(doubled):
    found, _, _ = doubled
    for number in (np.inf, -np.inf, np.nan):
        found.ranges.clear()
        found._widen("0:0", (float(number), 5.0))
        found._widen("0:0", (1.0, float(number)))
        assert found.ranges == {}


def test_values_are_counted_while_they_are_few(doubled):
    found, _, y = doubled
    assert found.counts is None
    found.run(row(1.0, 3.0), "a sample")
    found.run(row(1.0, 3.0, 4.0), "a sample")
    assert found.counts[y] == 5
    found.run(row(*range(MANY - 6)), "a sample")
    assert found.counts[y] == MANY - 1
    found.run(row(1.0), "a sample")
    assert y not in found.counts
    found.run(row(1.0), "a sample")
    assert found.counts == {}


def test_a_sample_that_does_not_fit_is_named_and_the_next_one_runs(doubled):
    found, x, y = doubled
    message = r"the model cannot run on calibration sample 7; found .*\."
    with pytest.raises(SampleError, match=message) as raised:
        found.run([np.zeros((2,), np.int32)], "calibration sample 7")
    assert len(raised.value.found) <= 200
    assert "\n" not in raised.value.found
    assert found.ranges == {}
    found.run(row(2.0, 4.0), "a sample")
    assert (found.ranges[x], found.ranges[y]) == ((2.0, 4.0), (4.0, 8.0))


def test_shapes_that_do_not_go_together_are_the_samples_fault():
    model = Model()
    a, b, y = (model.main.tensor((1, -1)) for _ in range(3))
    model.main.add("ADD", [a, b], [y], "AddOptions")
    model.main.ends([a, b], [y])
    found, names = watched(model)
    with pytest.raises(SampleError, match=re.escape("the model cannot run on the third; found")):
        found.run([*row(1.0, 2.0), *row(1.0, 2.0, 3.0)], "the third")
    found.run([*row(1.0, 2.0), *row(1.0, 3.0)], "the fourth")
    assert found.ranges[names[y]] == (2.0, 5.0)


def test_tensors_of_bodies_over_all_iterations():
    """h = tanh(x + h W) four times: the range holds each step's state."""
    model, _, _ = one_loop()
    plain = model.bytes()
    body = model.ir.graphs[2]
    found, names = watched(model)
    x = np.array([0.5, -1.0, 2.0], np.float32)
    found.run([x], "a sample")
    kernel = np.array([[0.5, -0.3, 0.1], [0.2, 0.4, -0.6], [-0.1, 0.3, 0.7]])
    state, seen = np.zeros(3), []
    for _ in range(4):
        state = np.tanh(x + state @ kernel)
        seen.append(state)
    low, high = found.ranges[names[body.outputs[1]]]
    np.testing.assert_allclose((low, high), (np.min(seen), np.max(seen)), rtol=1e-5)
    # The last step is what the model gives; the range is wider.
    last = run(plain, x[None])[0]
    np.testing.assert_allclose(last[0], state, rtol=1e-5)
    assert low < last.min()


def test_a_lookup_is_as_wide_as_the_rows_that_were_asked_for():
    model = Model()
    ids, y = model.main.tensor((1, 2), "int32"), model.main.tensor((1, 2, 3))
    table = model.main.constant(np.arange(6).reshape(2, 3))
    model.main.add("GATHER", [table, ids], [y], "GatherOptions")
    model.main.ends([ids], [y])
    found, names = watched(model)
    found.run([np.array([1, 1], np.int32)], "a sample")
    assert names[table] not in found.ranges
    assert found.ranges[names[y]] == (3.0, 5.0)


@pytest.mark.parametrize(
    ("shapes", "axes", "batch"),
    [
        ([(3, 2)], (0,), 3),
        ([(3, 2)], (), 3),
        ([(2, 4)], (1,), 4),
        ([(2, 4)], (None,), 1),
        ([(1, 2), (5, 2)], (0, 0), 5),
        ([(-1, 2)], (0,), -1),
    ],
)
def test_samples_are_repeated_as_often_as_the_model_wants(shapes, axes, batch):
    model = Model()
    xs = [model.main.tensor(s) for s in shapes]
    ys = [model.main.tensor(s) for s in shapes]
    for x, y in zip(xs, ys, strict=True):
        model.main.add("NEG", [x], [y], "NegOptions")
    model.main.ends(xs, ys)
    found, _ = watched(model, axes)
    assert found.batch == batch


def test_a_row_is_run_as_a_batch_of_the_models_size():
    model = Model()
    x, y = model.main.tensor((3, 2)), model.main.tensor((3, 2))
    model.main.add("NEG", [x], [y], "NegOptions")
    model.main.ends([x], [y])
    found, names = watched(model, (0,))
    found.run(row(1.0, 2.0), "a sample")
    assert found.ranges[names[y]] == (-2.0, -1.0)
    assert found.counts[names[y]] == 6


def test_whole_arrays_and_what_they_give():
    model = Model()
    x, y, z = (model.main.tensor(SHAPE) for _ in range(3))
    model.main.add("NEG", [x], [y], "NegOptions")
    model.main.add("ABS", [y], [z])
    model.main.ends([x], [z])
    data, _ = numbered(model.ir)
    places = [model.ir.main.values.index(v) for v in (x, z)]
    found = Watched(data, places[:1], [None])
    (result,) = found.call([np.array([[1.0, -2.0, 3.0]], np.float32)], places[1:], "a chunk")
    np.testing.assert_array_equal(result, [[1.0, 2.0, 3.0]])
    assert found.ranges[f"0:{places[0]}"] == (-2.0, 3.0)
    # Arrays need not lie in rows.
    columns = np.array([[4.0], [5.0], [6.0]], np.float32).T
    (result,) = found.call([columns], places[1:], "a chunk")
    np.testing.assert_array_equal(result, [[4.0, 5.0, 6.0]])
    with pytest.raises(SampleError, match="the model cannot run on a chunk; found"):
        found.call([np.zeros((1, 3), np.int32)], places[1:], "a chunk")
