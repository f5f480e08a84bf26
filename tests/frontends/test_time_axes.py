"""Which axis is time, the least length, a plain run: models of the field, both Keras packages."""

import json

import keras
import numpy as np
import pytest
import tf_keras
from ai_edge_litert.interpreter import Interpreter

import rnnlite
from rnnlite.lengths.facts import RULES


def crnn(K, shape, pools, form, channels=4, height=None):
    """Convolutions, poolings, then a recurrence over the width."""
    K.utils.set_random_seed(0)
    layers = K.layers
    x = line = K.Input(shape, name="line")
    height = height or shape[0]
    for pool in pools:
        x = layers.Conv2D(channels, 3, padding="same")(x)
        x = layers.MaxPooling2D(pool)(x)
        height //= pool[0] if isinstance(pool, tuple) else pool
    x = layers.Permute((2, 1, 3))(x)
    if form == "reshape":
        x = layers.Reshape((-1, height * channels))(x)
    else:
        x = layers.TimeDistributed(layers.Flatten())(x)
    x = layers.Bidirectional(layers.GRU(3, return_sequences=True))(x)
    return K.Model(line, layers.Dense(4, activation="softmax")(x))


def same(model, converted, *shapes):
    """Predictions are those of the live model."""
    loaded = rnnlite.load(converted.tflite)
    for shape in shapes:
        x = np.random.default_rng(shape[0]).standard_normal(shape).astype(np.float32)
        (found,) = loaded.predict([x])
        np.testing.assert_allclose(found, np.asarray(model(x[None]))[0], atol=1e-5)


def shapes(converted):
    return [p["shape"] for p in converted.report.inputs]


@pytest.mark.parametrize(("form", "batch"), [("reshape", None), ("flatten", 1)])
def test_the_width_of_a_line_is_its_time(K, form, batch):
    model = crnn(K, (16, None, 1), [2, (2, 1)], form)
    converted = rnnlite.convert(model, batch_size=batch)
    assert shapes(converted) == [(batch, 16, None, 1)]
    assert converted.report.inputs[0]["least"] == (1, 1, 2, 1)
    same(model, converted, (16, 2, 1), (16, 37, 1))


@pytest.mark.parametrize("pools", [[2], [2, 2, (2, 1), (2, 1)]], ids=["1", "4"])
def test_a_fixed_width_is_freed_and_the_height_kept(pools):
    model = crnn(keras, (16, 24, 1), pools, "reshape")
    converted = rnnlite.convert(model)
    assert shapes(converted) == [(1, 16, None, 1)]
    assert converted.report.notes == ()
    same(model, converted, (16, 24, 1))
    given = rnnlite.convert(model, sequence_length=36, verify=False)
    assert shapes(given) == [(1, 16, 36, 1)]


def test_of_two_free_axes_the_one_that_must_be_is_kept():
    model = crnn(keras, (None, None, 1), [2], "reshape", height=8)
    converted = rnnlite.convert(model)
    assert shapes(converted) == [(1, 8, None, 1)]
    (note,) = converted.report.notes
    assert note.startswith("axis 1 of input 'line' is kept at 8: pinned by layer 'reshape")
    same(model, converted, (8, 9, 1))


def test_a_model_that_works_at_one_size_alone(K):
    layers = K.layers
    x = image = K.Input((16, 8, 1), name="image")
    x = layers.MaxPooling2D(2)(layers.Conv2D(8, 3, padding="same")(x))
    x = layers.LSTM(3, return_sequences=True)(layers.Reshape((8, 32), name="fold")(x))
    model = K.Model(image, x)
    converted = rnnlite.convert(model)
    assert shapes(converted) == [(1, 16, 8, 1)]
    pinned = r"pinned by layer 'fold' \(Reshape\)"
    assert converted.report.notes == (
        f"size 16 x 8 of input 'image' is kept: {pinned.replace(chr(92), '')}",
    )
    with pytest.raises(rnnlite.ShapeError, match=f"input 'image' cannot be freed: it is {pinned}"):
        rnnlite.convert(model, sequence_length=None)


def test_time_behind_a_permutation():
    x = keras.Input((3, 12), name="x")
    model = keras.Model(x, keras.layers.GRU(2)(keras.layers.Permute((2, 1))(x)))
    assert shapes(rnnlite.convert(model, verify=False)) == [(1, 3, None)]
    assert shapes(rnnlite.convert(model, sequence_length=9, verify=False)) == [(1, 3, 9)]


def test_channels_first():
    layers = keras.layers
    x = line = keras.Input((1, 8, 20), name="line")
    x = layers.MaxPooling2D(2, data_format="channels_first")(x)
    x = layers.Reshape((-1, 4))(layers.Permute((3, 1, 2))(x))
    model = keras.Model(line, layers.GRU(2)(x))
    assert shapes(rnnlite.convert(model)) == [(1, 1, 8, None)]


