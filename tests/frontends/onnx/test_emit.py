"""The node cases of the onnx package: each op with a rule gives what they state."""

import warnings

import numpy as np
import pytest
import tensorflow as tf

from rnnlite.errors import RnnliteError, UnsupportedError
from rnnlite.frontends.functions import session_runner, trace
from rnnlite.frontends.onnx.emit import (
    Emitter,
    as_tensor,
    as_value,
    constant,
    known,
    numbers_of,
    refuse,
    rule,
    scope_name,
    uses_of,
)
from rnnlite.frontends.onnx.nodes import Graph, Node, ValueInfo
from rnnlite.frontends.onnx.reading import read
from rnnlite.frontends.onnx.rules import RULES
from rnnlite.frontends.onnx.values import Dims, Value
from rnnlite.frontends.recurrences import Recurrences
from rnnlite.lowering.schedule import Options
from rnnlite.specs import TensorSpec

onnx = pytest.importorskip("onnx")

FLOATS = ("float16", "float64", "bfloat16")
LEFT_OUT = {
    "test_averagepool_2d_ceil_last_window_starts_on_pad": "states four digits",
    "test_attention_4d_diff_heads_mask4d_padded_kv_expanded": "computes negative pads at run time",
}


REFUSED_OF = {
    "AveragePool": "a window that another runtime counts otherwise",
    "BatchNormalization": "training_mode",
    "Bernoulli": "random numbers",
    "Cast": "to numbers smaller than a byte",
    "CastLike": "to numbers smaller than a byte",
    "Dropout": "training_mode",
    "If": "a grid of unknown rank",
    "MaxPool": "places of the maxima",
    "QuantizeLinear": "a scale that is computed, types smaller than a byte",
    "Resize": "antialias, exclude_outside, crops, aspect ratios",
    "Scan": "operator set 8",
    "ScatterElements": "reduction",
    "ScatterND": "reduction",
}
"""Ops with a rule, of which some cases are refused -> why."""


def cases():
    """Those on arrays, with these."""
    from onnx.backend.test.case.node import collect_testcases
    from onnx.numpy_helper import to_array

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = collect_testcases(None)
    for case in found:
        data = [
            [to_array(a) if isinstance(a, onnx.TensorProto) else a for a in part]
            for part in (case.data_sets or [([], [None])])[0]
        ]
        plain = all(isinstance(a, np.ndarray | np.generic) for part in data for a in part)
        if case.name in LEFT_OUT or not plain:
            continue
        yield case.name, case.model, data


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
    unread, refused, right = {}, {}, []
    for name, proto, (inputs, wanted) in cases():
        try:
            source = read(proto)
        except RnnliteError as e:
            unread[name] = str(e)
            continue
        try:
            found = emitted(source, inputs)
        except RnnliteError as e:
            refused[name] = str(e)
            continue
        except tf.errors.OpError as e:
            raise AssertionError(name) from e
        compare(found, wanted, name)
        right.append(name)
    print(f"node cases: {len(right)} equal, {len(refused)} refused by name, {len(unread)} unread")
    assert len(right) > 20 * len(refused)
    for name, text in {**unread, **refused}.items():
        assert "expected" in text, name
    for name, text in refused.items():
        assert any(op in text for op in REFUSED_OF), (name, text)
    for op in ("lstm", "gru", "rnn", "simple_rnn", "scan9", "loop11", "attention", "rms"):
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


def made_of(op, inputs, outputs, **attributes):
    return Node(op, "", f"the {op}", tuple(inputs), tuple(outputs), attributes, 17)


def emitter_of(*nodes, outputs=("y",), given=None, constants=None):
    ends = tuple(ValueInfo(n, "float32", None) for n in outputs)
    graph = Graph("net", nodes, (), ends, constants or {})
    return Emitter(graph, given or {}, Recurrences(Options()), [])


@pytest.mark.parametrize(
    ("name", "scope"),
    [
        ("dense", "dense"),
        ("/model/dense 1/MatMul:0", "model/dense_1/MatMul_0"),
        ("_hidden", "n_hidden"),
        ("//a//b/", "a/b"),
        ("", "n"),
        ("a.b-c_d", "a.b-c_d"),
    ],
)
def test_names_that_tensorflow_takes(name, scope):
    assert scope_name(name) == scope
    with tf.Graph().as_default(), tf.name_scope(scope_name(name)):
        tf.constant(1.0)


def test_only_what_is_asked_for_is_emitted():
    wrong = made_of("NoSuchOp", ["x"], ["z"])
    one = emitter_of(wrong, made_of("Neg", ["x"], ["y"]), given={"x": np.float32([1, 2])})
    assert known(one.get("y")).tolist() == [-1, -2]
    assert "z" not in one.values


def test_a_value_is_emitted_once():
    one = emitter_of(made_of("Neg", ["x"], ["y"]), given={"x": Value.of(tf.ones([2]))})
    assert one.get("y") is one.get("y")


def test_a_name_that_nothing_makes():
    with pytest.raises(UnsupportedError, match="the tensor 'lost' is made by no node; expected a"):
        emitter_of().get("lost")


def test_a_body_asks_the_graph_around_it():
    outer = emitter_of(made_of("Neg", ["x"], ["y"]), given={"x": np.float32([1])})
    inner = outer.body(Graph("body", (made_of("Abs", ["y"], ["z"]),), (), ()), {})
    assert known(inner.get("z")).tolist() == [1]
    assert known(outer.values["y"]).tolist() == [-1]


def test_long_chains_need_no_recursion():
    nodes = [made_of("Neg", [f"v{k}"], [f"v{k + 1}"]) for k in range(3000)]
    one = emitter_of(*nodes, given={"v0": Value.of(tf.ones([1]))})
    assert as_tensor(one.get("v3000")).numpy().tolist() == [1.0]


