"""What inspect says, of our files and of others."""

import json

import pytest
import tensorflow as tf

import rnnlite


def test_our_file(exits, exits_model):
    found = rnnlite.inspect(exits.tflite)
    assert [(t.name, t.shape, t.dtype) for t in found.inputs] == [
        ("frames", (1, None, 3), "float32")
    ]
    assert [(t.name, t.shape) for t in found.outputs] == [("tags", (1, None, 2)), ("label", (1, 5))]
    assert found.custom_ops == ()
    assert found.loops == found.ops["WHILE"] == 15
    assert found.size == len(exits.tflite)
    assert found.record["origin"] == exits.report.origin
    json.dumps(found.to_dict())
    text = str(found)
    assert "frames" in text
    assert "forward_lstm" in text


def test_a_file_of_another_converter(tmp_path):
    function = tf.function(lambda x: tf.nn.relu(x)).get_concrete_function(tf.TensorSpec([2, 3]))
    data = tf.lite.TFLiteConverter.from_concrete_functions([function], None).convert()
    path = tmp_path / "other.tflite"
    path.write_bytes(data)
    found = rnnlite.inspect(path)
    assert found.record is None
    assert found.ops == {"RELU": 1}
    assert found.inputs[0].shape == (2, 3)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(rnnlite.ModelError, match=r"nothing\.tflite"):
        rnnlite.inspect(tmp_path / "nothing.tflite")
