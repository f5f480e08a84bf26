"""A rule called by itself, on operands in any order of their axes, beside ONNX Runtime."""

import itertools

import numpy as np
import tensorflow as tf

from onnx_nodes import by_runtime, model, node
from rnnlite.frontends.onnx.emit import Emitter, as_tensor
from rnnlite.frontends.onnx.nodes import Graph, Node
from rnnlite.frontends.onnx.rules import RULES
from rnnlite.frontends.onnx.values import Dims, Value
from rnnlite.frontends.recurrences import Recurrences
from rnnlite.lowering.schedule import Options


def emitter(notes=None):
    """An emitter of an empty graph."""
    empty = Graph("net", (), (), ())
    return Emitter(empty, {}, Recurrences(Options()), [] if notes is None else notes)


def called(op, *operands, outputs=1, opset=17, **attributes):
    """What a rule gives, as it gives it: a list of operands."""
    *domain, name = op.rsplit(":", 1)
    names = tuple(f"y{k}" for k in range(outputs))
    one = Node(name, "".join(domain), "it", ("x",) * len(operands), names, attributes, opset)
    made = RULES[one.key](emitter(), one, list(operands))
    return [made] if isinstance(made, Value | Dims | np.ndarray) else list(made)


def arrays(results):
    """Results as arrays in ONNX's order."""
    return [as_tensor(r).numpy() for r in results]


def value(array):
    """A tensor in ONNX's order."""
    return Value.of(tf.constant(array))


def forms(array):
    """The same tensor in the orders of axes that it may stand in.

    As it is; with its axes the other way round; turned by one, as channels last are; and without
    its axes of one, which are new.
    """
    x = np.asarray(array)
    ranks = range(x.ndim)
    found = [value(x)]
    if x.ndim > 1:
        for order in (list(ranks)[::-1], [*list(ranks)[1:], 0]):
            axes = tuple(order.index(k) for k in ranks)
            found.append(Value(tf.constant(x.transpose(order)), axes))
    if 1 in x.shape:
        kept = [k for k in ranks if x.shape[k] != 1]
        axes = tuple(kept.index(k) if k in kept else None for k in ranks)
        found.append(Value(tf.constant(x.reshape([x.shape[k] for k in kept])), axes))
    return found


def check_forms(op, *inputs, data=1, outputs=1, opset=17, tolerance=1e-5, **attributes):
    """A rule gives what ONNX Runtime gives, in whatever order the axes of its operands stand.

    Args:
        inputs: arrays, or None where one is left out.
        data: how many of them are tensors; the others are known numbers.
    """
    names = [None if a is None else f"i{k}" for k, a in enumerate(inputs)]
    given = {n: np.asarray(a) for n, a in zip(names, inputs, strict=True) if n}
    ends = [f"y{k}" for k in range(outputs)]
    where = {"domain": op.rsplit(":", 1)[0]} if ":" in op else {}
    made = node(op.rsplit(":", 1)[-1], *names, outputs=ends, **where, **attributes)
    # What some rules want as numbers, ONNX Runtime may want as constants.
    fed = {n: given[n] for n in names[:data] if n}
    fixed = {n: a for n, a in given.items() if n not in fed}
    wanted = by_runtime(model([made], fed, fixed, ends, opset), fed)
    tensors = [forms(given[n]) if n else [None] for n in names[:data]]
    rest = [given[n] if n else None for n in names[data:]]
    for operands in itertools.product(*tensors):
        found = arrays(called(op, *operands, *rest, outputs=outputs, opset=opset, **attributes))
        for y, stated in zip(found, wanted, strict=True):
            axes = [o.axes for o in operands if o is not None]
            assert y.shape == stated.shape, axes
            assert y.dtype == stated.dtype or stated.dtype.kind == "f", axes
            np.testing.assert_allclose(
                y, stated, rtol=tolerance, atol=tolerance, err_msg=f"{op} {attributes} {axes}"
            )
    return wanted
