"""A Scan of one step is no loop, and equals the loop's first step."""

from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from rnnlite.lowering.lower import lower
from rnnlite.lowering.marks import STEP, decode
from rnnlite.lowering.schedule import Options
from rnnlite.lowering.step import Step
from rnnlite.lowering.without_loop import is_single
from rnnlite.scan.cells import GRU, LSTM, Activation, TracedCell
from rnnlite.scan.scan import Scan

TANH, SIGMOID = Activation(tf.tanh, True), Activation(tf.sigmoid, True)


def scan(kind, x, options):
    rng = np.random.default_rng(0)
    gates = {"lstm": 4, "gru": 3}[kind]
    kernels = [rng.standard_normal((n, gates * 5)).astype(np.float32) for n in (3, 5)]
    cell = (
        LSTM(*kernels, None, TANH, SIGMOID)
        if kind == "lstm"
        else GRU(*kernels, None, TANH, SIGMOID, False)
    )
    states = tuple(tf.ones([2, 5]) * k for k in range(2 if kind == "lstm" else 1))
    return replace(Scan(cell, (x,), states, all_outputs=True), **options)


@pytest.mark.parametrize("kind", ["lstm", "gru"])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("zero", [False, True])
@pytest.mark.parametrize("previous", [False, True])
@pytest.mark.parametrize("reverse", [False, True])
def test_one_step(kind, masked, zero, previous, reverse):
    x = np.random.default_rng(1).standard_normal((1, 2, 3)).astype(np.float32)
    kinds = []

    def run(tensor):
        options = {"zero_output_for_mask": zero, "reverse": reverse}
        if masked:
            options["mask"] = tf.constant([[[True], [False]]])
        if previous:
            options["previous"] = (tf.fill([2, 5], 7.0),)
        result, _ = lower(scan(kind, tensor, options), Options())
        kinds.append({op.type for op in tf.compat.v1.get_default_graph().get_operations()})
        return result.tensors()

    once = tf.function(run, autograph=False).get_concrete_function(tf.TensorSpec([1, 2, 3]))
    loop = tf.function(run, autograph=False).get_concrete_function(tf.TensorSpec([None, 2, 3]))
    for a, b in zip(once(tf.constant(x)), loop(tf.constant(x)), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)
    assert [any("While" in k for k in found) for found in kinds] == [False, True]


def test_rows_of_another_length_are_no_single_step():
    """What is projected says how many there are."""
    gains = tf.constant([[[2.0]], [[3.0]]])
    cell = TracedCell(lambda rows, states: ([rows[1]], [states[0] + rows[0] * rows[1]]), "two")
    with tf.Graph().as_default():
        for x, single in ((tf.ones([1, 1, 1]), False), (tf.ones([2, 1, 1]), False)):
            both = Scan(cell, (x, tf.identity(gains.numpy())), (tf.zeros([1, 1]),))
            assert is_single(Step(both)) is single
        alone = Scan(cell, (tf.ones([1, 1, 1]),) * 2, (tf.zeros([1, 1]),))
        assert is_single(Step(alone))


def test_a_cell_whose_output_is_no_state():
    """A masked step repeats the output before it: zeros, or what is given."""
    cell = TracedCell(lambda rows, states: ([2.0 * states[0]], [states[0] + rows[0]]), "mine")
    x, mask = tf.ones([1, 2, 3]), tf.constant([[True, False]])
    for previous, wanted in ((None, 0.0), (tf.fill([2, 3], 7.0), 7.0)):
        given = {} if previous is None else {"previous": (previous,)}

        def run(x=x, given=given):
            scan = Scan(cell, (x,), (tf.ones([2, 3]),), mask=mask, all_outputs=True, **given)
            return lower(scan, Options())[0].tensors()

        last, outputs, state = tf.function(run, autograph=False)()
        np.testing.assert_array_equal(last, [[2.0] * 3, [wanted] * 3])
        np.testing.assert_array_equal(outputs[0], last)
        np.testing.assert_array_equal(state, [[2.0] * 3, [1.0] * 3])


def test_its_ops_are_marked():
    """What the naming of tensors asks of a step that stands in no loop."""
    with tf.Graph().as_default() as graph, tf.name_scope("net"):
        result, _ = lower(scan("lstm", tf.ones([1, 2, 3]), {}), Options())
    marks = {decode(op.node_def.attr[STEP].s) for op in graph.get_operations() if _marked(op)}
    (mark,) = marks
    assert (mark.scan, mark.scope, mark.level, mark.unroll) == (result.number, "net", 0, 1)
    assert mark.steps == ("net/step/",)
    assert all(op.name.startswith("net/step/") for op in graph.get_operations() if _marked(op))


def _marked(op):
    return STEP in op.node_def.attr


@pytest.mark.parametrize(("length", "single"), [(1, True), (2, False), (None, False)])
def test_how_many_steps_there_are(length, single):
    with tf.Graph().as_default():
        x = tf.compat.v1.placeholder(tf.float32, [length, 2, 3])
        assert is_single(Step(scan("gru", x, {}))) is single


def test_a_mask_of_more_steps_is_of_no_single_one():
    with tf.Graph().as_default():
        x, mask = tf.ones([1, 2, 3]), tf.compat.v1.placeholder(tf.bool, [None, 2])
        assert not is_single(Step(scan("gru", x, {"mask": mask})))
