"""Reports: JSON there and back, and as text."""

import json

from rnnlite.report import Report


def test_there_and_back_through_json(exits):
    again = Report.from_dict(json.loads(json.dumps(exits.report.to_dict())))
    assert again.parity.within
    assert again.inputs == exits.report.inputs
    assert str(again) == str(exits.report)


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
