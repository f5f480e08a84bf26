"""What is stored in a file, and found again."""

import pytest

from rnnlite.errors import ModelError
from rnnlite.lite import schema
from rnnlite.lite.ir import Model
from rnnlite.lite.record import record, set_metadata, set_record


def test_metadata_is_replaced_not_added(exits):
    model = schema.read(exits.tflite)
    before = len(model.metadata)
    set_metadata(model, "note", b"one")
    set_metadata(model, "note", b"two")
    found = schema.read(schema.write(model)).metadata
    assert len(found) == before + 1
    assert list(found)[-1] == "note"
    assert found["note"] == b"two"


def test_a_record_is_found_again_and_others_have_none():
    model = Model()
    assert record(model) == {}
    set_record(model, {"version": "1", "least": {"x": [1, 3]}})
    assert record(model) == {"version": "1", "least": {"x": [1, 3]}}
    model.metadata["rnnlite"] = b"[1]"
    assert record(model) == {}


def test_a_damaged_record_is_refused():
    model = Model()
    set_metadata(model, "rnnlite", b"{")
    with pytest.raises(ModelError, match="is damaged; found metadata 'rnnlite'"):
        record(model)
