"""A confusion matrix: a square a pair, shaded by the share of its row."""

import re

import pytest

from rnnlite.report.page.heat import heat


def test_shades():
    svg = heat([[4, 0], [1, 1]], ["a", "<b>"], "t")
    assert re.findall(r'fill-opacity="([\d.]+)"', svg) == ["0.62", "0.37", "0.37"]
    assert svg.count('class="zero"') == 4
    assert "&lt;b&gt; taken for a: 1" in svg


def test_many_classes_have_no_room_for_numbers():
    names = [str(k) for k in range(40)]
    svg = heat([[7] * 40] * 40, names, "t")
    assert svg.count("<g>") == 1600
    assert ">7</text>" not in svg.replace(">7</text>", "", 1)


def rects(svg, kind):
    found = re.findall(r"<rect [^>]*/>", svg)
    return [dict(re.findall(r'([\w-]+)="([^"]*)"', r)) for r in found if f'class="{kind}"' in r]


def test_rows_are_labels_and_columns_what_was_taken():
    svg = heat([[0, 3], [5, 0]], ["cat", "dog"], "t")
    assert "<title>cat taken for dog: 3</title>" in svg
    assert "<title>dog taken for cat: 5</title>" in svg
    first, second = rects(svg, "heat")
    assert float(first["x"]) > float(second["x"])
    assert float(first["y"]) < float(second["y"])


def test_squares_fill_the_width_and_are_as_high_as_wide():
    svg = heat([[1] * 4] * 4, list("abcd"), "t")
    side = (340 - 78) / 4
    squares = rects(svg, "zero")
    assert {s["width"] for s in squares} == {f"{side - 2:g}"}
    assert all(s["width"] == s["height"] for s in squares)
    xs = sorted({float(s["x"]) for s in squares})
    assert xs == [78 + 1 + side * k for k in range(4)]
    assert f'viewBox="0 0 340 {26 + 4 * side:g}"' in svg


def test_what_never_happened_has_no_shade_and_no_number():
    svg = heat([[0, 0], [0, 0]], ["a", "b"], "t")
    assert rects(svg, "heat") == []
    assert 'class="small bold"' not in svg
    assert len(rects(svg, "zero")) == 4


@pytest.mark.parametrize(("count", "shown"), [(7, "7"), (99_999, "99999"), (10**18, "")])
def test_a_number_has_to_fit_its_square(count, shown):
    svg = heat([[count, 1], [1, 1]], ["a", "b"], "t")
    numbers = re.findall(r'class="small bold">([^<]*)</text>', svg)
    assert numbers[0] == shown
    assert f"a taken for a: {count}" in svg


@pytest.mark.parametrize(("classes", "heads"), [(16, 16), (17, 0)])
def test_columns_are_named_while_there_is_room(classes, heads):
    names = [f"class number {k}" for k in range(classes)]
    svg = heat([[1] * classes] * classes, names, "t")
    assert svg.count('text-anchor="middle" class="small soft"') == heads
    assert svg.count('text-anchor="end" class="small soft"') == classes
    assert "clas…ber 3" in svg


def test_nothing_is_a_picture_of_nothing():
    assert heat([], [], "empty").startswith('<svg viewBox="0 0 340 26"')
