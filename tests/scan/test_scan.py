"""The Scan's own data: results in one order, and what the report says."""

import json

import numpy as np
import pytest

from rnnlite.scan.scan import Lowered, OfKernel, Recurrence, Scan, ScanResult


@pytest.mark.parametrize(
    ("result", "count"),
    [
        (ScanResult(("h",), None, ("s", "c")), 3),
        (ScanResult((), ("y0", "y1"), ("s",)), 3),
        (ScanResult(("h",), ("y",), ()), 2),
        (ScanResult((), None, ()), 0),
    ],
)
def test_results_in_order_and_back(result, count):
    tensors = result.tensors()
    assert len(tensors) == count
    again = result.of(tensors)
    assert (again.last, again.outputs, again.states) == (result.last, result.outputs, result.states)


def test_other_tensors_take_the_same_places():
    found = ScanResult(("h",), ("y",), ("s", "c")).of([1, 2, 3, 4])
    assert (found.last, found.outputs, found.states) == ((1,), (2,), (3, 4))
    assert ScanResult((), None, ("s",)).of([5]).outputs is None


def test_too_few_tensors_are_an_error():
    with pytest.raises((StopIteration, RuntimeError)):
        ScanResult(("h",), ("y",), ()).of([1])


def test_a_scan_is_forward_unmasked_and_gives_its_last_output():
    scan = Scan(cell=None, inputs=("x",), initial_states=())
    assert (scan.reverse, scan.mask, scan.all_outputs, scan.last_output) == (
        False,
        None,
        False,
        True,
    )
    # Scans are told apart by what they are, not by what they hold.
    assert scan != Scan(cell=None, inputs=("x",), initial_states=())


def test_a_recurrence_as_data():
    one = Recurrence("lstm", "LSTM", 8, "forward", "all", True, False, 4, (64, 256), "single steps")
    assert one.to_dict() == {
        "name": "lstm",
        "kind": "LSTM",
        "units": 8,
        "direction": "forward",
        "outputs": "all",
        "masked": True,
        "hoisted": False,
        "unroll": 4,
        "thresholds": [64, 256],
        "schedule": "single steps",
        "weights": "",
    }


def test_what_follows_from_a_recurrent_kernel():
    cell = OfKernel(np.zeros((3, 20)), np.zeros((5, 20)))
    assert (cell.units, cell.recurrent_weights) == (5, 100)
    assert type(cell.units) is int


def test_other_tensors_belong_to_no_lowering():
    """What was lowered has a number and a step; what stands in its place has neither."""
    made = ScanResult(("h",), None, ("s",), step="a step", number=3, projected=("p",))
    again = made.of(made.tensors())
    assert (again.step, again.number, again.projected) == (None, -1, ())


def test_tensors_beyond_those_asked_for_are_states():
    assert ScanResult(("h",), None, ("s",)).of([1, 2, 3]).states == (2, 3)


def test_a_lowered_scan_takes_single_steps_if_nothing_is_said():
    lowered = Lowered("scan", "result")
    assert (lowered.unroll, lowered.thresholds) == (1, ())


@pytest.mark.parametrize("weights", ["", "gru/kernel"])
def test_a_recurrence_is_told_as_json_has_it(weights):
    one = Recurrence("gru", "GRU", None, "backward", "last", False, True, 1, (), "", weights)
    found = one.to_dict()
    assert json.loads(json.dumps(found)) == found
    assert (found["units"], found["thresholds"], found["weights"]) == (None, [], weights)
    assert one == Recurrence(**{**found, "thresholds": ()})
