"""Ops of arrays as ops of dense tensors; those that have no dense form are refused by name."""

import building
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

import field_graphs
import rnnlite
from rnnlite.errors import UnsupportedError

F = tf.float32


@pytest.mark.parametrize(
    ("build", "op"),
    [
        (lambda x: tf.TensorArray(F, 2).split(x[0], [1, 1]).stack(), "TensorListSplit"),
        (
            lambda x: (
                tf.raw_ops.TensorListConcatV2(
                    input_handle=tf.raw_ops.TensorListFromTensor(tensor=x, element_shape=[-1, 4]),
                    element_shape=[-1, 4],
                    leading_dims=tf.zeros([0], tf.int64),
                    element_dtype=F,
                ).tensor
            ),
            "TensorListConcatV2",
        ),
    ],
    ids=["split", "concat"],
)
def test_refused(tmp_path, build, op):
    path = building.write(tmp_path / "graph.pb", lambda x: tf.identity(build(x), "y"), v2=True)
    with pytest.raises(UnsupportedError, match=f"{op} '.*' has no dense form; expected arrays"):
        rnnlite.convert(path, outputs=["y:0"])


X = np.arange(24, dtype=np.float32).reshape(3, 2, 4)
V1, V2 = "TensorArrays", "TensorLists"
WRITTEN = pytest.mark.parametrize("written", [V1, V2])


def compared(build, written, outputs=("y:0",), x=X):
    """A graph of arrays, emitted, gives what TensorFlow gives; no array is left."""
    v1 = tf.compat.v1
    (v1.disable_control_flow_v2 if written == V1 else v1.enable_control_flow_v2)()
    try:
        definition = building.graph_from(build, x=[None, 2, 4])
    finally:
        v1.enable_control_flow_v2()
    ops = {n.op for n in definition.node}
    assert any(op.startswith("TensorArray" if written == V1 else "TensorList") for op in ops)
    found, function, _ = building.emitted(definition, outputs, x=x)
    for a, b in zip(found, building.as_tensorflow_runs(definition, outputs, x=x), strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)
    assert not any("TensorArray" in op or "TensorList" in op for op in building.ops_of(function))
    return found


def unstacked(x, **options):
    return tf.TensorArray(F, tf.shape(x)[0], **options).unstack(x)


BUILDS = {
    "rows there and back": (lambda x: unstacked(x).stack(), X),
    "one row": (lambda x: unstacked(x).read(1), X[1]),
    "the number of rows": (lambda x: unstacked(x).size(), 3),
    "some rows": (lambda x: tf.gather(unstacked(x).stack(), [2, 0]), X[[2, 0]]),
    "a row written": (
        lambda x: tf.TensorArray(F, 3, element_shape=[4]).write(2, x[0, 0]).stack()[2],
        X[0, 0],
    ),
    "written in another order": (
        lambda x: tf.TensorArray(F, 2).write(1, x[0]).write(0, x[2]).stack(),
        X[[2, 0]],
    ),
    "written twice in lists": (
        lambda x: tf.TensorArray(F, 1).write(0, x[0] + 1.0).stack(),
        X[:1] + 1,
    ),
}


@WRITTEN
@pytest.mark.parametrize("case", BUILDS)
def test_rows(case, written):
    build, wanted = BUILDS[case]
    (found,) = compared(lambda x: tf.identity(build(x), "y"), written)
    np.testing.assert_array_equal(found, wanted)


def test_rows_by_their_indices():
    """TensorArrayGather and Scatter take any order."""

    def build(x):
        array = tf.TensorArray(F, 3, clear_after_read=False).scatter([2, 0, 1], x)
        tf.identity(array.stack(), "y")
        tf.identity(array.gather([1, 1, 0]), "z")

    y, z = compared(build, V1, ["y:0", "z:0"])
    np.testing.assert_array_equal(y, X[[1, 2, 0]])
    np.testing.assert_array_equal(z, X[[2, 2, 1]])


@pytest.mark.parametrize("layers", [1, 2])
def test_the_last_row_streams(layers, tmp_path):
    """An array is stacked to the size it was made with; its last row stands for all of them."""
    draw = {"seed": 0, "loop": "dynamic", "control_flow": 1, "batch": 1, "cell": "rnn"}
    draw |= {"layers": layers, "front": None, "lengths": False, "bidirectional": False}
    made, _, outputs = field_graphs.build(draw | {"behind": "last", "head": "logits"})
    path = tmp_path / "last.pb"
    path.write_bytes(made.as_graph_def().SerializeToString())
    converted = rnnlite.convert(path, outputs=outputs, streaming=True)
    assert all(o.within for o in converted.report.stream.outputs)


