"""Ops that are put together one by one."""

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from rnnlite.lite import flatbuffer
from rnnlite.lite.build import Builder


def empty_model():
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT()
    model.version = 3
    model.subgraphs, model.operatorCodes, model.buffers = [], [], [schema.BufferT()]
    return model


def test_a_subgraph_of_its_own_runs():
    model = empty_model()
    graph, index = Builder.new(model, "main")
    assert index == 0
    x = graph.argument([1], free=True)
    three = graph.constant([3])
    doubled = graph.make("ADD", [x, x], [1], free=True)
    graph.content.outputs = [graph.make("MUL", [doubled, three], [1], free=True)]
    interpreter = Interpreter(model_content=flatbuffer.write(model))
    place = interpreter.get_input_details()[0]["index"]
    interpreter.resize_tensor_input(place, [4])
    interpreter.allocate_tensors()
    interpreter.set_tensor(place, np.arange(4, dtype=np.int32))
    interpreter.invoke()
    out = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    np.testing.assert_array_equal(out, 6 * np.arange(4))


def test_equal_constants_are_made_once_and_of_different_types_apart():
    graph, _ = Builder.new(empty_model(), "main")
    first = graph.constant([1, 2])
    assert graph.constant(np.array([1, 2])) == first
    assert len({first, graph.constant([1, 2], "float32"), graph.constant([[1, 2]])}) == 3
