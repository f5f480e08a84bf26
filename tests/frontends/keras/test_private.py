"""Private names of Keras stand in one module, and what stands in for them goes through one door."""

import ast
import re
from pathlib import Path

import keras
import pytest
import tf_keras

import rnnlite
from rnnlite.frontends.keras import private
from rnnlite.frontends.keras.flavour import keras2, keras3

SOURCE = Path(rnnlite.__file__).parent
ROOM = SOURCE / "frontends" / "keras"
PATHS = re.compile(r"\b(tf_)?keras\.(src|protobuf)\b")


def private_names(tree):
    """Private attributes of other objects than `self`, and private names in texts."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and re.match(r"_[a-z]", node.attr):
            if not (isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")):
                yield node.lineno, node.attr
        elif isinstance(node, ast.Constant) and re.fullmatch(r"_[a-z]\w*[a-z]", str(node.value)):
            yield node.lineno, node.value


def modules(tree):
    """Modules that are imported, by statement or by text."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.lineno, node.module
        elif isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value


def test_no_other_module_knows_where_keras_keeps_its_parts():
    found = [
        f"{path.relative_to(SOURCE)}:{line} {name}"
        for path in SOURCE.rglob("*.py")
        if path.name != "private.py"
        for line, name in modules(ast.parse(path.read_text()))
        if PATHS.search(name)
    ]
    assert found == []


def test_no_other_module_of_the_room_touches_a_private_attribute():
    found = [
        f"{path.name}:{line} {name}"
        for path in ROOM.glob("*.py")
        if path.name != "private.py"
        for line, name in private_names(ast.parse(path.read_text()))
        # A suffix of arguments of build().
        if name != "_shape"
    ]
    assert found == []


def test_attributes_of_others_are_set_through_one_door():
    found = [
        f"{path.name}:{node.lineno}"
        for path in ROOM.glob("*.py")
        if path.name != "patching.py"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Name) and node.id in ("setattr", "delattr")
    ]
    assert found == []


@pytest.mark.parametrize("flavour", [keras3(), keras2()], ids=lambda f: f.name)
def test_the_hooks_are_where_they_are_looked_for(flavour):
    hooks = flavour.hooks
    assert all(callable(getattr(hooks.backend, name)) for name in ("rnn", *hooks.fused))
    assert hooks.recurrent_layer is flavour.layers.RNN
    assert callable(getattr(hooks.recurrent_layer, hooks.entry))
    assert isinstance(hooks.functional.input_spec, property)
    assert issubclass(flavour.layers.ConvLSTM1D, flavour.layers.RNN)
    assert (hooks.name_scope is None) == (flavour.name == "Keras 2")
    layer = flavour.layers.ConvLSTM1D(2, 3)
    assert isinstance(layer.cell, hooks.conv_lstm_cell)


@pytest.mark.parametrize("package", [keras, tf_keras])
def test_the_graph_of_a_model(package):
    a, b = package.Input((None, 2), name="a"), package.Input((3,), name="b")
    y = package.layers.Dense(1, name="y")(b)
    model = package.Model({"a": a, "b": b}, {"a": a, "y": y})
    graph = private.graph_of(model)
    assert list(graph.inputs) == ["a", "b"]
    assert [private.input_name(x) for x in graph.inputs.values()] == ["a", "b"]
    unnamed = package.Sequential([package.Input((4, 2)), package.layers.LSTM(1, name="lstm")])
    assert private.graph_of(unnamed) is not None
    assert private.graph_of(package.Sequential([package.layers.LSTM(1)])) is None
    names = {layer.name for layer in private.layers_within(unnamed)}
    assert {"lstm", unnamed.name, unnamed.layers[-1].cell.name} <= names


@pytest.mark.parametrize("package", [keras, tf_keras])
def test_what_a_call_takes(package):
    assert private.takes_training(package.layers.LSTM(1))
    assert not private.takes_training(package.layers.Reshape((1,)))


def test_what_a_call_takes_in_keras3():
    assert private.takes_mask(keras.layers.LSTM(1))
    assert not private.takes_mask(keras.layers.Dense(1))
