"""What a model is: nodes of its drawing."""

from dataclasses import replace

import pytest

from rnnlite.report.page.drawing import Node
from rnnlite.report.page.model import model_section, nodes_of
from rnnlite.report.records import LayerRecord, SignatureReport


def test_nodes(report):
    nodes = {node.key: node for node in nodes_of(report)}
    assert nodes["layer forward"].kind == "forward"
    assert nodes["layer backward"].kind == "backward"
    assert nodes["layer conv"].reads == ("in frames",)
    last = list(nodes)[-1]
    assert last.startswith("out ")
    assert nodes[last].reads[0].startswith("layer <img")


def test_without_layers_no_wire_is_invented(report):
    bare = replace(report, layers=())
    nodes = nodes_of(bare)
    recurrences = ("layer forward", "layer backward")
    assert [n.reads for n in nodes] == [(), ("in frames",), ("in frames",), recurrences]
    assert [n.wired for n in nodes] == [True, False, False, False]
    assert 'class="wire"' not in model_section(bare)
    assert "The file does not say what reads what." in model_section(bare)
    assert "The file does not say" not in model_section(report)


def test_quantized_ends(report):
    assert "0.5 (q + 128)" in model_section(report)
    assert "[1, 4 or more, 12]" in model_section(report)


def test_a_recurrence_of_two_directions_is_one_layer(report):
    layers = (replace(report.layers[1], name="LSTM_1", recurrences=(0, 1)), *report.layers[3:])
    nodes = {n.key: n for n in nodes_of(replace(report, layers=layers))}
    assert nodes["layer LSTM_1"].kind == "both"
    assert nodes["layer LSTM_1"].title == "LSTM_1"
    assert "both directions" in nodes["layer LSTM_1"].lines[0]


def port(name, **more):
    return {"name": name, "shape": (1, None, 3), "dtype": "float32", "least": (), **more}


def known(name="lstm", **more):
    return {
        "name": name,
        "kind": "LSTM",
        "units": 8,
        "direction": "forward",
        "outputs": "all",
        "masked": False,
        "hoisted": True,
        "schedule": "rows in resource variables",
        **more,
    }


def signature(**more):
    made = SignatureReport("s", (port("x"),), (port("y"),), (), None)
    return replace(made, **more)


def test_a_layer_says_its_weights_and_ops():
    layers = (
        LayerRecord("dense", ("x",), ("y",), {"FULLY_CONNECTED": 1, "ADD": 3}, 1200),
        LayerRecord("RESHAPE", ("dense",), (), {"RESHAPE": 1}, 0),
        LayerRecord("table", ("gone",), (), {}, 5),
    )
    nodes = {n.key: n for n in nodes_of(signature(layers=layers))}
    assert nodes["layer dense"] == Node(
        "layer dense", "dense", ("1,200 weights · fully_connected, 3 add",), reads=("in x",)
    )
    assert nodes["layer RESHAPE"].lines == ("reshape",)
    assert nodes["layer table"] == Node("layer table", "table", ("5 weights",))
    assert nodes["out y"] == Node("out y", "y", ("[1, any, 3] float32",), "end", ("layer dense",))
    assert nodes["in x"] == Node("in x", "x", ("[1, any, 3] float32",), "end")


@pytest.mark.parametrize(
    ("more", "lines"),
    [
        ({}, ("LSTM, 8 units, forward", "all steps")),
        ({"outputs": "last"}, ("LSTM, 8 units, forward", "last step")),
        ({"outputs": "states alone"}, ("LSTM, 8 units, forward", "states alone")),
        ({"masked": True}, ("LSTM, 8 units, forward", "all steps, masked")),
        ({"direction": "backward"}, ("LSTM, 8 units, backward", "all steps")),
    ],
)
def test_what_stands_in_the_box_of_a_recurrence(more, lines):
    layers = (LayerRecord("lstm", ("x",), (), {"WHILE": 1}, 0, (0,)),)
    found = signature(layers=layers, recurrences=(known(**more),))
    (node,) = [n for n in nodes_of(found) if n.is_recurrent]
    assert node.lines == lines
    assert node.kind == ("backward" if "direction" in more else "forward")


