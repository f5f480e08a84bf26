"""The error family."""

import inspect

import numpy as np

from rnnlite import errors


def test_all_are_of_one_family_and_public():
    import rnnlite

    kinds = [k for _, k in inspect.getmembers(errors, inspect.isclass)]
    assert all(issubclass(k, errors.RnnliteError) for k in kinds)
    assert {k.__name__ for k in kinds} <= set(rnnlite.__all__)


def test_message():
    error = errors.ShapeError("layer 'x' is odd", expected="2", found="3", remedy="Use 2.")
    assert str(error) == "layer 'x' is odd; expected 2; found 3. Use 2."
    assert str(errors.SourceError("'m.h5' is empty")) == "'m.h5' is empty."


def test_a_fault_of_ours_says_what_to_send():
    text = str(errors.InternalError("'x' was planned"))
    assert text.startswith("'x' was planned. This is a fault of rnnlite: please report it with the")
    assert f"numpy {np.__version__}" in text
    assert errors.restored(errors.as_data(errors.InternalError("a", remedy="b"))).remedy == "b"
