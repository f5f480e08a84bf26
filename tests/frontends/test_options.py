"""Options of front ends as keywords of a function."""

import inspect
import re

import pytest

from rnnlite.errors import OptionError
from rnnlite.frontends.options import (
    require_bools,
    source_options,
    stated_types,
    with_source_options,
)


def convert(source: str, *, verify: bool = True, **options: object) -> int:
    return len(options)


def test_the_signature_names_every_option():
    described = with_source_options(convert)
    assert described is convert
    found = inspect.signature(described).parameters
    assert list(found) == ["source", "verify", *stated_types()]
    kinds = {p.kind for n, p in found.items() if n != "source"}
    assert kinds == {inspect.Parameter.KEYWORD_ONLY}
    # What only allows something is off, and nothing else is given.
    assert {n for n, p in found.items() if p.default is False} == {"trust"}
    assert found["tags"].default is None
    assert found["tags"].annotation == "Sequence[str] | None"
    assert (
        described.__annotations__["return"] == "int" or described.__annotations__["return"] is int
    )
    # It takes them as before.
    assert convert("a", trust=True, tags=["serve"]) == 2


@pytest.mark.parametrize(
    "options",
    [{}, {"trust": True}, {"custom_objects": {"A": object}}, {"inputs": ["x:0"], "tags": None}],
    ids=str,
)
def test_what_is_given_is_handed_on(options):
    found = source_options(convert, options)
    assert found == options
    assert found is not options


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "output",
            "convert() got an unexpected keyword argument 'output'. Did you mean 'outputs'?",
        ),
        ("verifi", "convert() got an unexpected keyword argument 'verifi'. Did you mean 'verify'?"),
        ("qqq", "convert() got an unexpected keyword argument 'qqq'"),
    ],
)
def test_a_keyword_that_nobody_declares(name, message):
    """As Python says it of any keyword; the function's own are thought of too."""

    def convert(source, verify=True, **options):
        return options

    with pytest.raises(TypeError, match=f"^{re.escape(message)}$"):
        source_options(convert, {name: 1})


@pytest.mark.parametrize("value", ["no", 1, 0, None, []])
def test_what_is_no_truth(value):
    message = f"trust is no truth; expected True or False; found {value!r}."
    with pytest.raises(OptionError) as found:
        source_options(convert, {"trust": value})
    assert str(found.value) == message
    with pytest.raises(OptionError, match=r"^streaming is no truth; expected True or False"):
        require_bools(trust=True, streaming=value)


@pytest.mark.parametrize("value", [True, False])
def test_a_truth(value):
    assert source_options(convert, {"trust": value}) == {"trust": value}


@pytest.mark.parametrize("value", [[], "Layer", {1: object}, {"A": object, None: object}])
def test_objects_without_names(value):
    message = r"custom_objects is no mapping from names to classes and functions; expected such as"
    with pytest.raises(OptionError, match=rf"^{message} custom_objects=.*; found .*"):
        source_options(convert, {"custom_objects": value})


def test_a_long_value_is_cut():
    with pytest.raises(OptionError) as found:
        require_bools(trust="x" * 200)
    assert found.value.found == "'" + 59 * "x"
