"""From a live model to a Program: its inputs, names, notes and reference; what is refused."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from rnnlite.errors import ShapeError, UnsupportedError
from rnnlite.frontends.keras.flavour import keras2, keras3
from rnnlite.frontends.keras.interface import interface_of
from rnnlite.frontends.keras.program import (
    MAX_WEIGHT_BYTES,
    _check_size,
    _state_notes,
    _with_float32_inputs,
    function_of,
    program_from,
)
from rnnlite.frontends.keras.request import KerasRequest
from rnnlite.specs import TensorSpec


def flavour(K):
    return keras3() if K is keras else keras2()


def program(K, model, **request):
    return program_from(flavour(K), model, KerasRequest(**request)).main


def random(*shape):
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def run(entry, *arrays):
    return [np.asarray(y) for y in entry.function(*map(tf.constant, arrays))]


@pytest.fixture(scope="module", params=["keras", "tf_keras"])
def two_heads(request):
    """The package, a model of two inputs and two outputs, and its Program at free sizes."""
    K = {"keras": keras, "tf_keras": tf_keras}[request.param]
    K.utils.set_random_seed(1)
    frames, mask = K.Input((None, 3), name="frames"), K.Input((None,), dtype="bool", name="keep")
    y = K.layers.GRU(4, return_sequences=True, name="gru")(frames, mask=mask)
    tags = K.layers.Dense(2, name="tags")(y)
    label = K.layers.SimpleRNN(5, name="label")(y)
    model = K.Model([frames, mask], [tags, label], name="net")
    return K, model, program(K, model, batch_size=None)


def test_inputs_and_outputs_in_the_sources_order(two_heads):
    _, _, entry = two_heads
    assert [(p.name, p.shape, p.dtype) for p in entry.inputs] == [
        ("frames", (None, None, 3), "float32"),
        ("keep", (None, None), "bool"),
    ]
    assert [(p.name, p.shape[-1]) for p in entry.outputs] == [("tags", 2), ("label", 5)]


def test_the_function_and_the_reference_are_the_model(two_heads):
    _, model, entry = two_heads
    x, keep = random(2, 6, 3), np.array([[1, 1, 1, 0, 0, 0], [0, 1, 1, 1, 1, 1]], bool)
    wanted = [np.asarray(y) for y in model([x, keep])]
    for found in (run(entry, x, keep), entry.reference([x, keep])):
        for a, b in zip(found, wanted, strict=True):
            np.testing.assert_allclose(a, b, atol=1e-6)


def test_what_is_said_of_the_recurrences(two_heads):
    _, model, entry = two_heads
    assert [(r.name, r.kind, r.units, r.outputs) for r in entry.recurrences] == [
        ("gru", "GRU", 4, "all"),
        ("label", "SimpleRNN", 5, "last"),
    ]
    version = "Keras 3" if two_heads[0] is keras else "Keras 2"
    assert entry.origin == f"{version} {type(model).__name__} 'net'"
    assert entry.notes == ()


def test_moved_weights_move_the_result(two_heads):
    """The same seed in the same way; nothing is left in the model."""
    _, model, entry = two_heads
    x, keep = random(1, 6, 3), np.ones((1, 6), bool)
    plain = entry.reference([x, keep])[0]
    one, again, other = (
        entry.perturbed(amount, seed)([x, keep])[0]
        for amount, seed in ((1e-3, 0), (1e-3, 0), (1e-3, 1))
    )
    np.testing.assert_array_equal(one, again)
    assert 1e-6 < np.abs(one - plain).max() < 0.1
    assert np.abs(one - other).max() > 1e-6
    np.testing.assert_allclose(np.asarray(model([x, keep])[0]), plain, atol=1e-6)


def test_a_model_without_recurrence_says_so(K):
    model = K.Sequential([K.Input((4, 3)), K.layers.Dense(2)])
    assert "the model has no recurrence; it is converted as it is" in program(K, model).notes


@pytest.mark.parametrize("dtype", ["float64"])
def test_inputs_of_another_float_type(K, dtype):
    model = K.Sequential([K.Input((None, 3), dtype=dtype), K.layers.GRU(2, dtype=dtype)])
    entry = program(K, model)
    assert [p.dtype for p in entry.inputs] == ["float32"]
    assert f"layers that compute in {dtype} are converted to compute in float32" in entry.notes
    x = random(1, 5, 3)
    assert run(entry, x)[0].dtype == np.float32
    np.testing.assert_allclose(run(entry, x)[0], np.asarray(model(x.astype(dtype))), atol=2e-3)


def test_only_other_floats_become_float32():
    specs = [TensorSpec(d, (1, 2), d) for d in ("float16", "bfloat16", "float64", "int32", "bool")]
    interface = interface_of(keras3(), keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]))
    changed = _with_float32_inputs(
        type(interface)(tuple(specs), interface.call, interface.output_names, True)
    )
    assert [p.dtype for p in changed.inputs] == [*["float32"] * 3, "int32", "bool"]


def test_ids_of_an_embedding_are_whole_numbers(K):
    """Keras 2 declares them as float32."""
    x = K.Input((None,), dtype="float32", name="ids")
    model = K.Model(x, K.layers.GRU(3)(K.layers.Embedding(7, 4)(x)))
    entry = program(K, model)
    # Keras 3 counts from the end, below 0.
    least = -7 if K is keras else 0
    assert [(p.dtype, p.ids) for p in entry.inputs] == [("int32", (least, 6))]
    ids = np.array([[1, 6, 0, 3]], np.int32)
    np.testing.assert_allclose(run(entry, ids)[0], np.asarray(model(ids)), atol=1e-6)


def test_the_note_on_states(K):
    layers = [K.layers.GRU(2, stateful=True, return_sequences=True, name="a"), K.layers.LSTM(2)]
    model = K.Sequential([K.Input((4, 3), batch_size=1), *layers])
    assert _state_notes(model) == [
        "stateful layers (a) start from zero state at every call, as after reset_states()"
    ]
    assert _state_notes(K.Sequential([K.Input((4, 3)), K.layers.LSTM(2)])) == []


def test_the_models_own_computation(K):
    """With the names of its ends, as it is frozen: sizes free, recurrences as they stand."""
    model = K.Sequential([K.Input((None, 3), name="x"), K.layers.LSTM(2, name="y")])
    concrete, inputs, outputs = function_of(flavour(K), model)
    assert (inputs, outputs) == (["x"], ["y"])
    for shape in ((1, 4, 3), (3, 2, 3)):
        x = random(*shape)
        (found,) = concrete(tf.constant(x))
        np.testing.assert_allclose(found, np.asarray(model(x)), atol=1e-6)


def test_a_model_that_is_too_large():
    """Told by its weights' shapes, before anything is traced."""
    half = SimpleNamespace(shape=(MAX_WEIGHT_BYTES // 8, 1))
    fits = SimpleNamespace(name="big", weights=[half, half])
    _check_size(fits)
    with pytest.raises(UnsupportedError) as found:
        _check_size(SimpleNamespace(name="big", weights=[half, half, half]))
    assert str(found.value) == (
        "the model 'big' is too large for one flatbuffer; expected at most 2032 MiB of weights; "
        "found 3048 MiB. Split the model and convert its parts."
    )


@pytest.mark.parametrize("length", ["auto", 4])
def test_shapes_that_the_model_does_not_take(K, length):
    """A batch of three, whatever is asked for; its own length is not to blame."""

    class Three(K.layers.Layer):
        def call(self, x):
            return tf.ensure_shape(x, [3, None, 3])

    x = K.Input((4, 3), batch_size=3, name="x")
    model = K.Model(x, Three(name="three")(x), name="pinned")
    with pytest.raises(ShapeError) as found:
        program(K, model, batch_size=2, sequence_length=length)
    message = str(found.value)
    assert message.startswith("the model 'pinned' cannot be called with inputs x [2, 4, 3]: ")
    assert message.endswith("Give batch_size and sequence_length as the model was built for.")
