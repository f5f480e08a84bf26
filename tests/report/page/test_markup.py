"""Pieces of HTML: every text is escaped."""

import html

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnlite.report.page.markup import Markup, joined, tag, text


def test_text_is_escaped():
    assert text("<b a=\"1\" c='2'>&") == "&lt;b a=&quot;1&quot; c=&#x27;2&#x27;&gt;&amp;"


@pytest.mark.parametrize("letter", ["\x00", "\x1b", "\x7f", "\x85", "\ud800", "\uffff"])
def test_letters_that_a_page_may_not_hold(letter):
    assert text(f"a{letter}b") == "a\ufffdb"


def test_element():
    made = tag(
        "p", "a<b", None, [tag("b", 2), "c"], class_="x", data_id=1.0, hidden=True, lang=None
    )
    assert made == '<p class="x" data-id="1" hidden>a&lt;b<b>2</b>c</p>'


def test_attributes_are_escaped():
    assert tag("a", title='">') == '<a title="&quot;&gt;"></a>'


def test_shapes_close_themselves():
    assert tag("rect", x=1.256, viewBox="0 0 1 1") == '<rect x="1.26" viewBox="0 0 1 1"/>'
    assert tag("meta", name="x", charset="utf-8") == '<meta name="x" charset="utf-8">'


def test_joined():
    assert joined([Markup("<i>"), "<i>", 0.5, 3]) == "<i>&lt;i&gt;0.53"


@pytest.mark.parametrize(
    ("attributes", "made"),
    [
        ({"x1": 3}, '<i x1="3"></i>'),
        ({"text_anchor": "end"}, '<i text-anchor="end"></i>'),
        ({"for_": "a"}, '<i for="a"></i>'),
        ({"x": 0.0}, '<i x="0"></i>'),
        ({"x": 1.005, "y": 2.0, "z": -0.5}, '<i x="1" y="2" z="-0.5"></i>'),
        ({"open": True, "hidden": False}, "<i open></i>"),
        ({"title": None}, "<i></i>"),
        ({"title": ""}, '<i title=""></i>'),
    ],
)
def test_attributes(attributes, made):
    assert tag("i", **attributes) == made


@pytest.mark.parametrize(
    ("children", "made"),
    [
        ((), "<p></p>"),
        ((None, None), "<p></p>"),
        (([["a"], ("b", [None])],), "<p>ab</p>"),
        ((0, 0.0, 2.50, 10), "<p>002.510</p>"),
        ((text("<"), "<"), "<p>&lt;&lt;</p>"),
        ((Markup("<br>"),), "<p><br></p>"),
    ],
)
def test_children(children, made):
    assert tag("p", *children) == made


def test_only_shapes_and_heads_close_themselves():
    assert tag("br") == "<br>"
    assert tag("path", d="M0 0") == '<path d="M0 0"/>'
    # With children even a shape is closed apart.
    assert tag("rect", tag("title", "a")) == "<rect><title>a</title></rect>"
    assert tag("g") == "<g></g>"


@settings(max_examples=50, deadline=None)
@given(st.text("<>&\"'a\x00\x1f\ud800é ", max_size=20))
def test_any_text_comes_back_from_a_parser(words):
    """Escaped once; letters that a page may not hold are one unknown letter each."""
    made = tag("p", words, title=words)
    assert made.count("<") == 2
    inner = made[made.index(">") + 1 : -len("</p>")]
    expected = "".join("�" if c in "\x00\x1f\ud800" else c for c in words)
    assert html.unescape(inner) == expected