def test_a_picture_beside_a_sequence_keeps_its_size():
    layers = keras.layers
    a, b = keras.Input((9, 2), name="a"), keras.Input((6, 6, 1), name="b")
    picture = layers.GlobalAveragePooling2D()(layers.Conv2D(2, 3)(b))
    model = keras.Model([a, b], layers.Concatenate()([layers.LSTM(2)(a), picture]))
    converted = rnnlite.convert(model, sequence_length=None)
    assert shapes(converted) == [(1, None, 2), (1, 6, 6, 1)]
    assert converted.report.notes == ()


def test_inputs_of_two_rates():
    layers = keras.layers
    a, b = keras.Input((12, 3), name="a"), keras.Input((6, 2), name="b")
    slow = layers.AveragePooling1D(2)(layers.GRU(2, return_sequences=True)(a))
    model = keras.Model([a, b], layers.GRU(2)(layers.Concatenate()([slow, b])))
    converted = rnnlite.convert(model)
    assert shapes(converted) == [(1, None, 3), (1, None, 2)]
    assert [p["least"] for p in converted.report.inputs] == [(1, 2, 1), ()]
    assert len(converted.report.parity.lengths) >= 4


def strided(K):
    K.utils.set_random_seed(0)
    layers = K.layers
    return K.Sequential(
        [
            K.Input((None, 3), name="x"),
            layers.Conv1D(4, 3, strides=2),
            layers.MaxPooling1D(2),
            layers.LSTM(3, return_sequences=True),
            layers.Dense(2),
        ]
    )


def test_a_length_below_the_least_is_refused_and_the_least_is_told(K, tmp_path):
    model = strided(K)
    converted = rnnlite.convert(model)
    assert converted.report.inputs[0]["least"] == (1, 5, 1)
    name = converted.report.inputs[0]["name"]
    same(model, converted, (5, 3), (6, 3), (40, 3))
    loaded = rnnlite.load(converted.tflite)
    short = rf"^sample 1, input '{name}' is too short; expected at least 5 time steps; found 4\.$"
    with pytest.raises(rnnlite.SampleError, match=short):
        loaded.predict([np.ones((5, 3)), np.ones((4, 3))])
    with pytest.raises(rnnlite.SampleError, match="at least 5 time steps"):
        rnnlite.verify(model, converted.tflite, [np.ones((2, 3))])
    with pytest.raises(rnnlite.SampleError, match="at least 5 time steps"):
        rnnlite.convert(model, quantize="int8", calibration=[np.ones((4, 3))])
    assert "[1, 5 or more, 3]" in str(converted.report)
    content = rnnlite.inspect(converted.tflite)
    assert content.inputs[0].least == (1, 5, 1)
    assert "[1, 5 or more, 3]" in str(content)
    assert json.loads(json.dumps(content.to_dict()))["record"]["least"] == {name: [1, 5, 1]}
    again = type(converted.report).from_dict(json.loads(json.dumps(converted.report.to_dict())))
    assert again.inputs[0]["least"] == (1, 5, 1)


def test_a_plain_interpreter_runs_before_it_is_resized(K):
    model = strided(K)
    interpreter = Interpreter(model_content=rnnlite.convert(model).tflite)
    interpreter.allocate_tensors()
    (detail,) = interpreter.get_input_details()
    assert list(detail["shape"]) == [1, 5, 3]
    assert list(detail["shape_signature"]) == [1, -1, 3]
    x = np.random.default_rng(0).standard_normal((1, 5, 3)).astype(np.float32)
    interpreter.set_tensor(detail["index"], x)
    interpreter.invoke()
    found = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    np.testing.assert_allclose(found, np.asarray(model(x)), atol=1e-5)


def test_where_the_analysis_cannot_tell_the_source_is_run(monkeypatch):
    for op in ("Conv2D", "MaxPool"):
        monkeypatch.delitem(RULES, op)
    converted = rnnlite.convert(strided(keras))
    assert converted.report.inputs[0]["least"][1] in (3, 5)
    assert converted.report.parity.within


@pytest.mark.parametrize("K", [keras, tf_keras], ids=["keras", "tf_keras"])
@pytest.mark.parametrize(
    "front",
    [
        lambda L: [L.Conv1D(4, 3, padding="causal", dilation_rate=2)],
        lambda L: [L.SeparableConv1D(4, 3, strides=2, padding="same"), L.AveragePooling1D(3)],
        lambda L: [L.Conv1D(4, 4, dilation_rate=3), L.UpSampling1D(2)],
        lambda L: [L.ZeroPadding1D(2), L.Conv1D(4, 5, strides=3), L.Cropping1D((1, 0))],
    ],
    ids=["causal", "separable", "dilated", "padded"],
)
def test_fronts(K, front):
    K.utils.set_random_seed(0)
    model = K.Sequential([K.Input((None, 3)), *front(K.layers), K.layers.GRU(3)])
    converted = rnnlite.convert(model)
    least = (converted.report.inputs[0]["least"] or (1, 1, 1))[1]
    assert converted.report.parity.lengths[1] == least
    assert not converted.report.parity.skipped
    same(model, converted, (least, 3), (least + 1, 3), (41, 3))
