"""The layers of a model, and what each reads."""

from pathlib import Path

import numpy as np
import pytest

import rnnlite
from rnnlite.lite.ir import Model, Origin
from rnnlite.lowering.marks import Mark
from rnnlite.pipeline.layers import MOVING, layers_of
from rnnlite.report.page.model import nodes_of

GRAPHS = Path(__file__).parent.parent / "fixtures" / "tensorflow1"
"""Frozen by TensorFlow 1.15."""


def test_layers_of_a_conversion(exits):
    found = {layer.name: layer for layer in exits.report.layers}
    # Keras counts layers of a kind that an earlier test made too.
    forward, backward, both = (
        next(name for name in found if name.startswith(kind))
        for kind in ("forward_lstm", "backward_lstm", "bidirectional")
    )
    assert set(found) == {forward, backward, both, "tags", "label"}
    assert found[forward].reads == ("frames",)
    assert found[backward].reads == ("frames",)
    assert set(found[both].reads) == {forward, backward}
    assert found["tags"].reads == (both,)
    assert found["tags"].gives == ("tags",)
    assert found["label"].gives == ("label",)
    assert found["tags"].weights == 8 * 2
    assert found[forward].weights >= 4 * 4 * (3 + 4)


def test_sizes_are_no_values():
    model = Model()
    graph = model.graph()
    x = graph.value("float32", (1, 1), (-1, 1))
    size, filled, y = (graph.value(t, (2,)) for t in ("int32", "float32", "float32"))
    for value, name in ((size, "m/a/Shape"), (filled, "m/a/Fill"), (y, "m/b/Add")):
        value.name = name
    graph.append(graph.op("SHAPE", [x], [size]))
    graph.append(graph.op("FILL", [size, x], [filled]))
    graph.append(graph.op("ADD", [filled, x], [y]))
    graph.inputs, graph.outputs = [x], [y]
    a, b = layers_of(model, ["x"], ["y"])
    assert (a.name, a.reads, b.name, b.reads) == ("a", ("x",), "b", ("a", "x"))
    assert b.gives == ("y",)


def test_shapes_alone_belong_to_whoever_made_the_values():
    model = Model()
    graph = model.graph()
    x, moved, y = (graph.value("float32", (1, 4)) for _ in range(3))
    shape = graph.value("int32", (2,))
    moved.name, y.name = "m/flatten/Reshape", "m/act/Tanh"
    graph.append(graph.op("RESHAPE", [x, shape], [moved]), graph.op("TANH", [moved], [y]))
    graph.inputs, graph.outputs = [x], [y]
    (act,) = layers_of(model, ["x"], ["y"])
    assert (act.name, act.reads, dict(act.ops)) == ("act", ("x",), {"TANH": 1})


def test_an_end_that_the_converter_dropped_is_left_to_its_refusal():
    model = Model()
    graph = model.graph()
    x, y = (graph.value("float32", (1, 4)) for _ in range(2))
    y.name = "m/act/Tanh"
    graph.append(graph.op("TANH", [x], [y]))
    graph.inputs, graph.outputs = [x], [y]
    (act,) = layers_of(model, ["x", "gone"], ["y"])
    assert (act.name, act.gives) == ("act", ("y",))


