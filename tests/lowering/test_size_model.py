"""How large a file will be, told before it is lowered: what fits, and that the sums hold."""

from dataclasses import replace

import keras
import pytest

import rnnlite
from rnnlite.frontends.opening import open_program
from rnnlite.frontends.request import Request
from rnnlite.lowering import loops, survey
from rnnlite.lowering.schedule import Budget, Loop, Options, Schedule
from rnnlite.lowering.size_model import Contents, Sized, affordable, allowed, ops, ops_of
from rnnlite.pipeline.pass_order import translate

L = keras.layers
BUDGET = Budget()
FREE = Options(weight_bytes=1, budget=BUDGET)

SEQUENCE = Loop(
    recurrent_weights=16 * 64,
    hoisted=True,
    length=None,
    row_bytes=64,
    identity_padding=True,
    fixed_rows=True,
    plain=True,
    projected_bytes=256,
    features=3,
)
LAST = replace(SEQUENCE, row_bytes=0)


def contents(count, loop=SEQUENCE, weights=2000):
    return Contents((Sized(loop, 11, int(loop.row_bytes > 0)),) * count, 10, weights, 0)


def test_ops_of_a_loop_follow_its_layout():
    sized = Sized(SEQUENCE, 11, 1)
    single = ops_of(sized, Schedule())
    assert ops_of(sized, Schedule(unroll=4)) == single + 33
    assert ops_of(sized, Schedule(unroll=4, remainder="front")) == single + 33 + 13
    assert ops_of(sized, Schedule(depth=3)) == single + 32
    assert ops_of(sized, Schedule(partitions=4)) == single + 30
    assert ops_of(sized, Schedule(peeled_chunks=2)) == single + 25
    assert ops_of(sized, Schedule(variable_levels=3)) == single + 180
    assert ops_of(replace(sized, masked=True), Schedule(unroll=2)) == single + 11 + 12
    assert ops_of(replace(sized, again=True), Schedule()) == single - 8
    # The rest comes in a loop of its own.
    rest = ops_of(sized, Schedule(unroll=2, remainder="single")) - single
    assert rest == 11 + 8 + 11 + 12


def test_the_budget_grows_with_weights_and_shrinks_with_channels():
    assert allowed(Contents((), 0, 0, 0), BUDGET) == 27_000
    assert allowed(Contents((), 0, 10_000, 100), BUDGET) == 27_000 + 1400 - 1600
    assert allowed(Contents((), 0, 10_000, 0), Budget(5, 1.0)) == 10_005


@pytest.mark.parametrize(
    ("count", "loop", "chosen"),
    [
        (1, LAST, {}),
        (5, LAST, {"variables": 0, "peeled_chunks": 0, "max_unroll": 2}),
        (1, SEQUENCE, {"max_depth": 2}),
        (2, SEQUENCE, {"variables": 0}),
        (3, SEQUENCE, {"variables": 0, "peeled_chunks": 0, "max_unroll": 2}),
        (
            8,
            SEQUENCE,
            {"variables": 0, "peeled_chunks": 0, "max_unroll": 1, "partitions": 1, "max_depth": 1},
        ),
    ],
)
def test_the_first_layout_that_fits(count, loop, chosen):
    found = affordable(contents(count, loop), FREE)
    assert found == replace(FREE, **chosen)
    fits = ops(contents(count, loop), found) * 110 <= allowed(contents(count, loop), BUDGET)
    assert fits == (count < 8)


def test_many_weights_leave_room():
    assert affordable(contents(1, weights=200_000), FREE) == FREE


def test_what_the_caller_asks_for_stays():
    asked = replace(FREE, unroll=4, depth=2, peeled_chunks=1, partitions=4, variables=1)
    assert affordable(contents(8), asked) == asked
    assert affordable(contents(8), replace(FREE, variables=1)).variables == 1
    # As many loops within loops as it allows, or fewer, though variables are given up.
    for most in (1, 2):
        assert affordable(contents(3), replace(FREE, max_depth=most)).max_depth <= most
    assert affordable(contents(8), replace(FREE, budget=None)) == replace(FREE, budget=None)