@pytest.mark.parametrize(
    ("node", "given", "text"),
    [
        (
            made_of("MatMul", ["x", "w"], ["y"]),
            {"x": Value.of(tf.ones([2, 3])), "w": np.ones((4, 5), np.float32)},
            "node MatMul 'the MatMul' does not fit its inputs at the shapes asked for; expected op",
        ),
        (
            made_of("Dropout", ["x"], ["y", "mask", "more"]),
            {"x": Value.of(tf.ones([2]))},
            "is asked for its result 'more', which is not computed; expected the first 2 of its",
        ),
    ],
)
def test_what_does_not_come_out_is_refused(node, given, text):
    with pytest.raises(UnsupportedError, match=text):
        emitter_of(node, given=given).get("y")


LAST = np.iinfo(np.int64).max
ONE = {"k": np.array([-1]), "z": np.array([0]), "m": np.array([LAST]), "two": np.array([-2])}


@pytest.mark.parametrize(
    ("nodes", "last"),
    [
        ([made_of("Gather", ["s", "k"], ["y"], axis=0)], True),
        ([made_of("Gather", ["s", "z"], ["y"], axis=0)], False),
        ([made_of("Gather", ["s", "k"], ["y"], axis=1)], False),
        ([made_of("Slice", ["s", "k", "m", "z"], ["y"])], True),
        ([made_of("Slice", ["s", "two", "m", "z"], ["y"])], False),
        ([made_of("Slice", ["s", "k", "z", "z"], ["y"])], False),
        ([made_of("Slice", ["s"], ["y"], starts=[-1], ends=[LAST], axes=[0])], True),
        ([made_of("Slice", ["s", "k", "m"], ["y"])], False),
        # By way of others that only move axes.
        ([made_of("Identity", ["s"], ["a"]), made_of("Gather", ["a", "k"], ["y"])], True),
        (
            [made_of("Squeeze", ["s"], ["a"], axes=[1]), made_of("Gather", ["a", "k"], ["y"])],
            True,
        ),
        (
            [
                made_of("Transpose", ["s"], ["a"], perm=[2, 1, 0, 3]),
                made_of("Gather", ["a", "k"], ["y"], axis=2),
            ],
            True,
        ),
        (
            [
                made_of("Transpose", ["s"], ["a"], perm=[2, 1, 0, 3]),
                made_of("Gather", ["a", "k"], ["y"], axis=0),
            ],
            False,
        ),
        ([made_of("Squeeze", ["s"], ["a"], axes=[0]), made_of("Gather", ["a", "k"], ["y"])], False),
        ([made_of("Neg", ["s"], ["y"])], False),
        # One reader of all is enough.
        (
            [made_of("Gather", ["s", "k"], ["b"]), made_of("Add", ["b", "s"], ["y"])],
            False,
        ),
        ([], False),
    ],
)
def test_whether_the_last_time_step_alone_is_read(nodes, last):
    assert emitter_of(*nodes, constants=ONE).only_last("s") is last


def test_an_output_is_read_as_a_whole():
    one = emitter_of(made_of("Gather", ["s", "k"], ["y"]), outputs=("s",), constants=ONE)
    assert not one.only_last("s")
    assert one.users("s") is None
    assert one.is_read("s")
    assert not one.is_read("y")
    assert not one.is_read("")


def test_what_a_body_reads_has_no_users_to_look_at():
    end = ValueInfo("z", "float32", None)
    body = Graph("b", (made_of("Gather", ["s", "k"], ["z"]),), (), (end,))
    chosen = made_of("If", ["c"], ["y"], then_branch=body, else_branch=body)
    one = emitter_of(chosen)
    assert uses_of(one.graph)["s"] == [chosen]
    assert one.users("s") is None
    assert one.is_read("s")


def test_operands_as_tensors():
    assert as_value(np.float32([1, 2])).shape == (2,)
    assert as_value(Dims.vector([1, tf.constant(2)])).base.numpy().tolist() == [1, 2]
    value = Value.of(tf.ones([2]))
    assert as_value(value) is value
    with pytest.raises(ValueError, match="an operand is left out"):
        as_value(None)


def test_numbers_of_operands():
    node = made_of("Pad", ["x"], ["y"], axes=[3], empty=[])
    assert numbers_of(node, [None, np.array([[1], [2]])], 1, "axes") == [1, 2]
    assert numbers_of(node, [None, None], 1, "axes") == [3]
    assert numbers_of(node, [], 1, "axes") == [3]
    assert numbers_of(node, [], 1, "empty") == []
    assert numbers_of(node, [], 1, "other") is None
    assert constant(node, Dims.vector([4]), "pads").tolist() == [4]
    with pytest.raises(UnsupportedError, match="the pads of Pad 'the Pad' is computed"):
        constant(node, value_of_one(), "pads")


def value_of_one():
    return Value.of(tf.ones([1]))


def test_a_refusal_has_a_way_out():
    node = made_of("Pad", ["x"], ["y"])
    with pytest.raises(UnsupportedError) as plain:
        refuse(node, "a form", "another")
    assert str(plain.value).startswith("node Pad 'the Pad' has a form; expected another. Take outp")
    with pytest.raises(UnsupportedError, match=r"expected another\. Do this"):
        refuse(node, "a form", "another", "Do this")


def test_a_rule_is_registered_by_each_of_its_names():
    @rule("own.One", "own.Other")
    def own(emitter, node, inputs):
        return inputs[0]

    try:
        assert RULES["own.One"] is RULES["own.Other"] is own
    finally:
        del RULES["own.One"], RULES["own.Other"]
