"""What follows from sizes and demands: least lengths, pins, lengths to compare at."""

import pytest

from rnnlite.lengths.compared import compared, longer, shown, unequal
from rnnlite.lengths.facts import Requirement
from rnnlite.lengths.lengths import Lengths, Steps, first
from rnnlite.lengths.sizes import Axis, floor_div, free, unknown
from rnnlite.lengths.values import evaluate

T, U = Axis(0, 1), Axis(1, 1)
t, u = free(T), free(U)


def at_least(size, least=1):
    return Requirement("least", size, least, "op")


def equal(left, right):
    return Requirement("equal", left, right, "op")


def test_the_least_length_leaves_every_op_a_step():
    pooled = floor_div(t - 4, 4)
    lengths = Lengths((T,), (Steps(pooled),), (at_least(t - 4), at_least(pooled)))
    assert lengths.least == {T: 8}
    assert not lengths.fits({T: 7})
    assert lengths.fits({T: 8})


def test_the_least_length_of_a_multiple():
    size = Requirement("multiple", t, 6, "reshape")
    assert Lengths((T,), (Steps(floor_div(t, 6)),), (size,)).least == {T: 6}


def test_the_least_lengths_of_inputs_that_depend_on_each_other():
    lengths = Lengths((T, U), (Steps(u),), (equal(floor_div(t, 4), u), at_least(u)))
    assert lengths.least == {T: 4, U: 1}
    assert lengths.completed({U: 3}) == {T: 12, U: 3}
    assert lengths.completed({T: 3}) is None
    assert unequal(lengths) in ({T: 5, U: 1}, {T: 6, U: 1})


def test_what_is_pinned():
    assert Lengths((T,), (), (equal(6 * floor_div(t, 2), 18),)).pinned() == {T}
    assert Lengths((T,), (), (equal(t + 1, 1 + t),)).pinned() == frozenset()
    both = equal(floor_div(t, 4) * u, 64)
    assert Lengths((T, U), (), (both,)).pinned() == frozenset()
    assert Lengths((T, U), (), (both,)).fixed({U: 8}).pinned() == {T}


def test_times_are_what_recurrences_run_over():
    lengths = Lengths((T, U), (Steps(floor_div(t, 2)), Steps(unknown())), ())
    assert lengths.times == {T}
    assert not lengths.known
    assert lengths.fixed({T: 5}).axes == (U,)


def test_least_lengths_found_by_running():
    lengths = Lengths((T, U), (Steps(unknown()),)).with_tried(lambda v: min(v.values()) >= 7)
    assert lengths.least == {T: 7, U: 7}
    assert Lengths((T,), (Steps(unknown()),)).with_tried(lambda v: False).least == {T: 1}


def test_sizes_that_are_meant():
    meant = Requirement("meant", 8 * floor_div(t, 4), 64, "reshape")
    assert Lengths((T,), (), (meant,)).meant() == [(T, 32, "reshape")]
    assert Lengths((T,), (), (meant,)).fits({T: 5})


def test_plain_lengths_are_the_wanted_steps():
    lengths = Lengths((T,), (Steps(t, 4, (16,)),), ())
    assert [v[T] for v in compared(lengths)] == [19, 1, 5, 8]
    assert [v[T] for v in compared(Lengths((T,), (Steps(t, 4, (64, 256, 512)),), ()))] == [
        515,
        259,
        19,
        1,
        5,
        8,
    ]
    assert [v[T] for v in longer(lengths)][:2] == [33, 64]


@pytest.mark.parametrize("stride", [2, 3, 4, 16])
def test_behind_a_stride_recurrences_take_the_wanted_steps(stride):
    pace = floor_div(t, stride)
    lengths = Lengths((T,), (Steps(pace, 4, (64,)),), (at_least(pace),))
    found = compared(lengths)
    assert [evaluate(pace, v) for v in found] == [67, 19, 1, 5, 8]
    assert lengths.least in found
    assert len({v[T] % stride for v in found}) > 1


def test_several_paces():
    fast, slow = Steps(t, 4), Steps(floor_div(t, 4), 2)
    found = [v[T] for v in compared(Lengths((T,), (fast, slow), (at_least(slow.size),)))]
    assert found[:4] == [79, 4, 23, 32]
    assert {n % 4 for n in found} >= {0, 1, 3}


def test_lengths_that_fit_together():
    lengths = Lengths((T, U), (Steps(u),), (equal(floor_div(t, 2), u),))
    for values in compared(lengths):
        assert values[T] // 2 == values[U]
    assert shown({T: 4, U: 2}, lengths) == 2


def test_a_length_that_no_recurrence_runs_over():
    lengths = Lengths((T,), (), (at_least(t - 9),))
    assert [v[T] for v in compared(lengths)] == [19, 10]


def test_first():
    assert first(lambda n: n >= 1) == 1
    assert first(lambda n: n >= 37) == 37
    assert first(lambda n: False) is None
