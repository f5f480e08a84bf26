"""Build small LiteRT models in code, op by op, for rooms that work on the schema's objects."""

from __future__ import annotations

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from rnnlite.lite import flatbuffer
from rnnlite.lite.edit import dtype_code, new_constant, new_op

SHAPE = (1, 3)
INT32 = schema.TensorType.INT32
KERNEL = np.array([[0.5, -0.3, 0.1], [0.2, 0.4, -0.6], [-0.1, 0.3, 0.7]])


class Graph:
    """One subgraph under construction."""

    def __init__(self, model: Model, index: int) -> None:
        self.model = model
        self.index = index
        self.content = model.tree.subgraphs[index]

    def tensor(self, shape: Any, dtype: str = "float32", name: str = "") -> int:
        """A tensor without content."""
        tensor = schema.TensorT()
        tensor.shape = list(shape)
        tensor.type = dtype_code(dtype)
        tensor.name = (name or f"t{self.index}_{len(self.content.tensors)}").encode()
        tensor.hasRank = True
        self.content.tensors.append(tensor)
        return len(self.content.tensors) - 1

    def constant(self, values: Any, dtype: str = "float32", name: str = "") -> int:
        """A constant tensor."""
        label = name or f"c{self.index}_{len(self.content.tensors)}"
        array = np.asarray(values, dtype)
        return new_constant(self.model.tree, self.content, array, name=label.encode())

    def add(self, name: str, inputs: Any, outputs: Any, options: str = "", **fields: Any) -> Any:
        """An op; gives it."""
        op = new_op(self.model.tree, name, inputs, outputs, options=options, **fields)
        self.content.operators.append(op)
        return op

    def ends(self, inputs: Any, outputs: Any) -> None:
        """Set the subgraph's inputs and outputs."""
        self.content.inputs, self.content.outputs = list(inputs), list(outputs)


class Model:
    """A model under construction; `main` is its first subgraph."""

    def __init__(self) -> None:
        tree = schema.ModelT()
        tree.version = 3
        tree.operatorCodes, tree.buffers, tree.subgraphs = [], [schema.BufferT()], []
        tree.signatureDefs, tree.metadata = [], []
        self.tree = tree
        self.main = self.graph()

    def graph(self) -> Graph:
        """A new subgraph."""
        content = schema.SubGraphT()
        content.tensors, content.operators, content.inputs, content.outputs = [], [], [], []
        self.tree.subgraphs.append(content)
        return Graph(self, len(self.tree.subgraphs) - 1)

    def bytes(self) -> bytes:
        """The flatbuffer."""
        return flatbuffer.write(self.tree)

    def loop(self, where: Graph, operands: Any, results: Any, cond: Graph, body: Graph) -> Any:
        """A WHILE op."""
        return where.add(
            "WHILE",
            operands,
            results,
            "WhileOptions",
            condSubgraphIndex=cond.index,
            bodySubgraphIndex=body.index,
        )


def below(model: Model, limit: int, states: int, shape: Any) -> Graph:
    """The condition t < limit, with unused states beside the counter."""
    cond = model.graph()
    t = cond.tensor([], "int32")
    others = [cond.tensor(shape) for _ in range(states)]
    verdict = cond.tensor([], "bool")
    cond.add("LESS", [t, cond.constant(limit, "int32")], [verdict], "LessOptions")
    cond.ends([t, *others], [verdict])
    return cond


def recurrence(model: Model, kernel: Any, shape: Any) -> Graph:
    """The body h' = tanh(x + h W), one state h and one invariant x beside the counter."""
    body = model.graph()
    t, h, x = body.tensor([], "int32"), body.tensor(shape), body.tensor(shape)
    later, product, total, new = (
        body.tensor([], "int32"),
        body.tensor(shape, name="step_0/MatMul"),
        body.tensor(shape, name="step_0/add"),
        body.tensor(shape, name="step_0/Tanh"),
    )
    body.add("ADD", [t, body.constant(1, "int32")], [later], "AddOptions")
    weights = body.constant(np.asarray(kernel).T)
    body.add("FULLY_CONNECTED", [h, weights, -1], [product], "FullyConnectedOptions")
    body.add("ADD", [x, product], [total], "AddOptions")
    body.add("TANH", [total], [new])
    body.ends([t, h, x], [later, new, x])
    return body


