"""Charts: lengths and places by value."""

import math
import re

import pytest

from rnnlite.report.page.charts import Bar, Curve, bars, curves, shortened


def widths(svg, kind):
    return [
        float(w) for w in re.findall(rf'width="([\d.]+)" height="8" rx="4" class="{kind}"', svg)
    ]


def test_bars_are_as_long_as_their_values():
    svg = bars([Bar("a", 2.0, "2"), Bar("b", 1.0, "1", part=0.5), Bar("c", 0.0, "0")], "t")
    assert widths(svg, "main") == [340.0, 170.0, 2.0]
    assert widths(svg, "deep") == [85.0]
    assert widths(svg, "track") == [340.0] * 3


def test_bars_against_a_given_length():
    assert widths(bars([Bar("a", 0.5, "")], "t", largest=1.0), "main") == [170.0]


def test_what_is_no_number_has_a_full_bar():
    assert widths(bars([Bar("a", math.inf, "inf"), Bar("b", 1.0, "")], "t"), "main") == [340.0] * 2


def places(svg):
    points = re.search(r'points="([^"]+)" class="curve', svg)[1].split()
    return [tuple(map(float, p.split(","))) for p in points]


def test_a_line_in_a_chart():
    svg = curves([Curve(((0.0, 0.0), (50.0, 1.0), (100.0, 2.0)))], "t", across="x", up="y")
    (x0, y0), (x1, y1), (x2, y2) = places(svg)
    assert (x0, x2) == (50.0, 318.0)
    assert x1 == (x0 + x2) / 2
    assert y1 == (y0 + y2) / 2
    assert y0 > y2


def test_a_line_on_logarithmic_axes():
    points = tuple((10.0**k, 10.0**k) for k in range(4))
    svg = curves([Curve(points)], "t", across="x", up="y", logarithmic=True)
    xs = [x for x, _ in places(svg)]
    assert xs == pytest.approx([50, 50 + 268 / 3, 50 + 2 * 268 / 3, 318], abs=0.02)
    for tick in ("1", "10", "100", "1000"):
        assert f">{tick}</text>" in svg


@pytest.mark.parametrize("logarithmic", [False, True])
@pytest.mark.parametrize(
    "points", [(), ((1.0, 0.0),), ((5.0, 3.0),), ((1.0, math.nan), (2.0, 1.0)), ((3.0, -1.0),)]
)
def test_any_points_are_drawn(points, logarithmic):
    svg = curves([Curve(points)], "t", across="x", up="y", logarithmic=logarithmic)
    assert "nan" not in svg
    assert "inf" not in svg


def test_names_are_shortened_in_the_middle():
    assert shortened("abcdefghij", 5) == "ab\u2026ij"
    assert shortened("abc", 5) == "abc"
    assert len(shortened("a" * 90, 0)) == 3


def test_a_wide_axis_alone_is_logarithmic():
    points = ((10.0, 0.0), (100.0, 1.0), (1000.0, 2.0))
    svg = curves([Curve(points)], "t", across="x", up="y", wide=True)
    (x0, y0), (x1, y1), (x2, y2) = places(svg)
    assert x1 - x0 == pytest.approx(x2 - x1, abs=0.2)
    assert y0 - y1 == pytest.approx(y1 - y2, abs=0.2)
