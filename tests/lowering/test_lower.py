"""A lowered Scan gives what the oracle gives, and says how it was laid out."""

import numpy as np
import pytest
import tensorflow as tf

from rnnlite.lowering.lower import lower
from rnnlite.lowering.schedule import Options, Schedule
from rnnlite.lowering.survey import Survey
from rnnlite.scan import oracle
from rnnlite.scan.cells import GRU, LSTM, Activation, TracedCell
from rnnlite.scan.projection import Projection
from rnnlite.scan.scan import Scan

TANH, SIGMOID = Activation(tf.tanh, True), Activation(tf.sigmoid, True)
RNG = np.random.default_rng(0)
FEATURES, UNITS, BATCH = 2, 3, 2
WEIGHTS = [
    RNG.standard_normal(s).astype(np.float32) / 2
    for s in ((FEATURES, 3 * UNITS), (UNITS, 3 * UNITS), (2, 3 * UNITS))
]
X = RNG.standard_normal((BATCH, 40, FEATURES)).astype(np.float32)
START = RNG.standard_normal((BATCH, UNITS)).astype(np.float32)


def traced(spec, options, cell=None, **scan):
    """A function of (B, T, F) that gives last output, all outputs and state; its schedules."""
    cell = cell or GRU(*WEIGHTS, TANH, SIGMOID, reset_after=True)
    schedules = []

    def run(x):
        one = Scan(cell, (tf.transpose(x, [1, 0, 2]),), (tf.constant(START),), **scan)
        result, schedule = lower(one, options)
        schedules.append(schedule)
        return result.tensors()

    made = tf.function(run, autograph=False).get_concrete_function(tf.TensorSpec(spec))
    return made, schedules[-1]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"unroll": 1, "chunk": 4, "depth": 3, "chunked_projection": 1}, "projected by chunks"),
        ({"unroll": 2, "chunk": 4, "depth": 2, "partitions": 2, "peeled_chunks": 2}, "peeled"),
        ({"unroll": 2, "depth": 1, "projection": "fused"}, "inputs and state in one product"),
    ],
    ids=["levels", "partitions", "fused"],
)
def test_any_layout_computes_the_same_at_any_length(options, words):
    asked = Options(variables=0, max_unroll=4, **options)
    made, schedule = traced((BATCH, None, FEATURES), asked, all_outputs=True)
    assert words in str(schedule)
    step = oracle.gru_step(*WEIGHTS, True)
    for length in (1, 3, 8, 9, 29):
        x = X[:, :length]
        wanted, (final,) = oracle.scan(step, x, [START])
        last, outputs, state = made(tf.constant(x))
        np.testing.assert_allclose(np.swapaxes(outputs, 0, 1), wanted, atol=2e-6)
        np.testing.assert_allclose(last, wanted[:, -1], atol=2e-6)
        np.testing.assert_allclose(state, final, atol=2e-6)


@pytest.mark.parametrize("depth", [2, 3])
def test_bodies_make_nothing_of_computed_size(depth):
    """The runtime would not know the size of a loop's results before it has run."""
    options = {"unroll": 2, "chunk": 4, "peeled_chunks": 0, "chunked_projection": 1}
    asked = Options(variables=0, depth=depth, **options)
    made, _ = traced((BATCH, None, FEATURES), asked, all_outputs=True)
    functions = made.graph.as_graph_def().library.function
    inner = {node.op for function in functions for node in function.node_def}
    assert {"StatelessWhile", "GatherV2", "MatMul"} <= inner
    assert not inner & {"Cumsum", "Fill", "OnesLike", "Range"}


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("zero", [False, True])
def test_masks_and_directions(reverse, zero):
    mask = RNG.random((BATCH, 7)) < 0.6
    given = {"reverse": reverse, "zero_output_for_mask": zero, "all_outputs": True}
    asked = Options(unroll=2, depth=1, variables=0)
    made, _ = traced((BATCH, 7, FEATURES), asked, mask=tf.constant(mask.T), **given)
    step = oracle.gru_step(*WEIGHTS, True)
    options = {"reverse": reverse, "mask": mask, "zero_output_for_mask": zero}
    wanted, (final,) = oracle.scan(step, X[:, :7], [START], **options)
    last, outputs, state = made(tf.constant(X[:, :7]))
    np.testing.assert_allclose(np.swapaxes(outputs, 0, 1), wanted, atol=2e-6)
    np.testing.assert_allclose(last, wanted[:, -1], atol=2e-6)
    np.testing.assert_allclose(state, final, atol=2e-6)


