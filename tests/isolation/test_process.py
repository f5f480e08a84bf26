"""Workers: results, refusals, deaths, time limits, threads, no leaks."""

import io
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from rnnlite.errors import DependencyError, ShapeError
from rnnlite.isolation.process import (
    _IDLE,
    KEPT,
    Worker,
    WorkerDied,
    borrowed,
    give_back,
    start_early,
    take,
)

HERE = str(Path(__file__).parent)


@pytest.fixture(autouse=True)
def _importable(monkeypatch):
    monkeypatch.syspath_prepend(HERE)


@pytest.fixture
def worker():
    made = Worker()
    yield made
    made.close()


def test_a_result_comes_back_and_the_worker_is_used_again(worker):
    assert worker.call("workers:double", 21) == 42
    array = np.arange(200_000, dtype=np.float32)
    assert np.array_equal(worker.call("workers:double", array), 2 * array)
    assert worker.call("workers:number") == worker.call("workers:number")


def test_this_process_works_while_a_worker_does(worker):
    """Each waits for what the other leaves behind."""
    done = []
    assert worker.call("workers:double", 21, meanwhile=lambda: done.append("us")) == 42
    assert done == ["us"]


def test_what_fails_meanwhile_is_raised_once_the_worker_has_answered(worker):
    def fail():
        raise OSError("no room")

    with pytest.raises(OSError, match="no room"):
        worker.call("workers:double", 21, meanwhile=fail)
    # The answer of before is not taken for this one.
    assert worker.call("workers:double", 4) == 8


def test_an_interruption_meanwhile_ends_the_worker(worker):
    def interrupt():
        raise KeyboardInterrupt

    begin = time.perf_counter()
    with pytest.raises(KeyboardInterrupt):
        worker.call("time:sleep", 60, meanwhile=interrupt)
    assert not worker.alive
    assert time.perf_counter() - begin < 20


def test_time_that_this_process_takes_is_not_the_workers(worker):
    assert worker.call("workers:double", 21, seconds=1, meanwhile=lambda: time.sleep(1.5)) == 42


def test_a_refusal_is_raised_again_whole(worker):
    with pytest.raises(ShapeError) as caught:
        worker.call("workers:refuse")
    assert str(caught.value) == "input 'x' has no axis; expected one; found none. Add it."
    assert worker.call("workers:double", 1) == 2


def test_another_failure_is_an_error(worker):
    with pytest.raises(RuntimeError, match="nothing there"):
        worker.call("workers:fail")
    assert worker.alive


def test_what_is_printed_does_not_come_between_messages(worker):
    assert worker.call("workers:shout") == "done"
    assert "to standard output" in worker.log()


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("workers:abort", "signal 6: F0000 kernel.cc:7] Check failed: scale < 1"),
        ("workers:kill_itself", "signal 11"),
        ("workers:leave", "exit status 3"),
    ],
)
def test_a_death_is_told_and_this_process_lives(worker, path, reason):
    with pytest.raises(WorkerDied) as caught:
        worker.call(path)
    assert caught.value.reason == reason
    assert not worker.alive


def test_no_answer_in_time_ends_the_worker(worker):
    begin = time.monotonic()
    with pytest.raises(WorkerDied, match="no answer in 1 s"):
        worker.call("workers:sleep", 60, seconds=1)
    assert time.monotonic() - begin < 30
    assert not worker.alive


def test_a_worker_that_was_killed_between_calls_is_replaced():
    with borrowed("test") as one:
        number = one.call("workers:number")
    one._process.kill()
    one._process.wait()
    with borrowed("test") as two:
        assert two.call("workers:number") != number
    two.close()


def test_four_threads_have_workers_of_their_own():
    found = []
    barrier = threading.Barrier(4)

    def run(k):
        with borrowed("threads") as worker:
            barrier.wait(60)
            found.append((worker.call("workers:double", k), worker.call("workers:number")))

    threads = [threading.Thread(target=run, args=(k,)) for k in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(60)
    assert sorted(value for value, _ in found) == [0, 2, 4, 6]
    assert len({number for _, number in found}) == 4
    # two are kept for the next calls
    assert len(_IDLE["threads"]) == 2
    for worker in _IDLE.pop("threads"):
        worker.close()


def test_a_worker_starts_ahead_of_its_first_call():
    start_early("early", "workers")
    start_early("early", "workers")
    assert len(_IDLE["early"]) == 1
    worker = take("early")
    assert worker.call("workers:double", 2) == 4
    worker.close()
    give_back("early", worker)
    assert _IDLE["early"] == []


def test_workers_end_with_their_process(tmp_path):
    script = tmp_path / "main.py"
    script.write_text(
        "import sys\n"
        f"sys.path.insert(0, {HERE!r})\n"
        "from rnnlite.isolation.process import Worker\n"
        "w = Worker()\n"
        "print(w.call('workers:number'), flush=True)\n"
        "import os; os._exit(0)\n"
    )
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, check=True, timeout=120
    )
    number = int(done.stdout)
    for _ in range(100):
        if not Path(f"/proc/{number}").exists():
            break
        time.sleep(0.1)
    assert not Path(f"/proc/{number}").exists()


