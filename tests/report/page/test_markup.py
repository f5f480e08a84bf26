"""Pieces of HTML: every text is escaped."""

import pytest

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