class Net:
    """A graph from input "x" on, built op by op with the source's paths as names."""

    def __init__(self):
        self.model = Model()
        self.graph = self.model.graph()
        self.x = self.value("x")
        self.graph.inputs = [self.x]

    def value(self, name, dtype="float32"):
        return self.graph.value(dtype, (4, 8), name=name)

    def weights(self, name, size=32):
        return self.graph.constant(np.ones((size // 8, 8), np.float32), name=name)

    def loop(self, scope, number, operands=()):
        """The loop of a Scan that was lowered in a scope."""
        body = self.model.graph()
        body.mark = Mark(number, scope, 0, 1)
        name = f"{scope}/scan" if scope else "scan"
        return self.add("WHILE", operands or [self.x], name, [self.model.graph(), body])

    def add(self, kind, operands, name, branches=()):
        found = self.value(name)
        self.graph.append(self.graph.op(kind, operands, [found], branches=branches))
        return found

    def layers(self, *outputs, places=None):
        self.graph.outputs = list(outputs)
        names = [f"y{k}" for k in range(len(outputs))]
        return {layer.name: layer for layer in layers_of(self.model, ["x"], names, places)}


def test_ops_of_a_layer_are_counted_and_its_weights_once():
    net = Net()
    shared = net.weights("m/dense/kernel")
    a = net.add("FULLY_CONNECTED", [net.x, shared], "m/dense/MatMul")
    b = net.add("FULLY_CONNECTED", [a, shared], "m/dense/MatMul_1")
    y = net.add("ADD", [b, net.weights("m/dense/bias", 16)], "m/dense/Add")
    (dense,) = net.layers(y).values()
    assert dense.ops == {"FULLY_CONNECTED": 2, "ADD": 1}
    assert dense.weights == 32 + 16
    # It does not read itself.
    assert (dense.reads, dense.gives) == (("x",), ("y0",))


def test_weights_of_loops_belong_to_who_runs_them():
    net = Net()
    body, inner = net.model.graph(), net.model.graph()

    def product(graph, size):
        kernel = graph.constant(np.ones((size // 8, 8), np.float32), name="kernel")
        values = [graph.value("float32", (4, 8)) for _ in range(2)]
        graph.append(graph.op("FULLY_CONNECTED", [values[0], kernel], [values[1]]))

    product(body, 64)
    product(inner, 24)
    found = [body.value("float32", (4, 8)) for _ in range(2)]
    body.append(body.op("WHILE", found[:1], found[1:], branches=[inner]))
    y = net.add("WHILE", [net.x], "m/lstm/while", [body])
    assert net.layers(y)["lstm"].weights == 64 + 24


def test_small_constants_are_no_weights():
    net = Net()
    y = net.add(
        "MUL", [net.x, net.graph.constant(np.float32(2.0), name="m/scale/two")], "m/scale/Mul"
    )
    assert net.layers(y)["scale"].weights == 0


def test_layers_stand_in_the_order_of_their_last_op():
    net = Net()
    a = net.add("TANH", [net.x], "m/a/Tanh")
    b = net.add("TANH", [a], "m/b/Tanh")
    y = net.add("ADD", [a, b], "m/a/Add")
    found = net.layers(y)
    assert list(found) == ["b", "a"]
    assert (found["a"].reads, found["b"].reads) == (("x", "b"), ("a",))


def test_an_op_that_names_no_layer_belongs_to_whom_it_reads():
    net = Net()
    a = net.add("TANH", [net.x], "m/a/Tanh")
    y = net.add("RELU", [a], "")
    assert net.layers(y)["a"].ops == {"TANH": 1, "RELU": 1}


def test_an_op_that_reads_the_input_alone_is_called_by_its_kind():
    net = Net()
    found = net.layers(net.add("RELU", [net.x], ""))
    assert list(found) == ["RELU"]
    assert found["RELU"].reads == ("x",)


@pytest.mark.parametrize("kind", sorted(MOVING))
def test_what_moves_values_hands_them_on(kind):
    net = Net()
    a = net.add("TANH", [net.x], "m/a/Tanh")
    moved = net.add(kind, [a], "m/flatten/Moved")
    y = net.add("RELU", [moved], "m/b/Relu")
    found = net.layers(y, moved)
    assert list(found) == ["a", "b"]
    assert found["b"].reads == ("a",)
    # An output that was moved alone is given by whoever made it.
    assert (found["a"].gives, found["b"].gives) == (("y1",), ("y0",))


def test_a_layer_gives_all_its_outputs():
    net = Net()
    a = net.add("TANH", [net.x], "m/a/Tanh")
    b = net.add("RELU", [net.x], "m/a/Relu")
    assert net.layers(a, b)["a"].gives == ("y0", "y1")


def test_the_weights_name_tells_the_layer_where_the_result_does_not():
    net = Net()
    y = net.add("FULLY_CONNECTED", [net.x, net.weights("m/dense/kernel")], "")
    assert list(net.layers(y)) == ["dense"]


def test_an_op_that_names_no_layer_belongs_to_none_of_several():
    net = Net()
    a, b = net.add("TANH", [net.x], "m/a/Tanh"), net.add("RELU", [net.x], "m/b/Relu")
    found = net.layers(net.add("CONCATENATION", [a, b], "concat"))
    assert list(found) == ["a", "b", "concat"]
    assert found["concat"].reads == ("a", "b")
    assert list(net.layers(net.add("ADD", [a, b], "")))[-1] == "ADD"


def test_each_layer_has_the_recurrences_whose_loops_run_in_it():
    net = Net()
    first = net.loop("bw", 7)
    # Of the loops of one Scan each is its own; the number of a Scan that is not reported is left.
    again = net.loop("bw", 7, [first])
    second = net.loop("outer/fw", 8, [again])
    inner = net.loop("outer/fw", 9, [second])
    found = net.layers(inner, places={7: 1, 8: 0})
    assert {name: layer.recurrences for name, layer in found.items()} == {"bw": (1,), "fw": (0,)}


def test_a_recurrence_within_a_loop_and_a_single_step():
    net = Net()
    outer, body = net.model.graph(), net.model.graph()
    body.mark = Mark(4, "m/lstm", 0, 1)
    carried = [outer.value("float32", (4, 8)) for _ in range(2)]
    outer.append(outer.op("WHILE", carried[:1], carried[1:], branches=[net.model.graph(), body]))
    a = net.add("WHILE", [net.x], "m/plain/while", [net.model.graph(), outer])
    y = net.add("TANH", [a], "m/gru/step/Tanh")
    y.origin = Origin(("m/gru/step/Tanh",), None, 5)
    found = net.layers(y, places={4: 0, 5: 1})
    assert (found["plain"].recurrences, found["gru"].recurrences) == ((0,), (1,))


def test_layers_that_are_called_alike_are_told_apart():
    """As TensorFlow 1 calls them: every dynamic_rnn is "rnn", in a scope of the user's."""
    net = Net()
    one = net.loop("tower/encoder/rnn", 0)
    turned = net.add("REVERSE_V2", [one], "tower/decoder/rnn/Reverse")
    two = net.loop("tower/decoder/rnn", 1, [turned])
    found = net.layers(two, places={0: 0, 1: 1})
    assert list(found) == ["encoder/rnn", "decoder/rnn"]
    assert found["decoder/rnn"].ops == {"REVERSE_V2": 1, "WHILE": 1}
    assert found["decoder/rnn"].reads == ("encoder/rnn",)


def test_what_stands_beside_a_scope_belongs_to_the_nearest():
    net = Net()
    loops = []
    for cell in ("cell_0", "cell_1"):
        turned = net.add("REVERSE_V2", loops[-1:] or [net.x], f"stack/{cell}/bw/Reverse")
        loops.append(net.loop(f"stack/{cell}/bw/bw", len(loops), [turned]))
    found = net.layers(loops[-1])
    assert list(found) == ["cell_0/bw/bw", "cell_1/bw/bw"]
    assert found["cell_0/bw/bw"].reads == ("x",)
    assert found["cell_1/bw/bw"].reads == ("cell_0/bw/bw",)


def test_each_recurrence_of_a_graph_is_drawn_where_it_runs():
    """Two bidirectional layers of TensorFlow 1, whose loops are all called "fw" or "bw"."""
    report = rnnlite.convert(GRAPHS / "stacked_bidirectional.pb", verify=False).report
    layers = {layer.name: layer for layer in report.layers}
    ends = [f"cell_{k}/bidirectional_rnn/{way}/{way}" for k in (0, 1) for way in ("fw", "bw")]
    assert set(layers) == {*ends, "cell_0", "cell_1"}
    for name in ends:
        (place,) = layers[name].recurrences
        assert report.recurrences[place]["name"] == f"stack_bidirectional_rnn/{name}"
        assert layers[name].reads == (("x",) if "cell_0" in name else ("cell_0",))
    assert layers["cell_1"].gives == ("outputs",)
    drawn = {node.title: node.kind for node in nodes_of(report) if node.is_recurrent}
    # Nor are the weights called by parts of paths that are of our making.
    assert {t.name.partition("/")[0].rstrip("01") for t in report.tensors} == {"fw", "bw"}
    assert drawn == {name: "backward" if "/bw/" in name else "forward" for name in ends}
