"""Files of fixed shape in ops that LiteRT for Microcontrollers has: the same results there."""

from functools import partial

import keras
import numpy as np
import pytest

import rnnlite
from graphs import Model, run
from rnnlite.lite.ir import Quantization
from rnnlite.lite.passes.micro import suit_microcontrollers
from rnnlite.target import MICRO

STEPS = 12


def names(model):
    return model.main.kinds


def gathered(dtype, places, shape=(4, 1, 3), unpack=False):
    model = Model()
    main = model.main
    params = Quantization.of(0.1) if dtype == "int16" else None
    x = main.tensor(shape, dtype, "x", params)
    y = main.tensor((len(places), *shape[1:]), dtype, "y", params)
    main.add("GATHER", [x, main.constant(places, "int32")], [y], "GatherOptions", axis=0)
    outputs = [y]
    if unpack:
        outputs = [main.tensor(shape[1:], dtype) for _ in places]
        main.add("UNPACK", [y], outputs, "UnpackOptions", num=len(places), axis=0)
    main.ends([x], outputs)
    return model


@pytest.mark.parametrize("places", [[2, 0], [3]])
@pytest.mark.parametrize("dtype", ["int16", "bool", "int32"])
def test_rows(dtype, places):
    model = gathered(dtype, places)
    values = (np.arange(12).reshape(4, 1, 3) % 5).astype(dtype)
    suit_microcontrollers(model.ir)
    assert "GATHER" not in names(model)
    assert np.array_equal(run(model.bytes(), values)[0], values[places])


def test_unpacked_rows():
    model = gathered("int16", [2, 0], unpack=True)
    values = np.arange(12, dtype=np.int16).reshape(4, 1, 3)
    suit_microcontrollers(model.ir)
    assert not {"GATHER", "UNPACK"} & set(names(model))
    assert np.array_equal(run(model.bytes(), values), values[[2, 0]])


@pytest.mark.parametrize("dtype", ["int16", "bool", "int32"])
@pytest.mark.parametrize("shape", [(4, 1, 3), (4, 2), (4,)])
def test_one_row(dtype, shape):
    """By a scalar, as a loop over time takes the row of a step."""
    model = Model()
    main = model.main
    params = Quantization.of(0.1) if dtype == "int16" else None
    x, t = main.tensor(shape, dtype, "x", params), main.tensor((), "int32", "t")
    row = main.tensor(shape[1:], dtype, "row", params)
    main.add("GATHER", [x, t], [row], "GatherOptions", axis=0)
    outputs = [row]
    if len(shape) == 2:
        # Parts of the row itself, no rows.
        outputs = [main.tensor((), dtype, quantization=params) for _ in range(2)]
        main.add("UNPACK", [row], outputs, "UnpackOptions", num=2, axis=0)
    main.ends([x, t], outputs)
    values = (np.arange(np.prod(shape)).reshape(shape) % 5).astype(dtype)
    suit_microcontrollers(model.ir)
    assert "GATHER" not in names(model)
    for place in range(4):
        found = run(model.bytes(), values, np.array(place, np.int32))
        assert np.array_equal(np.squeeze(found), values[place].squeeze())


def test_float_rows_stay():
    model = gathered("float32", [2, 0])
    suit_microcontrollers(model.ir)
    assert names(model) == ["GATHER"]


def test_free_shapes_stay():
    model = gathered("int16", [2, 0])
    model.main.ir.inputs[0].signature = [-1, 1, 3]
    suit_microcontrollers(model.ir)
    assert names(model) == ["GATHER"]


@pytest.mark.parametrize("keep", [False, True])
def test_any(keep):
    model = Model()
    main = model.main
    x, y = main.tensor((1, 3, 2), "bool"), main.tensor((1, 3, 1) if keep else (1, 3), "bool")
    axes = main.constant([2], "int32")
    main.add("REDUCE_ANY", [x, axes], [y], "ReducerOptions", keepDims=keep)
    main.ends([x], [y])
    values = np.array([[[0, 0], [0, 1], [1, 1]]], bool)
    suit_microcontrollers(model.ir)
    assert names(model) == ["CAST", "REDUCE_MAX", "CAST", "NOT_EQUAL"]
    assert np.array_equal(run(model.bytes(), values)[0], values.any(2, keepdims=keep))


