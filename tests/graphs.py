"""Build small LiteRT models in code, op by op, for tests of the passes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from rnnlite.lite import ir, schema
from rnnlite.lite.ir import FREE, Array, Op, Quantization, Value

SHAPE = (1, 3)
INT32 = schema.type_number("int32")
KERNEL = np.array([[0.5, -0.3, 0.1], [0.2, 0.4, -0.6], [-0.1, 0.3, 0.7]])


class Graph:
    """One graph under construction.

    Attributes:
        ir: the graph itself.
    """

    def __init__(self, graph: ir.Graph) -> None:
        self.ir = graph

    def tensor(
        self,
        shape: Iterable[int],
        dtype: str = "float32",
        name: str = "",
        quantization: Quantization | None = None,
    ) -> Value:
        """A value without content; axes of -1 are free."""
        dims = list(shape)
        label = name or f"t{self.ir.number}_{len(self.ir.values)}"
        signature = dims if FREE in dims else None
        sizes = [max(d, 1) if d < 0 else d for d in dims]
        return self.ir.value(dtype, sizes, signature, name=label, quantization=quantization)

    def constant(
        self,
        values: npt.ArrayLike,
        dtype: str = "float32",
        name: str = "",
        quantization: Quantization | None = None,
    ) -> Value:
        """A constant."""
        label = name or f"c{self.ir.number}_{len(self.ir.values)}"
        return self.ir.constant(np.asarray(values, dtype), name=label, quantization=quantization)

    def add(
        self,
        kind: str,
        inputs: Iterable[Value | None],
        outputs: Iterable[Value],
        options: str = "",
        *,
        branches: Sequence[Graph] = (),
        **fields: object,
    ) -> Op:
        """An op behind all others; gives it.

        Args:
            kind, inputs, outputs: of the op.
            options: the schema's name of its table of options; "" for none.
            branches: the graphs it runs.
            fields: of the options.
        """
        op = self.ir.op(kind, inputs, outputs, branches=[g.ir for g in branches])
        op.table, op.options = options, dict(fields)
        self.ir.append(op)
        return op

    def ends(self, inputs: Iterable[Value], outputs: Iterable[Value]) -> None:
        """Set the graph's inputs and outputs."""
        self.ir.inputs, self.ir.outputs = list(inputs), list(outputs)

    @property
    def kinds(self) -> list[str]:
        """The kinds of its ops, in order."""
        return kinds(self.ir)


class Model:
    """A model under construction; `main` is its first graph.

    Attributes:
        ir: the model itself.
    """

    def __init__(self) -> None:
        self.ir = ir.Model()
        self.main = self.graph()

    def graph(self) -> Graph:
        """A new graph."""
        return Graph(self.ir.graph())

    def bytes(self) -> bytes:
        """The flatbuffer."""
        return schema.write(self.ir)

    def loop(
        self,
        where: Graph,
        operands: Iterable[Value],
        results: Iterable[Value],
        cond: Graph,
        body: Graph,
    ) -> Op:
        """A WHILE op."""
        return where.add("WHILE", operands, results, "WhileOptions", branches=[cond, body])


def kinds(graph: ir.Graph) -> list[str]:
    """The kinds of a graph's ops, in order."""
    return [op.kind for op in graph.ops]


def below(model: Model, limit: int, states: int, shape: Sequence[int]) -> Graph:
    """The condition t < limit, with unused states beside the counter."""
    cond = model.graph()
    t = cond.tensor([], "int32")
    others = [cond.tensor(shape) for _ in range(states)]
    verdict = cond.tensor([], "bool")
    cond.add("LESS", [t, cond.constant(limit, "int32")], [verdict], "LessOptions")
    cond.ends([t, *others], [verdict])
    return cond


def recurrence(model: Model, kernel: npt.ArrayLike, shape: Sequence[int]) -> Graph:
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
    body.add("FULLY_CONNECTED", [h, weights, None], [product], "FullyConnectedOptions")
    body.add("ADD", [x, product], [total], "AddOptions")
    body.add("TANH", [total], [new])
    body.ends([t, h, x], [later, new, x])
    return body


def one_loop() -> tuple[Model, list[Value], list[Value]]:
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
        branches=graphs,
    )
    main.ends([condition, x], [y])
    return model


def run(data: bytes, *arrays: Array, delegates: bool = False) -> list[Array]:
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


def free(graph: Graph, shape: Sequence[int]) -> Value:
    """A float32 tensor with free axes where -1 stands."""
    return graph.tensor(shape)


def integers(graph: Graph, values: npt.ArrayLike) -> Value:
    """A constant of int32."""
    return graph.constant(values, "int32")


def made(
    graph: Graph,
    name: str,
    inputs: Iterable[Value],
    shape: Sequence[int],
    options: str,
    **fields: object,
) -> Value:
    """What an op makes that gives one tensor of int32."""
    result = graph.tensor(shape, "int32")
    graph.add(name, inputs, [result], options, **fields)
    return result


def dense(graph: Graph, x: Value) -> tuple[Value, Value]:
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
