"""Reports and inspections as text: numbers, shapes and headings for people."""

from dataclasses import replace

import pytest

from rnnlite.lite.inspection import Inspection
from rnnlite.report.parity import OutputParity, Parity, StreamParity
from rnnlite.report.quantization import OutputAccuracy, Quantization, TrialRecord, WeightRecord
from rnnlite.report.records import Report, SignatureReport
from rnnlite.report.rendering import (
    as_text,
)
from rnnlite.report.tables import inspection_text, report_text, signature_table, signatures_shown
from rnnlite.specs import SignatureSpec, TensorSpec
from rnnlite.target import TARGETS


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


def rows_of(text, title):
    """The lines of a table under a title, as words, without its head."""
    lines = text.splitlines()
    at = lines.index(title) + 2
    end = next((k for k in range(at, len(lines)) if not lines[k]), len(lines))
    return [line.split() for line in lines[at:end]]


def test_several_signatures_are_told_apart():
    spec = SignatureSpec(
        (TensorSpec("x", (1, None), "float32"),), (TensorSpec("y", (1, 2), "float32"),)
    )
    text = as_text(signatures_shown((), (), {"serve": spec, "train": spec}))
    assert text.splitlines()[0] == "Signature 'serve'"
    assert rows_of(text, "Signature 'train'") == [
        ["input", "x", "[1,", "any]", "float32"],
        ["output", "y", "[1,", "2]", "float32"],
    ]


@pytest.mark.parametrize("signatures", [{}, {"serve": SignatureSpec((), ())}])
def test_a_single_signature_is_what_is_run(signatures):
    x = TensorSpec("x", (1, None), "float32")
    text = as_text(signatures_shown((x,), (), signatures))
    assert text.startswith("Signature\n")
    assert rows_of(text, "Signature") == [["input", "x", "[1,", "any]", "float32"]]


def stream(**more):
    values = {
        "chunk": None,
        "multiple": 1,
        "delay": 0,
        "states": ("state/a/h", "state/a/c"),
        **more,
    }
    return StreamParity(**values)


@pytest.mark.parametrize(
    ("more", "line"),
    [
        ({}, "Stream: chunks of any length; 2 states; not checked"),
        ({"chunk": 4, "multiple": 4}, "Stream: chunks of 4 steps; 2 states; not checked"),
        ({"multiple": 6}, "Stream: chunks of a multiple of 6 steps; 2 states; not checked"),
        (
            {"delay": 3, "states": ()},
            "Stream: chunks of any length, outputs 3 steps later; 0 states; not checked",
        ),
        (
            {"lengths": (7, 30), "outputs": (OutputParity("y", 1e-7, 2e-7, 0.5, 1e-5),)},
            "Stream: chunks of any length; 2 states; random cuttings against the whole, lengths "
            "7, 30",
        ),
    ],
)
def test_a_stream(more, line):
    lines = report_text(report(stream=stream(**more))).splitlines()
    assert line in lines
    # The figures follow where there are some.
    rows = [found.split() for found in lines if found.startswith("y ")]
    assert rows == ([["y", "1e-07", "2e-07", "1e-05", "0.5"]] if "outputs" in more else [])


def test_each_of_several_signatures_in_a_report():
    ends = report()
    parity = Parity((OutputParity("y", 0.0, 0.0, 1.0, 1e-5),), (), (1,), 2)
    signatures = tuple(
        SignatureReport(name, ends.inputs, ends.outputs, (RECURRENCE,), checked)
        for name, checked in [("serve", parity), ("train", None)]
    )
    text = report_text(report(signatures=signatures))
    assert text.index("Signature 'serve'") < text.index("Signature 'train'")
    assert text.count("Recurrences") == 2
    assert "Parity with the source: 2 runs, lengths none free, batches 1" in text
    assert text.count("parity: not checked") == 1


def test_a_blank_line_stands_around_tables_alone():
    lines = report_text(report(notes=("n",))).splitlines()
    assert lines[:5] == [
        "a model",
        "20.0 kB, 4,321 weights, not timed",
        "runs on LiteRT 1.0 (TensorFlow 2.18) or newer",
        "ops: ADD 2, WHILE 1",
        "",
    ]
    assert lines[-3:] == ["", "parity: not checked", "note: n"]
    assert "\n\n\n" not in "\n".join(lines)


def quantized(**more):
    values = {"mode": "int8", "io": "int8", "inner": "", "size_before": 0, "weights": (), "ops": {}}
    return report(quantization=Quantization(**{**values, **more}))


@pytest.mark.parametrize(
    ("more", "line"),
    [
        ({}, "Quantization: int8, inputs and outputs int8"),
        (
            {"inner": "int16"},
            "Quantization: int8, inputs and outputs int8, recurrences compute in int16",
        ),
        ({"size_before": 40_000}, "40.0 kB in float32, now 20.0 kB (0.50)"),
        (
            {"samples": 3, "lengths": (5, 5)},
            "calibrated on 3 samples of 5 to 5 steps",
        ),
        ({"measured_on": "6 samples"}, "Error against the source, on 6 samples"),
    ],
)
def test_what_is_said_of_a_quantization(more, line):
    assert line in report_text(quantized(**more)).splitlines()
    if more:
        assert line not in report_text(quantized()).splitlines()


