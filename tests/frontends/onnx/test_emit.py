"""The node cases of the onnx package: each op with a rule gives what they state."""

import warnings

import numpy as np
import pytest
import tensorflow as tf

from rnnlite.errors import RnnliteError, UnsupportedError
from rnnlite.frontends.functions import session_runner, trace
from rnnlite.frontends.onnx.emit import Emitter, as_tensor
from rnnlite.frontends.onnx.reading import read
from rnnlite.frontends.onnx.rules import RULES
from rnnlite.frontends.onnx.values import Value
from rnnlite.frontends.recurrences import Recurrences
from rnnlite.lowering.schedule import Options
from rnnlite.specs import TensorSpec

onnx = pytest.importorskip("onnx")

FLOATS = ("float16", "float64", "bfloat16")
LEFT_OUT = {
    "test_averagepool_2d_ceil_last_window_starts_on_pad": "states four digits",
    "test_attention_4d_diff_heads_mask4d_padded_kv_expanded": "computes negative pads at run time",
}


def cases():
    from onnx.backend.test.case.node import collect_testcases

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = collect_testcases(None)
    for case in found:
        sets = [*case.data_sets[0][0], *case.data_sets[0][1]] if case.data_sets else [None]
        plain = all(isinstance(a, np.ndarray | np.generic) for a in sets)
        if (
            case.name not in LEFT_OUT
            and plain
            and {n.op_type for n in case.model.graph.node} <= set(RULES)
        ):
            yield case


def emitted(source, inputs):
    """The outputs; inputs that some node takes as another than its first are given as numbers."""
    arrays = [np.asarray(a) for a in inputs]
    arrays = [a.astype(np.float32) if a.dtype.name in FLOATS else a for a in arrays]
    given = dict(zip([p.name for p in source.graph.inputs], arrays, strict=True))
    needed = {i for node in source.graph.nodes for i in node.inputs[1:]}
    free = {n: a for n, a in given.items() if n not in needed} or dict(list(given.items())[:1])
    fixed = {n: a for n, a in given.items() if n not in free}
    names = [p.name for p in source.graph.outputs]

    def call(tensors):
        values = {n: Value.of(t) for n, t in zip(free, tensors, strict=True)}
        emitter = Emitter(source.graph, {**values, **fixed}, Recurrences(Options()), [])
        return [as_tensor(v) for v in emitter.get_all(names)]

    specs = [TensorSpec(n, a.shape, a.dtype.name) for n, a in free.items()]
    function = trace(call, specs, autograph=False)
    # As it is written: the optimizer of TensorFlow fuses a product of a transpose wrongly.
    run = session_runner(
        function.graph.as_graph_def(),
        [t.name for t in function.inputs],
        [t.name for t in function.outputs],
        [t.dtype.name for t in function.inputs],
    )
    return run(list(free.values()))


def compare(found, wanted, name):
    for y, stated in zip(found, wanted, strict=True):
        stated = np.asarray(stated)
        assert y.shape == stated.shape, name
        if stated.dtype.kind == "f" or stated.dtype.name in FLOATS:
            tolerance = 2e-5 if stated.dtype.name in ("float32", "float64") else 2e-2
            np.testing.assert_allclose(
                y.astype(float),
                stated.astype(float),
                rtol=1e-4 + tolerance,
                atol=tolerance,
                err_msg=name,
            )
        else:
            np.testing.assert_array_equal(y, stated, err_msg=name)


def test_node_cases():
    refused, right = {}, []
    for case in cases():
        try:
            source = read(case.model)
            found = emitted(source, case.data_sets[0][0])
        except RnnliteError as e:
            refused[case.name] = str(e)
            continue
        except tf.errors.InvalidArgumentError as e:
            raise AssertionError(case.name) from e
        compare(found, case.data_sets[0][1], case.name)
        right.append(case.name)
    assert len(right) > 10 * len(refused)
    for name, text in refused.items():
        assert "expected" in text, name
    for op in ("lstm", "gru", "rnn", "simple_rnn", "scan9", "loop11"):
        assert any(name.startswith(f"test_{op}") for name in right), op
        assert not any(name.startswith(f"test_{op}") for name in refused), op


def test_a_cycle_is_refused():
    node = onnx.helper.make_node
    made = onnx.helper.make_graph(
        [node("Add", ["x", "b"], ["a"], "first"), node("Relu", ["a"], ["b"], "second")],
        "cycle",
        [onnx.helper.make_tensor_value_info("x", 1, [1, 2])],
        [onnx.helper.make_tensor_value_info("b", 1, [1, 2])],
    )
    from rnnlite.frontends.onnx.reading import _Reader

    graph = _Reader(onnx, {"": 18}).graph(made)
    emitter = Emitter(graph, {"x": np.zeros((1, 2), np.float32)}, Recurrences(Options()), [])
    with pytest.raises(UnsupportedError, match=r"node \w+ '\w+' depends on itself; expected"):
        emitter.get("b")
