"""What scales a float input stays in float: features of unlike scale come through."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import rnnlite
from graphs import Model
from rnnlite.quantization.plan.front import curved_front, scaling_ops, whole_number_ops


def test_ops_of_one_input_and_constants():
    model = Model()
    main = model.main
    x, other = main.tensor((1, 3)), main.tensor((1, 3))
    values = [main.tensor((1, 3)) for _ in range(5)]
    a = main.add("SUB", [x, main.constant([1.0, 2.0, 3.0])], [values[0]], "SubOptions")
    b = main.add("MUL", [values[0], main.constant(0.5)], [values[1]], "MulOptions")
    main.add("TANH", [values[1]], [values[2]])
    main.add("MUL", [values[2], main.constant(2.0)], [values[3]], "MulOptions")
    main.add("ADD", [values[1], other], [values[4]], "AddOptions")
    main.ends([x, other], [values[3], values[4]])
    assert scaling_ops(model.ir) == {a, b}
    assert scaling_ops(model.ir, [x]) == frozenset()


def weather(rng, length):
    pressure, warmth = 101325 + 500 * rng.normal(size=length), 20 + 5 * rng.normal(size=length)
    return np.stack([pressure, warmth], 1).astype(np.float32)


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(6)
    normal = keras.layers.Normalization(mean=[101325.0, 20.0], variance=[2.5e5, 25.0])
    return keras.Sequential(
        [keras.Input((None, 2)), normal, keras.layers.GRU(16), keras.layers.Dense(2)]
    )


@pytest.mark.parametrize(("mode", "limit"), [("int8", 0.06), ("int16x8", 0.02)])
def test_pressures_and_temperatures(model, mode, limit):
    rng = np.random.default_rng(0)
    rows = [weather(rng, int(t)) for t in rng.integers(6, 50, 40)]
    converted = rnnlite.convert(model, quantize=mode, calibration=rows, io="float32")
    assert any("scales a float input" in kept for kept in converted.report.quantization.kept)
    samples = [weather(rng, t) for t in (9, 33, 120)]
    expected = np.stack([model(x[None]).numpy()[0] for x in samples])
    found = rnnlite.load(converted.tflite).predict(samples)
    assert np.sqrt(np.mean((found - expected) ** 2) / np.mean(expected**2)) < limit


def test_an_integer_input_of_such_features_is_refused_by_name(model):
    rng = np.random.default_rng(0)
    rows = [weather(rng, int(t)) for t in rng.integers(6, 50, 40)]
    with pytest.raises(
        rnnlite.ParityError,
        match=r"input '.*' has one integer scale for all its features: feature 1, .* to .*, has "
        r"\d.* steps of its 1\.0\d+e\+05.*io='float32'",
    ):
        rnnlite.convert(model, quantize="int16x8", calibration=rows)


def test_the_first_op_that_is_not_linear_is_named():
    model = Model()
    main = model.main
    x = main.tensor((1, 3))
    a, b, c = (main.tensor((1, 3), name=name) for name in ("a", "b", "c"))
    main.add("ADD", [x, main.constant(1.0)], [a], "AddOptions")
    main.ends([x], [a])
    assert curved_front(model.ir) == ""
    model = Model()
    main = model.main
    x = main.tensor((1, 3))
    a, b, c = (main.tensor((1, 3), name=name) for name in ("a", "b", "c"))
    main.add("ADD", [x, main.constant(1.0)], [a], "AddOptions")
    main.add("LOG", [a], [b])
    main.add("SQRT", [b], [c])
    main.ends([x], [c])
    assert len(scaling_ops(model.ir)) == 3
    assert curved_front(model.ir) == "LOG 'b' has the steps of an integer input"


@pytest.fixture(scope="module")
def energies():
    keras.utils.set_random_seed(8)
    inputs = keras.Input((None, 3))
    x = keras.layers.GRU(12)(keras.ops.log(inputs + 1e-6))
    model = keras.Model(inputs, keras.layers.Dense(2)(x))
    rng = np.random.default_rng(0)
    rows = [
        np.exp(3 * rng.normal(size=(int(t), 3))).astype(np.float32) for t in rng.integers(6, 50, 40)
    ]
    return model, rows


@pytest.mark.parametrize(("mode", "limit"), [("int8", 0.06), ("int16x8", 0.02)])
def test_logarithms_of_energies_stay_in_float(energies, mode, limit):
    model, rows = energies
    made = rnnlite.convert(model, quantize=mode, calibration=rows[:30], io="float32")
    expected = np.stack([model(x[None]).numpy()[0] for x in rows[30:]])
    found = rnnlite.load(made.tflite).predict(rows[30:])
    assert np.sqrt(np.mean((found - expected) ** 2) / np.mean(expected**2)) < limit


def test_a_logarithm_of_an_integer_input_is_refused_by_name(energies):
    model, rows = energies
    with pytest.raises(
        rnnlite.ParityError,
        match=r"; LOG '.*' has the steps of an integer input\. Give io='float32'",
    ):
        rnnlite.convert(model, quantize="int8", calibration=rows)


def test_what_reads_whole_numbers():
    model = Model()
    main = model.main
    x, features = main.tensor((1, 3)), main.tensor((1, 3, 2))
    twice, ids = main.tensor((1, 3)), main.tensor((1, 3), "int32")
    flat, positive = main.tensor((3,), "int32"), main.tensor((1, 3, 2), "bool")
    a = main.add("MUL", [x, main.constant(2.0)], [twice], "MulOptions")
    b = main.add("CAST", [twice], [ids])
    main.add("RESHAPE", [ids, main.constant([3], "int32")], [flat])
    main.add("GREATER", [features, main.constant(0.0)], [positive])
    main.ends([x, features], [flat, positive])
    assert whole_number_ops(model.ir) == {a, b}


def test_what_compares_counts():
    model = Model()
    main = model.main
    n, steps = main.tensor((), "int32"), main.tensor((4,), "int32")
    counted, places = main.tensor(()), main.tensor((4,))
    below, above = main.tensor((4,), "bool"), main.tensor((4,), "bool")
    x, y = main.tensor((4,)), main.tensor((4,))
    a = main.add("CAST", [n], [counted])
    b = main.add("CAST", [steps], [places])
    c = main.add("LESS", [places, counted], [below])
    main.add("TANH", [x], [y])
    # What an activation makes may saturate: it does not grow with the length.
    main.add("LESS", [y, counted], [above])
    main.ends([n, steps, x], [below, above])
    assert whole_number_ops(model.ir) == {a, b, c}


@tf.function(
    input_signature=[tf.TensorSpec([1, None], name="ids"), tf.TensorSpec([1], name="lengths")]
)
def by_ids(ids, lengths):
    """Ids and lengths as float, as PyTorch's and TensorFlow's exports of old have them."""
    table = tf.constant(np.random.default_rng(0).standard_normal((90, 8)).astype(np.float32))
    rows = tf.gather(table, tf.cast(ids, tf.int32))
    places = tf.cast(tf.range(tf.shape(ids)[1]), tf.float32)
    mask = tf.cast(places[None] < lengths[:, None], tf.float32)
    return {"y": tf.reduce_max(rows * mask[..., None], 1)}


@pytest.mark.parametrize("io", ["float32", "int8"])
def test_ids_and_lengths_in_float_stay_whole(io):
    rng = np.random.default_rng(1)
    rows = [
        [rng.integers(0, 90, (t,)).astype(np.float32), np.float32(t - 2)]
        for t in rng.integers(5, 30, 24)
    ]
    converted = rnnlite.convert(by_ids, quantize="int8", calibration=rows, io=io)
    model = rnnlite.load(converted.tflite)
    # The front end takes ids as integers; lengths stay what they are, whatever `io` says.
    assert [p.dtype for p in model.inputs] == ["int32", "float32"]
    assert any("reads whole numbers" in kept for kept in converted.report.quantization.kept)
    # Far beyond the samples' lengths, which the counts of a mask go on to.
    for length in (7, 400):
        ids = rng.integers(0, 90, (1, length)).astype(np.float32)
        lengths = np.array([length - 3], np.float32)
        (found,) = model.predict([[ids[0], lengths[0]]])
        wanted = by_ids(ids, lengths)["y"].numpy()[0]
        assert np.sqrt(np.mean((found - wanted) ** 2)) < 0.05 * np.sqrt(np.mean(wanted**2)), length