def test_rows_side_by_side():
    def build(x):
        tf.identity(unstacked(x).concat(), "y")

    (found,) = compared(build, V1)
    np.testing.assert_array_equal(found, X.reshape(6, 4))


def test_a_list_that_is_pushed_to():
    def build(x):
        made = tf.raw_ops.EmptyTensorList(
            element_shape=[2, 4], max_num_elements=-1, element_dtype=F
        )
        for k in (2, 0):
            made = tf.raw_ops.TensorListPushBack(input_handle=made, tensor=x[k])
        tf.raw_ops.TensorListStack(
            input_handle=made, element_shape=[2, 4], element_dtype=F, name="y"
        )
        tf.identity(tf.raw_ops.TensorListLength(input_handle=made), "n")
        shape = tf.raw_ops.TensorListElementShape(input_handle=made, shape_type=tf.int32)
        tf.identity(shape, "shape")

    y, n, shape = compared(build, V2, ["y:0", "n:0", "shape:0"])
    np.testing.assert_array_equal(y, X[[2, 0]])
    assert (n, shape.tolist()) == (2, [2, 4])


def test_the_shape_of_rows_before_there_are_any():
    definition = building.graph_from(
        lambda x: tf.identity(
            tf.raw_ops.TensorListElementShape(
                input_handle=tf.raw_ops.TensorListReserve(
                    element_shape=[-1, 4], num_elements=3, element_dtype=F
                ),
                shape_type=tf.int32,
            ),
            "y",
        ),
        x=[None, 2, 4],
    )
    (found,), _, _ = building.emitted(definition, ["y:0"], x=X)
    assert found.tolist() == [-1, 4]


@pytest.mark.parametrize("shift", [0, 1])
def test_a_gather_of_fewer_rows_than_there_are(shift):
    """What `stack` writes is range(0, size); raw_rnn gathers up to a length of its own."""

    def build(x):
        array = unstacked(x)
        tf.identity(array.gather(tf.range(0, tf.shape(x)[0] - shift)), "y")

    (found,) = compared(build, V1)
    np.testing.assert_array_equal(found, X[: 3 - shift])


@pytest.mark.parametrize(("start", "step", "rows"), [(1, 1, [1, 2]), (0, 2, [0, 2])])
def test_a_gather_from_elsewhere(start, step, rows):
    def build(x):
        tf.identity(unstacked(x).gather(tf.range(start, tf.shape(x)[0], step)), "y")

    (found,) = compared(build, V1)
    np.testing.assert_array_equal(found, X[rows])


@pytest.mark.parametrize(
    "op", ["StackV2", "TensorListPopBack", "TensorArraySplitV3", "TensorListGather", "StackPushV2"]
)
def test_ops_without_a_dense_form(op):
    made = building.graph_def(building.placeholder(), building.node(op, "odd", "x"))
    message = (
        f"^{op} 'odd' has no dense form; expected arrays that are read and written row by row\\. "
        "Name outputs in front of it, or rewrite that part of the model\\.$"
    )
    with pytest.raises(UnsupportedError, match=message):
        building.emitted(made, ["odd:0"], x=X)


@settings(max_examples=12, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), min_size=1, max_size=5),
    st.permutations(range(4)),
)
def test_any_order_of_writes(writes, order):
    """The last write to a row counts; rows that were not written are zeros."""

    def build(x):
        handle = tf.raw_ops.TensorListReserve(element_shape=[2, 4], num_elements=4, element_dtype=F)
        for place, row in writes:
            handle = tf.raw_ops.TensorListSetItem(input_handle=handle, index=place, item=x[row])
        stacked = tf.raw_ops.TensorListStack(
            input_handle=handle, element_shape=[2, 4], element_dtype=F
        )
        tf.gather(stacked, list(order), name="y")

    (found,) = compared(build, V2, ["y:0"])
    wanted = np.zeros((4, 2, 4), np.float32)
    for place, row in writes:
        wanted[place] = X[row]
    np.testing.assert_array_equal(found, wanted[list(order)])
