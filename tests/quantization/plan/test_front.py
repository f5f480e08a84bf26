"""What scales a float input stays in float: features of unlike scale come through."""

import keras
import numpy as np
import pytest

import rnnlite
from graphs import Model
from rnnlite.quantization.plan.front import curved_front, scaling_ops


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
