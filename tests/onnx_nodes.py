"""One node of ONNX run by its rule, and by ONNX Runtime."""

from dataclasses import dataclass

import numpy as np
import onnx
import onnx.reference
import onnxruntime as ort
from onnx import helper, numpy_helper

from rnnlite.frontends.functions import session_runner, trace
from rnnlite.frontends.onnx.emit import Emitter, as_tensor
from rnnlite.frontends.onnx.reading import read
from rnnlite.frontends.onnx.values import Value
from rnnlite.frontends.recurrences import Recurrences
from rnnlite.lowering.schedule import Options
from rnnlite.specs import TensorSpec

RNG = np.random.default_rng(0)


def floats(*shape, scale=1.0):
    """Random numbers in float32."""
    return (scale * RNG.normal(size=shape)).astype(np.float32)


def node(op, *inputs, outputs=("y",), **attributes):
    """A node; None in place of an input that is left out."""
    return helper.make_node(
        op, [i or "" for i in inputs], list(outputs), name=outputs[0] or "it", **attributes
    )


def model(nodes, data, constants=None, outputs=("y",), opset=17, free=()):
    """A model of nodes.

    Args:
        data: arrays by the names of inputs, of whose shapes and types the inputs are.
        constants: arrays by name.
        free: names of inputs all whose sizes are free.
    """

    def value_info(name, array):
        kind = helper.np_dtype_to_tensor_dtype(array.dtype)
        shape = [f"{name}{k}" for k in range(array.ndim)] if name in free else array.shape
        return helper.make_tensor_value_info(name, kind, shape)

    graph = helper.make_graph(
        nodes,
        "net",
        [value_info(n, a) for n, a in data.items()],
        [helper.make_empty_tensor_value_info(n) for n in outputs],
        [numpy_helper.from_array(np.asarray(a), n) for n, a in (constants or {}).items()],
    )
    domains = {n.domain for n in nodes} - {""}
    sets = [helper.make_opsetid("", opset), *(helper.make_opsetid(d, 1) for d in domains)]
    made = helper.make_model(graph, opset_imports=sets, ir_version=9)
    inferred = onnx.shape_inference.infer_shapes(made)
    for value, found in zip(made.graph.output, inferred.graph.output, strict=True):
        value.type.tensor_type.elem_type = found.type.tensor_type.elem_type or 1
    return made


def by_runtime(proto, data):
    """What ONNX Runtime gives."""
    options = ort.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(
        proto.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return session.run(None, dict(data))


def by_reference(proto, data):
    """What the onnx package's own implementation gives."""
    return onnx.reference.ReferenceEvaluator(proto).run(None, dict(data))


def by_rules(proto, data, free=(), recurrences=None, notes=None):
    """What the rules give, at the sizes of the data or at free ones.

    Args:
        free: inputs of any size, or a shape with None for free sizes by input.
    """
    function = function_of(proto, data, free, recurrences, notes)
    run = session_runner(
        function.graph.as_graph_def(),
        [t.name for t in function.inputs],
        [t.name for t in function.outputs],
        [t.dtype.name for t in function.inputs],
    )
    return run(list(data.values()))


def function_of(proto, data, free=(), recurrences=None, notes=None):
    """What the rules write, as a function of TensorFlow."""
    source = read(proto)
    names = [p.name for p in source.graph.outputs]
    loose = free if isinstance(free, dict) else {n: (None,) * data[n].ndim for n in free}
    specs = [TensorSpec(n, loose.get(n, a.shape), a.dtype.name) for n, a in data.items()]

    def call(tensors):
        given = {n: Value.of(t) for n, t in zip(data, tensors, strict=True)}
        found = [] if notes is None else notes
        emitter = Emitter(source.graph, given, recurrences or Recurrences(Options()), found)
        return [as_tensor(v) for v in emitter.get_all(names)]

    return trace(call, specs, autograph=False)


def check_model(proto, data, free=(), tolerance=1e-5, wanted=None, **options):
    """Both alike; gives what both gave.

    Args:
        tolerance: of the scale of each output.
        wanted: what to compare with in place of ONNX Runtime.
    """
    wanted = by_runtime(proto, data) if wanted is None else wanted
    found = by_rules(proto, data, free, **options)
    names = [o.name for o in proto.graph.output]
    for name, y, stated in zip(names, found, wanted, strict=True):
        assert y.shape == stated.shape, name
        assert y.dtype == stated.dtype or stated.dtype.kind == "f", name
        scale = max(float(np.abs(stated).max()), 1.0) if stated.size else 1.0
        np.testing.assert_allclose(y, stated, rtol=0, atol=tolerance * scale, err_msg=name)
    return wanted


@dataclass(frozen=True)
class Case:
    """A node and what it is given.

    Attributes:
        op: its name; a domain stands in front with a colon.
        inputs: arrays, or None where one is left out.
        data: how many of them are inputs of the model; the others are constants.
        outputs: how many it gives.
    """

    op: str
    inputs: tuple
    data: int
    outputs: int
    attributes: dict


def case(op, *inputs, data=1, outputs=1, **attributes):
    """See `Case`."""
    given = tuple(None if a is None else np.asarray(a) for a in inputs)
    return Case(op, given, data, outputs, attributes)


def check(*cases, free=False, opset=17, tolerance=1e-5, options=None):
    """Nodes by their rules and by ONNX Runtime, all in one model.

    Args:
        cases: see `case`.
        free: whether the inputs' sizes are not known while the rules run.
        options: of `by_rules`.
    """
    proto, data = model_of(cases, opset, free=free)
    return check_model(proto, data, tuple(data) if free else (), tolerance, **(options or {}))


def model_of(cases, opset=17, *, free=False):
    """One model of all cases, and its data."""
    nodes, data, constants, ends = [], {}, {}, []
    for k, one in enumerate(cases):
        names = [None if a is None else f"c{k}_{j}" for j, a in enumerate(one.inputs)]
        for j, (name, array) in enumerate(zip(names, one.inputs, strict=True)):
            if name:
                (data if j < one.data else constants)[name] = array
        outputs = [f"y{k}_{j}" for j in range(one.outputs)]
        *domain, op = one.op.rsplit(":", 1)
        where = {"domain": domain[0]} if domain else {}
        nodes.append(node(op, *names, outputs=outputs, **where, **one.attributes))
        ends += outputs
    loose = tuple(data) if free else ()
    return model(nodes, data, constants, ends, opset, loose), data


def traced(*cases, free=False, opset=17):
    """The operations of TensorFlow that rules write."""
    proto, data = model_of(cases, opset, free=free)
    return function_of(proto, data, tuple(data) if free else ()).graph.get_operations()
