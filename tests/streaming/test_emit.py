"""The walk over a function: what is copied, what goes by rules, what is refused."""

import re

import numpy as np
import pytest
import tensorflow as tf

from rnnlite.errors import StreamingError
from rnnlite.lengths.sizes import free
from rnnlite.lowering.schedule import Options
from rnnlite.scan.cells import Activation, SimpleRNN
from rnnlite.scan.scan import Lowered, Scan, ScanResult
from rnnlite.streaming import emit
from rnnlite.streaming.emit import TIME, count_rule, key_of, rule, scan_inputs, scope_of
from rnnlite.streaming.rows import Rows
from rnnlite.streaming.values import Bounded, Sizes, SoFar, Static, Timed
from streaming.chunks import kernel
from streaming.emission import Emission, kinds

X = np.arange(24, dtype=np.float32).reshape(1, 4, 6)


@pytest.mark.parametrize(
    ("name", "scope"),
    [("", ""), ("Add", ""), ("model/lstm/Add", "model/lstm/"), ("a/b", "a/")],
)
def test_the_scope_of_an_op(name, scope):
    assert scope_of(name) == scope


def test_tensors_of_one_name_in_two_graphs_are_two():
    keys = []
    for _ in range(2):
        with tf.Graph().as_default() as graph:
            keys.append((key_of(tf.zeros([1], name="x")), id(graph)))
    (one, first), (other, second) = keys
    assert one == (first, "x:0")
    assert other == (second, "x:0")


def test_a_rule_is_registered_for_all_its_ops(monkeypatch):
    monkeypatch.setattr(emit, "RULES", {})
    monkeypatch.setattr(emit, "COUNTS", {})

    @rule("One", "Other")
    def mine(emitter, op, inputs):
        return inputs

    @count_rule("Third")
    def counted(emitter, op, inputs):
        return inputs

    assert {"One": mine, "Other": mine} == emit.RULES
    assert {"Third": counted} == emit.COUNTS


def test_what_does_not_depend_on_time_is_copied():
    one = Emission(lambda x, s: tf.tanh(s) * 2.0, (1, None, 6), (1, 3))
    found = one.value()
    assert isinstance(found, Static)
    given = np.ones((1, 3), np.float32)
    np.testing.assert_allclose(one.run(found.tensor, X, given), np.tanh(given) * 2.0, rtol=1e-6)
    # The names are those of the whole function.
    assert "Tanh" in kinds(one)
    assert one.graph.get_operation_by_name(one.op("Tanh").name).type == "Tanh"


def test_inputs_are_what_is_given_for_them():
    one = Emission(lambda x, s: (x, s), (1, None, 6), (1, 3))
    timed, static = (one.value(t) for t in one.net.function.inputs[:2])
    assert (timed.tensor, timed.rows) == (one.chunks[0], Rows(1))
    assert static.tensor is one.chunks[1]


def test_each_tensor_is_made_once():
    one = Emission(lambda x: (tf.tanh(x), tf.tanh(x[..., :1])), (1, None, 6))
    y = one.value(0)
    assert one.value(0) is y
    count = kinds(one).count("Tanh")
    one.value(0)
    assert kinds(one).count("Tanh") == count == 1
    one.value(1)
    assert kinds(one).count("Tanh") == 2


def test_a_long_chain_needs_no_deep_stack():
    """Hundreds of ops one behind another are walked without recursion."""

    def model(x):
        for _ in range(600):
            x = -x
        return x

    one = Emission(model, (1, None, 6))
    np.testing.assert_array_equal(one.run(one.value().tensor, X), X)


def test_variables_and_captured_constants_are_what_they_are():
    outer = kernel(6)
    one = Emission(lambda x: x + outer, (1, None, 6))
    captures = one.net.function.graph.captures
    assert len(captures) == 1
    found = one.value(captures[0][1])
    assert isinstance(found, Static)
    assert found.tensor is captures[0][0]


def test_ops_stand_in_the_scope_that_they_stood_in():
    def model(x):
        with tf.name_scope("block/inner"):
            return tf.pad(x, [[0, 0], [0, 0], [1, 1]])

    one = Emission(model, (1, None, 6))
    pad = one.op("Pad")
    found = one.value(pad.outputs[0])
    assert found.tensor.op.name.startswith("block/inner/")


