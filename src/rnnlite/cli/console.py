"""How the command line behaves on a terminal and in a pipe: output, progress, refusals.

What enters: results, and what a command raises. What leaves: text on standard output and standard
error, and the exit status. Tables on a terminal, plain text in a pipe; one message and exit status
1 for a refusal; no messages of native libraries on standard error.
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
"""Error numbers of a full disk, for output to a stream; for a file, `OutputError` names it."""

PACKAGE = Path(__file__).parents[1]
"""The folder of our own code."""


def show(value: Any, as_json: bool) -> None:
    """Print a report: tables on a terminal, plain text in a pipe, JSON on request."""
    if as_json:
        typer.echo(json.dumps(value.to_dict()))
    elif sys.stdout.isatty():
        console().print(value)
    else:
        typer.echo(str(value))


def console() -> Console:
    """A console of the terminal's width; in a pipe, of a fixed width."""
    return Console(highlight=False) if sys.stdout.isatty() else Console(highlight=False, width=100)


@contextmanager
def status(text: str, *, spinner: bool = True) -> Iterator[None]:
    """Show a spinner on standard error if it is a terminal and `spinner` is True."""
    if spinner and sys.stderr.isatty():
        with Console(stderr=True).status(text), native_messages():
            yield
    else:
        with native_messages():
            yield


def command_line() -> str:
    """The command as it was typed, quoted for a shell."""
    return shlex.join(["rnnlite", *sys.argv[1:]])


class _Lines(logging.Handler):
    """Writes log records as lines to standard error, as it is at that moment."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record."""
        typer.echo(f"rnnlite: {record.getMessage()}", err=True)


@contextmanager
def log_shown(shown: bool) -> Iterator[None]:
    """Show what the package logs in the `with` block, line by line, if `shown`."""
    logger = logging.getLogger("rnnlite")
    before = logger.level, logger.propagate
    handler = _Lines()
    if shown:
        logger.addHandler(handler)
        logger.setLevel(logging.DEBUG)
        # Other libraries add a handler to the root logger.
        logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before[0])
        logger.propagate = before[1]


@contextmanager
def native_messages() -> Iterator[None]:
    """Keep messages of native libraries off standard error; their errors come as exceptions."""
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
    """Turn a refusal, or a fault of our code, into one message and exit status 1."""
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
        raise  # The reader of our output has closed it: typer ends the process quietly.
    except Exception as e:
        if isinstance(e, OSError) and e.errno in FULL:
            typer.echo(f"rnnlite: cannot write the output: {e.strerror}.", err=True)
            raise typer.Exit(1) from None
        typer.echo(f"rnnlite: {_fault(e)}", err=True)
        LOG.debug("the fault", exc_info=e)
        raise typer.Exit(1) from None


def _fault(error: Exception) -> InternalError:
    """The error to show for an exception that is no refusal, with the last line of our code."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [f for f in frames if PACKAGE in Path(f.filename).parents]
    place = f" at {Path(ours[-1].filename).name}:{ours[-1].lineno}" if ours else ""
    return InternalError(f"{type(error).__name__}{place}: {' '.join(str(error).split())[:300]}")


@contextmanager
def usage() -> Iterator[None]:
    """Turn refused options of quantization into wrong usage: exit status 2."""
    try:
        yield
    except QuantizationError as e:
        raise typer.BadParameter(str(e)) from e


def quiet_import() -> Any:
    """Import the package, with TensorFlow made quiet before its first import.

    Keras runs on TensorFlow in this process, whatever backend the user has set.
    """
    os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
    import warnings

    warnings.simplefilter("ignore")
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    import rnnlite

    return rnnlite
