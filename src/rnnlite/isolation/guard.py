"""Run a command in a child process: if native code ends it, the user still gets a message.

What enters: the command. What leaves: its exit status, or 1 and a message where a signal ended it.
The child is a fork, made before anything large is loaded. Where there are no forks, the command
runs in this process. The child ends if this process is killed, for nobody would wait for it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType


def run_guarded(run: Callable[[], None], name: str) -> None:
    """Run a command and end with its exit status.

    Args:
        run: the command; ends with SystemExit or returns.
        name: how messages begin.
    """
    if not hasattr(os, "fork"):
        run()
        return
    sys.stdout.flush()
    sys.stderr.flush()
    lives, ours = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(ours)
        threading.Thread(target=_end_with_parent, args=(lives,), daemon=True).start()
        _hear_interrupts_once()
        run()
        return
    os.close(lives)
    sys.exit(_outcome(_wait(child), name))


def _end_with_parent(lives: int) -> None:
    """Wait for the end of the parent, which holds the other end of the pipe; then end as well."""
    os.read(lives, 1)
    os.kill(os.getpid(), signal.SIGKILL)


ECHO = 1.0
"""Seconds within which a second interrupt is taken for the first one."""


def _hear_interrupts_once() -> None:
    """Take an interrupt that comes from the terminal and from the parent as one, not as two."""
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        return  # They are ignored, e.g. for a command in the background.
    heard = -ECHO

    def hear(number: int, frame: FrameType | None) -> None:
        nonlocal heard
        before, heard = heard, time.monotonic()
        if heard - before > ECHO:
            signal.default_int_handler(number, frame)

    signal.signal(signal.SIGINT, hear)


def _wait(child: int) -> int:
    def hand_on(number: int, frame: FrameType | None) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, number)

    signal.signal(signal.SIGTERM, hand_on)
    interrupted = False
    while True:
        try:
            return os.waitpid(child, 0)[1]
        except KeyboardInterrupt:
            # A terminal interrupts the child too, `kill -INT` does not. The child ends with a
            # message; native code may not, so a second interrupt ends it by force.
            hand_on(signal.SIGKILL if interrupted else signal.SIGINT, None)
            interrupted = True


def _outcome(status: int, name: str) -> int:
    if os.WIFEXITED(status):
        return os.WEXITSTATUS(status)
    number = os.WTERMSIG(status)
    if number in (signal.SIGINT, signal.SIGTERM):
        reason = "interrupted"
    elif number == signal.SIGKILL:
        reason = "the process was killed; found signal 9, as where memory runs out."
    else:
        reason = (
            f"native code ended the process; found signal {number} "
            f"({signal.Signals(number).name}). The LiteRT model is damaged, or not made for this "
            "runtime: convert or download it again."
        )
    sys.stderr.write(f"{name}: {reason}\n")
    return 1
