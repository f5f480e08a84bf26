"""Worker processes: started when first needed, kept for the next call, ended with this process.

What enters: the path of a function or class and its arguments. What leaves: its result, its refusal
raised again, or `WorkerDied`. A worker is a fresh Python that imports what it is asked for: neither
this process's main module, nor TensorFlow unless that is asked for. Messages are pickled, over
pipes; each wait ends in time.
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
"""How long a call may take, unless it says otherwise."""

END_SECONDS = 2.0
KEPT = 2
"""Idle workers of a kind that are kept; the others end when their call has."""

CODE = "import sys; sys.path[:] = {path!r}; from rnnlite.isolation.worker import main; main()"


class WorkerDied(Exception):  # noqa: N818 - it says what happened
    """A worker ended in the middle of a call.

    Attributes:
        how: "signal 6", "exit status 1", "no answer in 900 s".
        log: the end of what it wrote to standard error.
    """

    def __init__(self, how: str, log: str) -> None:
        super().__init__(how)
        self.how = how
        self.log = log

    @property
    def reason(self) -> str:
        """How it ended, and its last words that say why."""
        lines = [line.strip() for line in self.log.splitlines()]
        lines = [line for line in lines if line and not line.startswith(NO_REASON)]
        return f"{self.how}: {lines[-1][:300]}" if lines else self.how


LAST_WORDS = 4000
NO_REASON = ("INFO:", "I0000", "WARNING:", "W0000", "#", "@", "***", "Stack dump", "PC:")
"""Beginnings of lines of logs and stack dumps."""


class Worker:
    """One process. Not for two threads at a time.

    Args:
        environment: variables that it has and this process has not, or has otherwise.
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
        """Whether it can take a call."""
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
            seconds: how long to wait.
            meanwhile: what this process does before it waits. What that raises is raised once the
                worker has answered; an interruption ends the worker.

        Raises:
            WorkerDied: it ended, or did not answer in time.
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
            # Interrupted: what it answers now would be taken for the answer to the next call.
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
        """A timer, started, that kills the process and sets `late`."""

        def stop() -> None:
            late.set()
            self._process.kill()

        timer = threading.Timer(seconds, stop)
        timer.daemon = True
        timer.start()
        return timer

    def log(self) -> str:
        """All that it wrote to standard error so far."""
        self._log.seek(0)
        return self._log.read().decode("utf-8", "replace")

    def close(self) -> None:
        """End it: by the end of its input, else by force."""
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
    """A worker for one's own use: an idle one of that kind, or a new one.

    Args:
        kind: workers of one kind have loaded the same things, in the same environment.
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
    """Let others use a worker; it ends if enough of its kind are idle, or if it is broken."""
    with _LOCK:
        idle = _IDLE.setdefault(kind, [])
        if worker.alive and len(idle) < KEPT:
            idle.append(worker)
            return
    worker.close()


@contextlib.contextmanager
def borrowed(kind: str, environment: Mapping[str, str] | None = None) -> Iterator[Worker]:
    """A worker for a few calls; given back if no call failed. For the arguments see `take`."""
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
    """Have a worker of a kind ready: it starts, and loads a module, while this process goes on."""
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
    """In a fork: the workers are the parent's."""
    global _LOCK
    _LOCK = threading.Lock()
    _IDLE.clear()
    _ALL.clear()


atexit.register(_end_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
