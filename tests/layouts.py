"""Rows in variables of the runtime, assigned op by op, for tests of what reads them."""

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from rnnlite.lite import schema
from rnnlite.lite.passes.variables import VariableLayout

FEATURES = 3
APART = 100_000
"""Between the numbers of two levels."""


def layout_of(*, rows, levels, dtype="float32", quantization=None):
    """The layout of rows (K, FEATURES)."""
    names = tuple(range(6, 6 + levels * APART, APART))
    return VariableLayout((rows, FEATURES), dtype, quantization, names, levels, {})


def content(layout, length):
    """The rows of a sequence: other numbers in each."""
    values = np.arange(length * FEATURES).reshape(length, FEATURES)
    return (values % 101 - 50 if layout.dtype == "int8" else values).astype(layout.dtype)


def rows_of(layout, length):
    """The numbers of the variables of a sequence, one a row."""
    return np.arange(layout.names[0], layout.names[0] + length, layout.shape[0])[:, None]


def written(builder, layout, length):
    """Add ops that assign the rows of a sequence, as a loop over time would."""
    step = layout.shape[0]
    whole = content(layout, -(-length // step) * step)
    for (name,) in rows_of(layout, length):
        first = name - layout.names[0]
        rows = builder.constant(whole[first : first + step], layout.dtype, layout.quantization)
        builder.add("ASSIGN_VARIABLE", [builder.constant(int(name)), rows], [])


def plain(model):
    """Runs a model of one input, at any length, on one interpreter."""
    for number, graph in enumerate(model.graphs):
        for k, value in enumerate(graph.values):
            value.name = value.name or f"{number}/{k}"
    interpreter = Interpreter(
        model_content=schema.write(model),
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    )
    (entry,) = interpreter.get_input_details()

    def run(array):
        interpreter.resize_tensor_input(entry["index"], array.shape)
        interpreter.allocate_tensors()
        interpreter.set_tensor(entry["index"], array)
        interpreter.invoke()
        return [interpreter.get_tensor(d["index"]) for d in interpreter.get_output_details()]

    return run