@pytest.mark.parametrize("type", ["float32", "int8", "int16", "int32"])
def test_choices(type):
    model = Model()
    main = model.main
    c = main.tensor((2, 3), "bool")
    a, b, y = (main.tensor((2, 3), type) for _ in range(3))
    main.add("SELECT", [c, a, b], [y], "SelectOptions")
    main.ends([c, a, b], [y])
    plain = names(model)
    suit_microcontrollers(model.ir)
    assert names(model) == plain
    suit_microcontrollers(model.ir, MICRO)
    wanted = ["CAST", "SUB", "MUL", "ADD"] if type == "int32" else ["SELECT_V2"]
    assert names(model) == wanted
    rng = np.random.default_rng(0)
    condition = rng.random((2, 3)) < 0.5
    low, high = (-1, 1) if type == "float32" else (np.iinfo(type).min, np.iinfo(type).max)
    x, z = (rng.uniform(low, high, (2, 3)).astype(type) for _ in range(2))
    if type == "int32":
        x[0], z[0] = high, low
    assert np.array_equal(run(model.bytes(), condition, x, z)[0], np.where(condition, x, z))


@pytest.mark.parametrize(
    ("shape", "times", "kinds"),
    [((1, 1, 3), (1, 4, 1), ["BROADCAST_TO"]), ((1, 2, 3), (1, 4, 1), ["TILE"])],
)
def test_repetitions(shape, times, kinds):
    model = Model()
    main = model.main
    x = main.tensor(shape, "float32")
    y = main.tensor(tuple(a * b for a, b in zip(shape, times, strict=True)), "float32")
    main.add("TILE", [x, main.constant(list(times), "int32")], [y], "TileOptions")
    main.ends([x], [y])
    suit_microcontrollers(model.ir, MICRO)
    assert names(model) == kinds
    values = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    assert np.array_equal(run(model.bytes(), values)[0], np.tile(values, times))


def recurrent(kind):
    """A model with everything that the name says, for sequences of `STEPS`."""
    layers = keras.layers
    keras.utils.set_random_seed(3)
    cells = [layers.LSTMCell(6), layers.SimpleRNNCell(5)]
    layer = {
        "lstm": partial(layers.LSTM, 6),
        "gru": partial(layers.GRU, 6),
        "simple": partial(layers.SimpleRNN, 6),
        "cells": partial(layers.RNN, cells),
    }[kind.split()[0]](return_sequences="sequence" in kind)
    if "both" in kind:
        layer = layers.Bidirectional(layer)
    masking = [layers.Masking()] if "masked" in kind else []
    return keras.Sequential([keras.Input((STEPS, 4), name="x"), *masking, layer, layers.Dense(3)])


@pytest.mark.parametrize(
    ("kind", "mode"),
    [
        ("lstm", "int8"),
        ("lstm", "int16x8"),
        ("gru", "int8"),
        ("simple", None),
        ("simple", "int16x8"),
        ("lstm sequence", None),
        ("lstm sequence", "int8"),
        ("gru sequence both", "int16x8"),
        ("cells sequence", "int16x8"),
        ("lstm masked", "int16x8"),
        ("gru masked sequence both", None),
        ("gru masked sequence both", "int8"),
    ],
)
def test_microcontroller(kind, mode):
    micro = pytest.importorskip("tflite_micro.python.tflite_micro.runtime")
    rng = np.random.default_rng(1)
    samples = rng.standard_normal((24, STEPS, 4)).astype(np.float32)
    if "masked" in kind:
        samples[:, STEPS - 3 :] = 0
    options = {} if mode is None else {"quantize": mode, "calibration": samples}
    converted = rnnlite.convert(recurrent(kind), sequence_length=STEPS, verify=False, **options)
    model = rnnlite.load(converted.tflite)
    expected = model.predict(samples[:4], raw=True)
    interpreter = micro.Interpreter.from_bytes(converted.tflite, arena_size=1 << 20)
    (spec,) = model.inputs
    for sample, result in zip(samples[:4], expected, strict=True):
        x = sample[None]
        if spec.quantization is not None:
            scale, zero_point = spec.quantization
            limits = np.iinfo(spec.dtype)
            x = np.clip(np.round(x / scale) + zero_point, limits.min, limits.max).astype(spec.dtype)
        interpreter.set_input(x, 0)
        interpreter.invoke()
        found = interpreter.get_output(0)[0].astype(np.float64)
        # Kernels round differently: by single steps, or float32's.
        bound = 1e-5 if mode is None else 4
        assert np.max(np.abs(found - result)) <= bound
