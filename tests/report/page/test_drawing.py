"""A model drawn: rows by distance from the inputs, wires by what is read."""

import re

from rnnlite.report.page.drawing import MOST, Node, drawing

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


def test_a_wire_for_all_that_is_read():
    assert drawing(TWO, "t").count('class="wire"') == 5


def test_arrows_go_the_way_of_the_state():
    svg = drawing(TWO, "t")
    found = re.findall(r'd="M([\d.]+) [\d.]+L([\d.]+) [^"]+" class="flowtip"', svg)
    assert [float(back) < float(tip) for back, tip in found] == [True, True, False, False]


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