def test_a_python_that_cannot_be_started(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    with pytest.raises(DependencyError) as found:
        Worker()
    assert str(found.value) == (
        "no other process can be started with '/no/such/python'; found [Errno 2] No such file or "
        "directory: '/no/such/python'."
    )


@pytest.mark.parametrize(
    ("log", "reason"),
    [
        ("", "signal 6"),
        ("INFO: ready\n\n", "signal 6"),
        ("Check failed: a\n*** dump\n@ 0x1 main\nPC: 0\n", "signal 6: Check failed: a"),
        ("first\nsecond\nW0000 late", "signal 6: second"),
        ("x" * 400, "signal 6: " + 300 * "x"),
    ],
)
def test_last_words(log, reason):
    """The last line that says why: logs and stack dumps do not."""
    assert WorkerDied("signal 6", log).reason == reason


class Process:
    """Stands for a process.

    Args:
        status: its exit status, None while it runs.
        stubborn: it does not end by itself.
    """

    stdin = stdout = None

    def __init__(self, status=None, *, stubborn=False):
        self.status, self.stubborn, self.killed = status, stubborn, 0

    def poll(self):
        return self.status

    def kill(self):
        self.killed += 1
        self.status, self.stubborn = -9, False

    def wait(self, timeout=None):
        if self.stubborn:
            raise subprocess.TimeoutExpired("python", timeout)
        self.status = self.status or 0
        return self.status


@pytest.fixture
def stub():
    """Makes workers without processes of their own."""
    made = []

    def make(*args, **options):
        worker = object.__new__(Worker)
        worker._process, worker._log = Process(*args, **options), io.BytesIO()
        made.append(worker)
        return worker

    yield make
    for worker in made:
        worker._log.close()


def test_a_worker_that_does_not_end_is_killed(stub):
    made = stub(stubborn=True)
    assert made.alive
    made.close()
    assert made._process.killed == 1
    assert not made.alive
    quiet = stub()
    quiet.close()
    assert quiet._process.killed == 0


@pytest.mark.parametrize(("status", "how"), [(-6, "signal 6"), (3, "exit status 3"), (0, "exit s")])
def test_a_call_of_a_worker_that_has_no_pipes(stub, status, how):
    made = stub(status)
    with pytest.raises(WorkerDied, match=how):
        made.call("workers:double", 1)


def test_a_worker_that_answers_nothing_and_lives_is_killed(stub):
    made = stub(stubborn=True)
    with pytest.raises(WorkerDied, match="signal 9"):
        made.call("workers:double", 1)
    assert made._process.killed == 1


def test_idle_workers_are_used_again_the_last_first(stub):
    one, other = stub(), stub()
    for worker in (one, other):
        give_back("stubs", worker)
    assert [take("stubs"), take("stubs")] == [other, one]
    assert _IDLE.pop("stubs") == []


def test_no_more_are_kept_than_are_wanted(stub):
    workers = [stub() for _ in range(KEPT + 2)]
    for worker in workers:
        give_back("stubs", worker)
    assert _IDLE.pop("stubs") == workers[:KEPT]
    assert [w._log.closed for w in workers] == [False] * KEPT + [True, True]


def test_what_has_ended_is_not_kept(stub):
    ended = stub(1)
    give_back("stubs", ended)
    assert _IDLE.pop("stubs") == []
    assert ended._log.closed


def test_what_ended_while_it_was_idle_is_not_given(stub):
    good, ended = stub(), stub()
    give_back("stubs", good)
    give_back("stubs", ended)
    ended._process.status = 1
    assert take("stubs") is good
    assert ended._log.closed
    assert _IDLE.pop("stubs") == []


@pytest.mark.parametrize(
    ("error", "kept"), [(ShapeError("no"), 1), (ValueError("no"), 0), (KeyboardInterrupt(), 0)]
)
def test_a_worker_is_lent_again_after_a_refusal_alone(stub, monkeypatch, error, kept):
    """After anything else nobody knows what it is doing."""
    worker = stub()
    monkeypatch.setattr("rnnlite.isolation.process.take", lambda kind, environment: worker)
    with pytest.raises(type(error)), borrowed("stubs"):
        raise error
    assert len(_IDLE.pop("stubs", [])) == kept
    assert worker._log.closed is (kept == 0)


def test_a_worker_has_an_environment_of_its_own(monkeypatch):
    given = {}

    def started(command, **options):
        given.update(options, command=command)
        return Process()

    monkeypatch.setattr(subprocess, "Popen", started)
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    Worker({"KERAS_BACKEND": "tensorflow", "MINE": "1"}).close()
    environment = given["env"]
    assert (environment["KERAS_BACKEND"], environment["MINE"]) == ("tensorflow", "1")
    assert environment["CUDA_VISIBLE_DEVICES"] == "-1"
    # It finds what this process finds.
    assert repr(sys.path) in given["command"][2]
