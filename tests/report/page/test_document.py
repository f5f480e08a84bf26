"""A page put together: it needs nothing from elsewhere."""

from rnnlite.report.page.document import STYLE, document, figures, items, name_of, table


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
    assert '<th class="t">a</th>' in table(["a"], []) or '<th class="s">a</th>' in table(["a"], [])


def test_list():
    assert items(["<a>"]) == "<ul><li>&lt;a&gt;</li></ul>"


def test_short_titles():
    assert name_of("/some/where/model.keras") == "model.keras"
    assert name_of("Keras 3 Sequential 'a'") == "Keras 3 Sequential 'a'"
