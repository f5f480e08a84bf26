"""How the command line behaves on a terminal and in a pipe: output, progress, refusals.

What enters: results, and what a command raises. What leaves: text on standard output and standard
error, and the exit status. Tables on a terminal, plain text in a pipe; one message and exit status
1 for a refusal; no chatter of native libraries on standard error.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import shlex
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer
from rich.console import Console

from rnnlite.errors import InternalError, QuantizationError, RnnliteError

LOG = logging.getLogger(__name__)

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""What the system says of a full disk; of files that we write, `OutputError` says it by name."""

PACKAGE = Path(__file__).parents[1]
"""The folder of our own code."""


def show(value: Any, as_json: bool) -> None:
    """A report: tables on a terminal, plain text in a pipe, JSON on request."""
    if as_json:
        typer.echo(json.dumps(value.to_dict()))
    elif sys.stdout.isatty():
        console().print(value)
    else:
        typer.echo(str(value))


def console() -> Console:
    """A console of the terminal's width, or of a fixed one in a pipe."""
    return Console(highlight=False) if sys.stdout.isatty() else Console(highlight=False, width=100)


@contextmanager
def status(text: str, *, spinner: bool = True) -> Iterator[None]:
    """A spinner on a terminal's standard error; nothing in a pipe, or beside a progress bar."""
    if spinner and sys.stderr.isatty():
        with Console(stderr=True).status(text), native_messages():
            yield
    else:
        with native_messages():
            yield


def command_line() -> str:
    """The command as it was typed, to be typed again."""
    return shlex.join(["rnnlite", *sys.argv[1:]])


class _Lines(logging.Handler):
    """Log records as lines on what is standard error when they come."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one."""
        typer.echo(f"rnnlite: {record.getMessage()}", err=True)


@contextmanager
def log_shown(shown: bool) -> Iterator[None]:
    """Within it, steps, passes, schedules, trials and loops that are no recurrences are shown as
    they come, if that is asked for."""
    logger = logging.getLogger("rnnlite")
    before = logger.level, logger.propagate
    handler = _Lines()
    if shown:
        logger.addHandler(handler)
        logger.setLevel(logging.DEBUG)
        # Libraries give the root a handler of their own.
        logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before[0])
        logger.propagate = before[1]


@contextmanager
def native_messages() -> Iterator[None]:
    """Keep native libraries' chatter off standard error; their errors come as exceptions."""
    sys.stderr.flush()
    saved = os.dup(2)
    visible = os.fdopen(os.dup(2), "w")
    previous = sys.stderr
    sink = os.open(os.devnull, os.O_WRONLY)
    os.dup2(sink, 2)
    sys.stderr = visible
    try:
        yield
    finally:
        sys.stderr = previous
        visible.close()
        os.dup2(saved, 2)
        os.close(saved)
        os.close(sink)


@contextmanager
def refusals() -> Iterator[None]:
    """Turn a refusal, or a fault of ours, into one message and exit status 1."""
    try:
        yield
    except RnnliteError as e:
        typer.echo(f"rnnlite: {e}", err=True)
        raise typer.Exit(1) from None
    except (typer.Exit, typer.Abort, typer.BadParameter):
        raise
    except KeyboardInterrupt as e:
        typer.echo(f"rnnlite: {'. '.join(map(str, ('interrupted', *e.args)))}", err=True)
        raise typer.Exit(1) from None
    except MemoryError:
        typer.echo("rnnlite: out of memory.", err=True)
        raise typer.Exit(1) from None
    except BrokenPipeError:
        raise  # Whoever reads our output has enough: typer ends the process quietly.
    except Exception as e:
        if isinstance(e, OSError) and e.errno in FULL:
            typer.echo(f"rnnlite: cannot write the output: {e.strerror}.", err=True)
            raise typer.Exit(1) from None
        typer.echo(f"rnnlite: {_fault(e)}", err=True)
        LOG.debug("the fault", exc_info=e)
        raise typer.Exit(1) from None


def _fault(error: Exception) -> InternalError:
    """An exception that is no refusal, with the place in our code that it came through last."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [f for f in frames if PACKAGE in Path(f.filename).parents]
    place = f" at {Path(ours[-1].filename).name}:{ours[-1].lineno}" if ours else ""
    return InternalError(f"{type(error).__name__}{place}: {' '.join(str(error).split())[:300]}")


@contextmanager
def usage() -> Iterator[None]:
    """Turn options of quantization that do not fit each other into wrong usage: exit status 2."""
    try:
        yield
    except QuantizationError as e:
        raise typer.BadParameter(str(e)) from e


def quiet_import() -> Any:
    """The package, with TensorFlow told to keep quiet before it is first imported.

    The process is ours alone: Keras runs on TensorFlow in it, whatever the user's backend is.
    """
    os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
    import warnings

    warnings.simplefilter("ignore")
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    import rnnlite

    return rnnlite