@pytest.mark.parametrize(
    ("second", "line"),
    [
        ({"units": 9}, "2 recurrences: LSTM, 8 and 9 units, forward"),
        ({"kind": "GRU"}, "2 recurrences: LSTM and GRU, 8 units, forward"),
        ({"direction": "backward"}, "LSTM, 8 units, both directions"),
        ({"units": None}, "2 recurrences: LSTM, 8 units, forward"),
    ],
)
def test_several_recurrences_of_one_layer(second, line):
    layers = (LayerRecord("lstm", ("x",), (), {}, 0, (0, 1)),)
    found = signature(layers=layers, recurrences=(known("a"), known("b", **second)))
    (node,) = [n for n in nodes_of(found) if n.is_recurrent]
    assert node.lines[0] == line


def test_a_recurrence_of_no_known_width():
    layers = (LayerRecord("loop", ("x",), (), {}, 0, (0,)),)
    one = known(kind="graph cell", units=None)
    (node,) = [n for n in nodes_of(signature(layers=layers, recurrences=(one,))) if n.is_recurrent]
    assert node.lines[0] == "graph cell, forward"


def test_recurrences_are_drawn_where_they_run_whatever_they_are_called():
    layers = (
        LayerRecord("bw", ("x",), (), {"WHILE": 2}, 60, (1,)),
        LayerRecord("fw", ("bw",), ("y",), {"WHILE": 2}, 8, (0,)),
        LayerRecord("a", ("fw",), (), {"WHILE": 1}, 8),
    )
    found = signature(layers=layers, recurrences=(known("a"), known("b", direction="backward")))
    nodes = [n for n in nodes_of(found) if n.is_recurrent]
    assert [(n.title, n.kind) for n in nodes] == [("bw", "backward"), ("fw", "forward")]
    assert nodes[1].reads == ("layer bw",)


def test_without_layers_and_recurrences_ends_are_all():
    nodes = nodes_of(signature())
    assert [(n.key, n.reads) for n in nodes] == [("in x", ()), ("out y", ("in x",))]
    assert [n.key for n in nodes_of(signature(inputs=()))] == ["out y"]


@pytest.mark.parametrize(
    ("quantization", "shown"),
    [
        ({"scale": 0.25, "zero_point": 3}, "0.25 (q - 3)"),
        ({"scale": 0.25, "zero_point": -3}, "0.25 (q + 3)"),
        ({"scale": 1 / 3, "zero_point": 0}, "0.3333 (q - 0)"),
    ],
)
def test_what_an_integer_stands_for(quantization, shown):
    page = model_section(signature(inputs=(port("x", **quantization),)))
    assert f'<td class="s">{shown}</td>' in page
    # The other end has none: its cell is empty.
    assert '<td class="s"></td>' in page


def test_ends_without_integers_have_no_column_of_values():
    assert ">value</th>" not in model_section(signature())


@pytest.mark.parametrize(
    ("more", "line"),
    [
        ({}, "<b>lstm</b>: inputs projected before the loop; rows in resource variables</li>"),
        ({"hoisted": False}, "<b>lstm</b>: inputs projected in the loop; rows in"),
        ({"weights": "cell/kernel"}, "rows in resource variables; weights: cell/kernel</li>"),
        ({"weights": ""}, "rows in resource variables</li>"),
    ],
)
def test_how_each_recurrence_runs(more, line):
    assert line in model_section(signature(recurrences=(known(**more),)))


def test_a_section_says_which_signature_it_is_of():
    assert "<h2>What the model is: signature" in model_section(signature(), ": signature 's'")
    assert "How each recurrence runs" not in model_section(signature())
