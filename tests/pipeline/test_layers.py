"""The layers of a model, and what each reads."""

from rnnlite.lite.ir import Model
from rnnlite.pipeline.layers import layers_of


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
