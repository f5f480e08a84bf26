"""The main loop of a worker process: it calls functions until its input ends.

What enters, on standard input: ("module:function", arguments), or ("module", None) to import it
ahead. What leaves, on standard output: ("done", result), ("refused", the refusal as plain data) or
("failed", text).
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
from typing import Any

from rnnlite.errors import RnnliteError, as_data
from rnnlite.isolation.messages import receive, send


def main() -> None:
    """Take calls until the input ends."""
    # Text that libraries print must not come between messages.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        try:
            path, args = receive(sys.stdin.buffer)
        except EOFError:
            return
        if args is None:
            _load(path)
            continue
        answer: tuple[str, Any]
        try:
            module, _, name = path.partition(":")
            answer = "done", getattr(importlib.import_module(module), name)(*args)
        except RnnliteError as e:
            answer = "refused", as_data(e)
        except Exception as e:  # noqa: BLE001 - raised again in the other process
            answer = "failed", f"{e}" or type(e).__name__
        try:
            send(answers, answer)
        except OSError:
            return


def _load(module: str) -> None:
    try:
        importlib.import_module(module)
    except Exception as e:  # noqa: BLE001 - the call that needs it will say so
        sys.stderr.write(f"{e}\n")