def one_loop() -> tuple[Model, list[int], list[int]]:
    """h = tanh(x + h W), four times from zero; gives the model, operands and results."""
    model = Model()
    cond, body = below(model, 4, 2, SHAPE), recurrence(model, KERNEL, SHAPE)
    main = model.main
    x = main.tensor(SHAPE)
    start = [main.constant(0, "int32"), main.constant(np.zeros(SHAPE)), x]
    results = [main.tensor([], "int32"), main.tensor(SHAPE), main.tensor(SHAPE)]
    model.loop(main, start, results, cond, body)
    main.ends([x], [results[1]])
    return model, start, results


def nested() -> Model:
    """An outer loop whose body runs an inner one."""
    model = Model()
    inner_cond, inner_body = below(model, 2, 2, SHAPE), recurrence(model, KERNEL, SHAPE)
    outer_cond, outer = below(model, 3, 2, SHAPE), model.graph()
    t, h, x = outer.tensor([], "int32"), outer.tensor(SHAPE), outer.tensor(SHAPE)
    later = outer.tensor([], "int32")
    outer.add("ADD", [t, outer.constant(1, "int32")], [later], "AddOptions")
    results = [outer.tensor([], "int32"), outer.tensor(SHAPE), outer.tensor(SHAPE)]
    start = [outer.constant(0, "int32"), h, x]
    model.loop(outer, start, results, inner_cond, inner_body)
    outer.ends([t, h, x], [later, results[1], x])
    main = model.main
    source = main.tensor(SHAPE)
    final = [main.tensor([], "int32"), main.tensor(SHAPE), main.tensor(SHAPE)]
    begin = [main.constant(0, "int32"), main.constant(np.zeros(SHAPE)), source]
    model.loop(main, begin, final, outer_cond, outer)
    main.ends([source], [final[1]])
    return model


def branches() -> Model:
    """if condition: x + 1 else: x * 2"""
    model = Model()
    graphs = []
    for name, value, options in (("ADD", 1.0, "AddOptions"), ("MUL", 2.0, "MulOptions")):
        graph = model.graph()
        x, y = graph.tensor(SHAPE), graph.tensor(SHAPE)
        graph.add(name, [x, graph.constant(value)], [y], options)
        graph.ends([x], [y])
        graphs.append(graph)
    main = model.main
    condition, x, y = main.tensor([], "bool"), main.tensor(SHAPE), main.tensor(SHAPE)
    main.add(
        "IF",
        [condition, x],
        [y],
        "IfOptions",
        thenSubgraphIndex=graphs[0].index,
        elseSubgraphIndex=graphs[1].index,
    )
    main.ends([condition, x], [y])
    return model


def run(data: bytes, *arrays: Any, delegates: bool = False) -> list[Any]:
    """Run a flatbuffer once."""
    kind = OpResolverType.AUTO if delegates else OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    interpreter = Interpreter(model_content=data, experimental_op_resolver_type=kind)
    details = interpreter.get_input_details()
    for detail, array in zip(details, arrays, strict=True):
        interpreter.resize_tensor_input(detail["index"], array.shape)
    interpreter.allocate_tensors()
    for detail, array in zip(details, arrays, strict=True):
        interpreter.set_tensor(detail["index"], array)
    interpreter.invoke()
    return [interpreter.get_tensor(d["index"]) for d in interpreter.get_output_details()]


def free(graph: Graph, shape: Any) -> int:
    """A float32 tensor with free axes where -1 stands."""
    t = graph.tensor([max(d, 1) for d in shape])
    graph.content.tensors[t].shapeSignature = list(shape)
    return t


def integers(graph: Graph, values: Any) -> int:
    """A constant of int32."""
    return graph.constant(values, "int32")


def made(graph: Graph, name: str, inputs: Any, shape: Any, options: str, **fields: Any) -> int:
    """What an op makes that gives one tensor of int32."""
    result = graph.tensor(shape, "int32")
    graph.add(name, inputs, [result], options, **fields)
    return result


def dense(graph: Graph, x: int) -> tuple[int, int]:
    """The shapes of a Dense layer as Keras computes them: flat, and of the result."""
    shape = made(graph, "SHAPE", [x], [3], "ShapeOptions", outType=INT32)
    outer = made(graph, "GATHER", [shape, integers(graph, [0, 1])], [2], "GatherOptions")
    inner = made(graph, "GATHER", [shape, integers(graph, [2])], [1], "GatherOptions")
    zero = integers(graph, [0])
    rows = made(graph, "REDUCE_PROD", [outer, zero], [], "ReducerOptions")
    width = made(graph, "REDUCE_PROD", [inner, zero], [], "ReducerOptions")
    flat = made(graph, "PACK", [rows, width], [2], "PackOptions", valuesCount=2)
    parts = [outer, integers(graph, [7])]
    return flat, made(graph, "CONCATENATION", parts, [3], "ConcatenationOptions")
