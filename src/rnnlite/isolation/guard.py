"""A command in a child process: if native code ends that, there is still one message.

What enters: the command. What leaves: its exit status, or 1 and a message where a signal ended it.
The child is a fork, made before anything large is loaded; without forks the command runs here. It
ends where this process is killed: nobody would wait for it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
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
        run()
        return
    os.close(lives)
    sys.exit(_outcome(_wait(child), name))


def _end_with_parent(lives: int) -> None:
    """Wait until the parent, who holds the other end and writes nothing, is no more."""
    os.read(lives, 1)
    os.kill(os.getpid(), signal.SIGKILL)


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
            # The child gets Ctrl-C too, and ends with a message; native code may not, so a second
            # one ends it by force.
            if interrupted:
                os.kill(child, signal.SIGKILL)
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
