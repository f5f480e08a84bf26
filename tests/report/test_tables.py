"""Reports and inspections as text: numbers, shapes and headings for people."""

from dataclasses import replace

import pytest
from rich.text import Text

from rnnlite.report.quantization import OutputAccuracy, Quantization, TrialRecord, WeightRecord
from rnnlite.report.records import OutputParity, Parity, Report
from rnnlite.report.tables import (
    PLAIN_WIDTH,
    as_text,
    report_text,
    seconds_text,
    shape_text,
    signature_table,
    size_text,
    table,
)
from rnnlite.specs import TensorSpec


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 bytes"),
        (9_999, "9,999 bytes"),
        (10_000, "10.0 kB"),
        (12_345, "12.3 kB"),
        (1_234_567, "1,234.6 kB"),
    ],
)
def test_bytes(size, text):
    assert size_text(size) == text


@pytest.mark.parametrize(
    ("shape", "least", "text"),
    [
        (None, (), "any rank"),
        ((), (), "[]"),
        ((1, None, 12), (), "[1, any, 12]"),
        ((1, None, 12), (1, 4, 12), "[1, 4 or more, 12]"),
        ((None, None), (1, 1), "[any, any]"),
    ],
)
def test_shapes(shape, least, text):
    assert shape_text(shape, least) == text


def test_seconds():
    assert seconds_text({"translate": 0.514, "check": 2.0}) == "translate 0.51 s, check 2.00 s"
    assert seconds_text({}) == "not timed"


def test_cells_of_a_table():
    text = as_text(
        table("Title", ["name", "share", "there"], [["a", 0.123456, True], ["b", 2, None]])
    )
    assert [line.split() for line in text.splitlines()] == [
        ["Title"],
        ["name", "share", "there"],
        ["a", "0.123", "yes"],
        ["b", "2"],
    ]


def test_numbers_stand_to_the_right():
    lines = as_text(table("", ["name", "n"], [["long name", 5], ["b", 12345]])).splitlines()
    assert [line.rstrip()[-5:] for line in lines] == ["    n", "    5", "12345"]


def test_long_cells_are_folded_and_nothing_is_lost():
    text = as_text(table("", ["name"], [["x" * 250]]))
    assert text.count("x") == 250
    assert max(map(len, text.splitlines())) <= PLAIN_WIDTH


def test_text_has_neither_colours_nor_spaces_behind():
    text = as_text(Text("red   ", style="red"))
    assert text == "red"


def test_a_signature():
    x = TensorSpec("x", (1, None, 3), "int8", quantization=(0.5, -3), least=(1, 4, 3))
    y = TensorSpec("y", (1, 2), "float32")
    lines = as_text(signature_table([x], [y])).splitlines()
    assert lines[1].split() == ["name", "shape", "dtype", "value"]
    assert "[1, 4 or more, 3]" in lines[2]
    assert lines[2].endswith("(q - -3) * 0.5")
    assert lines[3].split() == ["output", "y", "[1,", "2]", "float32"]
    # Without integers there is no column for what they stand for.
    assert "value" not in as_text(signature_table([y], [y]))


RECURRENCE = {
    "name": "lstm",
    "kind": "LSTM",
    "units": 64,
    "direction": "backward",
    "outputs": "all",
    "masked": False,
    "hoisted": False,
    "schedule": "4 steps an iteration",
}


def report(**changed):
    spec = {"name": "x", "shape": (1, None, 3), "least": (), "dtype": "float32"}
    made = Report(
        origin="a model",
        inputs=(spec,),
        outputs=({**spec, "name": "y"},),
        size=20_000,
        weights=4_321,
        ops={"ADD": 2, "WHILE": 1},
        recurrences=(),
        parity=None,
        notes=(),
        seconds={},
        min_runtime="LiteRT 1.0",
    )
    return replace(made, **changed)


def test_a_report_without_a_check_says_so():
    text = report_text(report())
    assert text.startswith("a model\n20.0 kB, 4,321 weights, not timed\n")
    assert "parity: not checked" in text
    assert "ops: ADD 2, WHILE 1" in text
    assert "Recurrences" not in text


def test_recurrences_and_the_weights_of_a_graphs_loop():
    text = report_text(report(recurrences=(RECURRENCE, {**RECURRENCE, "weights": "cell/kernel"})))
    assert "weights of lstm: cell/kernel" in text
    row = next(line for line in text.splitlines() if line.startswith("lstm"))
    assert row.split()[1:5] == ["LSTM", "64", "backward", "all"]
    assert "in the loop" in text


def test_a_check():
    parity = Parity((OutputParity("y", 2e-7, 1e-7, 2.0, 1e-5),), (19, 1), (1, 3), 6)
    text = report_text(report(parity=parity))
    assert "Parity with the source: 6 runs, lengths 19, 1, batches 1, 3" in text
    assert next(n for n in text.splitlines() if n.startswith("y")).split()[1:] == [
        "2e-07",
        "1e-07",
        "1e-05",
        "2",
    ]


def test_a_quantization():
    record = Quantization(
        mode="int8",
        io="float32",
        inner="int16",
        size_before=80_000,
        weights=(WeightRecord("cell/kernel", (4, 8), "int8", "per channel"),),
        ops={"ADD": {"int8": 2}},
        kept=("EXP of y",),
        samples=30,
        lengths=(4, 90),
        accuracy=(OutputAccuracy("y", 0.0123, 38.2, 0.995, {7: 0.02}),),
        measured_on="6 held out samples",
        warnings=("few samples",),
        trials=(TrialRecord("int8", 0.5, None, "too far"),),
    )
    text = report_text(report(quantization=record))
    for words in (
        "Quantization: int8, inputs and outputs float32, recurrences compute in int16",
        "80.0 kB in float32, now 20.0 kB (0.25)",
        "calibrated on 30 samples of 4 to 90 steps",
        "stayed in float: EXP of y",
        "Error against the source, on 6 held out samples",
        "% at T=7",
        "warning: few samples",
        "too far",
    ):
        assert words in text
    row = [n for n in text.splitlines() if n.startswith("y")][-1]
    assert row.split() == ["y", "1.23", "38.2", "99.5", "2"]
    # The check of the float32 model is left out where there was none.
    assert "not checked" not in text


def test_notes_come_last():
    assert report_text(report(notes=("one", "two"))).endswith("note: one\nnote: two")


def test_a_title_wider_than_its_table_stays_on_one_line():
    assert as_text(table("Scores of the other model", ["a"], [[1]])) == (
        "Scores of the other model\na\n1"
    )
