"""The function of a chunk planned with the whole: scales, what stays in float, states."""

import keras
import numpy as np
import pytest

from rnnlite.quantization.chunks import io_types, running_ops, tied, with_params
from rnnlite.quantization.config import QuantizationConfig
from rnnlite.quantization.preparing import prepared
from rnnlite.quantization.recipes import RECIPES
from rnnlite.quantization.rewrite.integer import rewrite_to_integers
from stream_parts import both, samples, sequential

L = keras.layers


def ready(net, mode="int8", trial=0, streaming=True):
    whole, chunk, entry = both(net, streaming)
    order = QuantizationConfig(mode, "int8" if mode == "int8" else "int16")
    given, _ = samples(entry)
    made = prepared(whole, order, RECIPES[mode][trial], given, chunk=chunk)
    return made, chunk


@pytest.mark.parametrize("streaming", [True, 1])
def test_both_get_the_same_parameters(streaming):
    net = sequential(L.Conv1D(4, 3, padding="causal"), L.LSTM(4, return_sequences=True), L.Dense(2))
    made, _ = ready(net, streaming=streaming)
    for a, b in zip(made.chunk.main.inputs, made.model.main.inputs, strict=False):
        assert made.plan.params(a) == made.plan.params(b)
    has = made.plan.has
    kinds = ("FULLY_CONNECTED", "CONV_2D", "TANH", "MUL")
    for kind in kinds:
        here, there = (
            {made.plan.params(op.output) for op in m.ops() if op.kind == kind and has(op.output)}
            for m in (made.chunk, made.model)
        )
        assert here == there


@pytest.mark.parametrize("trial", [0, 1, 2])
def test_a_state_goes_out_with_the_scale_it_comes_in_with(trial):
    net = sequential(L.MaxPooling1D(3, 1, padding="same"), L.GRU(4, return_sequences=True))
    made, chunk = ready(net, trial=trial)
    rewrite_to_integers(made.chunk, made.plan, "int8", io_types(chunk, made.chunk))
    states = chunk.states(made.chunk)
    assert [s.name.rpartition("/")[2] for s, _, _ in states] == ["steps", "end", "rows", "h"]
    for _, before, after in states:
        assert (before.type, before.quantization) == (after.type, after.quantization)
    layout = with_params(chunk.signature.layout, [before for _, before, _ in states])
    kinds = {s.name.rpartition("/")[2]: s.dtype for s in layout.states}
    assert kinds["h"] == ("int8" if trial == 0 else "int16")
    assert kinds["steps"] == "int32"
    h = next(s for s in layout.states if s.name.endswith("/h"))
    assert h.scale > 0
    assert isinstance(h.zero_point, int)


def test_what_adds_up_stays_in_float_in_both():
    net = sequential(L.GRU(4, return_sequences=True), L.GlobalAveragePooling1D(), L.Dense(2))
    made, chunk = ready(net)
    kept = [op for op, why in made.plan.kept.items() if "adds up" in why]
    assert {op.kind for op in kept if op.graph.model is made.chunk} == {"SUM", "ADD", "DIV"}
    assert {op.kind for op in kept if op.graph.model is made.model} == {"MEAN"}
    types = io_types(chunk, made.chunk)
    grows = [b for s, b, _ in chunk.states(made.chunk) if s.grows]
    assert [types[v] for v in grows] == ["float32"]


def test_maxima_have_a_range():
    made, chunk = ready(sequential(L.GRU(4, return_sequences=True), L.GlobalMaxPooling1D()))
    assert not any(s.grows for s in chunk.signature.layout.states)
    assert not any("adds up" in why for why in made.plan.kept.values())
    state = next(b for s, b, _ in chunk.states(made.chunk) if s.name.endswith("/max"))
    # Of the GRU's outputs, which are negative too: nothing begins at zero.
    assert made.plan.range(state)[0] < -0.05


def test_pooling_that_pads_stays_in_float_in_both():
    made, _ = ready(sequential(L.AveragePooling1D(3, 1, padding="same"), L.Dense(2)))
    kept = [op for op, why in made.plan.kept.items() if "adds up" in why]
    assert sum(op.kind == "AVERAGE_POOL_2D" for op in kept) == 2


def test_what_our_passes_made_is_tied_by_its_place():
    net = sequential(L.LayerNormalization(), L.GRU(4, return_sequences=True))
    _, chunk, _ = both(net)
    made, _ = ready(net)
    roots = [op for op in made.chunk.ops() if op.kind == "SQRT"]
    others = [op for op in made.model.ops() if op.kind == "SQRT"]
    assert len(roots) == len(others) == 1
    assert made.plan.params(roots[0].output) == made.plan.params(others[0].output)
    assert tied([]) == []
    assert running_ops(chunk, chunk.model, []) == frozenset()
    assert np.isfinite(made.plan.range(roots[0].output)).all()


@pytest.mark.parametrize("streaming", [True, 1])
def test_a_marker_takes_no_room_in_a_chunk_either(streaming):
    """What a masked step is marked by saturates: in the chunk's comparison as in the whole's."""
    net = sequential(L.Masking(-99.0), L.GRU(4, return_sequences=True))
    made, _ = ready(net, streaming=streaming)
    x, whole = made.chunk.main.inputs[0], made.model.main.inputs[0]
    assert made.plan.params(x) == made.plan.params(whole)
    assert made.plan.params(x).scale < 0.05
    assert {x, whole} <= made.plan.marked
