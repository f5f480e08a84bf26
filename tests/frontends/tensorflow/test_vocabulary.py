"""Ops of TensorFlow in the words of the reader of loops."""

import numpy as np
import pytest
import tensorflow as tf
from building import graph_def, node, placeholder

from rnnlite.frontends.tensorflow.nodes import graph_of
from rnnlite.frontends.tensorflow.vocabulary import described, made, row_read
from rnnlite.loops import Kind, Node

F, I = tf.float32, tf.int32  # noqa: E741 - int32


def describe(definition, *inputs, row=None):
    return described(definition, inputs, inputs, row)


@pytest.mark.parametrize(
    ("op", "kind"),
    [
        ("Tanh", Kind.ELEMENTWISE),
        ("SelectV2", Kind.ELEMENTWISE),
        ("Identity", Kind.PASS),
        ("EnsureShape", Kind.PASS),
        ("Add", Kind.ADD),
        ("AddV2", Kind.ADD),
        ("LogicalAnd", Kind.AND),
        ("LessEqual", Kind.LESS_EQUAL),
        ("GreaterEqual", Kind.GREATER_EQUAL),
        ("Softmax", Kind.SOFTMAX),
        ("MatMul", Kind.MATMUL),
        ("Conv2D", Kind.PRODUCT),
        ("BatchMatMulV2", Kind.PRODUCT),
        ("BiasAdd", Kind.BIAS_ADD),
        ("RandomUniform", Kind.RANDOM),
        ("Merge", Kind.BRANCH),
        ("RefSwitch", Kind.BRANCH),
        ("StatelessIf", Kind.BRANCH),
        ("While", Kind.BRANCH),
        # Its condition may be a vector: no function of single elements.
        ("Select", Kind.OTHER),
        ("Sum", Kind.OTHER),
        ("NoSuchOp", Kind.OTHER),
    ],
)
def test_kinds(op, kind):
    found = describe(node(op, "n", "a", "b"), "a:0", "b:0")
    assert (found.kind, found.op, found.name, found.result) == (kind, op, "n", "n:0")
    assert found.operands == found.reads == ("a:0", "b:0")
    assert found.function == op.lower()


@pytest.mark.parametrize(
    ("op", "inputs", "operands"),
    [
        ("TensorArrayReadV3", ("handle", "index", "flow"), ("flow", "index")),
        ("TensorListGetItem", ("list", "index", "shape"), ("list", "index")),
        ("TensorArrayWriteV3", ("handle", "index", "row", "flow"), ("flow", "index", "row")),
        ("TensorListSetItem", ("list", "index", "row"), ("list", "index", "row")),
    ],
)
def test_rows_are_read_and_written_in_one_order(op, inputs, operands):
    found = describe(node(op, "n"), *inputs)
    assert found.kind is (Kind.WRITE_ROW if "row" in operands else Kind.READ_ROW)
    assert (found.operands, found.reads) == (operands, inputs)


@pytest.mark.parametrize(
    ("op", "inputs", "operands", "axis"),
    [
        ("ConcatV2", ("a", "b", "axis"), ("a", "b"), "axis"),
        ("ExpandDims", ("a", "where"), ("a",), "where"),
        ("GatherV2", ("table", "ids", "axis"), ("table", "ids"), "axis"),
    ],
)
def test_an_axis_is_the_last_input(op, inputs, operands, axis):
    found = describe(node(op, "n"), *inputs)
    assert (found.operands, found.axis) == (operands, axis)


@pytest.mark.parametrize(
    ("attributes", "kind", "transposed"),
    [
        ({}, Kind.MATMUL, False),
        ({"transpose_b": True}, Kind.MATMUL, True),
        ({"transpose_a": True}, Kind.OTHER, False),
        ({"transpose_a": True, "transpose_b": True}, Kind.OTHER, False),
        ({"transpose_a": False, "transpose_b": False}, Kind.MATMUL, False),
    ],
)
def test_products_that_are_transposed(attributes, kind, transposed):
    definition = node("MatMul", "n", "x", "w", **attributes)
    found = describe(definition, "x:0", "w:0")
    assert (found.kind, found.transposed) == (kind, transposed)
    # To ask of a NodeDef is not to add to it.
    assert set(definition.attr) == set(attributes)


@pytest.mark.parametrize(("dims", "kind"), [(0, Kind.GATHER), (1, Kind.OTHER)])
def test_a_gather_with_batch_axes_is_another_op(dims, kind):
    assert describe(node("GatherV2", "n", batch_dims=dims), "a", "b", "c").kind is kind