@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        ({"all_outputs": True}, 3),
        ({"all_outputs": True, "last_output": False}, 2),
        ({}, 2),
        ({"last_output": False}, 1),
    ],
)
def test_what_is_not_asked_for_is_not_there(wanted, count):
    made, _ = traced((BATCH, None, FEATURES), Options(), **wanted)
    assert len(made.outputs) == count


def test_a_single_step_has_no_layout():
    """It keeps where it is projected, and how its rows are multiplied."""
    _, schedule = traced((BATCH, 1, FEATURES), Options(unroll=4, chunk=8, depth=3))
    assert schedule == Schedule(remainder_rows=schedule.remainder_rows)
    _, schedule = traced((BATCH, 1, FEATURES), Options(projection="fused"))
    assert schedule.projection is Projection.FUSED


@pytest.mark.parametrize("streamed", [False, True])
def test_what_is_in_front_stays_apart_where_chunks_are_made_as_well(streamed):
    made, _ = traced((BATCH, None, FEATURES), Options(streamed=streamed))
    barriers = [op for op in made.graph.get_operations() if op.type == "Maximum"]
    assert [op.inputs[0].op.type for op in barriers] == ["Transpose"] * streamed
    y, _ = made(tf.constant(X))
    np.testing.assert_array_equal(y, traced((BATCH, None, FEATURES), Options())[0](X)[0])


def test_a_survey_makes_no_loop():
    noted = Survey()
    made, schedule = traced((BATCH, None, FEATURES), noted, all_outputs=True)
    assert schedule == Schedule()
    assert not any("While" in op.type for op in made.graph.get_operations())
    (one,) = noted.loops
    assert (one.sequences, one.masked, one.again) == (1, False, False)


def test_every_lowering_has_a_number_of_its_own():
    with tf.Graph().as_default():
        x = tf.zeros([4, BATCH, FEATURES])
        cell = GRU(*WEIGHTS, TANH, SIGMOID, reset_after=True)
        scan = Scan(cell, (x,), (tf.constant(START),))
        numbers = [lower(scan, Options())[0].number for _ in range(3)]
    assert len(set(numbers)) == 3
    assert numbers == sorted(numbers)


@pytest.mark.parametrize("chunked", [False, True])
def test_what_all_steps_are_projected_to(chunked):
    """It is there where it was made at once."""
    options = Options(unroll=1, chunk=4, depth=2, chunked_projection=int(chunked))
    with tf.Graph().as_default():
        x = tf.compat.v1.placeholder(tf.float32, [None, BATCH, FEATURES])
        cell = GRU(*WEIGHTS, TANH, SIGMOID, reset_after=True)
        scan = Scan(cell, (x,), (tf.constant(START),), all_outputs=True)
        found, schedule = lower(scan, options)
    assert schedule.chunked_projection == chunked
    shapes = [p.shape.as_list() for p in found.projected]
    assert shapes == ([] if chunked else [[None, BATCH, 3 * UNITS]])


def test_a_traced_cell_can_be_taken_once_more():
    """Its step is a graph of its own; a known cell needs none."""
    with tf.Graph().as_default():
        gain = tf.constant([2.0] * UNITS)
        cell = TracedCell(lambda rows, s: ([s[0] * gain], [s[0] + rows[0]]), "Mine")
        x = tf.zeros([4, BATCH, UNITS])
        made, _ = lower(Scan(cell, (x,), (tf.constant(START),)), Options())
        weights = [np.zeros(s, np.float32) for s in ((UNITS, 12), (UNITS, 12), (12,))]
        known = LSTM(*weights, TANH, SIGMOID)
        plain, _ = lower(Scan(known, (x,), (tf.constant(START),) * 2), Options())
    assert plain.step is None
    assert [len(s.shape) for s in made.step.states] == [2]
    assert made.step.output_state is None
