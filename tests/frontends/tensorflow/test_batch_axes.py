"""The batch axes of graphs: time-major, of scores and of rows of all time steps, and none."""

from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf
from artefacts import FOLDER, runs

import field_graphs
import rnnlite
from rnnlite.frontends.functions import trace
from rnnlite.frontends.sizes import grown_axes
from rnnlite.frontends.tensorflow.batch_axes import batch_axes_of_outputs
from rnnlite.specs import TensorSpec


def test_time_major_samples_have_no_batch_axis():
    model = rnnlite.load(rnnlite.convert(FOLDER / "time_major.pb", verify=False).tflite)
    assert [s.batch_axis for s in (*model.inputs, *model.outputs)] == [1, 1, 0]
    samples, wanted = [], []
    for run in runs("time_major"):
        for k in range(run["in"]["x"].shape[1]):
            samples.append(run["in"]["x"][:, k])
            wanted.append((run["out"]["outputs"][:, k], run["out"]["state"][k]))
    found = model.predict(samples)
    for y, h, (outputs, state) in zip(found["outputs"], found["state"], wanted, strict=True):
        np.testing.assert_allclose(y, outputs, atol=1e-6)
        np.testing.assert_allclose(h, state, atol=1e-6)


def test_a_batch_of_time_major_samples():
    converted = rnnlite.convert(FOLDER / "time_major.pb", batch_size=None)
    model = rnnlite.load(converted.tflite)
    run = runs("time_major")[2]
    samples = [run["in"]["x"][:, k] for k in range(2)]
    found = model.predict(samples, batch_size=2)
    np.testing.assert_allclose(found["state"], run["out"]["state"], atol=1e-6)


@pytest.mark.parametrize(("behind", "axis"), [("ctc", 1), ("sequence", 0), ("rows", None)])
@pytest.mark.parametrize("batch", [None, 1])
@pytest.mark.parametrize("loop", ["dynamic", "static"])
def test_the_batch_axis_of_outputs_of_batch_major_graphs(tmp_path, behind, axis, batch, loop):
    """Scores before CTC are time-major; logits may be rows of all time steps."""
    plain = {"cell": "rnn", "layers": 1, "front": None, "lengths": False, "bidirectional": False}
    draw = {"seed": 0, "loop": loop, "control_flow": 1, "batch": batch, "head": "logits", **plain}
    graph, inputs, outputs = field_graphs.build({**draw, "behind": behind})
    (tmp_path / "graph.pb").write_bytes(graph.as_graph_def().SerializeToString())
    model = rnnlite.load(rnnlite.convert(tmp_path / "graph.pb", verify=False).tflite)
    assert [s.batch_axis for s in model.outputs] == [axis]
    x = field_graphs.feeds(graph, inputs, 9, 0)["x:0"]
    with tf.compat.v1.Session(graph=graph) as session:
        (expected,) = session.run(outputs, {"x:0": x})
    wanted = expected if axis is None else expected.take(0, axis)
    np.testing.assert_allclose(model.predict([x[0]])[0], wanted, atol=1e-5)


def test_time_major_graphs_that_take_one_batch_alone():
    """A given state stands for one sequence: no axis grows, and the first is time."""
    specs = (
        TensorSpec("x", (None, 1, 3), "float32", batch_axis=1),
        TensorSpec("state", (1, 1, 3), "float32"),
    )

    def call(tensors):
        x, state = tensors
        y = tf.concat([x, tf.tile(tf.ensure_shape(state, [1, 1, 3]), [tf.shape(x)[0], 1, 1])], 2)
        return y, y[-1]

    function = trace(call, specs, autograph=False)
    traced = SimpleNamespace(specs=specs, function=function, call=call, ids={})
    assert grown_axes(lambda sized: trace(call, sized, autograph=False), specs) is None
    assert batch_axes_of_outputs(traced, call) == [1, 0]


def test_inputs_without_batch_axis():
    model = rnnlite.load(rnnlite.convert(FOLDER / "while_numbers.pb").tflite)
    assert [s.batch_axis for s in model.inputs] == [None, None]
    found = model.predict([(np.float32(8.5), np.float32(2.0)), (np.float32(11.0), np.float32(3.0))])
    np.testing.assert_allclose(found["a"], [10.5, 11.0])
    np.testing.assert_allclose(found["b"], [2.0 * 1.1**2, 3.0], rtol=1e-6)
