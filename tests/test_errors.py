"""The error family."""

import copy
import inspect
import pickle
import platform

import numpy as np
import pytest

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


KINDS = [k for _, k in inspect.getmembers(errors, inspect.isclass)]


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        ({}, "it is odd."),
        ({"expected": "two"}, "it is odd; expected two."),
        ({"found": "three"}, "it is odd; found three."),
        ({"remedy": "Take two"}, "it is odd. Take two."),
        ({"remedy": "Take two."}, "it is odd. Take two."),
        ({"found": "three", "remedy": "Take two"}, "it is odd; found three. Take two."),
        (
            {"expected": "two", "found": "three", "remedy": "Take two"},
            "it is odd; expected two; found three. Take two.",
        ),
    ],
)
@pytest.mark.parametrize("what", ["it is odd", "it is odd."])
def test_a_sentence_of_what_is_known(what, parts, text):
    assert str(errors.RnnliteError(what, **parts)) == text


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_comes_back_from_data(kind):
    error = kind("a", expected="b", found="c", remedy="d")
    again = errors.restored(errors.as_data(error))
    assert type(again) is kind
    assert str(again) == str(error)
    assert errors.as_data(again) == errors.as_data(error)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("copied", [lambda e: pickle.loads(pickle.dumps(e)), copy.copy])
def test_every_kind_is_handed_to_another_process(kind, copied):
    """As pools of processes and Ray do."""
    error = kind("a", expected="b", found="c", remedy="d")
    error.sample = 3
    again = copied(error)
    assert type(again) is kind
    assert str(again) == str(error) == "a; expected b; found c. d."
    assert (again.what, again.expected, again.found, again.remedy) == ("a", "b", "c", "d")
    # What was noted on the way stays.
    assert again.sample == 3


@pytest.mark.parametrize("kind", ["Unheard", "ValueError"])
def test_a_kind_of_another_version_is_one_of_the_family(kind):
    data = {"kind": kind, "what": "a", "expected": "", "found": "", "remedy": ""}
    error = errors.restored(data)
    assert type(error) is errors.RnnliteError
    assert str(error) == "a."
    # What was given is left as it was.
    assert data["kind"] == kind


@pytest.mark.parametrize(
    ("kind", "parent"),
    [
        (errors.OptionError, errors.SourceError),
        (errors.DataError, errors.SampleError),
        (errors.StreamingError, errors.RnnliteError),
        (errors.InternalError, errors.RnnliteError),
    ],
)
def test_who_catches_the_larger_kind_has_the_smaller(kind, parent):
    with pytest.raises(parent):
        raise kind("a")


def test_versions_name_what_is_not_installed(monkeypatch):
    monkeypatch.setattr(errors, "PACKAGES", ("numpy", "no-such-package"))
    text = str(errors.InternalError("a", expected="b", found="c"))
    assert text.startswith("a; expected b; found c. This is a fault of rnnlite")
    assert text.endswith(f"numpy {np.__version__}, no no-such-package.")
    assert f"Python {platform.python_version()} on {platform.machine()}, " in text