def sizes_of(one, k=0):
    return one.value(one.net.function.outputs[k].op.inputs[0])


def test_shapes_are_numbers_that_follow_from_the_length():
    one = Emission(lambda x: tf.shape(x) * 1, (1, None, 6))
    found = one.value()
    assert isinstance(found, Sizes)
    assert list(found.content) == [1, free(TIME), 6]
    assert one.emitter.grows(found)
    assert not one.emitter.is_length(found)


@pytest.mark.parametrize(
    ("function", "is_length"),
    [
        (lambda x: tf.shape(x)[1], True),
        (lambda x: tf.shape(x)[1:2], True),
        (lambda x: tf.shape(x)[1] + 1, False),
        (lambda x: tf.shape(x)[0], False),
    ],
)
def test_which_number_is_the_length(function, is_length):
    one = Emission(function, (1, None, 6))
    assert one.emitter.is_length(one.value()) is is_length
    assert one.emitter.length == free(TIME)


@pytest.mark.parametrize("value", [Static(None), Bounded(0), SoFar(None, Rows(0))])
def test_what_is_no_size_is_no_length(value):
    one = Emission(lambda x: x * 1.0, (1, None, 6))
    assert not one.emitter.grows(value)
    assert not one.emitter.is_length(value)


def test_numbers_that_are_known_are_a_constant():
    one = Emission(lambda x: tf.shape(x)[0::2] * 1, (1, None, 6))
    with one.graph.as_default():
        found = one.emitter.tensor(one.value(), one.op("Shape"))
    assert found.dtype == tf.int32
    assert tf.get_static_value(found).tolist() == [1, 6]


def test_a_free_batch_is_a_number_of_the_chunk():
    one = Emission(lambda x: tf.stack([tf.shape(x)[0], 7]) * 1, (None, None, 6))
    with one.graph.as_default():
        found = one.emitter.tensor(one.value(), one.op("Shape"))
    x = np.zeros((3, 4, 6), np.float32)
    assert one.run(found, x).tolist() == [3, 7]


def test_a_single_number_keeps_its_shape():
    one = Emission(lambda x: tf.shape(x)[0] * 1, (None, None, 6))
    with one.graph.as_default():
        found = one.emitter.tensor(one.value(), one.op("Shape"))
    assert found.shape == ()
    assert one.run(found, np.zeros((3, 4, 6), np.float32)) == 3


LENGTH = "op '{}' cannot be streamed: it computes with the length of the whole sequence"


def test_the_length_is_no_number_of_a_chunk():
    one = Emission(lambda x: x * 1.0, (1, None, 6))
    op = one.op("Mul")
    expected = re.escape(LENGTH.format(op.name))
    with one.graph.as_default():
        assert one.emitter.number(7, op) == 7
        for size in (free(TIME), free(TIME) + 1):
            with pytest.raises(StreamingError, match=expected):
                one.emitter.number(size, op)
        with pytest.raises(StreamingError, match=expected):
            one.emitter.tensor(Bounded(0), op)


def test_what_is_computed_of_the_batch_is_no_number_of_a_chunk():
    """Only the batch itself is read off the chunk."""
    one = Emission(lambda x: tf.zeros([tf.shape(x)[0] * 2, 3]) + 0.0, (None, None, 6))
    with pytest.raises(StreamingError, match="it computes with the length of the whole sequence"):
        one.value()


@pytest.mark.parametrize("function", [tf.zeros_like, tf.ones_like])
def test_a_tensor_that_is_read_for_its_size_alone(function):
    """It may be one that cannot be streamed: its numbers are not asked for."""

    def model(x):
        last_first = tf.reduce_max(tf.reverse(x, [1]), 1)
        return function(last_first) + 1.0

    one = Emission(model, (None, None, 6))
    found = one.value()
    assert isinstance(found, Static)
    expected = np.full((2, 6), 1.0 if function is tf.zeros_like else 2.0)
    given = np.zeros((2, 4, 6), np.float32)
    np.testing.assert_array_equal(one.run(found.tensor, given), expected)
    assert "ReverseV2" not in kinds(one)
    assert found.tensor.dtype == tf.float32


