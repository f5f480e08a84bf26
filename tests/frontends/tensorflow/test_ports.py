"""Inputs and outputs of a graph, and the sizes that they take."""

import building
import pytest
import tensorflow as tf
from building import node, placeholder

import rnnlite
from rnnlite.errors import ShapeError, SourceError

F = tf.float32


def test_outputs_that_depend_on_no_input(tmp_path):
    nodes = node("Const", "c", dtype=F, value=1.0), node("Tanh", "y", "c", T=F), placeholder()
    path = building.write_nodes(tmp_path / "graph.pb", *nodes)
    with pytest.raises(SourceError, match="the outputs depend on no input; expected a placeholder"):
        rnnlite.convert(path, outputs=["y:0"])


@pytest.fixture
def pinned(tmp_path):
    nodes = placeholder(shape=(None, 5, 4)), node("Tanh", "y", "x", T=F)
    return building.write_nodes(tmp_path / "graph.pb", *nodes)


@pytest.mark.parametrize("value", [0, -2, True, "many", 2.0])
@pytest.mark.parametrize("name", ["batch_size", "sequence_length"])
def test_what_is_no_size(pinned, name, value):
    with pytest.raises(ShapeError, match=f'{name} is no size; expected "auto", None or'):
        rnnlite.convert(pinned, **{name: value})


def test_a_length_that_the_graph_does_not_take(pinned):
    with pytest.raises(ShapeError, match="input 'x' cannot have length 7; expected 5, which the"):
        rnnlite.convert(pinned, sequence_length=7)
    shape = rnnlite.convert(pinned, sequence_length=5).report.inputs[0]["shape"]
    assert tuple(shape) == (1, 5, 4)
