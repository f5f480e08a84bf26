"""Charts: lengths and places by value."""

import math
import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnlite.report.page.charts import LETTERS, Bar, Curve, bars, curves, picture, shortened


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


def texts(svg, kind="small soft"):
    return re.findall(rf'class="{kind}">([^<]*)</text>', svg)


@pytest.mark.parametrize(
    ("value", "part", "dark"),
    [
        (2.0, 1.0, [170.0]),
        (2.0, 5.0, [340.0]),
        (2.0, 0.0, []),
        (0.0, 1.0, []),
        (math.inf, 1.0, []),
        # Less than a unit wide it is not seen.
        (2.0, 0.005, []),
    ],
)
def test_the_dark_part_of_a_bar_never_leaves_it(value, part, dark):
    assert widths(bars([Bar("a", value, "", part)], "t", largest=2.0), "deep") == dark


def test_bars_stand_below_each_other():
    svg = bars([Bar("a", 1.0, "one"), Bar("b", 2.0, "two"), Bar("c", 3.0, "three")], "t")
    assert re.findall(r'y="([\d.]+)" width="340" height="8" rx="4" class="track"', svg) == [
        "18",
        "52",
        "86",
    ]
    assert 'viewBox="0 0 340 102"' in svg
    assert "<title>b: two</title>" in svg


@pytest.mark.parametrize("value", [-1.0, 0.0, 1e-9])
def test_the_smallest_bar_is_seen(value):
    assert widths(bars([Bar("a", value, "")], "t", largest=1.0), "main") == [2.0]


def test_a_bar_longer_than_the_largest_is_full():
    assert widths(bars([Bar("a", 9.0, "")], "t", largest=1.0), "main") == [340.0]


def test_a_label_leaves_room_for_its_value():
    label, shown = "x" * 80, "123 kB"
    svg = bars([Bar(label, 1.0, shown)], "t")
    (drawn,) = texts(svg, "small")
    assert len(drawn) + len(shown) == LETTERS
    assert "…" in drawn
    # Who points at it reads all of it.
    assert f"<title>{label}: {shown}</title>" in svg


@pytest.mark.parametrize(
    ("top", "ticks"),
    [
        (1.0, ["0", "0.5", "1"]),
        (2.0, ["0", "0.5", "1", "1.5", "2"]),
        (3.0, ["0", "1", "2", "3"]),
        (7.0, ["0", "2", "4", "6", "8"]),
        (45.0, ["0", "20", "40", "60"]),
        (0.004, ["0", "0.001", "0.002", "0.003", "0.004"]),
        (80_000.0, ["0", "20k", "40k", "60k", "80k"]),
    ],
)
def test_ticks_are_round_numbers_from_nothing_on(top, ticks):
    svg = curves([Curve(((0.0, top / 2), (1.0, top)))], "t", across="x", up="y")
    shown = re.findall(r'text-anchor="end" class="small soft">([^<]*)</text>', svg)
    assert shown == ticks


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (1.0, 1000.0, ["1", "10", "100", "1000"]),
        (1.0, 50.0, ["1", "2", "5", "10", "20", "50"]),
        (1e-7, 1e-3, ["1e-07", "1e-06", "1e-05", "0.0001", "0.001"]),
        (100.0, 100_000.0, ["100", "1000", "10k", "100k"]),
    ],
)
def test_ticks_of_powers(low, high, ticks):
    points = ((low, low), (high, high))
    svg = curves([Curve(points)], "t", across="x", up="y", logarithmic=True)
    assert re.findall(r'text-anchor="end" class="small soft">([^<]*)</text>', svg) == ticks


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.tuples(st.floats(1e-6, 1e6), st.floats(1e-6, 1e6)), min_size=1, max_size=8, unique=True
    ),
    st.booleans(),
)
def test_points_stay_in_their_order_and_within_the_axes(points, logarithmic):
    points = tuple(sorted(points))
    svg = curves([Curve(points)], "t", across="x", up="y", logarithmic=logarithmic)
    drawn = places(svg)
    assert len(drawn) == len(points)
    assert all(50 <= x <= 318 and 24 <= y <= 178 for x, y in drawn)
    assert [x for x, _ in drawn] == sorted(x for x, _ in drawn)
    tall = sorted(range(len(points)), key=lambda k: points[k][1])
    ys = [drawn[k][1] for k in tall]
    assert ys == sorted(ys, reverse=True)


def test_a_gap_has_neither_point_nor_dot():
    points = ((1.0, 1.0), (2.0, math.nan), (3.0, 2.0))
    svg = curves([Curve(points)], "t", across="x", up="y")
    assert len(places(svg)) == 2
    assert svg.count("<circle") == 2
    assert "<title>3: 2</title>" in svg


def test_a_band_goes_there_above_and_back_below():
    curve = Curve(((0.0, 2.0), (4.0, 2.0)), band=((1.0, 3.0), (1.0, 4.0)))
    svg = curves([curve], "t", across="x", up="y")
    band = re.search(r'points="([^"]+)" class="band"', svg)[1].split()
    xs, ys = zip(*(map(float, p.split(",")) for p in band), strict=True)
    assert xs == (50.0, 318.0, 318.0, 50.0)
    # A higher value stands further up; both low ends are alike.
    assert ys[1] < ys[0] < ys[2] == ys[3]


def test_two_curves_have_two_colours():
    one = Curve(((1.0, 1.0), (2.0, 2.0)))
    svg = curves([one, replace(one, second=True)], "t", across="x", up="y")
    assert svg.count('class="curve"') == 1
    assert svg.count('class="curve second"') == 1
    assert svg.count('class="dot second"') == 2


def test_axes_are_named():
    svg = curves([Curve(((1.0, 1.0),))], "t", across="time <steps>", up="ms")
    assert ">time &lt;steps&gt;</text>" in svg
    assert svg.count(">ms</text>") == 1


def test_a_picture_has_a_name_and_some_height():
    svg = picture('a "b"', 340.0, 0.0, [])
    assert svg == (
        '<svg viewBox="0 0 340 1" role="img" aria-label="a &quot;b&quot;" '
        'xmlns="http://www.w3.org/2000/svg"><title>a &quot;b&quot;</title></svg>'
    )


@settings(max_examples=50, deadline=None)
@given(st.text("abcdefgh", max_size=40), st.integers(0, 50))
def test_a_short_name_keeps_its_ends(name, letters):
    short = shortened(name, letters)
    room = max(letters, 3)
    if len(name) <= room:
        assert short == name
        return
    assert len(short) == room
    head, tail = short.split("…")
    assert name.startswith(head)
    assert name.endswith(tail)
    assert len(tail) - len(head) in (0, 1)
