"""The runner says which pass lacks what it needs, and which one breaks what another ensured."""

import logging

import pytest

from rnnlite.errors import InternalError, ShapeError
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


def test_no_passes_change_nothing():
    values = [2, 1]
    run_passes((), values)
    assert values == [2, 1]


@pytest.mark.parametrize(
    ("found", "end"),
    [(3, ", 3 changes"), (0, ""), (None, ""), ("done", "")],
)
def test_what_a_pass_gives_back_is_logged_where_it_counts(caplog, found, end):
    caplog.set_level(logging.DEBUG, "rnnlite")
    run_passes((Pass("count", lambda x: found),), [])
    (line,) = [r.getMessage() for r in caplog.records]
    assert line.startswith("pass count: 0.0")
    assert line.endswith(f" s{end}")


def test_a_fact_that_another_pass_ensures_again_is_that_pass_s():
    again = Pass("sort again", lambda x: x.reverse(), ensures=(SORTED,))
    with pytest.raises(InternalError, match="after sort again, sort again has ensured"):
        run_passes((SORT, again), [1, 2])


def test_a_fact_may_end_and_be_ensured_anew_by_one_pass():
    both = Pass("both", lambda x: x.sort(), ends=(SORTED,), ensures=(SORTED,))
    with pytest.raises(InternalError, match="after reverse, both has ensured"):
        run_passes((SORT, both, Pass("reverse", lambda x: x.reverse())), [2, 1])


def test_what_a_pass_refuses_is_handed_on():
    def refuse(x):
        raise ShapeError("a layer is odd")

    ran = []
    with pytest.raises(ShapeError, match="a layer is odd"):
        run_passes((Pass("refuse", refuse), Pass("last", ran.append)), [])
    assert ran == []


def test_needs_are_looked_at_one_by_one_in_their_order():
    asked = []

    def fact(name, fault):
        return Fact(name, lambda x: asked.append(name) or fault)

    needs = (fact("a", ""), fact("b", "it is not"), fact("c", ""))
    with pytest.raises(InternalError, match="last needs: b; found it is not"):
        run_passes((Pass("last", len, needs=needs),), [])
    assert asked == ["a", "b"]


def test_unchecked_no_fact_is_asked(monkeypatch):
    monkeypatch.delenv(CHECK)
    asked = []
    fact = Fact("a", lambda x: asked.append(x) or "wrong")
    run_passes((Pass("p", len, needs=(fact,), ensures=(fact,)),), [])
    assert asked == []
