"""Values of a chunk's model and of the whole sequence's that mean the same."""

import keras
import pytest

from rnnlite.quantization.ops import RULES, Kind
from rnnlite.quantization.plan.twins import pairs
from rnnlite.streaming.twins import Twins
from stream_parts import both, sequential

L = keras.layers


def computed(model):
    """The results of ops that compute, each with a scale of its own."""
    kinds = (Kind.FREE_SCALE, Kind.WEIGHTED)
    return [
        v
        for op in model.ops()
        if op.kind in RULES and RULES[op.kind].kind in kinds
        for v in op.outputs
        if v.type == "float32"
    ]


def kinds(found, model):
    """(kind here, kind there) of the pairs of a model's values."""
    return {
        (a.producer.kind, b.producer.kind)
        for a, b in found
        if a.graph.model is model and a.producer is not None and b.producer is not None
    }


@pytest.mark.parametrize("streaming", [True, 1])
@pytest.mark.parametrize(
    "layers",
    [
        lambda: [L.LSTM(4, return_sequences=True), L.Dense(2)],
        lambda: [L.Conv1D(4, 3, padding="causal", activation="relu"), L.GRU(4), L.Dense(2)],
        lambda: [L.LSTM(4, return_sequences=True), L.SimpleRNN(3, return_sequences=True)],
        lambda: [L.RNN([L.LSTMCell(4), L.GRUCell(3)], return_sequences=True)],
    ],
    ids=["lstm", "conv", "two", "cells"],
)
def test_all_that_computes_has_a_twin(layers, streaming):
    whole, chunk, _ = both(sequential(*layers()), streaming)
    found = chunk.pairs(whole)
    paired = {a for a, _ in found}
    assert [v for v in computed(chunk.model) if v not in paired] == []
    assert all(a.producer.kind == b.producer.kind for a, b in found if a in computed(chunk.model))


def test_a_mean_so_far_stands_for_the_mean():
    whole, chunk, _ = both(sequential(L.GlobalAveragePooling1D(), L.Dense(2)))
    assert ("DIV", "MEAN") in kinds(chunk.pairs(whole), chunk.model)


def test_unrolled_steps_are_one():
    whole, chunk, _ = both(sequential(L.LSTM(4)))
    found = [(a, b) for a, b in chunk.pairs(whole) if a.graph.model is whole]
    tanh = [v for v in computed(whole) if v.producer.kind == "TANH"]
    # Two a step, four steps an iteration.
    assert len(tanh) == 8
    assert len({b for a, b in found if a in tanh}) == 2


def test_ends_are_paired_by_place_and_states_are_not():
    whole, chunk, _ = both(sequential(L.LSTM(4)))
    found = pairs(chunk.model, whole, Twins())
    ends = [(a, b) for a, b in found if a.graph.model is chunk.model]
    assert ends == [
        (chunk.model.main.inputs[0], whole.main.inputs[0]),
        (chunk.model.main.outputs[0], whole.main.outputs[0]),
    ]
