"""Which layers cost most: the largest error of a layer, and what it adds."""

import math
import re

import pytest

from rnnlite.report.page.quantized import SHOWN, layer_errors, quantization_section
from rnnlite.report.quantization import (
    OpError,
    OutputAccuracy,
    Quantization,
    TrialRecord,
    WeightRecord,
)


def test_what_an_op_adds():
    assert OpError("ADD", "a", "", 0.05, 0.03).own == pytest.approx(0.04)
    assert OpError("ADD", "a", "", 0.03, 0.05).own == 0


def test_layers():
    shown = layer_errors(
        [
            OpError("CONV_2D", "m/conv/Relu", "conv", 0.02, 0.0),
            OpError("WHILE", "m/lstm/scan", "lstm", 0.10, 0.02),
            OpError("GATHER", "m/lstm/rows", "lstm", 0.09, 0.10),
            OpError("EXP", "x", "", math.inf, 0.0),
        ]
    )
    assert shown.index(">conv<") < shown.index(">lstm<")
    assert "lstm: 10 %" in shown
    assert "All 3 ops" in shown
    assert '<td class="n">9.798</td>' in shown


def test_none_where_nothing_was_measured():
    assert layer_errors([]) is None


def quantization(**more):
    least = {"mode": "int8", "io": "int8", "inner": "", "size_before": 0, "weights": (), "ops": {}}
    return Quantization(**{**least, **more})


def shown(**more):
    return quantization_section(quantization(**more), "Quantization")


@pytest.mark.parametrize(
    ("more", "lead"),
    [
        ({}, "int8, inputs and outputs int8."),
        ({"mode": "float16", "io": "float32"}, "float16, inputs and outputs float32."),
        ({"inner": "int16"}, "int8, inputs and outputs int8; computed in: int16."),
        (
            {"samples": 9, "lengths": (4, 30)},
            "int8, inputs and outputs int8; calibrated on 9 samples of 4 to 30 steps.",
        ),
    ],
)
def test_the_lead_says_how(more, lead):
    assert f'<p class="soft small">{lead}</p>' in shown(**more)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({}, "Measured on nothing, relative to the RMS of the source&#x27;s output."),
        ({"measured_on": "6 samples"}, "Measured on 6 samples, relative to the RMS of"),
        ({"max_error": 0.125}, "source&#x27;s output; at most 12.5 % is allowed."),
    ],
)
def test_what_was_measured_and_allowed(more, words):
    assert words in shown(**more)


def test_outputs_with_classes_have_a_column_of_them():
    one = OutputAccuracy("a", 0.0125, 38.06, None)
    page = shown(accuracy=(one,))
    assert "same class" not in page
    assert '<td class="s">a</td><td class="n">1.25</td><td class="n">38.06</td></tr>' in page
    page = shown(accuracy=(one, OutputAccuracy("b", 0.5, 6.0, 0.75)))
    assert '<td class="n">6</td><td class="n">75</td></tr>' in page
    assert '<td class="n">38.06</td><td class="n"></td></tr>' in page


@pytest.mark.parametrize(("by_length", "charts"), [({}, 0), ({5: 0.1}, 0), ({50: 0.1, 5: 0.2}, 1)])
def test_errors_by_length_are_a_chart_from_two_lengths_on(by_length, charts):
    page = shown(accuracy=(OutputAccuracy("a", 0.1, 20.0, None, by_length),))
    assert page.count("<title>RMS error of a by length</title>") == charts
    if charts:
        # In the order of lengths, in percent.
        assert page.index("<title>5: 20</title>") < page.index("<title>50: 10</title>")


def test_at_most_four_outputs_have_a_chart():
    accuracy = tuple(OutputAccuracy(f"y{k}", 0.1, 20.0, None, {1: 0.1, 2: 0.1}) for k in range(6))
    assert shown(accuracy=accuracy).count("by length</title>") == 4


def test_trials_that_were_not_made_have_empty_cells():
    trials = (
        TrialRecord("int8", 0.25, 12_345, "too far"),
        TrialRecord("int16", None, None, "not needed"),
    )
    page = shown(trials=trials)
    assert "<h3>Trials considered</h3>" in page
    assert '<td class="n">25</td><td class="s">12.3 kB</td><td class="s">too far</td>' in page
    assert '<td class="n"></td><td class="s"></td><td class="s">not needed</td>' in page
    assert "Trials considered" not in shown()


@pytest.mark.parametrize("name", ["kept", "warnings"])
def test_lists_stand_under_their_head_alone(name):
    head = {"kept": "Stayed in float", "warnings": "Warnings"}[name]
    assert f"<h3>{head}</h3><ul><li>one</li><li>two</li></ul>" in shown(**{name: ("one", "two")})
    assert head not in shown()


def test_types_of_ops_and_weights():
    page = shown(
        ops={"ADD": {"int8": 3, "float32": 1}},
        weights=(WeightRecord("cell/kernel", (4, 8), "int8", "per channel"),),
    )
    assert '<td class="s">ADD</td><td class="s">3 int8, 1 float32</td>' in page
    assert '<td class="s">[4, 8]</td><td class="s">int8</td><td class="s">per channel</td>' in page
    assert "Types of the weights" not in shown()


def errors(count):
    return [OpError("ADD", f"m/l{k}/x;more", f"l{k}", 0.01 * (k + 1), 0.0) for k in range(count)]


def test_the_costliest_have_bars_in_the_order_of_computation():
    found = errors(SHOWN + 3)
    page = layer_errors(found)
    bars = re.findall(r"<title>(l\d+): ([\d.]+) %</title>", page)
    assert bars == [(f"l{k}", f"{k + 1}") for k in range(3, SHOWN + 3)]
    assert len(re.findall(r"<title>ADD l\d+/x: ", page)) == SHOWN
    # All stand in the table.
    assert all(f'<td class="s">m/l{k}/x;more</td>' in page for k in range(SHOWN + 3))


def test_of_equal_costs_the_first_have_bars():
    found = [OpError("ADD", f"x/{k}", "", 0.5, 0.0) for k in range(SHOWN + 1)]
    page = layer_errors(found)
    assert f"<title>ADD x/{SHOWN - 1}: 50 %</title>" in page
    assert f"<title>ADD x/{SHOWN}: 50 %</title>" not in page


@pytest.mark.parametrize(
    ("error", "called"),
    [
        (OpError("ADD", "m/a", "layer", 0.1, 0.0), "layer"),
        (OpError("ADD", "m/a", "", 0.1, 0.0), "m/a"),
        (OpError("ADD", "", "", 0.1, 0.0), "ADD"),
    ],
)
def test_what_belongs_to_no_layer_stands_for_itself(error, called):
    assert f"<title>{called}: 10 %</title>" in layer_errors([error])


def test_bars_are_measured_by_the_largest_error_of_all():
    page = layer_errors([OpError("A", "a", "a", 0.4, 0.0), OpError("B", "b", "b", 0.1, 0.1)])
    wide = re.findall(r'width="([\d.]+)" height="8" rx="4" class="main"', page)
    assert wide == ["340", "85", "340", "85"]
    # What is handed on from before is not dark.
    assert re.findall(r'width="([\d.]+)" height="8" rx="4" class="deep"', page) == ["340", "340"]


@pytest.mark.parametrize("error", [math.inf, math.nan])
def test_what_is_no_number_was_not_measured(error):
    assert layer_errors([OpError("ADD", "a", "a", error, 0.0)]) is None
