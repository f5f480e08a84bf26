"""What a model is: nodes of its drawing."""

from dataclasses import replace

from rnnlite.report.page.model import model_section, nodes_of


def test_nodes(report):
    nodes = {node.key: node for node in nodes_of(report)}
    assert nodes["layer forward"].kind == "forward"
    assert nodes["layer backward"].kind == "backward"
    assert nodes["layer conv"].reads == ("in frames",)
    last = list(nodes)[-1]
    assert last.startswith("out ")
    assert nodes[last].reads[0].startswith("layer <img")


def test_without_layers_recurrences_stand_in_a_row(report):
    nodes = nodes_of(replace(report, layers=()))
    assert [n.reads for n in nodes] == [(), ("in frames",), ("layer forward",), ("layer backward",)]


def test_quantized_ends(report):
    assert "0.5 (q + 128)" in model_section(report)
    assert "[1, 4 or more, 12]" in model_section(report)


def test_a_recurrence_of_two_directions_is_one_layer(report):
    first, second = report.recurrences
    both = (
        {**first, "name": "/inner/a/LSTM_1 (forward)"},
        {**second, "name": "/inner/a/LSTM_1 (backward)"},
    )
    layers = (replace(report.layers[1], name="LSTM_1"), *report.layers[3:])
    nodes = {n.key: n for n in nodes_of(replace(report, recurrences=both, layers=layers))}
    assert nodes["layer LSTM_1"].kind == "forward"
    assert nodes["layer LSTM_1"].title == "LSTM_1"
    assert "both directions" in nodes["layer LSTM_1"].lines[0]