def test_errors_by_length_have_a_column_each():
    accuracy = (
        OutputAccuracy("y", 0.01, 40.0, None, {50: 0.02}),
        OutputAccuracy("z", 0.02, 34.0, 0.5, {5: 0.03, 50: 0.04}),
    )
    lines = report_text(quantized(accuracy=accuracy, measured_on="it")).splitlines()
    at = lines.index("Error against the source, on it")
    assert lines[at + 1].split("  ")[-2:] == ["% at T=5", "% at T=50"]
    assert [line.split() for line in lines[at + 2 : at + 4]] == [
        ["y", "1", "40", "2"],
        ["z", "2", "34", "50", "3", "4"],
    ]


def test_states_that_were_fed_back_have_a_column():
    accuracy = (
        OutputAccuracy("y", 0.01, 40.0, None, fed_back=0.03),
        OutputAccuracy("h", 0.02, 34.0, 0.5, fed_back=0.04),
    )
    lines = report_text(quantized(accuracy=accuracy, measured_on="it")).splitlines()
    at = lines.index("Error against the source, on it")
    assert lines[at + 1].split("  ")[-1] == "% fed back"
    assert [line.split() for line in lines[at + 2 : at + 4]] == [
        ["y", "1", "40", "3"],
        ["h", "2", "34", "50", "4"],
    ]


def test_the_end_of_a_weights_name_is_kept():
    name = "model/" + "deep/" * 20 + "kernel"
    text = report_text(quantized(weights=(WeightRecord(name, (4, 8), "int8", "per channel"),)))
    (row,) = rows_of(text, "Weights")
    assert row == [name[-48:], "[4,", "8]", "int8", "per", "channel"]


def test_types_and_trials():
    text = report_text(
        quantized(
            ops={"ADD": {"int8": 2, "float32": 1}},
            trials=(
                TrialRecord("int8", 0.015, 900, "taken"),
                TrialRecord("int16", None, None, "-"),
            ),
        )
    )
    assert rows_of(text, "Types that the ops run in") == [["ADD", "2", "int8,", "1", "float32"]]
    assert rows_of(text, "Trials") == [["int8", "1.5", "900", "taken"], ["int16", "-"]]


def inspection(**more):
    port = TensorSpec("x", (1, None), "float32")
    made = Inspection(
        size=1_500,
        inputs=(port,),
        outputs=(port,),
        ops={"ADD": 2},
        custom_ops=(),
        weights=12,
        weight_bytes={"int8": 12},
        loops=0,
        min_runtime="TFLite 2.11",
        late=(),
        signatures={},
        record=None,
    )
    return replace(made, **more)


def test_a_file_of_others():
    assert inspection_text(inspection()).splitlines() == [
        "LiteRT model, not converted by rnnlite",
        "1,500 bytes, 12 weights (12 bytes int8)",
        "runs on TFLite 2.11, LiteRT 1.0 or newer",
        "",
        "Signature",
        "        name  shape     dtype",
        "input   x     [1, any]  float32",
        "output  x     [1, any]  float32",
        "",
        "ops: ADD 2",
    ]


@pytest.mark.parametrize(
    ("more", "line"),
    [
        ({"weights": 0, "weight_bytes": {}}, "1,500 bytes, 0 weights (none)"),
        ({"min_runtime": ""}, "runs on no release of the standard runtime that is known here"),
        ({"record": {"origin": "Keras model 'm'"}}, "Keras model 'm'"),
        ({"record": {"quantize": "int8", "io": "float32"}}, "quantized: int8, I/O float32"),
        ({"record": {"recurrences": [RECURRENCE]}}, "Recurrences"),
        ({"record": {"notes": ["be careful"]}}, "note: be careful"),
        (
            {"custom_ops": ("FlexErf", "Mine")},
            "not in the standard runtime: FlexErf, Mine",
        ),
        ({"late": ("a", "b")}, "size known only after a run: 'a', 'b'"),
        (
            {
                "record": {
                    "exits": [
                        {
                            "output": "y",
                            "signature": "exit/y",
                            "inputs": [],
                            "outputs": [],
                            "ops": 3,
                        }
                    ]
                }
            },
            "Exits, run in this order",
        ),
    ],
)
def test_what_a_file_says_of_itself(more, line):
    assert line in inspection_text(inspection(**more)).splitlines()
    assert line not in inspection_text(inspection()).splitlines()


@pytest.mark.parametrize("name", TARGETS)
def test_a_file_names_the_target_it_was_made_for(name):
    lines = inspection_text(inspection(record={"target": name})).splitlines()
    assert f"made for {TARGETS[name].title}" in lines


def test_a_target_that_is_not_known_here_is_not_told():
    text = inspection_text(inspection(record={"target": "of tomorrow"}))
    assert "made for" not in text
