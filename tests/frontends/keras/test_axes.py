"""Batch sizes and lengths: freed, pinned by name, fixed, refused."""

import keras
import numpy as np
import pytest

import rnnlite
from rnnlite.errors import ShapeError
from rnnlite.frontends.keras.axes import batch_of
from rnnlite.frontends.keras.interface import Interface
from rnnlite.frontends.request import Request
from rnnlite.specs import TensorSpec


def model_of(K, *layers, length=15):
    K.utils.set_random_seed(0)
    x = K.Input((length, 3), name="x")
    y = x
    for layer in layers:
        y = layer(y)
    return K.Model(x, y)


def shape(converted, which="inputs"):
    return getattr(converted.report, which)[0]["shape"]


def test_a_fixed_length_is_freed(K):
    model = model_of(K, K.layers.LSTM(4, return_sequences=True), K.layers.Conv1D(2, 3))
    found = rnnlite.convert(model)
    assert shape(found) == (1, None, 3)
    assert shape(rnnlite.convert(model, sequence_length=None, verify=False)) == (1, None, 3)
    # At its own length it is the model itself.
    x = np.random.default_rng(0).standard_normal((1, 15, 3)).astype(np.float32)
    result = rnnlite.load(found.tflite).predict(list(x))
    np.testing.assert_allclose(result, np.asarray(model(x)), atol=1e-6)


@pytest.mark.parametrize(
    ("make", "culprit"),
    [
        (
            lambda L: [L.LSTM(4, return_sequences=True), L.Flatten(name="flat"), L.Dense(2)],
            r"layer 'flat' \(Flatten\)",
        ),
        (lambda L: [L.Reshape((5, 9), name="fold"), L.LSTM(2)], r"layer 'fold' \(Reshape\)"),
        (
            lambda L: [
                L.LSTM(4, return_sequences=True),
                L.Permute((2, 1), name="turn"),
                L.Dense(2),
            ],
            r"layer 'turn' \(Permute\)",
        ),
    ],
    ids=["flatten", "reshape", "permute"],
)
def test_a_layer_that_pins_the_length_is_named(K, make, culprit):
    model = model_of(K, *make(K.layers))
    found = rnnlite.convert(model)
    assert shape(found) == (1, 15, 3)
    assert any(f"pinned by {culprit.replace(chr(92), '')}" in n for n in found.report.notes)
    with pytest.raises(rnnlite.ShapeError, match=f"cannot be freed: it is pinned by {culprit}"):
        rnnlite.convert(model, sequence_length=None)


def test_a_given_length(K):
    model = model_of(K, K.layers.GRU(3), length=None)
    assert shape(rnnlite.convert(model, sequence_length=7)) == (1, 7, 3)


def test_a_length_that_the_layers_refuse(K):
    model = model_of(
        K, K.layers.LSTM(4, return_sequences=True), K.layers.Flatten(), K.layers.Dense(2)
    )
    with pytest.raises(
        rnnlite.ShapeError,
        match=r"run at sequence_length 9: it is pinned by layer 'flatten\w*' \(Flatten\)\.",
    ):
        rnnlite.convert(model, sequence_length=9)


@pytest.mark.parametrize(
    ("batch_size", "expected"), [("auto", 1), (None, None), (1, 1), (8, 8)], ids=str
)
def test_batch_sizes_with_any_length(K, batch_size, expected):
    found = rnnlite.convert(model_of(K, K.layers.GRU(3), length=None), batch_size=batch_size)
    assert shape(found) == (expected, None, 3)
    assert found.report.parity.batches == ((1, 3) if expected is None else (expected,))


def test_a_pinned_batch_is_kept(K):
    x = K.Input((None, 3), batch_size=4)
    model = K.Model(x, K.layers.LSTM(2, stateful=True)(x))
    found = rnnlite.convert(model)
    assert shape(found) == (4, None, 3)
    assert any("start from zero state" in n for n in found.report.notes)


def test_a_stateful_models_own_state_is_not_touched(K):
    x = K.Input((None, 3), batch_size=2)
    layer = K.layers.GRU(2, stateful=True)
    model = K.Model(x, layer(x))
    model(np.ones((2, 5, 3), np.float32))
    before = np.asarray(layer.states[0]).copy()
    assert np.any(before)
    rnnlite.convert(model)
    np.testing.assert_array_equal(np.asarray(layer.states[0]), before)
    assert layer.stateful is True


