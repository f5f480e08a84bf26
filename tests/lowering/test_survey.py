"""A survey knows every Scan of a model; its stand-ins have the shapes of what they stand for."""

from pathlib import Path

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
