"""What the command line makes of refusals, faults, full disks and closed pipes."""

import errno

import pytest
import typer

from rnnlite.cli.console import refusals, usage
from rnnlite.errors import DataError, QuantizationError


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (DataError("no data", expected="some"), "rnnlite: no data; expected some.\n"),
        (KeyboardInterrupt(), "rnnlite: interrupted\n"),
        (MemoryError(), "rnnlite: out of memory.\n"),
        (
            OSError(errno.ENOSPC, "No space left on device"),
            "rnnlite: cannot write the output: No space left on device.\n",
        ),
        (OSError(errno.EIO, "broken"), "rnnlite: OSError at console.py:"),
        (ZeroDivisionError("by zero"), "rnnlite: ZeroDivisionError at console.py:"),
    ],
)
def test_one_message_and_status_1(capsys, error, message):
    with pytest.raises(typer.Exit) as found, refusals():
        raise error
    assert found.value.exit_code == 1
    printed = capsys.readouterr().err
    assert printed.startswith(message)
    assert printed.count("\n") == 1


@pytest.mark.parametrize("error", [typer.Exit(0), typer.BadParameter("odd"), BrokenPipeError()])
def test_what_typer_itself_ends_with(capsys, error):
    with pytest.raises(type(error)), refusals():
        raise error
    assert capsys.readouterr().err == ""


def test_options_that_do_not_fit_are_wrong_usage():
    with pytest.raises(typer.BadParameter, match="int8 needs samples; expected some"), usage():
        raise QuantizationError("int8 needs samples", expected="some")
