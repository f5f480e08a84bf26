"""The smallest model whose results LiteRT with XNNPACK gets wrong after growing.

`python xnnpack_skipped_copy.py` builds it op by op and counts wrong results; with `--keep` its
products keep their rank, which takes the copy out that is lost.

    x [T, 4] float32
    wide = TILE(x, [1, 16])             large, so that LiteRT's arena is replaced when T grows
    few = GATHER(wide, [0, 1, 2, 3])
    row = STRIDED_SLICE(few, [0, 0], MINIMUM(SHAPE(x), [1, 2]))
                                        its shape is not known before Invoke: what follows is
                                        prepared within it
    a = FULLY_CONNECTED(x, A) + row     the first XNNPACK runtime; the delegate puts a copy
                                        of x into the workspace in front
    b = CUMSUM(a)                       not XNNPACK's
    y = FULLY_CONNECTED(FULLY_CONNECTED(b, B), C)
                                        the second XNNPACK runtime; needs a larger workspace
"""

import argparse

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType

LENGTHS = (12, 20, 40, 60, 80, 100, 150, 200, 300)
FACTORS = (1.1, 1.25, 1.5, 1.75, 2, 2.5, 3, 4, 4.5)


class _Graph:
    """A model of one subgraph, put together op by op."""

    def __init__(self) -> None:
        self.model = schema.ModelT()
        self.model.version = 3
        self.model.buffers, self.model.operatorCodes = [schema.BufferT()], []
        self.content = schema.SubGraphT()
        self.content.tensors, self.content.operators = [], []
        self.model.subgraphs = [self.content]

    def tensor(self, width: "int | None", dtype: str = "FLOAT32", shape: tuple = ()) -> int:
        """A tensor (T, width), or of a fixed shape."""
        tensor = schema.TensorT()
        tensor.shape = [1, width] if width is not None else list(shape)
        tensor.shapeSignature = [-1, width] if width is not None else None
        tensor.type = getattr(schema.TensorType, dtype)
        tensor.name = f"t{len(self.content.tensors)}"
        tensor.buffer, tensor.hasRank = 0, True
        self.content.tensors.append(tensor)
        return len(self.content.tensors) - 1

    def constant(self, values: object, dtype: str = "int32") -> int:
        """A constant tensor."""
        array = np.asarray(values, dtype)
        index = self.tensor(None, dtype.upper(), array.shape)
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(array.tobytes(), np.uint8)
        self.content.tensors[index].buffer = len(self.model.buffers)
        self.model.buffers.append(buffer)
        return index

    def add(self, name: str, inputs: list, result: int, version: int = 1, **options: object) -> int:
        """An op; gives its result."""
        code = schema.OperatorCodeT()
        code.builtinCode = getattr(schema.BuiltinOperator, name)
        code.deprecatedBuiltinCode = min(code.builtinCode, 127)
        code.version = version
        self.model.operatorCodes.append(code)
        op = schema.OperatorT()
        op.opcodeIndex = len(self.model.operatorCodes) - 1
        op.inputs, op.outputs = inputs, [result]
        kind = "".join(part.capitalize() for part in name.split("_")) + "Options"
        kind = {"MinimumOptions": "MaximumMinimumOptions"}.get(kind, kind)
        op.builtinOptionsType = getattr(schema.BuiltinOptions, kind)
        op.builtinOptions = getattr(schema, kind + "T")()
        for field, value in options.items():
            setattr(op.builtinOptions, field, value)
        self.content.operators.append(op)
        return result

    def write(self) -> bytes:
        """The file."""
        builder = flatbuffers.Builder(4096)
        builder.Finish(self.model.Pack(builder), b"TFL3")
        return bytes(builder.Output())


def build(*, keep_rank: bool = False) -> bytes:
    """The model; `keep_rank`: its products have keep_num_dims."""
    rng = np.random.default_rng(0)
    graph = _Graph()

    def product(source: int, narrow: int, wide: int) -> int:
        weights = graph.constant(rng.standard_normal((wide, narrow)), "float32")
        result = graph.tensor(wide)
        ends = [source, weights, -1]
        return graph.add("FULLY_CONNECTED", ends, result, version=6, keepNumDims=keep_rank)

    x = graph.tensor(4)
    wide = graph.add("TILE", [x, graph.constant([1, 16])], graph.tensor(64))
    few = graph.add("GATHER", [wide, graph.constant([0, 1, 2, 3])], graph.tensor(4), axis=1)
    integer = schema.TensorType.INT32
    shape = graph.add("SHAPE", [x], graph.tensor(None, "INT32", (2,)), outType=integer)
    end = graph.add("MINIMUM", [shape, graph.constant([1, 2])], graph.tensor(None, "INT32", (2,)))
    ends = [few, graph.constant([0, 0]), end, graph.constant([1, 1])]
    row = graph.add("STRIDED_SLICE", ends, graph.tensor(2))
    a = graph.add("ADD", [product(x, 4, 2), row], graph.tensor(2))
    b = graph.add("CUMSUM", [a, graph.constant(0)], graph.tensor(2))
    y = product(product(b, 2, 12), 12, 2)
    graph.content.inputs, graph.content.outputs = [x], [y, a]
    return graph.write()


def main() -> None:
    """Grow fresh interpreters from many lengths to many others; count wrong results."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--keep", action="store_true", help="products keep their rank")
    parser.add_argument("--interpreters", type=int, default=20, help="for each pair of lengths")
    options = parser.parse_args()
    data = build(keep_rank=options.keep)
    x = np.random.default_rng(0).standard_normal((2048, 4)).astype(np.float32)

    def run(interpreter: Interpreter, length: int) -> list:
        place = interpreter.get_input_details()[0]["index"]
        interpreter.resize_tensor_input(place, (length, 4))
        interpreter.allocate_tensors()
        interpreter.set_tensor(place, x[:length])
        interpreter.invoke()
        return [interpreter.get_tensor(d["index"]) for d in interpreter.get_output_details()]

    plain = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    wrong = growths = 0
    for first in LENGTHS:
        for second in (int(first * factor) for factor in FACTORS):
            reference = Interpreter(model_content=data, experimental_op_resolver_type=plain)
            expected = run(reference, second)
            for _ in range(options.interpreters):
                interpreter = Interpreter(model_content=data, num_threads=1)
                run(interpreter, first)
                found = run(interpreter, second)
                growths += 1
                pairs = zip(found, expected, strict=True)
                wrong += not all(np.allclose(a, b, rtol=1e-4, atol=1e-4) for a, b in pairs)
    print(f"{wrong} of {growths} growths gave wrong results")


if __name__ == "__main__":
    main()
