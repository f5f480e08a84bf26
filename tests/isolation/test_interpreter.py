"""A kernel that ends its process ends a worker, and is named."""

import numpy as np
import pytest

from graphs import SHAPE, Model
from rnnlite.errors import AbortError, SampleError
from rnnlite.isolation.interpreter import ModelApart, WatchedApart
from rnnlite.lite.ir import Quantization, Signature


def scaled(graph, scale, name=""):
    return graph.tensor(SHAPE, "int8", name, Quantization.of(scale))


def aborting(graph, *, result=1e-3, name="sum"):
    """An ADD whose scales its kernel's check does not let pass."""
    a, b, y = scaled(graph, 1e7), scaled(graph, 0.1), scaled(graph, result, name)
    graph.add("ADD", [a, b], [y], "AddOptions")
    return a, b, y


def test_an_aborting_kernel_is_named_with_its_tensor():
    model = Model()
    a, b, y = aborting(model.main)
    z = scaled(model.main, 1e-3)
    model.main.add("RESHAPE", [y], [z])
    model.main.ends([a, b], [z])
    apart = ModelApart(model.bytes(), delegates=False)
    with pytest.raises(AbortError, match=r"in ADD \(it makes 'sum'\); expected .*signal 6"):
        apart.run([np.zeros(SHAPE, np.int8)] * 2)


def test_an_op_in_a_loop_body_is_named():
    model = Model()
    cond, body = model.graph(), model.graph()
    h, go = scaled(cond, 1e-3), cond.tensor((), "bool")
    cond.ends([h], [go])
    small = cond.tensor((), "int8", quantization=Quantization.of(1e-3))
    cond.add("REDUCE_MAX", [h, cond.constant([0, 1], "int32")], [small], "ReducerOptions")
    cond.add("LESS", [small, small], [go], "LessOptions")
    k = scaled(body, 1e-3)
    a, y = scaled(body, 1e7), scaled(body, 1e-3, "inner")
    body.add("QUANTIZE", [k], [a])
    body.add("ADD", [a, k], [y], "AddOptions")
    body.ends([k], [y])
    x, r = scaled(model.main, 1e-3), scaled(model.main, 1e-3)
    model.loop(model.main, [x], [r], cond, body)
    model.main.ends([x], [r])
    with pytest.raises(AbortError, match=r"in ADD \(it makes 'inner'\)"):
        ModelApart(model.bytes(), delegates=False).run([np.zeros(SHAPE, np.int8)])


def test_an_op_of_another_signature_is_named():
    model = Model()
    x, y = scaled(model.main, 1e-3), scaled(model.main, 1e-3)
    model.main.add("ABS", [x], [y])
    model.main.ends([x], [y])
    other = model.graph()
    a, b, z = aborting(other, name="far")
    other.ends([a, b], [z])
    first, second = model.ir.graphs
    model.ir.signatures = [
        Signature("first", first, (("x", x),), (("y", y),)),
        Signature("second", second, (("a", a), ("b", b)), (("z", z),)),
    ]
    zeros = np.zeros(SHAPE, np.int8)
    assert np.array_equal(ModelApart(model.bytes(), delegates=False).run([zeros])[0], zeros)
    with pytest.raises(AbortError, match=r"in ADD \(it makes 'far'\)"):
        ModelApart(model.bytes(), delegates=False, signature="second").run([zeros] * 2)


def product():
    model = Model()
    x, y = model.main.tensor(SHAPE), model.main.tensor(SHAPE)
    model.main.add("MUL", [x, model.main.constant(2.0)], [y], "MulOptions")
    model.main.ends([x], [y])
    return model, x, y


def test_a_model_runs_apart_as_it_does_here():
    apart = ModelApart(product()[0].bytes())
    (found,) = apart.run([np.array([[1.0, 2.0, 3.0]], np.float32)])
    assert found.tolist() == [[2.0, 4.0, 6.0]]
    assert [spec.dtype for spec in apart.inputs] == ["float32"]
    with pytest.raises(SampleError):
        apart.run([np.zeros((2, 2, 2, 2, 2, 2, 2, 2), np.float32), np.zeros(1)])
    apart.close()


def test_ranges_are_seen_apart():
    model, x, y = product()
    x.name, y.name = "0:0", "0:2"
    watched = WatchedApart(model.bytes(), [0], [0])
    for value in (1.0, -3.0):
        watched.run([np.full(SHAPE[1:], value, np.float32)], "sample")
    assert watched.ranges()["0:0"] == (-3.0, 1.0)
    assert watched.ranges()["0:2"] == (-6.0, 2.0)
    watched.close()
