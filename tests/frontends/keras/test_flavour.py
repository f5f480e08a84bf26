"""The two packages: which a model is of, its layers, and what is missing."""

import importlib
import sys

import keras
import numpy as np
import pytest
import tf_keras

from rnnlite.errors import DependencyError
from rnnlite.frontends.keras import flavour as module
from rnnlite.frontends.keras.flavour import as_float32, flavour_of, keras2, keras3, layers_of


@pytest.mark.parametrize(
    ("make", "name", "package"),
    [(keras3, "Keras 3", keras), (keras2, "Keras 2", tf_keras)],
)
def test_each_package(make, name, package):
    found = make()
    assert (found.name, found.keras, found.layers) == (name, package, package.layers)
    assert found.is_keras3 == (package is keras)
    nested = {"b": [np.zeros(1), np.ones(2)], "a": np.full(3, 2.0)}
    flat = found.flatten(nested)
    assert sorted(len(x) for x in flat) == [1, 2, 3]
    packed = found.pack(nested, [10 * x for x in flat])
    np.testing.assert_array_equal(packed["a"], [20, 20, 20])
    np.testing.assert_array_equal(packed["b"][1], [10, 10])


def test_each_owns_its_own():
    three, two = keras.layers.Dense(1), tf_keras.layers.Dense(1)
    assert (keras3().owns(three), keras3().owns(two)) == (True, False)
    assert (keras2().owns(three), keras2().owns(two)) == (False, True)
    assert flavour_of(three).name == "Keras 3"
    assert flavour_of(two).name == "Keras 2"


@pytest.mark.parametrize("thing", [None, object(), "model.keras", np.zeros(3), keras])
def test_no_model_of_either(thing):
    assert flavour_of(thing) is None


def test_a_package_that_was_not_imported_is_not_asked(monkeypatch):
    """A live model of it would have imported it."""
    monkeypatch.delitem(sys.modules, "keras")
    monkeypatch.setattr(module, "keras3", lambda: pytest.fail("imported"))
    assert flavour_of(object()) is None


@pytest.mark.parametrize(("make", "name"), [(keras3, "keras"), (keras2, "tf_keras")])
def test_a_package_that_is_not_installed(monkeypatch, make, name):
    original = importlib.import_module

    def missing(asked, *args):
        if asked == name:
            raise ImportError(asked)
        return original(asked, *args)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(DependencyError) as found:
        make()
    assert str(found.value) == (
        f"the package {name} is not installed. Install it with: pip install 'rnnlite[convert]'."
    )


def test_keras_3_runs_on_tensorflow_if_it_is_imported_here(monkeypatch):
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    keras3()
    # It is there already: its backend is decided.
    assert "KERAS_BACKEND" not in module.os.environ


def test_all_layers_once_each(K):
    shared = K.layers.Dense(2, name="shared")
    cells = [K.layers.GRUCell(2, name="c1"), K.layers.LSTMCell(2, name="c2")]
    x = K.Input((4, 3))
    y = K.layers.TimeDistributed(shared, name="each")(x)
    y = K.layers.Bidirectional(K.layers.LSTM(2, return_sequences=True, name="l"), name="both")(y)
    y = K.layers.RNN(cells, name="stack")(y)
    y = shared(K.layers.Dense(3, name="wide")(y))
    model = K.Model(x, y, name="net")
    outer = K.Sequential([K.Input((4, 3)), model], name="outer")
    names = [layer.name for layer in layers_of(outer)]
    wanted = {"outer", "net", "shared", "each", "both", "forward_l", "stack"}
    assert wanted | {"c1", "c2"} <= set(names)
    assert names.count("shared") == 1
    assert len({id(layer) for layer in layers_of(outer)}) == len(names)
    # Cells of layers too.
    assert sum(type(layer).__name__ == "LSTMCell" for layer in layers_of(outer)) == 3


@pytest.mark.parametrize("policy", ["float16", "mixed_float16", "float64"])
def test_layers_of_another_float_type_compute_in_float32(K, policy):
    layer = K.layers.Dense(2, dtype=policy)
    found = as_float32(keras3() if K is keras else keras2(), layer)
    assert found
    values = [getattr(v, "compute_dtype", v) for v in found.values()]
    assert "float32" in values
    # The layer itself is not touched.
    assert layer.compute_dtype == policy.removeprefix("mixed_")