def test_ones_of_integers_stay_integers():
    # More of them than are followed as sizes.
    one = Emission(lambda x: tf.ones_like(tf.reduce_max(x, 1)) * 3, (1, None, 70), dtype="int32")
    found = one.value()
    assert found.tensor.dtype == tf.int32
    np.testing.assert_array_equal(one.run(found.tensor, np.zeros((1, 4, 70))), np.full((1, 70), 3))


def test_what_is_made_of_results_so_far_is_one():
    """Of two of them: of the later and the shorter rows."""

    def model(x):
        early = tf.reduce_max(x, 1)
        late = tf.reduce_max(x[:, :-2], 1)
        return early + late, tf.tanh(early)

    one = Emission(model, (1, None, 6))
    both, early = one.value(0), one.value(1)
    assert isinstance(both, SoFar)
    assert (both.rows.delay, both.rows.add) == (2, -2)
    assert isinstance(early, SoFar)
    assert (early.rows.delay, early.rows.add) == (0, 0)


def test_single_steps_beside_a_result_of_all_are_refused():
    one = Emission(lambda x: x - tf.reduce_max(x, 1, keepdims=True), (1, None, 6))
    expected = (
        f"op '{one.op('Sub').name}' cannot be streamed: it needs the whole of time at each step; "
        "found a result of all steps beside single steps. Stream the part of the model in front of "
        "it, or convert without streaming."
    )
    with pytest.raises(StreamingError, match=re.escape(expected)):
        one.value()


def test_an_op_without_a_rule_is_refused_by_name():
    one = Emission(lambda x: tf.linalg.matrix_transpose(tf.linalg.inv(x)), (1, None, 6))
    expected = "MatrixInverse along time has no streaming form"
    with pytest.raises(StreamingError, match=expected):
        one.value()


def test_an_op_without_a_rule_is_copied_where_there_is_no_time():
    one = Emission(lambda x, s: tf.linalg.inv(s), (1, None, 6), (2, 2))
    given = np.array([[2.0, 0.0], [0.0, 4.0]], np.float32)
    found = one.run(one.value().tensor, X, given)
    np.testing.assert_allclose(found, [[0.5, 0.0], [0.0, 0.25]])


def test_a_constant_is_read_by_its_value_or_by_its_sizes():
    """Of a shape vector, numbers that are known count as constants."""

    def model(x):
        return tf.pad(x, [[0, 0], [0, 0], [1, 2]]), tf.reshape(x, [tf.shape(x)[0], -1, 2, 3])

    one = Emission(model, (1, None, 6))
    emitter = one.emitter
    assert emitter.constant(one.op("Pad"), 1).tolist() == [[0, 0], [0, 0], [1, 2]]
    with pytest.raises(StreamingError, match="operand 0 of Pad is no constant"):
        emitter.constant(one.op("Pad"), 0)


def test_an_operand_that_follows_from_sizes_is_a_constant():
    one = Emission(lambda x, s: tf.tile(x, [1, 1, tf.shape(s)[1]]), (1, None, 6), (1, 2))
    found = one.emitter.constant(one.op("Tile"), 1)
    assert (found.tolist(), found.dtype.kind) == ([1, 1, 2], "i")


def test_a_tensor_of_unknown_rank_is_refused():

    def model(x, n):
        return tf.ensure_shape(tf.reshape(x, tf.cast(n, tf.int32), name="any"), [1, None, 6])

    one = Emission(model, (1, None, 6), (None,))
    with pytest.raises(StreamingError, match="'any' cannot be streamed: the rank of what it gives"):
        one.emitter.sizes(one.op("Reshape").outputs[0])


def words(op):
    """As front ends say it: a layer by its name, other ops by their own."""
    parts = op.split("/")
    return f"layer '{parts[-2]}'" if len(parts) > 1 else f"op '{op}'"


