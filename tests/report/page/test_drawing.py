"""A model drawn: rows by distance from the inputs, wires by what is read."""

import re

import pytest

from rnnlite.report.page.drawing import (
    GAP,
    GUTTER,
    HEIGHT,
    MOST,
    TALL,
    WIDTH,
    Node,
    drawing,
)

TWO = (
    Node("x", "x", kind="end"),
    Node("f", "forward", ("GRU",), "forward", ("x",)),
    Node("b", "backward", ("GRU",), "backward", ("x",)),
    Node("y", "add", (), "layer", ("f", "b", "x")),
)


def boxes(svg):
    found = re.findall(r'<title>([^<]+)</title><rect x="([\d.]+)" y="([\d.]+)"', svg)
    return {name: (float(x), float(y)) for name, x, y in found}


def test_layers_at_one_distance_stand_side_by_side():
    found = boxes(drawing(TWO, "t"))
    assert found["forward, GRU"][1] == found["backward, GRU"][1]
    assert found["x"][1] < found["forward, GRU"][1] < found["add"][1]
    assert found["forward, GRU"][0] < found["backward, GRU"][0]


def test_no_wire_where_it_is_not_known_what_is_read():
    nodes = (*TWO[:3], Node("y", "add", (), "layer", ("f", "b"), wired=False))
    assert drawing(nodes, "t").count('class="wire"') == 2


def test_a_wire_for_all_that_is_read():
    assert drawing(TWO, "t").count('class="wire"') == 5


def test_arrows_go_the_way_of_the_state():
    svg = drawing(TWO, "t")
    found = re.findall(r'd="M([\d.]+) [\d.]+L([\d.]+) [^"]+" class="flowtip"', svg)
    assert [float(back) < float(tip) for back, tip in found] == [True, True, False, False]


def test_a_layer_of_both_directions_has_arrows_at_both_ends():
    svg = drawing([Node("a", "a", kind="both")], "t")
    found = re.findall(r'd="M([\d.]+) [\d.]+L([\d.]+) [^"]+" class="flowtip"', svg)
    assert [float(back) < float(tip) for back, tip in found] == [True, False] * 4
    lines = re.findall(r'<line x1="([\d.]+)" x2="([\d.]+)"', svg)
    for (begin, end), right, left in zip(lines, found[::2], found[1::2], strict=True):
        assert float(left[1]) < float(begin) < float(left[0])
        assert float(right[0]) < float(end) < float(right[1])


def test_what_reads_nothing_known_is_drawn():
    svg = drawing([Node("a", "a", reads=("gone",)), Node("b", "b", reads=("b",))], "t")
    assert svg.count('class="box"') == 2
    assert 'class="wire"' not in svg


def test_nothing_is_drawn_of_nothing():
    assert drawing([], "t").startswith("<svg")


def test_very_many_layers():
    nodes = [Node(str(k), f"layer {k}", reads=(str(k - 1),)) for k in range(200)]
    svg = drawing(nodes, "t")
    assert f"and {200 - MOST} layers more" in svg
    assert svg.count('class="box"') == MOST


def edges(svg):
    """Begin and end of each wire."""
    found = re.findall(r'd="M([\d.]+) ([\d.]+)[^"]*?([\d.]+)[ V]([\d.]+)" class="wire"', svg)
    return [tuple(map(float, one)) for one in found]


def chain(count, kind="layer"):
    return [Node(str(k), f"n{k}", (), kind, (str(k - 1),) if k else ()) for k in range(count)]


@pytest.mark.parametrize(
    ("kind", "recurrent"),
    [("layer", False), ("end", False), ("forward", True), ("backward", True)],
)
def test_which_boxes_are_chains_of_cells(kind, recurrent):
    node = Node("a", "a", kind=kind)
    assert node.is_recurrent is recurrent
    svg = drawing([node], "t")
    assert svg.count('class="cell"') == (5 if recurrent else 0)
    height = TALL if recurrent else HEIGHT
    assert f'height="{height:g}"' in svg
    assert svg.count('class="box recurrent"') == recurrent
    assert svg.count('class="box end"') == (kind == "end")


