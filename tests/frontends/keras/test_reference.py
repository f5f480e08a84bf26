"""The reference of a Keras model: when it is traced anew, and what masks its inputs."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest

from rnnlite.frontends.keras.flavour import keras2, keras3
from rnnlite.frontends.keras.interface import interface_of
from rnnlite.frontends.keras.reference import Reference, _mask_values, _masks
from rnnlite.specs import TensorSpec


def test_the_value_that_masks(K):
    model = K.Sequential([K.Input((None, 3), name="x"), K.layers.Masking(-7.0), K.layers.GRU(2)])
    specs = (TensorSpec("x", (1, None, 3), "float32"), TensorSpec("n", (1,), "int32"))
    assert _mask_values(model, SimpleNamespace(inputs=specs)) == {"x": -7.0}
    plain = K.Sequential([K.Input((None, 3)), K.layers.GRU(2)])
    assert _mask_values(plain, SimpleNamespace(inputs=specs)) == {}


@pytest.mark.parametrize(
    ("make", "dtype", "masked"),
    [
        (lambda L: L.Masking(), "float32", True),
        (lambda L: L.Embedding(4, 2, mask_zero=True), "int32", True),
        (lambda L: L.Embedding(4, 2), "int32", False),
        (lambda L: L.Dense(2), "float32", False),
        (lambda L: L.Dense(2), "bool", True),
    ],
    ids=["Masking", "mask_zero", "Embedding", "Dense", "a mask as input"],
)
def test_whether_a_mask_may_reach_a_recurrence(K, make, dtype, masked):
    interface = SimpleNamespace(inputs=(TensorSpec("x", (1, None), dtype),))
    assert _masks([make(K.layers)], interface) == masked


@pytest.mark.parametrize(
    ("layers", "each"),
    [
        (lambda L: [L.Masking(), L.LSTM(2, unroll=True)], {"keras", "tf_keras"}),
        (lambda L: [L.Masking(), L.LSTM(2)], set()),
        (lambda L: [L.TimeDistributed(L.Dense(2)), L.LSTM(2)], set()),
    ],
    ids=["unrolled under a mask", "masked", "TimeDistributed"],
)
def test_when_the_reference_is_traced_for_each_shape(K, layers, each):
    model = K.Sequential([K.Input((5, 3)), *layers(K.layers)])
    flavour = keras3() if K is keras else keras2()
    interface = interface_of(flavour, model)
    source = Reference(flavour, model, interface)
    run = source.reference(tuple(interface.inputs))
    for batch in (1, 2):
        x = np.random.default_rng(0).normal(size=(batch, 5, 3)).astype(np.float32)
        np.testing.assert_allclose(run([x])[0], np.asarray(model(x)), atol=1e-6)
    assert len(source._traced) == (2 if K.__name__ in each else 1)
