"""A confusion matrix: a square a pair, shaded by the share of its row."""

import re

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
