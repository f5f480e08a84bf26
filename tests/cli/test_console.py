"""What the command line makes of refusals, faults, full disks and closed pipes."""

import errno
import io
import json
import logging
import os
import sys

import pytest
import typer

from rnnlite.cli import console as module
from rnnlite.cli.console import (
    command_line,
    console,
    log_shown,
    native_messages,
    quiet_import,
    refusals,
    show,
    status,
    usage,
)
from rnnlite.errors import DataError, QuantizationError


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (DataError("no data", expected="some"), "rnnlite: no data; expected some.\n"),
        (KeyboardInterrupt(), "rnnlite: interrupted\n"),
        (KeyboardInterrupt("Parts are kept"), "rnnlite: interrupted. Parts are kept\n"),
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


def raised_within(path, tmp_path):
    """A function that fails, in a file of this path below a folder."""
    place = tmp_path / path
    place.parent.mkdir(parents=True)
    place.write_text("def fail():\n    raise KeyError('x')\n")
    scope = {}
    exec(compile(place.read_text(), str(place), "exec"), scope)
    return scope["fail"]


def test_a_fault_is_told_with_our_place_alone(capsys, tmp_path):
    """A library that lies below a folder of our name is none of ours."""
    fail = raised_within("rnnlite/lib/other.py", tmp_path)
    with pytest.raises(typer.Exit), refusals():
        fail()
    printed = capsys.readouterr().err
    assert printed.startswith("rnnlite: KeyError at console.py:")
    assert "other.py" not in printed


def test_a_faults_text_is_one_line_of_bounded_length(capsys):
    with pytest.raises(typer.Exit), refusals():
        raise ValueError("a\n  b\n" + "c" * 1000)
    printed = capsys.readouterr().err
    assert printed.count("\n") == 1
    assert "a b ccc" in printed
    assert "c" * 297 not in printed


def test_a_fault_is_logged_whole(caplog):
    caplog.set_level(logging.DEBUG, "rnnlite.cli.console")
    with pytest.raises(typer.Exit), refusals():
        raise ZeroDivisionError("by zero")
    (record,) = caplog.records
    assert record.exc_info[0] is ZeroDivisionError


class Shown:
    """Something that can be shown."""

    def to_dict(self):
        return {"a": [1, None]}

    def __str__(self):
        return "as text"

    def __rich__(self):
        return "as a table"


def test_what_is_shown_in_a_pipe(capsys):
    show(Shown(), as_json=False)
    show(Shown(), as_json=True)
    text, data = capsys.readouterr().out.splitlines()
    assert text == "as text"
    assert json.loads(data) == {"a": [1, None]}


class Terminal(io.StringIO):
    """A terminal."""

    def isatty(self):
        return True


def test_what_is_shown_on_a_terminal(monkeypatch):
    screen = Terminal()
    monkeypatch.setattr(sys, "stdout", screen)
    show(Shown(), as_json=False)
    assert screen.getvalue() == "as a table\n"
    show(Shown(), as_json=True)
    assert screen.getvalue().endswith('{"a": [1, null]}\n')


def test_a_pipe_has_a_fixed_width():
    assert console().width == 100


@pytest.mark.parametrize("spinner", [True, False])
def test_a_status_is_shown_on_a_terminal_alone(monkeypatch, spinner):
    texts = []
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    real = module.Console.status
    monkeypatch.setattr(
        module.Console, "status", lambda self, text: texts.append(text) or real(self, text)
    )
    with status("converting", spinner=spinner):
        pass
    assert texts == (["converting"] if spinner else [])


def test_no_status_in_a_pipe(capfd):
    with status("converting"):
        os.write(2, b"chatter")
    assert capfd.readouterr().err == ""


def test_the_command_can_be_typed_again(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["/usr/bin/x", "convert", "my model.keras", "-o", "a$b"])
    assert command_line() == "rnnlite convert 'my model.keras' -o 'a$b'"


def test_a_log_is_shown_as_it_comes_and_then_no_more(capsys):
    logger = logging.getLogger("rnnlite.some.module")
    root = logging.getLogger("rnnlite")
    before = root.level, root.propagate, list(root.handlers)
    with log_shown(shown=True):
        logger.debug("step %s in %d ms", "trace", 3)
    logger.debug("too late")
    assert capsys.readouterr().err == "rnnlite: step trace in 3 ms\n"
    assert (root.level, root.propagate, list(root.handlers)) == before


def test_a_log_that_nobody_wants_is_not_shown(capsys):
    with log_shown(shown=False):
        logging.getLogger("rnnlite.some.module").debug("a step")
    assert capsys.readouterr().err == ""


def test_the_log_is_put_back_after_a_failure():
    root = logging.getLogger("rnnlite")
    before = root.level, root.propagate, list(root.handlers)
    with pytest.raises(DataError), log_shown(shown=True):
        raise DataError("no")
    assert (root.level, root.propagate, list(root.handlers)) == before


def test_chatter_of_native_libraries_is_dropped_and_ours_is_not(capfd):
    with native_messages():
        os.write(2, b"INFO: Created delegate\n")
        print("ours", file=sys.stderr, flush=True)
    os.write(2, b"behind\n")
    assert capfd.readouterr().err == "ours\nbehind\n"


def test_standard_error_is_put_back_after_a_failure(capfd):
    before = sys.stderr
    with pytest.raises(DataError), native_messages():
        raise DataError("no")
    assert sys.stderr is before
    os.write(2, b"heard")
    assert capfd.readouterr().err == "heard"


def test_no_file_descriptors_are_left_behind():
    def count():
        return len(os.listdir("/proc/self/fd"))

    with native_messages():
        pass
    first = count()
    for _ in range(5):
        with native_messages():
            pass
    assert count() == first


def test_keras_runs_on_tensorflow_whatever_the_users_backend_is(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "0")
    found = quiet_import()
    assert found.__name__ == "rnnlite"
    assert os.environ["KERAS_BACKEND"] == "tensorflow"
    # What the user set to see messages is left.
    assert os.environ["TF_CPP_MIN_LOG_LEVEL"] == "0"
