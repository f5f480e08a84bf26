"""Reports: JSON there and back, and as text."""

import json
import re
from dataclasses import replace

import rnnlite
from rnnlite.report.records import Report


def test_there_and_back_through_json(exits):
    again = Report.from_dict(json.loads(json.dumps(exits.report.to_dict())))
    assert again.parity.within
    assert again.inputs == exits.report.inputs
    assert str(again) == str(exits.report)


def test_one_line_says_what_it_is(exits):
    converted = repr(exits)
    assert re.fullmatch(
        r"Converted\([\d,]+ bytes, from Keras 3 .*, equal within \d\.\de-\d\d\)", converted
    )
    assert "\n" not in converted
    assert len(converted) < 120
    assert repr(exits.report) == converted.replace("Converted", "Report")
    assert repr(replace(exits.report, parity=None)).endswith(", not compared)")
    model = repr(rnnlite.load(exits.tflite))
    assert re.fullmatch(r"Model\(frames float32 \[1, any, 3\] -> tags .*, label .*\)", model)


def test_text_says_what_matters(exits):
    text = str(exits.report)
    for words in (
        "frames",
        "[1, any, 3]",
        "tags",
        "label",
        "backward_lstm",
        "FULLY_CONNECTED",
        "Parity with the source",
        "hoisted",
    ):
        assert words in text
    assert "\x1b" not in text