def sequence(cell, count, **options):
    layers = [cell(16, return_sequences=True, **options) for _ in range(count)]
    return keras.Sequential([keras.Input((None, 3)), *layers])


def bidirectional():
    layers = [L.Bidirectional(L.LSTM(8, return_sequences=True)) for _ in range(2)]
    last = L.Bidirectional(L.LSTM(8))
    return keras.Sequential([keras.Input((None, 3)), *layers, last, L.Dense(3)])


def masked():
    ids = keras.Input((None,), dtype="int32")
    x = L.Embedding(50, 16, mask_zero=True)(ids)
    return keras.Model(ids, L.Dense(4)(L.GRU(16, return_sequences=True)(x)))


MODELS = {
    "LSTM": lambda: sequence(L.LSTM, 1),
    "3 SimpleRNN": lambda: sequence(L.SimpleRNN, 3),
    "bidirectional": bidirectional,
    "masked": masked,
}
LAYOUTS = [
    {"variables": 0},
    {"variables": 0, "peeled_chunks": 0, "unroll": 2},
    {"variables": 0, "peeled_chunks": 0, "unroll": 1, "depth": 1},
]


@pytest.mark.parametrize("name", MODELS)
def test_the_sums_hold(name, monkeypatch):
    """Ops of translated models, within a sixth of what was told before."""
    met = []
    monkeypatch.setattr(survey, "affordable", lambda c, o: met.append(c) or o)
    model = MODELS[name]()
    for layout in LAYOUTS:
        options = replace(FREE, **layout)
        translated = translate(open_program(model, Request(schedule=options)).main)
        found = sum(len(graph.ops) for graph in translated.graphs)
        assert ops(met[-1], options) == pytest.approx(found, rel=1 / 6)


def test_small_files_are_lowered_once(monkeypatch):
    runs = []
    run = loops.Loops.run
    monkeypatch.setattr(loops.Loops, "run", lambda self: runs.append(self.schedule) or run(self))
    found = rnnlite.convert(bidirectional(), quantize="dynamic", verify=False, max_error=1.0)
    assert [s.unroll for s in runs] == [1] * 6
    assert {r["unroll"] for r in found.report.recurrences} == {1}
    assert rnnlite.convert(bidirectional(), verify=False).report.recurrences[0]["unroll"] == 4
    asked = rnnlite.convert(
        bidirectional(), quantize="dynamic", schedule="unroll=4", verify=False, max_error=1.0
    )
    assert {r["unroll"] for r in asked.report.recurrences} == {4}


def test_what_is_asked_for_stays_whatever_it_takes():
    """A budget of nothing: the smallest of what is left open is taken."""
    none = replace(FREE, budget=Budget(0, 0.0))
    found = affordable(contents(3), none)
    assert (found.variables, found.peeled_chunks) == (0, 0)
    assert (found.max_unroll, found.partitions, found.max_depth) == (1, 1, 1)
    asked = replace(none, unroll=4, partitions=3, depth=2, peeled_chunks=1, variables=1)
    assert affordable(contents(3), asked) == asked


def test_enough_room_changes_nothing():
    plenty = replace(FREE, budget=Budget(10**9))
    assert affordable(contents(40), plenty) == plenty
    assert affordable(contents(40), replace(FREE, budget=None)) == replace(FREE, budget=None)


@pytest.mark.parametrize("count", [1, 2, 5, 10, 20])
def test_each_step_down_is_smaller(count):
    """The first that fits is taken, so that no later one may be larger."""
    sizes = []
    for free in range(0, 60_000, 2_000):
        found = affordable(contents(count), replace(FREE, budget=Budget(free, 0.0)))
        sizes.append(ops(contents(count), found))
    assert sizes == sorted(sizes)


def test_ops_add_up():
    one, two = contents(1), contents(2)
    assert ops(two, FREE) - two.others == 2 * (ops(one, FREE) - one.others)
    assert ops(Contents((), 7, 0, 0), FREE) == 7