@pytest.mark.parametrize("bad", [0, -1, "some", 1.5, True])
def test_sizes_that_are_none(bad):
    model = model_of(keras, keras.layers.GRU(3))
    with pytest.raises(rnnlite.ShapeError, match="batch_size is no batch size"):
        rnnlite.convert(model, batch_size=bad)
    with pytest.raises(rnnlite.ShapeError, match="sequence_length is no length"):
        rnnlite.convert(model, sequence_length=bad)


def test_two_sequences_of_their_own_lengths(K):
    K.utils.set_random_seed(0)
    a, b = K.Input((12, 3), name="a"), K.Input((6, 2), name="b")
    y = K.layers.Concatenate()([K.layers.LSTM(2)(a), K.layers.GRU(2)(b)])
    found = rnnlite.convert(K.Model([a, b], y))
    assert [p["shape"] for p in found.report.inputs] == [(1, None, 3), (1, None, 2)]
    loaded = rnnlite.load(found.tflite)
    result = loaded.predict([{"a": np.ones((3, 3)), "b": np.ones((9, 2))}])
    assert result.shape == (1, 4)


def test_one_sequence_is_freed_where_the_other_is_pinned(K):
    K.utils.set_random_seed(0)
    a, b = K.Input((12, 3), name="a"), K.Input((6, 2), name="b")
    flat = K.layers.Dense(2)(K.layers.Flatten(name="flat")(b))
    model = K.Model([a, b], K.layers.Concatenate()([K.layers.LSTM(2)(a), flat]))
    found = rnnlite.convert(model)
    assert [p["shape"] for p in found.report.inputs] == [(1, None, 3), (1, 6, 2)]
    assert any("length 6 of input 'b' is kept" in n and "'flat'" in n for n in found.report.notes)


def test_a_length_that_a_layer_does_not_take_names_the_layer():
    L = keras.layers
    layers = [L.Conv1D(4, 9, name="wide"), L.MaxPooling1D(2), L.GRU(4)]
    for shape in ((None, 3), (30, 3)):
        with pytest.raises(
            rnnlite.ShapeError,
            match=r"does not run at sequence_length 5: layer 'wide' \(Conv1D\) leaves no time step "
            r"of it; expected 10 or more\. Leave sequence_length at auto\.$",
        ):
            rnnlite.convert(keras.Sequential([keras.Input(shape), *layers]), sequence_length=5)


def of_batches(*batches, declared=True):
    inputs = tuple(TensorSpec(f"x{k}", (n, None, 2), "float32") for k, n in enumerate(batches))
    return Interface(inputs, lambda tensors: tensors, None, declared)


@pytest.mark.parametrize(
    ("interface", "wanted"),
    [
        (of_batches(None), 1),
        (of_batches(4), 4),
        (of_batches(4, None), 4),
        (of_batches(4, 4), 4),
        # Two that differ say nothing, nor does one that was merely seen.
        (of_batches(4, 5), 1),
        (of_batches(4, declared=False), 1),
        (Interface((TensorSpec("x", (), "float32"),), lambda x: x, None, True), 1),
    ],
)
def test_the_batch_that_a_model_is_built_for(interface, wanted):
    assert batch_of(interface, Request()) == wanted


@pytest.mark.parametrize("wanted", [None, 1, 32])
def test_the_batch_that_is_asked_for(wanted):
    assert batch_of(of_batches(4), Request(batch_size=wanted)) == wanted


@pytest.mark.parametrize("wanted", [0, -1, True, 2.0, "two"])
def test_no_batch_size(wanted):
    with pytest.raises(ShapeError, match='is no batch size; expected "auto", None or') as e:
        batch_of(of_batches(4), Request(batch_size=wanted))
    assert f"found {wanted!r}" in str(e.value)


def test_neither_axis_is_free_where_one_branch_turns_the_input(K):
    """Multivariate LSTM-FCN: steps of one branch are features of the other."""
    L = K.layers
    x = K.Input((15, 3), name="x")
    turned = L.LSTM(4)(L.Permute((2, 1))(x))
    pooled = L.GlobalAveragePooling1D()(L.Conv1D(4, 3, padding="same")(x))
    model = K.Model(x, L.Concatenate()([turned, pooled]))
    found = rnnlite.convert(model)
    assert shape(found) == (1, 15, 3)
    assert [n for n in found.report.notes if "length 15 of input 'x' is kept" in n]
