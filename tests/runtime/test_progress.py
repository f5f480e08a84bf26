"""The progress bar: on standard error, or nowhere."""

import pytest

from rnnlite.runtime.progress import Progress


def test_without_it_nothing_is_printed(capsys):
    with Progress("runs", 3, shown=False) as bar:
        bar.add()
        bar.add(2)
    assert capsys.readouterr() == ("", "")


def test_shown_on_standard_error(capsys):
    with Progress("runs", 4, shown=True) as bar:
        bar.add(3)
    output, errors = capsys.readouterr()
    assert output == ""
    assert "runs" in errors
    assert "3/4" in errors


def test_it_counts_to_the_end(capsys):
    with Progress("runs", 4, shown=True) as bar:
        for _ in range(4):
            bar.add()
        assert bar._bar.finished
    assert "4/4" in capsys.readouterr().err


def test_an_error_ends_the_bar(capsys):
    bar = Progress("runs", 2, shown=True)
    with pytest.raises(ZeroDivisionError), bar:
        raise ZeroDivisionError
    assert not bar._bar.live.is_started
    capsys.readouterr()


def test_rate_and_rows_of_an_earlier_run(capsys):
    with Progress("runs", 10, shown=True, done=6) as bar:
        bar.add(2)
        bar.add(2)
        assert bar._bar.tasks[0].completed == 10
    assert "/s" in capsys.readouterr().err
