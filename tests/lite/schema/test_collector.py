"""The garbage collector is off in a block, and afterwards as it was."""

import gc

import pytest

from rnnlite.errors import ModelError
from rnnlite.lite import schema
from rnnlite.lite.schema.collector import paused


def test_off_within_and_on_behind():
    with paused():
        assert not gc.isenabled()
        with paused():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()


def test_off_stays_off():
    gc.disable()
    try:
        with paused():
            assert not gc.isenabled()
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_on_again_after_an_error():
    with pytest.raises(ModelError, match="this is no LiteRT model"):
        schema.read(b"nothing")
    assert gc.isenabled()
