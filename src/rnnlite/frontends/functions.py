"""TensorFlow functions: trace one for given inputs, run it on NumPy arrays, perturb its weights.

What enters: a function of tensors, or a GraphDef. What leaves: a ConcreteFunction; a `Runner`,
which is a function of arrays, also with weights moved; the ranges of token ids.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from rnnlite.frontends.program import as_numpy
from rnnlite.scan.protos import GraphDef, NodeDef, Repeated
from rnnlite.scan.tensors import ConcreteFunction, Tensor
from rnnlite.specs import Array, TensorSpec

Runner = Callable[[Sequence[Array]], list[Array]]


def trace(
    function: Callable[[Sequence[Tensor]], Sequence[Tensor]],
    inputs: Sequence[TensorSpec],
    *,
    autograph: bool = True,
) -> ConcreteFunction:
    """Trace a function of a flat list of tensors, as a ConcreteFunction.

    Args:
        function: the function.
        inputs: its inputs.
        autograph: whether Python control flow on tensors is to be rewritten, as user code needs it.
    """
    specs = [tf.TensorSpec(p.shape, p.dtype, name=f"input_{k}") for k, p in enumerate(inputs)]

    def flat(*tensors: Tensor) -> list[Tensor]:
        # A result that is an input, or given twice, needs an op of its own to be an output.
        return [tf.identity(y) for y in function(list(tensors))]

    return tf.function(flat, autograph=autograph).get_concrete_function(*specs)


def runner(concrete: ConcreteFunction) -> Runner:
    """A ConcreteFunction as a function of NumPy arrays."""

    def run(arrays: Sequence[Array]) -> list[Array]:
        return as_numpy(concrete(*[tf.constant(a) for a in arrays]))

    return run


def session_runner(
    definition: GraphDef, inputs: Sequence[str], outputs: Sequence[str], dtypes: Sequence[str]
) -> Runner:
    """A function of NumPy arrays that runs a GraphDef; inputs are cast to the declared dtypes."""
    graph = tf.Graph()
    with graph.as_default():
        tf.import_graph_def(definition, name="")
    config = tf.compat.v1.ConfigProto(
        intra_op_parallelism_threads=1, inter_op_parallelism_threads=1
    )
    # Not optimized: TensorFlow 2.21 fuses layer normalization with another epsilon than the
    # graph's.
    config.graph_options.rewrite_options.disable_meta_optimizer = True
    config.graph_options.optimizer_options.opt_level = -1
    session = tf.compat.v1.Session(graph=graph, config=config)

    def run(arrays: Sequence[Array]) -> list[Array]:
        given = [a.astype(d, copy=False) for a, d in zip(arrays, dtypes, strict=True)]
        found = session.run(list(outputs), dict(zip(inputs, given, strict=True)))
        return [np.asarray(y) for y in found]

    return run


EXPONENTIALS = ("Elu", "Selu")
"""Ops that TensorFlow computes as exp(x) - 1, with the rounding of 1: 2**-24, also for small x."""


def perturb_graph(graph: GraphDef, amount: float, seed: int) -> None:
    """Move the weights of a GraphDef, and the inputs of its exponentials, at random, in place.

    Weights are float constants of more than one element. Each is moved up or down by amount *
    sqrt(n), relative, where n is the number of inputs: the product of all axes except the last. The
    inputs of `EXPONENTIALS`, also in functions, are moved by `amount`, absolute.
    """
    rng = np.random.default_rng(seed)
    _move_weights(graph, amount, rng)
    _move_into_exponentials(graph.node, ":", amount, rng)
    for function in graph.library.function:
        _move_into_exponentials(function.node_def, ":z:", amount, rng)


def _move_into_exponentials(
    nodes: Repeated[NodeDef], joint: str, amount: float, rng: np.random.Generator
) -> None:
    """Put an addition in front of each exponential.

    Args:
        joint: the text between the name of a node and the number of its output.
    """
    for node in [n for n in nodes if n.op in EXPONENTIALS]:
        dtype = node.attr["T"].type
        if dtype != tf.float32.as_datatype_enum:
            continue
        source = node.input[0]
        shift = nodes.add(name=f"{node.name}/shift", op="Const")
        # The control input puts the constant into the frame of the loop, if there is one.
        shift.input.append("^" + source.split(":")[0])
        value = tf.make_tensor_proto(np.float32(amount * rng.choice([-1.0, 1.0])))
        shift.attr["value"].tensor.CopyFrom(value)
        shift.attr["dtype"].type = dtype
        moved = nodes.add(name=f"{node.name}/moved", op="AddV2")
        shifted = shift.name if joint == ":" else f"{shift.name}:output:0"
        moved.input.extend([source, shifted])
        moved.attr["T"].type = dtype
        node.input[0] = f"{moved.name}{joint}0"


def _move_weights(graph: GraphDef, amount: float, rng: np.random.Generator) -> None:
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


def perturbed(concrete: ConcreteFunction, amount: float, seed: int) -> Runner:
    """A function of NumPy arrays: the ConcreteFunction, moved by `perturb_graph`."""
    frozen = convert_variables_to_constants_v2(concrete, lower_control_flow=False)
    graph = frozen.graph.as_graph_def()
    perturb_graph(graph, amount, seed)
    # In a session of its own, for the eager context has functions of the same names.
    return session_runner(
        graph,
        [t.name for t in frozen.inputs],
        [t.name for t in frozen.outputs],
        [t.dtype.name for t in frozen.inputs],
    )


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
"""Ops between an input of token ids and its lookup; Less, AddV2 and SelectV2 wrap negative ids."""


def id_ranges(
    concrete: ConcreteFunction, inputs: Sequence[TensorSpec]
) -> dict[str, tuple[int, int]]:
    """Smallest and largest valid value of each input that is looked up in a table.

    Ids may be declared as float, and cast on the way. An input is followed to the lookup of an
    embedding; inputs that reach none are left out.
    """
    rows = {id(v.handle): v.shape[0] for v in concrete.variables if v.shape.rank}
    captured = {id(inner): id(outer) for outer, inner in concrete.graph.captures}
    found: dict[str, tuple[int, int]] = {}
    for spec, tensor in zip(inputs, concrete.inputs, strict=False):
        if np.dtype(spec.dtype).kind not in "iuf":
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
            found[spec.name] = (-count if wraps else 0, count - 1)
    return found
