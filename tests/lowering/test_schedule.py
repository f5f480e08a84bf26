"""Schedules as data: what a caller may ask for, and how they read."""

import pytest

from rnnlite.errors import ScheduleError
from rnnlite.lowering.schedule import LIMITS, Budget, Loop, Options, Schedule, take_options
from rnnlite.scan.projection import Projection
from rnnlite.target import MICRO


def test_a_schedule_as_text():
    assert take_options("unroll=4, l2_bytes=524288") == Options(unroll=4, l2_bytes=524288)
    assert take_options(None, weight_bytes=1) == Options(weight_bytes=1)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (3, r"schedule is no schedule; expected a mapping .*unroll.*; found int"),
        ({"unrol": 3}, r"schedule names what it does not have; .*found 'unrol'"),
        ({"unroll": 0}, r"schedule: unroll is out of range; expected a whole number from 1 to 64"),
        ("depth=many", r"schedule: depth is out of range; .*found 'many'"),
        ("projection=inside", r"schedule: projection is none of those .*'in_loop'.*found 'inside'"),
        ({"projection": 1}, r"schedule: projection is none of those .*found 1"),
        ({"chunk": True}, r"schedule: chunk is out of range; .*found True"),
        ("", r"schedule names what it does not have; .*found ''"),
    ],
)
def test_nonsense_is_refused(given, message):
    with pytest.raises(ScheduleError, match=message):
        take_options(given)


def test_a_schedule_in_words():
    front = Schedule(4, "front", chunk=64, depth=2)
    assert (
        str(front)
        == "4 steps an iteration, identity padding steps in front, chunks of 64 rows, 2 levels"
    )
    assert str(Schedule()) == "single steps"
    assert str(Schedule(chunk=8, depth=2, chunked_projection=True)).endswith("projected by chunks")
    chunks = Schedule(chunk=8, depth=3, peeled_chunks=3)
    assert str(chunks) == "single steps, chunks of 8 rows, 3 levels, 3 chunks peeled"
    assert str(Schedule(chunk=8, depth=3, peeled_chunks=1)).endswith("3 levels, one chunk peeled")
    joined = Schedule(projection=Projection.FUSED, partitions=4, remainder_rows=1)
    assert (
        str(joined) == "single steps, 4 partitions, inputs and state in one product, last row alone"
    )
    assert str(Schedule(projection=Projection.IN_LOOP, remainder_rows=2)).endswith(
        "in the step, last 2 rows alone"
    )


@pytest.mark.parametrize("name", LIMITS)
def test_each_number_has_two_ends(name):
    low, high = LIMITS[name]
    for value in (low, high):
        assert getattr(take_options({name: value}), name) == value
        assert getattr(take_options(f" {name} = {value} "), name) == value
    for value in (low - 1, high + 1, float(low), None):
        with pytest.raises(ScheduleError, match=f"{name} is out of range.*found {value!r}"):
            take_options({name: value})


def test_unrolling_further_is_allowed_where_it_is_asked_for():
    assert take_options({}).max_unroll == 4
    assert take_options({"unroll": 8}).max_unroll == 8
    assert take_options({"unroll": 8, "max_unroll": 2}).max_unroll == 2


@pytest.mark.parametrize(
    ("schedule", "thresholds"),
    [
        (Schedule(), ()),
        (Schedule(chunk=64, depth=2), (64,)),
        # Beyond the first chunks, and the partitions behind them.
        (Schedule(chunk=64, depth=2, peeled_chunks=2, partitions=3), (320,)),
        # Variables are read at once up to 16 of them, then four times as many.
        (Schedule(unroll=4, variable_levels=3, chunk=64), (64, 256)),
    ],
)
def test_where_another_strategy_is_taken(schedule, thresholds):
    assert schedule.thresholds == thresholds


def test_options_are_taken_as_they_are():
    given = Options(unroll=3, budget=Budget(1))
    assert take_options(given, weight_bytes=1, exact=True) is given


def test_what_the_mode_says_and_the_caller_overrules():
    found = take_options({"value_bytes": 2}, weight_bytes=1, value_bytes=1, exact=True)
    assert (found.weight_bytes, found.value_bytes, found.exact) == (1, 2, True)
    budget = Budget(5, 0.5)
    assert take_options(None, budget=budget).budget is budget


@pytest.mark.parametrize("name", ["budget", "target", "exact"])
def test_what_is_not_the_callers(name):
    with pytest.raises(ScheduleError, match=f"names what it does not have; .*found '{name}'"):
        take_options({name: 1})


def test_a_target_without_variables():
    assert take_options("variables=0", target=MICRO).variables == 0
    with pytest.raises(
        ScheduleError, match=r"keeps no rows in variables; expected variables=0, or that"
    ):
        take_options("variables=1", target=MICRO)


@pytest.mark.parametrize("place", Projection)
def test_projections_by_their_names(place):
    assert take_options({"projection": place.value}).projection == place.value


@pytest.mark.parametrize(("batch", "wanted"), [(1, 100), (3, 300), (None, 400)])
def test_bytes_of_a_projected_time_step(batch, wanted):
    loop = Loop(1, True, None, 0, False, batch=batch, projected_bytes=100)
    assert loop.rows_bytes == wanted


def test_words_for_what_comes_last():
    assert str(Schedule(4, "single")) == "4 steps an iteration, rest last"
    levels = Schedule(2, "front", variable_levels=3)
    assert str(levels).endswith("steps in front, rows in resource variables")
