"""Worker processes: started when first needed, kept for the next call, ended with this process.

What enters: the path of a function or class and its arguments. What leaves: its result, its refusal
raised again, or `WorkerDied`. A worker is a fresh Python process. It imports only what it is asked
for: not this process's main module, and TensorFlow only on demand. Messages are pickled and sent
over pipes. Each wait has a time limit.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import pickle
import subprocess
import sys
import tempfile
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping
from typing import IO, Any

from rnnlite.errors import DependencyError, RnnliteError, restored
from rnnlite.isolation.messages import receive, send

CALL_SECONDS = 900.0
"""The time limit of a call that names no other."""

END_SECONDS = 2.0
KEPT = 2
"""How many idle workers of a kind are kept; others end after their call."""

CODE = "import sys; sys.path[:] = {path!r}; from rnnlite.isolation.worker import main; main()"


class WorkerDied(Exception):  # noqa: N818 - it says what happened
    """A worker ended in the middle of a call.

    Attributes:
        how: "signal 6", "exit status 1", "no answer in 900 s".
        log: the end of what the worker wrote to standard error.
    """

    def __init__(self, how: str, log: str) -> None:
        super().__init__(how)
        self.how = how
        self.log = log

    @property
    def reason(self) -> str:
        """How the worker ended, and the last line of its log that may say why."""
        lines = [line.strip() for line in self.log.splitlines()]
        lines = [line for line in lines if line and not line.startswith(NO_REASON)]
        return f"{self.how}: {lines[-1][:300]}" if lines else self.how


LAST_WORDS = 4000
NO_REASON = ("INFO:", "I0000", "WARNING:", "W0000", "#", "@", "***", "Stack dump", "PC:")
"""How lines of a log begin that do not say why: information, stack dumps."""


class Worker:
    """A worker process. Not for two threads at a time.

    Args:
        environment: environment variables that it has beside, or instead of, those of this process.
    """

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - lives with the worker
        command = [sys.executable, "-c", CODE.format(path=sys.path)]
        fixed = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log,
                env={**os.environ, **fixed, **(environment or {})},
            )
        except OSError as e:
            self._log.close()
            raise DependencyError(
                f"no other process can be started with '{sys.executable}'", found=str(e)
            ) from e
        _ALL.add(self)

    @property
    def alive(self) -> bool:
        """Whether the worker can take a call."""
        return self._process.poll() is None

    def call(
        self,
        path: str,
        *args: Any,
        seconds: float = CALL_SECONDS,
        meanwhile: Callable[[], None] | None = None,
    ) -> Any:
        """Call a function in the worker and wait for its result.

        Args:
            path: "module:function".
            args: its arguments, of types that can be pickled.
            seconds: the time limit.
            meanwhile: called in this process before it waits. An exception of it is raised once the
                worker has answered; an interruption ends the worker.

        Raises:
            WorkerDied: the worker ended, or did not answer in time.
            RnnliteError: what the function refuses.
        """
        late = threading.Event()
        failure: Exception | None = None
        timer = self._ended_after(seconds, late)
        try:
            send(self._process.stdin, (path, args))
            if meanwhile is not None:
                timer.cancel()
                try:
                    meanwhile()
                except Exception as e:  # noqa: BLE001 - raised below
                    failure = e
                timer = self._ended_after(seconds, late)
            kind, content = receive(self._process.stdout)
        except (EOFError, OSError, pickle.UnpicklingError) as e:
            how = f"no answer in {seconds:.0f} s" if late.is_set() else self._ending()
            log = self.log()[-LAST_WORDS:]
            self.close()
            raise WorkerDied(how, log) from e
        except BaseException:
            # Interrupted: a late answer would be taken for the answer to the next call.
            self.close()
            raise
        finally:
            timer.cancel()
        if failure is not None:
            raise failure
        if kind == "refused":
            raise restored(content)
        if kind == "failed":
            raise RuntimeError(content)
        return content

    def _ended_after(self, seconds: float, late: threading.Event) -> threading.Timer:
        """Start a timer that kills the worker and sets `late`."""

        def stop() -> None:
            late.set()
            self._process.kill()

        timer = threading.Timer(seconds, stop)
        timer.daemon = True
        timer.start()
        return timer

    def log(self) -> str:
        """What the worker wrote to standard error so far."""
        self._log.seek(0)
        return self._log.read().decode("utf-8", "replace")

    def close(self) -> None:
        """End the worker: close its input; if it does not end, kill it."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        try:
            self._process.wait(END_SECONDS if self.alive else 0.1)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()

    def _ending(self) -> str:
        try:
            status = self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            status = self._process.wait()
        return f"signal {-status}" if status < 0 else f"exit status {status}"


_ALL: weakref.WeakSet[Worker] = weakref.WeakSet()
_IDLE: dict[str, list[Worker]] = {}
_LOCK = threading.Lock()


def take(kind: str, environment: Mapping[str, str] | None = None) -> Worker:
    """A worker that nobody else uses: an idle one of the kind, or a new one.

    Args:
        kind: workers of one kind have loaded the same modules, in the same environment.
        environment: see `Worker`.
    """
    with _LOCK:
        idle = _IDLE.setdefault(kind, [])
        while idle:
            worker = idle.pop()
            if worker.alive:
                return worker
            worker.close()
    return Worker(environment)


def give_back(kind: str, worker: Worker) -> None:
    """Give a worker back. It ends if enough of its kind are idle, or if it cannot take calls."""
    with _LOCK:
        idle = _IDLE.setdefault(kind, [])
        if worker.alive and len(idle) < KEPT:
            idle.append(worker)
            return
    worker.close()


@contextlib.contextmanager
def borrowed(kind: str, environment: Mapping[str, str] | None = None) -> Iterator[Worker]:
    """A worker for a few calls. It is given back, unless a call fails. For arguments see `take`."""
    worker = take(kind, environment)
    try:
        yield worker
    except RnnliteError:
        give_back(kind, worker)
        raise
    except BaseException:
        worker.close()
        raise
    give_back(kind, worker)


def start_early(kind: str, path: str) -> None:
    """Start a worker of a kind, and have it load a module, while this process goes on."""
    with _LOCK:
        if any(w.alive for w in _IDLE.get(kind, [])):
            return
    worker = Worker()
    with contextlib.suppress(OSError):
        send(worker._process.stdin, (path, None))
    give_back(kind, worker)


def _end_all() -> None:
    for worker in list(_ALL):
        with contextlib.suppress(Exception):
            worker._process.kill()
            worker.close()


def _forget() -> None:
    """Forget all workers in a fork: they belong to the parent."""
    global _LOCK
    _LOCK = threading.Lock()
    _IDLE.clear()
    _ALL.clear()


atexit.register(_end_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