def test_layers_are_named_in_words():
    def model(x):
        with tf.name_scope("net/lstm"):
            inner = tf.tanh(x)
        return -inner

    one = Emission(model, (1, None, 6), place=words)
    tanh, neg = one.op("Tanh"), one.op("Neg")
    emitter = one.emitter
    assert emitter.place(tanh) == "layer 'lstm'"
    assert emitter.place(neg) == "op 'Neg'"
    # The short name is that of the layer; an op that is its own layer has none but its own.
    assert emitter.layer(tanh) == "lstm"
    assert emitter.layer(neg) == "Neg"
    # The layer that the layer stands in.
    assert emitter.around(tanh) == "layer 'net'"


def test_a_layer_that_is_called_after_its_op_is_named_by_its_scope():
    one = Emission(lambda x: tf.tanh(x, name="net/lstm/Tanh"), (1, None, 6))
    assert one.emitter.layer(one.op("Tanh")) == "net/lstm"


def rnn(x, recur, **options):
    rng = np.random.default_rng(0)
    weights = [rng.standard_normal(s).astype("f") / 3 for s in ((6, 4), (4, 4), (4,))]
    cell = SimpleRNN(*weights, Activation(tf.tanh, True))
    first = tf.zeros([1, 4])
    scan = Scan(cell, (tf.transpose(x, [1, 0, 2]),), (first,), name="rnn", **options)
    return recur(scan)


def test_a_recurrence_is_stepped_over_and_lowered_again():
    def model(x, recur):
        result = rnn(x, recur, all_outputs=True)
        return [*result.outputs, *result.states]

    one = Emission(model, (1, None, 6), loops=True)
    rows, state = one.value(0), one.value(1)
    assert isinstance(rows, Timed)
    assert rows.rows == Rows(0)
    assert isinstance(state, SoFar)
    assert [s.name for s in one.states.met] == ["state/rnn/h"]
    found = one.emitter.twins()
    (old,) = [s.result.number for s in one.net.scans]
    assert list(found.scans.values()) == [old]
    assert old not in found.scans


def test_a_recurrence_is_lowered_once_for_all_its_results():
    def model(x, recur):
        result = rnn(x, recur, all_outputs=True)
        return [*result.outputs, *result.last, *result.states]

    one = Emission(model, (1, None, 6), loops=True)
    for k in range(3):
        one.value(k)
    assert len(one.states.met) == 1
    assert len(one.emitter.twins().scans) == 1


def test_what_a_recurrence_reads():
    x, mask, state = "x", "mask", "state"
    result = ScanResult((), None, ())
    scan = Scan(None, (x,), (state,), mask=None)
    assert scan_inputs(Lowered(scan, result)) == [x, state]
    scan = Scan(None, (x,), (state,), mask=mask)
    assert scan_inputs(Lowered(scan, result)) == [x, mask, state]


def test_what_was_emitted_is_told_of_what_it_stands_for():
    one = Emission(lambda x, s: (tf.tanh(x), tf.sigmoid(s)), (1, None, 6), (1, 3))
    one.value(0), one.value(1)
    ops = one.emitter.twins().ops
    for kind in ("Tanh", "Sigmoid"):
        (mine,) = [op.name for op in one.graph.get_operations() if op.type == kind]
        assert one.op(kind).name in ops[mine]


def test_a_tensor_that_stands_for_several_is_told_of_each():
    """What passes a tensor on is the tensor itself, a twin of both."""
    one = Emission(lambda x: tf.ensure_shape(x, [1, None, 6]) * 1.0, (1, None, 6))
    one.value()
    names = one.emitter.twins().ops[one.chunks[0].op.name]
    assert one.net.function.inputs[0].op.name in names
    assert one.op("EnsureShape").name in names


def test_sizes_and_counts_are_nobodys_twins():
    one = Emission(lambda x: tf.reshape(x, [1, tf.shape(x)[1], 2, 3]), (1, None, 6))
    one.value()
    told = [name for names in one.emitter.twins().ops.values() for name in names]
    assert one.op("Shape").name not in told


def test_options_and_states_are_those_given():
    one = Emission(lambda x: x * 1.0, (1, None, 6), chunk=4)
    assert one.emitter.states is one.states
    assert one.emitter.clock is one.clock
    assert one.emitter.options == Options(depth=1, partitions=1, variables=0)
    assert one.emitter.made_once == {}