def test_a_narrow_chain_has_fewer_cells():
    svg = drawing([Node("a", "a", kind="forward"), Node("b", "b", kind="forward")], "t")
    assert svg.count('class="cell"') == 2 * 3
    assert svg.count('class="flow"') == 2 * 2


def test_rows_follow_the_longest_way():
    """`d` reads an early one and a late one: it stands below both."""
    nodes = [*chain(3), Node("d", "d", reads=("0", "2")), Node("e", "e", reads=("0",))]
    found = boxes(drawing(nodes, "t"))
    rows = {name: y for name, (_, y) in found.items()}
    assert rows["n0"] < rows["n1"] == rows["e"] < rows["n2"] < rows["d"]


def test_three_at_one_distance_take_two_rows():
    nodes = [Node("x", "x"), *(Node(k, k, reads=("x",)) for k in "abc")]
    found = boxes(drawing(nodes, "t"))
    assert found["a"][1] == found["b"][1] < found["c"][1]


def test_ends_that_nobody_reads_stand_last():
    nodes = [*chain(4), Node("y", "y", kind="end", reads=("0",)), Node("in", "in", kind="end")]
    nodes.append(Node("z", "z", reads=("in",)))
    found = boxes(drawing(nodes, "t"))
    assert found["y"][1] == found["n3"][1]
    # An input is read, and stays in front.
    assert found["in"][1] == found["n0"][1]


def test_a_wire_past_others_goes_on_the_left():
    nodes = [*chain(3), Node("d", "d", reads=("0", "2"))]
    svg = drawing(nodes, "t")
    paths = re.findall(r'd="([^"]+)" class="wire"', svg)
    assert [("H" in p, "C" in p) for p in paths].count((True, False)) == 1
    (far,) = [p for p in paths if "H" in p]
    assert f"H{GUTTER - 8 + 5:.1f}" in far


def test_lanes_on_the_left_lie_side_by_side_and_within_the_picture():
    nodes = [*chain(8), Node("d", "d", reads=tuple(map(str, range(6))))]
    lanes = re.findall(r"V[\d.]+H([\d.]+)Q", drawing(nodes, "t"))
    # The last that is read stands right above.
    assert [float(x) for x in lanes] == [27.0, 21.0, 15.0, 9.0, 27.0]


def test_wires_begin_and_end_in_the_middle_of_boxes():
    svg = drawing(chain(2), "t")
    (x, y, end, top) = edges(svg)[0]
    width = (WIDTH - GUTTER - 2) * 0.72
    middle = GUTTER + (WIDTH - GUTTER - 2 - width) / 2 + width / 2
    assert (x, end) == pytest.approx((middle, middle), abs=0.06)
    assert y == 2 + HEIGHT
    assert top == 2 + HEIGHT + GAP - 5


def test_the_picture_is_as_high_as_its_rows():
    assert f'viewBox="0 0 360 {2 + 3 * HEIGHT + 2 * GAP + 4:g}"' in drawing(chain(3), "t")


@pytest.mark.parametrize(("width", "kind"), [(200, "layer"), (20, "layer")])
def test_long_lines_are_cut_but_told_in_full(width, kind):
    line = "w" * width
    svg = drawing([Node("a", "a", (line,), kind)], "t")
    assert f"<title>a, {line}</title>" in svg
    shown = re.findall(r'class="small soft">([^<]*)<', svg)
    letters = int((WIDTH - GUTTER - 2) * 0.72 / 6.4)
    assert shown == [line if width <= letters else f"{line[: letters - 1]}…"]


def test_two_lines_at_most_stand_in_a_box():
    svg = drawing([Node("a", "a", ("one", "two", "three"))], "t")
    assert re.findall(r'class="small soft">([^<]*)<', svg) == ["one", "two"]
