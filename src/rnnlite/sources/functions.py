"""TensorFlow functions: trace one for given ports, run it on NumPy arrays, perturb its weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from rnnlite.sources.program import Array, Port, as_numpy

Runner = Callable[[Sequence[Array]], list[Array]]


def trace(
    function: Callable[[Sequence[Any]], list[Any]],
    inputs: Sequence[Port],
    *,
    autograph: bool = True,
) -> Any:
    """Trace a function of a flat list of tensors; gives a ConcreteFunction.

    Args:
        autograph: whether Python control flow on tensors is to be rewritten, as user code needs it.
    """
    specs = [tf.TensorSpec(p.shape, p.dtype, name=f"input_{k}") for k, p in enumerate(inputs)]

    def flat(*tensors: Any) -> list[Any]:
        # A result that is an input, or given twice, needs an op of its own to be an output.
        return [tf.identity(y) for y in function(list(tensors))]

    return tf.function(flat, autograph=autograph).get_concrete_function(*specs)


def runner(concrete: Any) -> Runner:
    """A ConcreteFunction as a function of NumPy arrays."""

    def run(arrays: Sequence[Array]) -> list[Array]:
        return as_numpy(concrete(*[tf.constant(a) for a in arrays]))

    return run


def move_weights(graph: Any, amount: float, seed: int) -> None:
    """Move the weights of a GraphDef at random, in place.

    Weights are its float constants that have more than one element. Each is moved up or down by
    amount * sqrt(n), relative, n being its number of inputs (the product of all its axes but the
    last).
    """
    rng = np.random.default_rng(seed)
    for node in graph.node:
        if node.op != "Const" or node.attr["dtype"].type != tf.float32.as_datatype_enum:
            continue
        value = tf.make_ndarray(node.attr["value"].tensor)
        if value.size > 1:
            reach = amount * np.sqrt(value.size / value.shape[-1])
            moved = value * (1 + reach * rng.choice([-1.0, 1.0], value.shape))
            node.attr["value"].tensor.CopyFrom(
                tf.make_tensor_proto(moved.astype(np.float32), shape=value.shape)
            )


def perturbed(concrete: Any, amount: float, seed: int) -> Runner:
    """The function with weights moved by `move_weights`."""
    frozen = convert_variables_to_constants_v2(concrete, lower_control_flow=False)
    graph = frozen.graph.as_graph_def()
    move_weights(graph, amount, seed)
    feeds = [t.name for t in frozen.inputs]
    fetches = [t.name for t in frozen.outputs]
    wrapped = tf.compat.v1.wrap_function(lambda: tf.import_graph_def(graph, name=""), [])
    return runner(wrapped.prune(feeds, fetches))


INDEX_OPS = frozenset(
    [
        "Identity",
        "Cast",
        "Reshape",
        "ExpandDims",
        "Squeeze",
        "Transpose",
        "SelectV2",
        "AddV2",
        "Less",
        "StopGradient",
    ]
)
"""Ops that hand token ids on to the lookup; the comparison and sum wrap negative ids around."""


def id_ranges(concrete: Any, inputs: Sequence[Port]) -> dict[str, tuple[int, int]]:
    """Smallest and largest valid value of each input that is looked up in a table.

    Ids may be declared as float and cast on the way. Found by following the input to the GATHER of
    an embedding; inputs that reach none are left out.
    """
    rows = {id(v.handle): int(v.shape[0]) for v in concrete.variables if v.shape.rank}
    captured = {id(inner): id(outer) for outer, inner in concrete.graph.captures}
    found: dict[str, tuple[int, int]] = {}
    for port, tensor in zip(inputs, concrete.inputs, strict=False):
        if np.dtype(port.dtype).kind not in "iuf":
            continue
        seen: set[str] = set()
        queue, wraps, count = [tensor], False, None
        while queue:
            current = queue.pop()
            for op in current.consumers():
                if op.type in ("GatherV2", "ResourceGather") and op.inputs[1] is current:
                    table = op.inputs[0]
                    size = (
                        table.shape[0]
                        if op.type == "GatherV2"
                        else rows.get(captured.get(id(table), 0))
                    )
                    if size is not None:
                        count = int(size) if count is None else min(count, int(size))
                elif op.type in INDEX_OPS and op.name not in seen:
                    seen.add(op.name)
                    wraps = wraps or op.type == "SelectV2"
                    queue.extend(op.outputs)
        if count is not None:
            found[port.name] = (-count if wraps else 0, count - 1)
    return found
