"""Models whose shapes are computed from the length of their input, run at changing lengths."""

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from rnnlite.lite import schema
from rnnlite.lite.ir import Builder, Model

INT32 = schema.type_number("int32")
LENGTHS = (6, 12, 4)


def begun():
    """A model with an input (1, T, 3), its builder, and T as a vector of one."""
    model = Model()
    b = Builder(model.graph())
    x = b.argument((1, 1, 3), "float32")
    x.signature = (1, -1, 3)
    shape = b.make("SHAPE", [x], [3], outType=INT32)
    ends = [b.constant([k]) for k in (1, 2, 1)]
    return model, b, x, b.make("STRIDED_SLICE", [shape, *ends], [1])


def filled(b, dims):
    y = b.value([1] * dims.dims[0], "float32")
    y.signature = [-1] * dims.dims[0]
    b.add("FILL", [dims, b.constant(1.0, "float32")], [y])
    return y


def is_known(model, result):
    """Whether the result's shape after allocation is the one after the run, at each length."""
    model.main.outputs = [result]
    for k, value in enumerate(model.main.values):
        value.name = f"t{k}"
    data = schema.write(model)
    plain = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    interpreter = Interpreter(model_content=data, experimental_op_resolver_type=plain)
    (entry,) = interpreter.get_input_details()
    same, found = True, []
    for length in LENGTHS:
        interpreter.resize_tensor_input(entry["index"], [1, length, 3])
        interpreter.allocate_tensors()
        (detail,) = interpreter.get_output_details()
        before = tuple(detail["shape"])
        interpreter.set_tensor(entry["index"], np.ones((1, length, 3), np.float32))
        interpreter.invoke()
        found.append(interpreter.get_tensor(detail["index"]).shape)
        same = same and before == found[-1]
    return same, found


def scalar(b, t):
    ends = [b.constant([k]) for k in (0, 1, 1)]
    return b.make("STRIDED_SLICE", [t, *ends], [], shrinkAxisMask=1)


def pair(kind, number):
    return lambda b, t: b.make(kind, [t, b.constant([number])], [1])
