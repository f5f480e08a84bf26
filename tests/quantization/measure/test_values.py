"""The values of a model's tensors, read in a worker."""

import numpy as np

from graphs import Model
from rnnlite.isolation.interpreter import ValuesApart
from rnnlite.lite.ir import Quantization
from rnnlite.quantization.measure.values import Values


def test_tensors_of_the_main_graph_as_they_were_computed():
    model = Model()
    x, y, z = (model.main.tensor((2, 3)) for _ in range(3))
    model.main.add("NEG", [x], [y])
    model.main.add("EXP", [y], [z])
    model.main.ends([x], [z])
    apart = ValuesApart(model.bytes(), [1, 2], ())
    row = np.array([0.0, 1.0, -2.0], np.float32)
    negated, result = apart.run([row])
    apart.close()
    # a batch that the model pins holds equal rows
    np.testing.assert_array_equal(negated, [-row, -row])
    np.testing.assert_allclose(result, np.exp([-row, -row]), rtol=1e-6)


def quantized(dtype="int8", scale=0.5, zero=3):
    """x, an integer's, copied and cast; the result is an integer that stands for no real number."""
    model = Model()
    params = Quantization.of(scale, zero)
    x, y = (model.main.tensor((1, 3), dtype, quantization=params) for _ in range(2))
    plain = model.main.tensor((1, 3), "int32")
    model.main.add("CONCATENATION", [x], [y], "ConcatenationOptions")
    model.main.add("CAST", [y], [plain], "CastOptions")
    model.main.ends([x], [y, plain])
    return model


def test_integers_are_told_as_real_numbers():
    values = Values(quantized().bytes(), [0, 1, 2], ())
    row = np.array([0.0, 1.0, -2.2], np.float32)
    x, y, plain = values.run([row])
    # To the nearest half; what has no scale is told as it is.
    np.testing.assert_array_equal(x, [[0, 1, -2]])
    np.testing.assert_array_equal(y, x)
    np.testing.assert_array_equal(plain, [[3, 5, -1]])
    assert x.dtype == np.float64


def test_what_lies_outside_a_range_is_cut_off():
    (x,) = Values(quantized().bytes(), [0], ()).run([np.array([-1e9, 0, 1e9], np.float32)])
    np.testing.assert_array_equal(x, [[(-128 - 3) / 2, 0, (127 - 3) / 2]])


def test_tensors_are_given_in_the_order_asked_for():
    values = Values(quantized().bytes(), [2, 0], ())
    plain, x = values.run([np.zeros(3, np.float32)])
    np.testing.assert_array_equal(plain, [[3, 3, 3]])
    np.testing.assert_array_equal(x, [[0, 0, 0]])


def test_one_interpreter_runs_samples_of_any_length():
    model = Model()
    x, y = model.main.tensor((1, -1, 2)), model.main.tensor((1, -1, 2))
    model.main.add("NEG", [x], [y])
    model.main.ends([x], [y])
    values = Values(model.bytes(), [1], ())
    for length in (3, 7, 1):
        row = np.arange(2 * length, dtype=np.float32).reshape(length, 2)
        (found,) = values.run([row])
        np.testing.assert_array_equal(found, -row[None])


def test_inputs_without_a_batch_are_given_as_they_are():
    model = Model()
    x, h, y = model.main.tensor((1, 2)), model.main.tensor((2,)), model.main.tensor((1, 2))
    model.main.add("ADD", [x, h], [y], "AddOptions")
    model.main.ends([x, h], [y])
    row = [np.array([1.0, 2.0], np.float32), np.array([10.0, 20.0], np.float32)]
    (found,) = Values(model.bytes(), [2], [0, None]).run(row)
    np.testing.assert_array_equal(found, [[11, 22]])
