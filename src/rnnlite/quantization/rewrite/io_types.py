"""Give inputs and outputs of graphs the I/O dtype, or the type that control flow demands.

What enters: the values of the rewriting, and a graph, which is changed. What leaves: nothing.
"""

from __future__ import annotations

from rnnlite.lite.control_flow import flows
from rnnlite.lite.ir import Graph, Value
from rnnlite.quantization.params import params_of, range_of
from rnnlite.quantization.rewrite.floats import quantize_if_read
from rnnlite.quantization.rewrite.operands import Operands


def quantize_inputs(made: Operands, graph: Graph) -> None:
    """Give float inputs the I/O dtype."""
    inputs = []
    for value in graph.inputs:
        if value not in made.floats:
            inputs.append(value)
            continue
        params = made.io_params(value)
        if params == made.plan.params(value):
            inputs.append(value)
            continue
        outer = made.new(value, params)
        if params is None:
            made.plain[value] = outer
            quantize_if_read(made, outer, value)
        else:
            made.requantize(outer, value)
            made.outer[value] = outer, params
        inputs.append(outer)
    graph.inputs = inputs


def quantize_outputs(made: Operands, number: int, graph: Graph) -> None:
    """Give outputs their type: the I/O dtype in the main graph, in others that of tied values."""
    outputs = []
    for k, value in enumerate(graph.outputs):
        if value not in made.floats:
            outputs.append(value)
        elif value in made.constants:
            outputs.append(_constant_result(made, number, k, value))
        elif number > 0:
            outputs.append(value)
        else:
            outputs.append(_main_result(made, value, k))
    graph.outputs = outputs


def _main_result(made: Operands, value: Value, place: int) -> Value:
    params = made.io_params(value, place)
    if params is None and value in made.plain:
        return made.plain[value]
    if params is None:
        plain = made.new(value, None)
        made.dequantize(value, plain)
        return plain
    return value if params == made.plan.params(value) else made.requantized(value, params)


def _constant_result(made: Operands, number: int, k: int, value: Value) -> Value:
    if number == 0:
        params = params_of(range_of(made.constants[value]), made.io, headroom=False)
        return made.constant(value, params) if made.io != "float32" else value
    # By the index of the output: a body may have one constant as several outputs.
    for flow in flows(value.graph.model):
        first = 0 if flow.is_loop else len(flow.slots) - len(flow.op.outputs)
        if any(v.graph is value.graph for slot in flow.slots for v in slot[1:]):
            known = next((v for v in flow.slots[first + k] if made.plan.has(v)), None)
            if known is not None:
                return made.constant(value, made.plan.params(known))
    return value
