"""The schedule: pure numbers."""

import pytest

from rnnlite.scan.schedule import Schedule, choose

LSTM_64 = 64 * 4 * 64


@pytest.mark.parametrize(
    ("units", "unroll"), [(16, 8), (64, 8), (128, 2), (256, 1), (512, 1)], ids=str
)
def test_unrolls_while_the_copies_fit_half_of_the_cache(units, unroll):
    weights = units * 4 * units
    schedule = choose(recurrent_weights=weights, hoisted=True, static_batch=True, length=None)
    assert schedule == Schedule(unroll)


def test_int8_weights_unroll_further():
    options = {"hoisted": True, "static_batch": True, "length": None}
    assert choose(recurrent_weights=128 * 512, weight_bytes=1, **options).unroll == 8


@pytest.mark.parametrize("change", [{"hoisted": False}, {"static_batch": False}])
def test_single_steps_where_unrolling_does_not_pay(change):
    options = {"recurrent_weights": LSTM_64, "hoisted": True, "static_batch": True, "length": None}
    assert choose(**{**options, **change}).unroll == 1


@pytest.mark.parametrize(("length", "unroll"), [(1, 1), (3, 2), (7, 4), (8, 8), (100, 8)])
def test_never_more_steps_than_a_fixed_length_has(length, unroll):
    schedule = choose(recurrent_weights=LSTM_64, hoisted=True, static_batch=True, length=length)
    assert schedule.unroll == unroll
