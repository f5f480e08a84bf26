"""One interpreter for all calls, one a thread for large jobs, none when closed."""

import re
import threading

import numpy as np
import pytest

from rnnlite.errors import ModelError, SampleError
from rnnlite.lite import schema
from rnnlite.runtime import engines as module
from rnnlite.runtime.batches import BATCHES_A_WORKER
from rnnlite.runtime.calls import calls_of
from rnnlite.runtime.engines import Engines, Settings
from runtime.files import doubled, rows, two

DATA = doubled()
CALL = calls_of(schema.read(DATA))[""][0]
CLOSED = "the model is closed; expected a model that is open. Load it again with rnnlite.load."


def engines(threads=1, *, grows=False):
    return Engines(DATA, CALL, Settings(threads, delegates=False, grows=grows))


def test_what_cannot_be_loaded_is_refused_at_once():
    with pytest.raises(ModelError, match="the LiteRT runtime cannot load the model"):
        Engines(b"no flatbuffer", CALL, Settings(1, delegates=False, grows=False))


def test_all_calls_go_to_one_interpreter():
    made = engines()
    first = made.engine
    for length in (3, 5):
        np.testing.assert_array_equal(made.run([rows(length)])[0], 2 * rows(length))
    assert made.engine is first
    assert made.shapes_before_run(((1, 9, 3),)) == ((1, 9, 3),)


@pytest.mark.parametrize("grows", [False, True])
def test_settings_go_to_the_interpreter(grows):
    made = engines(grows=grows)
    made.run([rows(2)])
    before = made.engine.interpreter
    made.run([rows(7)])
    assert (made.engine.interpreter is before) is grows


def test_a_signature_beside_the_main_graph():
    data = two().bytes()
    calls = calls_of(schema.read(data))
    found = [
        Engines(data, calls[key][0], Settings(1, delegates=False, grows=False)).run([rows(4, 2)])
        for key in ("first", "second")
    ]
    np.testing.assert_array_equal(found[0][0], 2 * rows(4, 2))
    np.testing.assert_array_equal(found[1][0], 3 * rows(4, 2))


def test_nothing_runs_when_closed():
    made = engines(2)
    made.close()
    calls = (
        lambda: made.engine,
        lambda: made.run([rows(2)]),
        lambda: made.shapes_before_run(((1, 2, 3),)),
        lambda: made.run_batches(lambda run, group: run([rows(2)]), [[0]]),
        lambda: made.run_batches(lambda run, group: None, [[k] for k in range(99)]),
    )
    for call in calls:
        with pytest.raises(ModelError, match=re.escape(CLOSED)):
            call()
    # Twice is once.
    made.close()


def counted(made, batches):
    """The batches in the order in which they ran, and the interpreters that ran them."""
    order, used = [], set()
    lock = threading.Lock()

    def work(run, group):
        (y,) = run([rows(len(group) + 1)])
        np.testing.assert_array_equal(y, 2 * rows(len(group) + 1))
        with lock:
            order.append(group)
            used.add(run)

    made.run_batches(work, batches)
    return order, used


@pytest.mark.parametrize(
    ("threads", "count", "workers"),
    [
        (1, 40, 1),
        (2, 2 * BATCHES_A_WORKER - 1, 1),
        (2, 2 * BATCHES_A_WORKER, 2),
        (3, 3 * BATCHES_A_WORKER, 3),
        (3, 1, 1),
    ],
)
def test_large_jobs_have_an_interpreter_a_thread(threads, count, workers, monkeypatch):
    made = engines(threads)
    batches = [[k] * (1 + k % 3) for k in range(count)]
    order, used = counted(made, batches)
    assert sorted(order) == sorted(batches)
    assert 1 <= len(used) <= workers
    assert len(made._workers) == (workers if workers > 1 else 0)
    if workers == 1:
        # One after the other, in their order, on the interpreter of all calls.
        assert order == batches
        assert used == {made.run}


def test_interpreters_of_large_jobs_have_one_thread_each(monkeypatch):
    asked = []
    create = module.Engine

    def noted(*args, num_threads, **options):
        asked.append(num_threads)
        return create(*args, num_threads=num_threads, **options)

    monkeypatch.setattr(module, "Engine", noted)
    made = engines(2)
    for _ in range(2):
        counted(made, [[k] for k in range(2 * BATCHES_A_WORKER)])
    # That of all calls has all threads; the others are made once.
    assert asked == [2, 1, 1]


@pytest.mark.parametrize("threads", [1, 2])
def test_what_a_batch_raises_is_raised(threads):
    made = engines(threads)

    def work(run, group):
        if group == [3]:
            raise SampleError("sample 3 is odd")
        run([rows(2)])

    with pytest.raises(SampleError, match="sample 3 is odd"):
        made.run_batches(work, [[k] for k in range(threads * BATCHES_A_WORKER)])
    # And the next call runs.
    assert made.run([rows(2)])[0].shape == (1, 2, 3)


def test_no_batches_are_nothing():
    engines(2).run_batches(lambda run, group: pytest.fail("there is none"), [])
