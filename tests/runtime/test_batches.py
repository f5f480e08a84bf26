"""Which samples run together, and interpreters side by side."""

import threading
import time

import keras
import numpy as np
import pytest

import rnnlite
from rnnlite.lite import schema
from rnnlite.runtime.batches import bytes_a_step, groups, run_side_by_side
from rnnlite.specs import TensorSpec
from runtime.files import doubled, exits

FREE = [TensorSpec("x", (None, None, 3), "float32")]


def samples_of(*lengths):
    return [[np.zeros((t, 3), np.float32)] for t in lengths]


def grouped(samples, **changes):
    options = {"fixed": None, "most": 4, "step_bytes": 100, "bound": 10**9, **changes}
    return groups(samples, FREE, **options)


def test_equal_lengths_go_together_the_longest_first():
    assert grouped(samples_of(2, 5, 2, 5, 9, 2)) == [[4], [1, 3], [0, 2, 5]]


def test_no_batch_exceeds_its_number_or_its_bytes():
    samples = samples_of(*[10] * 9)
    assert [len(g) for g in grouped(samples)] == [4, 4, 1]
    assert [len(g) for g in grouped(samples, bound=2999)] == [2, 2, 2, 2, 1]
    assert [len(g) for g in grouped(samples, bound=1)] == [1] * 9
    assert [len(g) for g in grouped(samples, fixed=3, bound=1)] == [3, 3, 3]


def test_only_free_axes_count_as_steps():
    pinned = [TensorSpec("x", (None, 10, 3), "float32")]
    found = groups(samples_of(*[10] * 4), pinned, fixed=None, most=4, step_bytes=100, bound=400)
    assert found == [[0, 1, 2, 3]]


def test_bytes_of_a_step_cover_the_projection():
    model = keras.Sequential([keras.Input((None, 3)), keras.layers.LSTM(40)])

    def found(schedule):
        converted = rnnlite.convert(model, batch_size=None, verify=False, schedule=schedule)
        parsed = schema.read(converted.tflite)
        return bytes_a_step(parsed.main), (-1, -1, 4 * 40) in {
            value.dims for value in parsed.main.values
        }

    size, whole = found("chunked_projection=0")
    assert whole
    assert 4 * (3 + 4 * 40) <= size <= 4 * 8 * (3 + 4 * 40)
    # Projected by blocks it never stands whole in memory: inputs and states alone.
    size, whole = found("chunked_projection=1")
    assert not whole
    assert 4 * 3 <= size < 2 * 4 * (3 + 4 * 40)


def test_types_that_numpy_does_not_have_count_too():
    """x and y (1, any, 3) of floats; a resource counts as eight bytes."""
    parsed = schema.read(doubled())
    assert bytes_a_step(parsed.main) == 2 * 3 * 4
    parsed.main.inputs[0].type = "resource"
    assert bytes_a_step(parsed.main) == 3 * (4 + 8)


def test_what_does_not_grow_with_the_input_does_not_count():
    """Only early and late are made of x (1, 3): nothing is free."""
    assert bytes_a_step(schema.read(exits()).main) == 0


def test_every_batch_runs_once_and_one_worker_never_twice_at_a_time():
    seen, lock, busy = [], threading.Lock(), set()

    def work(worker, batch):
        with lock:
            assert worker not in busy
            busy.add(worker)
        time.sleep(0.001)
        with lock:
            busy.remove(worker)
            seen.extend(batch)

    run_side_by_side(["a", "b", "c"], work, [[k] for k in range(40)])
    assert sorted(seen) == list(range(40))


def test_a_failure_reaches_the_caller_and_stops_the_rest():
    done = []

    def work(worker, batch):
        if batch == [3]:
            raise ValueError("batch 3")
        time.sleep(0.002)
        done.append(batch)

    with pytest.raises(ValueError, match="batch 3"):
        run_side_by_side(["a", "b"], work, [[k] for k in range(100)])
    assert len(done) < 10


@pytest.mark.parametrize("batch_size", [None, 1])
def test_two_threads_give_what_one_gives_in_order(batch_size):
    keras.utils.set_random_seed(0)
    L = keras.layers
    layers = [L.LSTM(9, return_sequences=True), L.GRU(5)]
    model = keras.Sequential([keras.Input((None, 3)), *layers])
    data = rnnlite.convert(model, batch_size=batch_size, verify=False).tflite
    rng = np.random.default_rng(0)
    samples = [rng.standard_normal((t, 3)).astype(np.float32) for t in rng.integers(1, 40, 60)]
    alone = rnnlite.load(data)
    one = np.stack([alone.run([x[None]])[0][0] for x in samples])
    two = rnnlite.load(data, num_threads=2)
    np.testing.assert_allclose(two.predict(samples), one, atol=2e-6)
    np.testing.assert_allclose(two.predict(samples[:3]), one[:3], atol=2e-6)
    np.testing.assert_allclose(two.predict(samples, max_batch_bytes=1), one, atol=2e-6)
