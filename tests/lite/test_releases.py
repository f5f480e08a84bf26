"""Releases of the runtime: in order, each with more than the one before."""

import itertools

import pytest

from rnnlite.lite.releases import RELEASES, first_with, release, where_text


def version_of(name):
    return tuple(int(part) for part in name.split()[1].split("."))


def test_they_stand_in_order():
    names = [r.name for r in RELEASES]
    assert len(set(names)) == len(names)
    kinds = [name.split()[0] for name in names]
    assert kinds == sorted(kinds, key=["TFLite", "LiteRT"].index)
    for one, other in itertools.pairwise(RELEASES):
        if one.name.split()[0] == other.name.split()[0]:
            assert version_of(one.name) < version_of(other.name)
        numbers = [tuple(map(int, r.tensorflow.split("."))) for r in (one, other)]
        assert numbers[0] <= numbers[1]


def test_what_is_new_is_higher_than_before():
    known = {}
    for one in RELEASES:
        for op, version in one.new.items():
            assert version > known.get(op, 0), f"{one.name}: {op}"
        known.update(one.new)


@pytest.mark.parametrize(
    ("op", "version", "name"),
    [
        ("ADD", 1, "TFLite 2.9"),
        ("ADD", 4, "TFLite 2.9"),
        ("DYNAMIC_UPDATE_SLICE", 3, "LiteRT 1.1"),
        ("CAST", 9, "LiteRT 2.2"),
        ("ADD", 99, None),
        ("NO_SUCH_OP", 1, None),
    ],
)
def test_the_first_that_has_an_op(op, version, name):
    found = first_with(op, version)
    assert (None if found is None else found.name) == name


def test_where_a_file_runs():
    assert where_text("TFLite 2.11") == "runs on TFLite 2.11, LiteRT 1.0 or newer"
    assert where_text("LiteRT 2.0") == "runs on LiteRT 2.0 (TensorFlow 2.21) or newer"
    assert "no release" in where_text("")


def test_by_name():
    assert [release(r.name) for r in RELEASES] == list(RELEASES)
    with pytest.raises(StopIteration):
        release("LiteRT 0.1")
