"""Ops that need another form: what is emitted, that it gives the same, and what is refused."""

import numpy as np
import pytest
import tensorflow as tf
from building import (
    as_tensorflow_runs,
    emitted,
    graph_def,
    graph_from,
    node,
    ops_needed,
    ops_of,
    placeholder,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnlite.errors import UnsupportedError

v1 = tf.compat.v1
F, I = tf.float32, tf.int32  # noqa: E741 - int32
X = np.random.default_rng(0).normal(size=(2, 3, 4)).astype(np.float32)


def compared(build, x=X, shape=None):
    """A graph emitted gives what TensorFlow gives; gives the ops that it became."""
    definition = graph_from(
        lambda x: tf.identity(build(x), "y"), x=list(x.shape) if shape is None else shape
    )
    (found,), function, _ = emitted(definition, ["y:0"], x=x)
    (wanted,) = as_tensorflow_runs(definition, ["y:0"], x=x)
    np.testing.assert_allclose(found, wanted, rtol=1e-6)
    return ops_of(function)


@pytest.mark.parametrize(
    ("shape", "order", "op"),
    [
        ((1, 3, 4), [1, 0, 2], "Reshape"),
        ((2, 1, 4), [1, 0, 2], "Reshape"),
        ((2, 3, 1), [0, 2, 1], "Reshape"),
        ((1, 1, 4), [2, 1, 0], "Reshape"),
        ((2, 3, 4), [0, 1, 2], "Reshape"),
        ((2, 3, 4), [1, 0, 2], "Transpose"),
        ((1, 3, 4), [0, 2, 1], "Transpose"),
        ((1, 3, 4), [2, 0, 1], "Transpose"),
    ],
)
def test_a_transpose_that_moves_nothing_is_a_reshape(shape, order, op):
    x = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    ops = compared(lambda x: tf.transpose(x, order), x)
    assert {"Reshape", "Transpose"} & set(ops) == {op}


@pytest.mark.parametrize(
    ("keep", "shape"),
    [([True, False], (2, 3, 4)), ([False, True], (2, 3)), ([True, False], (2,)), (True, (2, 3))],
    ids=str,
)
def test_a_selection_by_a_vector_is_over_the_first_axis(keep, shape):
    x = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    ops = compared(lambda x: tf.raw_ops.Select(condition=keep, x=x, y=-x), x)
    assert "Select" not in ops
    assert "SelectV2" in ops


def dropout_old(x, keep):
    """As TensorFlow before 1.13 has it: floor(keep + u) * x / keep."""
    u = tf.random.uniform(tf.shape(x), 0.0, 1.0)
    return tf.floor(u + keep) * x / keep


DROPOUTS = {
    "new, rate 0": (lambda x: v1.nn.dropout(x, rate=tf.constant(0.0)), False),
    "new, rate a half": (lambda x: v1.nn.dropout(x, rate=tf.constant(0.5)), True),
    "old, all kept": (lambda x: dropout_old(x, tf.constant(1.0)), False),
    "old, half kept": (lambda x: dropout_old(x, tf.constant(0.5)), True),
}


@pytest.mark.parametrize("case", DROPOUTS)
def test_dropout_that_is_off_is_gone(case):
    build, random = DROPOUTS[case]
    definition = graph_from(lambda x: tf.identity(build(x), "y"), x=[2, 3, 4])
    (found,), function, _ = emitted(definition, ["y:0"], x=X)
    kept = set(ops_needed(function)) - {"Placeholder", "Identity", "NoOp", "Const"}
    assert ("RandomUniform" in kept) == random
    if not random:
        # A selection by True, which the official converter takes out.
        assert kept <= {"SelectV2"}
        np.testing.assert_array_equal(found, X)


def test_a_threshold_of_what_is_not_uniform_stays():
    """A normal number may well be below 0."""

    def build(x):
        keep = tf.random.normal([3, 4], seed=1) >= 0.0
        return x * tf.cast(keep, F)

    definition = graph_from(lambda x: tf.identity(build(x), "y"), x=[2, 3, 4])
    _, function, _ = emitted(definition, ["y:0"], x=X)
    assert "GreaterEqual" in ops_of(function)


@pytest.mark.parametrize(("scale", "shift"), [(2.0, 0.0), (1.0, -0.5)])
def test_a_uniform_number_of_another_range_stays(scale, shift):
    def build(x):
        u = tf.raw_ops.RandomUniform(shape=[3, 4], dtype=F) * scale + shift
        return x * tf.cast(u >= 0.0, F)

    definition = graph_from(lambda x: tf.identity(build(x), "y"), x=[2, 3, 4])
    _, function, _ = emitted(definition, ["y:0"], x=X)
    assert "GreaterEqual" in ops_of(function)


@pytest.mark.parametrize(
    ("build", "left"),
    [
        (lambda x: x * 1.0, set()),
        (lambda x: 1.0 * x, set()),
        (lambda x: x / 1.0, set()),
        (lambda x: 1.0 / x, {"RealDiv"}),
        (lambda x: x * 2.0, {"Mul"}),
        # It broadcasts: another shape, another op.
        (lambda x: x * np.ones((5, 1, 1, 1), np.float32), {"Mul"}),
    ],
    ids=["x * 1", "1 * x", "x / 1", "1 / x", "x * 2", "x * ones"],
)
def test_a_factor_of_one_is_gone(build, left):
    assert set(compared(build)) & {"Mul", "RealDiv", "Div"} == left


def test_a_whole_factor_of_one_is_gone_for_floats_alone():
    x = np.arange(4, dtype=np.int32)
    definition = graph_def(
        node("Placeholder", "x", dtype=I),
        node("Const", "one", dtype=I, value=np.int32(1)),
        node("Mul", "y", "x", "one", T=I),
    )
    (found,), function, _ = emitted(definition, ["y:0"], x=x)
    assert "Mul" in ops_of(function)
    np.testing.assert_array_equal(found, x)


@st.composite
def indices(draw):
    """Something to index (2, 3, 4) with that has a new axis."""
    entries = []
    ellipsis = draw(st.booleans())
    for axis in range(3):
        size = (2, 3, 4)[axis]
        for _ in range(draw(st.integers(0, 1))):
            entries.append(None)
        if ellipsis and axis == 1:
            entries.append(...)
            ellipsis = False
        kind = draw(st.sampled_from(["number", "slice", "back", "all"]))
        number = draw(st.integers(-size, size - 1))
        begin = draw(st.integers(0, size - 1))
        entries.append(
            {
                "number": number,
                "slice": slice(begin, draw(st.integers(begin + 1, size))),
                "back": slice(None, None, -1),
                "all": slice(None),
            }[kind]
        )
    entries.insert(draw(st.integers(0, len(entries))), None)
    return tuple(entries)


@settings(max_examples=40, deadline=None)
@given(index=indices())
def test_new_axes_are_expanded(index):
    """Whatever else the slice does; NumPy says what it gives."""
    definition = graph_from(lambda x: tf.identity(x[index], "y"), x=[2, 3, 4])
    (found,), function, _ = emitted(definition, ["y:0"], x=X)
    np.testing.assert_array_equal(found, X[index])
    masks = [
        op.get_attr("new_axis_mask")
        for op in function.graph.get_operations()
        if op.type == "StridedSlice"
    ]
    assert not any(masks)
    assert "ExpandDims" in ops_of(function)


@pytest.mark.parametrize("op", [tf.raw_ops.BatchMatMul, tf.raw_ops.BatchMatMulV3])
@pytest.mark.parametrize(("adj_x", "adj_y"), [(False, False), (True, False), (False, True)])
def test_batch_products(op, adj_x, adj_y):
    sides = {"x": X.transpose(0, 2, 1) if adj_x else X, "y": X if adj_y else X.transpose(0, 2, 1)}
    more = {"Tout": F} if op is tf.raw_ops.BatchMatMulV3 else {}
    right = sides["y"].copy()

    def build(x):
        return op(x=x, y=right, adj_x=adj_x, adj_y=adj_y, **more)

    assert "BatchMatMulV2" in compared(build, sides["x"].copy())


@pytest.mark.parametrize("op", ["IdentityN", "PlaceholderWithDefault", "Print"])
def test_what_hands_on(op):
    if op == "IdentityN":
        definition = graph_from(
            lambda x: tf.identity(tf.raw_ops.IdentityN(input=[x, 2.0 * x])[1], "y"), x=[2, 3, 4]
        )
        factor = 2
    elif op == "Print":
        definition = graph_from(lambda x: tf.identity(v1.Print(x, [x]), "y"), x=[2, 3, 4])
        factor = 1
    else:
        definition = graph_from(
            lambda x: tf.identity(v1.placeholder_with_default(3.0 * x, [2, 3, 4]), "y"),
            x=[2, 3, 4],
        )
        factor = 3
    (found,), function, _ = emitted(definition, ["y:0"], x=X)
    np.testing.assert_array_equal(found, factor * X)
    assert op not in ops_of(function)


REFUSED = {
    "a constant of strings": (
        [node("Const", "words", dtype=tf.string, value=np.array([b"a"], object))],
        "words:0",
        "the constant 'words' holds strings, which LiteRT models here do not; expected numbers. "
        "Name inputs behind it and outputs in front of it, and look strings up outside.",
    ),
    "an input that was not named": (
        [node("Placeholder", "rate", dtype=F)],
        "rate:0",
        "the outputs need the input 'rate:0', which was not named. Add it to the inputs, or fix "
        "it: constants={'rate:0': VALUE} (--constant rate:0=VALUE), or leave the inputs to be "
        "found.",
    ),
    "a lookup, with numbers behind": (
        [
            node("HashTableV2", "table", key_dtype=tf.string, value_dtype=tf.int64),
            node("LookupTableFindV2", "ids", "table", "x", "x", Tin=tf.string, Tout=tf.int64),
        ],
        "ids:0",
        "HashTableV2 'table' works on strings or a table, which LiteRT models here do not; "
        "expected numbers. Cut the graph behind it: give 'ids:0' as an input (--inputs), and look "
        "up outside.",
    ),
    "strings to the end": (
        [
            node("AsString", "text", "x", T=F),
        ],
        "text:0",
        "AsString 'text' works on strings or a table, which LiteRT models here do not; expected "
        "numbers. Name outputs in front of it (--outputs), and look strings up outside.",
    ),
    "a decoder": (
        [node("CTCGreedyDecoder", "decoded", "x", "x")],
        "decoded:0",
        "CTCGreedyDecoder 'decoded' has no form in builtin LiteRT ops. Name outputs in front of "
        "it, such as 'x:0' (--outputs x:0), and run it outside.",
    ),
    "Python": (
        [node("PyFunc", "python", "x")],
        "python:0",
        "PyFunc 'python' has no form in builtin LiteRT ops. Name outputs in front of it, such as "
        "'x:0' (--outputs x:0), and run it outside.",
    ),
    "a variable": (
        [node("VariableV2", "weights", dtype=F)],
        "weights:0",
        "VariableV2 'weights' is a variable, of which the graph holds no value; expected a frozen "
        "graph, with variables as constants. Convert the checkpoint or SavedModel instead, or "
        "freeze the graph from it.",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case):
    nodes, output, message = REFUSED[case]
    definition = graph_def(placeholder(shape=(2, 3)), *nodes)
    with pytest.raises(UnsupportedError) as found:
        emitted(definition, [output], x=X[:, :, 0])
    assert str(found.value) == message
