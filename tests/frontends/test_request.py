"""Options declared once, as fields; what the command line makes of texts."""

import json
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st

from rnnlite.frontends.request import (
    GraphRequest,
    Option,
    Request,
    TensorRequest,
    given,
    names,
    option,
    options_of,
    values_by_name,
)


@dataclass(frozen=True)
class Scaled(Request):
    """A Request with two options, and a field that is none."""

    scale: float = option(1.0, "Factor of all weights.", text=float)
    sample_rate: int | None = option(None, "In Hz.", flag="--rate", permission=True)
    cache: str = "none"


def test_an_option_as_it_is_declared():
    scale, rate = options_of(Scaled)
    assert scale == Option("scale", 1.0, "Factor of all weights.", "--scale", text=float)
    assert rate == Option("sample_rate", None, "In Hz.", "--rate", permission=True)
    assert options_of(Request) == ()


def test_a_flag_has_hyphens():
    @dataclass(frozen=True)
    class Long(Request):
        a_long_name: str | None = option(None, "Some.")

    assert [o.flag for o in options_of(Long)] == ["--a-long-name"]


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        (TensorRequest, ["outputs", "constants"]),
        (GraphRequest, ["outputs", "constants", "inputs"]),
    ],
)
def test_the_options_of_graphs(kind, names):
    assert [o.name for o in options_of(kind)] == names


def test_a_request_of_its_own_kind():
    """Common fields stay; of the options those that the kind declares become fields."""
    request = Request(batch_size=3, integer=True, options={"scale": 2.0, "trust": True})
    made = Scaled.of(request)
    assert (made.batch_size, made.integer, made.sequence_length) == (3, True, "auto")
    assert (made.scale, made.sample_rate) == (2.0, None)
    assert made.options == {"scale": 2.0}
    assert request.options == {"scale": 2.0, "trust": True}
    assert Scaled.of(made) == made


@pytest.mark.parametrize(
    ("options", "left"),
    [
        ({"scale": 1.0, "sample_rate": None}, {}),
        ({"scale": 1}, {}),
        ({"scale": 0.0}, {"scale": 0.0}),
        ({"sample_rate": 0}, {"sample_rate": 0}),
        ({"inputs": [], "tags": "", "constants": {}}, {}),
        ({"inputs": ["x"], "tags": "serve"}, {"inputs": ["x"], "tags": "serve"}),
        ({"trust": False}, {"trust": False}),
    ],
    ids=str,
)
def test_options_that_say_something(options, left):
    assert given(options, options_of(Scaled)) == left


def test_an_array_says_something():
    """It is not compared with anything."""
    array = np.zeros(3)
    assert given({"scale": array}, options_of(Scaled))["scale"] is array


@pytest.mark.parametrize(
    ("text", "found"),
    [("a", ["a"]), ("a:0,b:0", ["a:0", "b:0"]), (" a , b,", ["a", "b"]), ("a,,b", ["a", "b"])],
)
def test_names_with_commas(text, found):
    assert names(text) == found


@pytest.mark.parametrize("text", ["", " ", ",", " , "])
def test_no_names(text):
    with pytest.raises(ValueError, match=f"^expected names with commas; got '{text}'$"):
        names(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("k=1", 1),
        ("k=-0.5e1", -5.0),
        ("k=true", True),
        ("k=True", True),
        ("k=False", False),
        ("k=[1, [2]]", [1, [2]]),
        (" k = 3 ", 3),
        ('k="a=b"', "a=b"),
    ],
)
def test_a_value_by_name(text, value):
    found = values_by_name([text])
    assert found == {"k": value}
    assert type(found["k"]) is type(value)


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["k"], "expected NAME=VALUE; got 'k'"),
        (["=1"], "expected NAME=VALUE; got '=1'"),
        ([""], "expected NAME=VALUE; got ''"),
        (["k=1", " k=2"], "'k' is given twice"),
        (["k="], "expected a number, true, false, or a list in JSON for 'k'; got ''"),
        (["k=yes"], "expected a number, true, false, or a list in JSON for 'k'; got 'yes'"),
        (["k=[1,"], r"expected a number, true, false, or a list in JSON for 'k'; got '\[1,'"),
    ],
)
def test_wrong_values(texts, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        values_by_name(texts)


TEXT = st.text("abcxyz/_:09", min_size=1)
NUMBERS = st.recursive(
    st.booleans() | st.integers(-(10**6), 10**6) | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=6,
)


@drawn(st.dictionaries(TEXT, NUMBERS, max_size=4))
def test_what_is_written_is_read(values):
    assert values_by_name([f"{k}={json.dumps(v)}" for k, v in values.items()]) == values


@drawn(st.lists(TEXT, min_size=1))
def test_names_are_read_as_they_are_joined(found):
    assert names(",".join(found)) == found
