"""Which axis of a graph's input is time, and the least length."""

import numpy as np
import pytest
import tensorflow as tf
from building import HEAD, expected, recurrent, v1, write

import rnnlite


def graph_of(tmp_path, shape, build):
    with tf.Graph().as_default() as graph:
        v1.disable_control_flow_v2()
        build(v1.placeholder(tf.float32, shape, name="x"))
        v1.enable_control_flow_v2()
    path = tmp_path / "graph.pb"
    path.write_bytes(graph.as_graph_def().SerializeToString())
    return path


def assert_equal(converted, path, *shapes):
    model = rnnlite.load(converted.tflite)
    for shape in shapes:
        x = np.random.default_rng(0).normal(size=shape).astype(np.float32)
        (wanted,) = expected(path, ["y:0"], {"x:0": x})
        (found,) = model.run([x])
        np.testing.assert_allclose(found, wanted, atol=1e-6)


def test_a_sequence_without_a_batch_axis(tmp_path):
    def build(x):
        tf.identity(recurrent(x[tf.newaxis]) @ HEAD, name="y")

    path = graph_of(tmp_path, [None, 4], build)
    converted = rnnlite.convert(path)
    assert [p["shape"] for p in converted.report.inputs] == [(None, 4)]
    assert converted.report.parity.lengths == (19, 1, 5, 8)
    assert_equal(converted, path, (1, 4), (7, 4))
    model = rnnlite.load(converted.tflite)
    assert model.inputs[0].batch_axis is None
    assert np.shape(model.predict([np.ones((3, 4)), np.ones((6, 4))])) == (2, 1, 3)
    fixed = rnnlite.convert(path, sequence_length=6, verify=False)
    assert [p["shape"] for p in fixed.report.inputs] == [(6, 4)]


def test_time_in_front_found_by_the_loop(tmp_path):
    def build(x):
        tf.identity(recurrent(tf.transpose(x * 2.0, [1, 0, 2])) @ HEAD, name="y")

    path = graph_of(tmp_path, [None, None, 4], build)
    converted = rnnlite.convert(path)
    assert [p["shape"] for p in converted.report.inputs] == [(None, 1, 4)]
    assert_equal(converted, path, (1, 1, 4), (9, 1, 4))


@pytest.mark.parametrize("v2", [False, True], ids=["frames", "functions"])
def test_the_least_length_behind_a_convolution(tmp_path, v2):
    def build(x):
        x = tf.nn.conv1d(x, np.ones((3, 4, 4), np.float32) * 0.1, 1, "VALID")
        tf.identity(recurrent(tf.nn.max_pool1d(x, 2, 2, "VALID")) @ HEAD, name="y")

    path = write(tmp_path / "graph.pb", build, v2=v2)
    converted = rnnlite.convert(path)
    assert converted.report.inputs[0]["least"] == (1, 4, 1)
    assert_equal(converted, path, (1, 4, 4), (1, 5, 4), (1, 30, 4))
    with pytest.raises(rnnlite.SampleError, match="'x' is too short; expected at least 4 time"):
        rnnlite.load(converted.tflite).predict([np.ones((3, 4))])


def test_the_width_of_a_line(tmp_path):
    def build(x):
        x = tf.nn.max_pool2d(x, 2, 2, "VALID")
        x = tf.transpose(x, [0, 2, 1, 3])
        x = tf.reshape(x, tf.stack([tf.shape(x)[0], tf.shape(x)[1], 4]))
        tf.identity(recurrent(x) @ HEAD, name="y")

    path = graph_of(tmp_path, [None, 8, None, 1], build)
    converted = rnnlite.convert(path)
    assert [p["shape"] for p in converted.report.inputs] == [(1, 8, None, 1)]
    assert not any("fixed length" in n for n in converted.report.notes)
    assert_equal(converted, path, (1, 8, 2, 1), (1, 8, 31, 1))
