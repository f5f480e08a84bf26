"""The runner says which pass lacks what it needs, and which one breaks what another ensured."""

import logging

import pytest

from rnnlite.errors import InternalError
from rnnlite.pipeline.passes import CHECK, Fact, Pass, run_passes

SORTED = Fact("numbers are in order", lambda x: "" if x == sorted(x) else f"{x}")
SHORT = Fact("there are at most three", lambda x: "" if len(x) <= 3 else f"{len(x)}")

SORT = Pass("sort", lambda x: x.sort(), ensures=(SORTED,))


def test_passes_run_in_order_and_are_logged(caplog):
    caplog.set_level(logging.DEBUG, "rnnlite")
    values = [3, 1, 2]
    seven = Pass("seven", lambda x: x.append(7) or 1, needs=(SORTED,))
    run_passes((SORT, seven), values)
    assert values == [1, 2, 3, 7]
    lines = [r.getMessage() for r in caplog.records]
    assert [line.split(":")[0] for line in lines] == ["pass sort", "pass seven"]
    assert lines[1].endswith(" s, 1 changes")


def test_a_pass_that_lacks_what_it_needs():
    ran = []
    last = Pass("last", ran.append, needs=(SORTED, SHORT))
    with pytest.raises(InternalError, match="last needs: there are at most three; found 4"):
        run_passes((SORT, last), [4, 3, 2, 1])
    assert not ran


def test_a_pass_that_does_not_do_what_it_says():
    with pytest.raises(InternalError, match=r"after idle, idle has ensured: numbers are in order"):
        run_passes((Pass("idle", len, ensures=(SORTED,)),), [2, 1])


def test_a_pass_that_breaks_what_an_earlier_one_ensured():
    swap = Pass("swap", lambda x: x.reverse())
    with pytest.raises(
        InternalError,
        match=r"after swap, sort has ensured: numbers are in order; found \[2, 1\]",
    ):
        run_passes((SORT, Pass("look", len), swap), [1, 2])
    # It may say so.
    values = [1, 2]
    run_passes((SORT, Pass("swap", lambda x: x.reverse(), ends=(SORTED,))), values)
    assert values == [2, 1]


def test_users_do_not_pay_for_it(monkeypatch):
    monkeypatch.delenv(CHECK)
    run_passes((Pass("idle", len, ensures=(SORTED,)),), [2, 1])