@pytest.mark.parametrize(
    ("value", "known"),
    [
        (np.int32(3), 3),
        (np.float32(0.5), 0.5),
        (np.bool_(True), True),
        (np.array([1, 2], np.int32), None),
        (np.array([1], np.int32), None),
        (np.array(b"text"), None),
    ],
    ids=str,
)
def test_constants_that_are_one_number(value, known):
    dtype = tf.as_dtype(np.asarray(value).dtype) if known is not None else tf.int32
    found = describe(node("Const", "n", dtype=dtype, value=value))
    assert found.kind is Kind.CONSTANT
    assert found.value == known


def slices(entries, *, strides=None, steps="Const", packed="Pack", **masks):
    """A graph of x[...]: its begin is packed of `entries`."""
    count = len(entries)
    names = {"begin": 0, "end": 0, "ellipsis": 0, "new_axis": 0, "shrink_axis": 0} | masks
    ones = np.ones(count, np.int32) if strides is None else np.array(strides, np.int32)
    nodes = [
        placeholder(shape=(None, None, 4)),
        *(node("Placeholder", e, dtype=I) for e in dict.fromkeys(entries)),
        node(packed, "b", *entries, T=I, N=count),
        node("Identity", "begin", "b", T=I),
        node("Const", "end", dtype=I, value=ones),
        node(steps, "strides", dtype=I, value=ones),
        node(
            "StridedSlice",
            "y",
            "x",
            "begin",
            "end",
            "strides",
            **{f"{k}_mask": v for k, v in names.items()},
        ),
    ]
    graph = graph_of(graph_def(*nodes))
    return row_read(graph, graph.nodes["y"])


ROW_READS = {
    "x[t]": (slices(["t"], shrink_axis=1), ("x:0", "t:0", 0)),
    "x[t, :]": (slices(["t", "z"], begin=2, end=2, shrink_axis=1), ("x:0", "t:0", 0)),
    "x[:, t]": (slices(["z", "t"], begin=1, end=1, shrink_axis=2), ("x:0", "t:0", 1)),
    "x[:, :, t]": (slices(["z", "z", "t"], begin=3, end=3, shrink_axis=4), ("x:0", "t:0", 2)),
    "x[t, ...]": (slices(["t", "z"], ellipsis=2, shrink_axis=1), ("x:0", "t:0", 0)),
    "x[..., t]": (slices(["z", "t"], ellipsis=1, shrink_axis=2), None),
    "x[t, u]": (slices(["t", "u"], shrink_axis=3), None),
    "x[t:]": (slices(["t"], end=1), None),
    "x[t, 1:]": (slices(["t", "z"], end=2, shrink_axis=1), None),
    "x[:t][0]": (slices(["t"], begin=1, shrink_axis=1), None),
    "x[t, ::2]": (slices(["t", "z"], begin=2, end=2, shrink_axis=1, strides=[1, 2]), None),
    "x[t, None]": (slices(["t", "z"], new_axis=2, shrink_axis=1), None),
    "strides that are computed": (slices(["t"], steps="Relu", shrink_axis=1), None),
    "a beginning that is not packed": (slices(["t"], packed="Tanh", shrink_axis=1), None),
    "no axis goes": (slices(["t", "z"], begin=2, end=2), None),
}


@pytest.mark.parametrize("case", ROW_READS)
def test_slices_that_take_one_row(case):
    found, wanted = ROW_READS[case]
    assert found == wanted


def test_another_op_takes_no_row():
    graph = graph_of(graph_def(placeholder(), node("Tanh", "y", "x", T=F)))
    assert row_read(graph, graph.nodes["y"]) is None


def test_a_slice_that_takes_a_row_is_described_as_one():
    found = describe(node("StridedSlice", "y"), "x:0", "begin:0", row=("x:0", "t:0", 1))
    assert (found.kind, found.operands, found.axis) == (Kind.READ_ROW, ("x:0", "t:0"), 1)
    assert found.reads == ("x:0", "begin:0")


@pytest.mark.parametrize(
    ("kind", "op"),
    [
        (Kind.MATMUL, "MatMul"),
        (Kind.ADD, "AddV2"),
        (Kind.BIAS_ADD, "BiasAdd"),
        (Kind.CONCAT, "ConcatV2"),
    ],
)
def test_what_the_reader_made_is_a_node_again(kind, op):
    like = node("MatMul", "like", T=tf.float64)
    reads = ("a:0", "b:0", "axis:0") if kind is Kind.CONCAT else ("a:0", "b:0")
    found = made(Node("new", "", kind, reads, "new:0", reads[:2]), like)
    assert (found.op, found.name, tuple(found.input)) == (op, "new", reads)
    assert found.attr["T"].type == tf.float64.as_datatype_enum
    if kind is Kind.CONCAT:
        assert (found.attr["N"].i, found.attr["Tidx"].type) == (2, I.as_datatype_enum)
    else:
        assert set(found.attr) == {"T"}
