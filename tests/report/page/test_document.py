"""A page put together: it needs nothing from elsewhere."""

import pytest

from rnnlite._version import __version__
from rnnlite.report.page.document import (
    NARROW,
    STYLE,
    details,
    document,
    figures,
    items,
    key,
    name_of,
    page_bytes,
    section,
    table,
)
from rnnlite.report.page.markup import tag


def test_nothing_from_elsewhere():
    assert "url(" not in STYLE
    assert "@import" not in STYLE
    page = document("t", figures([("1", "a", "good")]), command="rnnlite convert 'a b'")
    assert "http" not in page
    assert "<script" not in page
    assert page.startswith("<!DOCTYPE html>\n<html")
    assert "rnnlite convert &#x27;a b&#x27;" in page


def test_columns_of_numbers_stand_to_the_right():
    shown = table(["name", "n", "long"], [["a", 1200, "x" * 40], ["b", None, "y"]])
    assert '<td class="s">a</td><td class="n">1,200</td>' in shown
    assert '<td class="n"></td><td class="t">y</td>' in shown


def test_a_table_without_rows():
    assert table(["a"], []) == (
        '<div class="wide" tabindex="0"><table><thead><tr><th class="s">a</th></tr></thead>'
        "<tbody></tbody></table></div>"
    )


def test_list():
    assert items(["<a>"]) == "<ul><li>&lt;a&gt;</li></ul>"


def test_short_titles():
    assert name_of("/some/where/model.keras") == "model.keras"
    assert name_of("Keras 3 Sequential 'a'") == "Keras 3 Sequential 'a'"


def test_a_whole_page_in_order():
    page = document(
        "a & b", section("One"), None, [section("Two")], kicker="K", lead="L", command="run <it>"
    )
    body = page[page.index("<body>") :]
    assert body.startswith(
        '<body><main><header><p class="kicker">K</p><h1>a &amp; b</h1>'
        '<p class="lead">L</p></header>'
        "<section><h2>One</h2></section><section><h2>Two</h2></section>"
        "<section><h2>The command</h2><pre>run &lt;it&gt;</pre></section>"
        f"<footer>Made by rnnlite {__version__}.</footer></main></body>"
    )
    assert "<title>a &amp; b - rnnlite</title>" in page
    assert page.endswith("</html>\n")


def test_what_is_not_given_leaves_nothing_behind():
    page = document("t")
    assert "<header><h1>t</h1></header><footer>" in page
    for part in ('class="kicker"', 'class="lead"', "The command", "<section"):
        assert part not in page[page.index("<body>") :]


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ({}, "<section><h2>t</h2>a</section>"),
        ({"lead": "<l>"}, '<section><h2>t</h2><p class="soft small">&lt;l&gt;</p>a</section>'),
        ({"class_": "warn"}, '<section class="warn"><h2>t</h2>a</section>'),
    ],
)
def test_a_section(given, made):
    assert section("t", "a", **given) == made


@pytest.mark.parametrize(
    ("state", "kind"), [("good", "figure good"), ("bad", "figure bad"), ("", "figure")]
)
def test_a_figure_says_how_it_is(state, kind):
    assert figures([("1.5", "RMS", state)]) == (
        f'<div class="figures"><div class="{kind}"><b>1.5</b><span>RMS</span></div></div>'
    )


@pytest.mark.parametrize(
    ("value", "shown", "kind"),
    [
        (1234567, "1,234,567", "n"),
        (0.0123456, "0.01235", "n"),
        (float("nan"), "", "n"),
        (float("inf"), "inf", "n"),
        (True, "yes", "s"),
        (False, "no", "s"),
        ("a<b", "a&lt;b", "s"),
        ("x" * NARROW, "x" * NARROW, "s"),
        ("x" * (NARROW + 1), "x" * (NARROW + 1), "t"),
        (None, "", "n"),
    ],
)
def test_a_cell(value, shown, kind):
    made = table(["head"], [[value]])
    assert f'<th class="{kind}">head</th>' in made
    assert f'<td class="{kind}">{shown}</td>' in made


def test_one_long_text_makes_its_column_one_of_texts():
    made = table(["a"], [["short"], ["x" * 99]])
    assert '<td class="t">short</td>' in made


def test_a_column_with_a_word_is_none_of_numbers():
    made = table(["a"], [[1], ["two"]])
    assert '<td class="s">1</td>' in made


def test_rows_that_are_too_short_are_an_error():
    with pytest.raises(ValueError, match="zip"):
        table(["a", "b"], [[1, 2], [3]])


def test_what_is_shown_on_demand():
    assert details("All 3", "a", None) == "<details><summary>All 3</summary>a</details>"


def test_what_colours_mean():
    assert key(("main", "median"), ("warm", "<first>")) == (
        '<div class="key"><span><i class="main"></i>median</span>'
        '<span><i class="warm"></i>&lt;first&gt;</span></div>'
    )


def test_no_lines_are_an_empty_list():
    assert items([]) == "<ul></ul>"
    assert items([["a", tag("b", "c")], 2]) == "<ul><li>a<b>c</b></li><li>2</li></ul>"


@pytest.mark.parametrize(
    ("origin", "name"),
    [
        ("a/b/model.onnx", "model.onnx"),
        ("model.onnx", "model.onnx"),
        ("/ends/with/", "with"),
        ("two\nlines / of text", "two\nlines / of text"),
    ],
)
def test_the_last_part_of_a_path(origin, name):
    assert name_of(origin) == name


def test_a_page_as_a_file_has_no_half_letters():
    assert page_bytes("ä\ud800") == "ä?".encode()


def test_a_word_of_the_command_does_not_break_at_its_hyphens():
    page = document("t", command="rnnlite convert a-b.keras --streaming 5 -o x")
    words = "rnnlite convert <span>a-b.keras</span> <span>--streaming</span> 5 <span>-o</span> x"
    assert f"<pre>{words}</pre>" in page
    assert "pre span{display:inline-block;max-width:100%}" in page
