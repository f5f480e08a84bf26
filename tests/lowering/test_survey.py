"""A survey knows every Scan of a model; its stand-ins have the shapes of what they stand for."""

from pathlib import Path
from types import SimpleNamespace

import keras
import pytest
import tensorflow as tf

from rnnlite.frontends.opening import open_program
from rnnlite.frontends.request import Request
from rnnlite.lowering import survey
from rnnlite.lowering.lower import lower
from rnnlite.lowering.schedule import Budget, Options
from rnnlite.lowering.survey import Survey, within_budget
from rnnlite.scan.cells import TracedCell
from rnnlite.scan.scan import Scan

L = keras.layers
FIXTURES = Path(__file__).parents[1] / "fixtures" / "tensorflow1"
OPTIONS = Options(weight_bytes=1, budget=Budget())


def test_without_a_budget_nothing_is_traced():
    assert within_budget(Options(), pytest.fail, []) == Options()


def contents_of(source, monkeypatch):
    met = []
    monkeypatch.setattr(survey, "affordable", lambda c, o: met.append(c) or o)
    open_program(source, Request(schedule=OPTIONS))
    return met[-1]


def test_the_scans_of_a_keras_model(monkeypatch):
    x = keras.Input((None, 5))
    h = L.Bidirectional(L.LSTM(8, return_sequences=True))(L.Masking()(x))
    model = keras.Model(x, L.Dense(3, activation="softmax")(L.GRU(4)(h)))
    found = contents_of(model, monkeypatch)
    assert [s.sequences for s in found.loops] == [1, 1, 0]
    assert [s.masked for s in found.loops] == [True, True, True]
    assert [s.again for s in found.loops] == [False, True, False]
    assert [s.loop.recurrent_weights for s in found.loops] == [256, 256, 48]
    assert found.weights == sum(
        w.shape.num_elements() for w in map(tf.convert_to_tensor, model.weights)
    )
    assert found.channels == 2 * (32 + 32) + 12 + 12 + 3


def test_the_scans_of_a_graph(monkeypatch):
    path = next(iter(sorted(FIXTURES.glob("*.pb"))))
    found = contents_of(path, monkeypatch)
    assert found.loops
    assert found.weights > sum(s.loop.recurrent_weights for s in found.loops)


@pytest.mark.parametrize("wanted", [True, False])
def test_stand_ins_have_the_shapes_of_results(wanted):
    def step(rows, states):
        state = tf.tanh(rows[0] + states[0])
        return [tf.concat([state, state], -1)], [state]

    def results(options):
        shapes = []

        @tf.function(input_signature=[tf.TensorSpec((None, 2, 3))], autograph=False)
        def run(x):
            cell = TracedCell(step, kind="custom", units=3)
            scan = Scan(cell, (x,), (tf.zeros([2, 3]),), all_outputs=wanted)
            found, _ = lower(scan, options)
            shapes.append([found.outputs is None, *[t.shape.as_list() for t in found.tensors()]])
            return found.states

        run.get_concrete_function()
        return shapes

    noted = Survey()
    assert results(noted) == results(Options())
    assert [s.sequences for s in noted.loops] == [int(wanted)]


def test_what_the_converter_makes_no_op_of():
    """Shapes, constants, and what becomes part of another op."""
    with tf.Graph().as_default() as graph:
        x = tf.compat.v1.placeholder(tf.float32, [None, 3])
        tf.nn.relu(tf.nn.bias_add(tf.matmul(x, tf.ones([3, 4])), tf.zeros([4])))
        tf.shape(x)[0] + 1
        tf.tanh(x, name="stand_in")
    counted = [op.type for op in graph.get_operations() if survey._counts(op)]
    assert counted == ["MatMul"]


@pytest.mark.parametrize(("shape", "size"), [((), 1), ((3,), 3), ((2, 3, 4), 24), ((0, 5), 0)])
def test_elements(shape, size):
    assert survey._size(shape) == size


def test_weights_and_channels():
    """A table of two rows is the bias of a GRU, and no kernel."""
    with tf.Graph().as_default() as graph:
        pass
    function = SimpleNamespace(graph=graph)
    found = Survey().contents(function, [(3, 8), (2, 12), (8,), (5, 2, 7)])
    assert (found.weights, found.channels) == (24 + 24 + 8 + 70, 8 + 7)
    assert (found.loops, found.others) == ((), 0)


def test_two_directions_of_one_input():
    """What was transposed or reshaped is one source."""
    noted = Survey()
    cell = TracedCell(lambda rows, states: ([states[0]], [states[0] + rows[0]]), "custom", units=3)
    with tf.Graph().as_default():
        x, y = (tf.compat.v1.placeholder(tf.float32, [2, None, 3]) for _ in range(2))
        for one in (x, x, y):
            turned = tf.transpose(one, [1, 0, 2])
            lower(Scan(cell, (turned,), (tf.zeros([2, 3]),)), noted)
    assert [s.again for s in noted.loops] == [False, True, False]


def test_a_stand_in_is_of_no_known_value():
    with tf.Graph().as_default():
        made = survey._unknown(tf.float32, [None, 3])
        assert made.shape.as_list() == [None, 3]
        assert tf.get_static_value(made) is None
