"""How each language writes texts and numbers."""

import ast
import json
import math
from string import Formatter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnlite.snippets.languages import LANGUAGES, NAMES

TEXTS = st.text("ab01/_ \"'\\$?{}\n\t\x00\x7fé漢\U0001f600\u2028", max_size=12)


def test_languages_by_name():
    assert {language.name for language in LANGUAGES.values()} == set(LANGUAGES)
    # "micro" is what "cpp" is there: nobody says it.
    assert set(LANGUAGES) - set(NAMES) == {"micro"}
    assert len({language.template for language in LANGUAGES.values()}) == len(LANGUAGES)


@settings(max_examples=50, deadline=None)
@given(TEXTS)
def test_python_reads_its_texts(text):
    assert ast.literal_eval(LANGUAGES["python"].literal(text)) == text


@settings(max_examples=50, deadline=None)
@given(TEXTS)
def test_texts_of_javascript_are_those_of_json(text):
    assert json.loads(LANGUAGES["javascript"].literal(text)) == text


@settings(max_examples=50, deadline=None)
@given(TEXTS)
def test_kotlin_has_templates_in_texts(text):
    """A dollar sign would begin one; otherwise the escapes are those of JSON."""
    literal = LANGUAGES["kotlin"].literal(text)
    assert json.loads(literal.replace("\\$", "$")) == text
    assert literal.count("\\$") == text.count("$")


def of_c(literal):
    """The bytes of a text in C: octal escapes have three digits."""
    found, k = bytearray(), 1
    while k < len(literal) - 1:
        if literal[k] != "\\":
            found += literal[k].encode()
            k += 1
        elif literal[k + 1] in "01234567":
            found.append(int(literal[k + 1 : k + 4], 8))
            k += 4
        else:
            found += literal[k + 1].encode()
            k += 2
    return bytes(found)


@settings(max_examples=50, deadline=None)
@given(TEXTS, st.sampled_from(["c", "cpp", "micro"]))
def test_texts_of_c_are_utf_8_without_trigraphs(text, name):
    literal = LANGUAGES[name].literal(text)
    assert of_c(literal) == text.encode()
    assert "??" not in literal
    assert "\n" not in literal


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("python", '"a\\"\\\\\\u000a$?1"'),
        ("javascript", '"a\\"\\\\\\u000a$?1"'),
        ("kotlin", '"a\\"\\\\\\u000a\\$?1"'),
        ("swift", '"a\\"\\\\\\u{a}$?1"'),
        ("cpp", '"a\\"\\\\\\012$\\?1"'),
        ("c", '"a\\"\\\\\\012$\\?1"'),
        ("micro", '"a\\"\\\\\\012$\\?1"'),
    ],
)
def test_one_text_in_all_languages(name, written):
    assert LANGUAGES[name].literal('a"\\\n$?1') == written


@pytest.mark.parametrize("name", LANGUAGES)
def test_a_text_is_one_line_in_double_quotes(name):
    literal = LANGUAGES[name].literal("state/lstm/h\n")
    assert literal.startswith('"state/lstm/h')
    assert literal.endswith('"')
    assert "\n" not in literal


@pytest.mark.parametrize("name", LANGUAGES)
@pytest.mark.parametrize(
    ("value", "written"), [(0, "0.0"), (-1.5, "-1.5"), (1e-30, "1e-30"), (3.4e38, "3.4e+38")]
)
def test_numbers_are_real_numbers(name, value, written):
    assert LANGUAGES[name].number(value) == written


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("python", 'float("inf")'),
        ("kotlin", "Double.POSITIVE_INFINITY"),
        ("swift", "Double.infinity"),
        ("cpp", "INFINITY"),
        ("c", "INFINITY"),
        ("micro", "INFINITY"),
        ("javascript", "Infinity"),
    ],
)
def test_infinity(name, written):
    language = LANGUAGES[name]
    assert language.number(math.inf) == written
    assert language.number(-math.inf) == f"-{written}"


FIELDS = {
    "spec": {"name", "dtype", "rank", "shape", "scale", "zero_point", "initial"},
    "signature": {"key", "first", "inputs", "middle", "outputs", "input_rows", "output_rows"},
    "rows": {"axis", "stride", "delay", "add", "rate"},
}


@pytest.mark.parametrize("name", LANGUAGES)
@pytest.mark.parametrize("part", FIELDS)
def test_parts_ask_for_fields_that_there_are(name, part):
    text = getattr(LANGUAGES[name], part)
    asked = {field for _, field, _, _ in Formatter().parse(text) if field is not None}
    assert asked <= FIELDS[part]
    if part == "rows":
        assert asked == FIELDS[part]


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("python", "Rows(1, 2, 3, -4, 5),"),
        ("kotlin", "Rows(1, 2, 3, -4, 5),"),
        ("swift", "Rows(axis: 1, stride: 2, delay: 3, add: -4, rate: 5),"),
        ("c", "{1, 2, 3, -4, 5},"),
        ("cpp", "{1, 2, 3, -4, 5},"),
        ("javascript", "{ axis: 1, stride: 2, delay: 3, add: -4, rate: 5 },"),
    ],
)
def test_rows_of_an_output(name, rows):
    assert LANGUAGES[name].rows.format(axis=1, stride=2, delay=3, add=-4, rate=5) == rows
