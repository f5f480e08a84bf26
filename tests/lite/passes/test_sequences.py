"""Output sequences that leave their loops through variables of the runtime."""

import keras
import numpy as np
import pytest

import rnnlite
from graphs import kinds
from keras_sources import traced
from rnnlite.errors import ModelError
from rnnlite.frontends.opening import open_program
from rnnlite.frontends.request import Request
from rnnlite.lite import schema
from rnnlite.lite.passes.sequences import keep_sequences
from rnnlite.lowering.merging import FAN, FEW
from rnnlite.lowering.schedule import Options
from rnnlite.pipeline.pass_order import Part, finalize, translate

L = keras.layers


def recurrent(layer, features=2, masked=False):
    keras.utils.set_random_seed(0)
    masking = [L.Masking()] if masked else []
    return keras.Sequential([keras.Input((None, features)), *masking, layer])


def around(unroll):
    """Lengths at which the strategy of putting a sequence together turns, and their neighbours."""
    once, few, merged = FAN * unroll, FEW * FAN * unroll, FEW * FAN**2 * unroll
    return [1, 2, 3, *(n + d for n in (once, few, merged) for d in (-1, 0, 1)), merged + 77]


@pytest.mark.parametrize(
    ("make", "unroll", "batch", "masked"),
    [
        (lambda: L.LSTM(3, return_sequences=True), 1, 1, False),
        (lambda: L.LSTM(3, return_sequences=True, go_backwards=True), 2, 3, False),
        (lambda: L.GRU(3, return_sequences=True, reset_after=False), 1, 2, True),
        (lambda: L.SimpleRNN(3, return_sequences=True), 4, 1, True),
        (lambda: L.Bidirectional(L.GRU(3, return_sequences=True)), 1, 1, False),
    ],
)
def test_every_strategy_gives_what_the_source_computes(make, unroll, batch, masked):
    model = recurrent(make(), masked=masked)
    schedule = {"unroll": unroll, "variables": 1}
    converted = rnnlite.convert(model, batch_size=batch, schedule=schedule)
    assert "rows in resource variables" in converted.report.recurrences[0]["schedule"]
    lengths = around(unroll)
    x = np.random.default_rng(0).standard_normal((batch, max(lengths), 2)).astype(np.float32)
    x[:, 4:9] *= 1 - masked
    loaded, source = rnnlite.load(converted.tflite), traced(model, 2)
    # Long, short and long again: what a longer run left in variables is of no account.
    for length in (max(lengths), *lengths, max(lengths)):
        (found,) = loaded.run([x[:, :length]])
        expected = source(x[:, :length])
        np.testing.assert_allclose(found, expected, atol=2e-6)


def test_no_loop_over_steps_carries_a_sequence():
    layer = L.LSTM(3, return_sequences=True, return_state=True)
    x = keras.Input((None, 2))
    converted = rnnlite.convert(keras.Model(x, layer(x)))
    model = schema.read(converted.tflite)
    names = [kinds(body) for body in {loop.branches[1] for loop in model.loops()}]
    steps = [ops for ops in names if "FULLY_CONNECTED" in ops]
    assert len(steps) == 1
    assert steps[0].count("ASSIGN_VARIABLE") == 1
    assert "DYNAMIC_UPDATE_SLICE" not in steps[0]


@pytest.mark.parametrize("length", [17, 40, 64, 65, 200])
@pytest.mark.parametrize("unroll", [1, 3])
def test_a_fixed_length_takes_one_strategy(length, unroll):
    model = recurrent(L.LSTM(3, return_sequences=True))
    schedule = {"unroll": unroll, "variables": 1}
    converted = rnnlite.convert(model, sequence_length=length, schedule=schedule)
    kept = length > FAN * unroll
    assert ("ASSIGN_VARIABLE" in converted.report.ops) == kept
    assert "IF" not in converted.report.ops
    x = np.random.default_rng(0).standard_normal((1, length, 2)).astype(np.float32)
    (found,) = rnnlite.load(converted.tflite).run([x])
    np.testing.assert_allclose(found, model.predict(x, verbose=0), atol=2e-6)


@pytest.mark.parametrize("levels", [1, 2])
def test_fewer_levels_give_the_same(levels):
    model = recurrent(L.GRU(3, return_sequences=True))
    schedule = {"unroll": 1, "variables": 1, "max_depth": levels}
    loaded = rnnlite.load(rnnlite.convert(model, schedule=schedule).tflite)
    x = np.random.default_rng(0).standard_normal((1, 1200, 2)).astype(np.float32)
    source = traced(model, 2)
    for length in around(1):
        (found,) = loaded.run([x[:, :length]])
        expected = source(x[:, :length])
        np.testing.assert_allclose(found, expected, atol=2e-6)


def test_no_step_at_all_before_single_steps():
    x, h, c = keras.Input((None, 2)), keras.Input((3,)), keras.Input((3,))
    model = keras.Model([x, h, c], L.LSTM(3, return_sequences=True)(x, initial_state=[h, c]))
    converted = rnnlite.convert(model, schedule={"unroll": 4, "variables": 1})
    assert "rest last, rows in resource variables" in converted.report.recurrences[0]["schedule"]
    rng = np.random.default_rng(0)
    states = [rng.standard_normal((1, 3)).astype(np.float32) for _ in range(2)]
    for length in (3, 1, 4, 70, 2):  # a fresh interpreter begins with no variable
        frames = rng.standard_normal((1, length, 2)).astype(np.float32)
        loaded = rnnlite.load(converted.tflite)
        (found,) = loaded.run([frames, *states])
        expected = model.predict([frames, *states], verbose=0)
        np.testing.assert_allclose(found, expected, atol=2e-6)


@pytest.mark.parametrize("mode", ["dynamic", "int8"])
def test_quantized_rows_are_the_same_integers_as_in_buffers(mode):
    model = recurrent(L.Bidirectional(L.LSTM(4, return_sequences=True)))
    rng = np.random.default_rng(0)
    samples = [rng.standard_normal((n, 2)).astype(np.float32) for n in (5, 30, 90)] * 8
    found = {}
    for variables in (0, 1):
        schedule = {"unroll": 2, "variables": variables, "max_depth": 1 + 2 * variables}
        data = rnnlite.convert(
            model, quantize=mode, calibration=samples, schedule=schedule, verify=False
        ).tflite
        assert ("ASSIGN_VARIABLE" in rnnlite.inspect(data).ops) == bool(variables)
        loaded = rnnlite.load(data)
        found[variables] = [loaded.predict([x], raw=True)[0] for x in samples[:3]]
    for ours, theirs in zip(found[1], found[0], strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_sequences_of_one_model_do_not_meet():
    a, b = keras.Input((None, 2), name="a"), keras.Input((None, 2), name="b")
    layer = L.GRU(3, return_sequences=True)
    model = keras.Model([a, b], [layer(a), layer(b)])
    loaded = rnnlite.load(rnnlite.convert(model, schedule="unroll=1,variables=1").tflite)
    rng = np.random.default_rng(0)
    for lengths in ((70, 5), (3, 90), (17, 16)):
        x = [rng.standard_normal((1, n, 2)).astype(np.float32) for n in lengths]
        for found, frames in zip(loaded.run(x), x, strict=True):
            np.testing.assert_allclose(found, layer(frames), atol=2e-6)


def lowered(**schedule):
    request = Request(schedule=Options(variables=1, **schedule))
    program = open_program(recurrent(L.LSTM(3, return_sequences=True)), request).main
    model = translate(program)
    (loop,) = model.loops()
    return program, model, loop


def test_levels_of_what_is_to_be_rewritten():
    _, model, _ = lowered(max_depth=2)
    marks = [op.branches[1].mark for op in model.loops()]
    assert [m.variable_levels for m in marks if m is not None and m.variable_levels] == [2]
    assert keep_sequences(model) == 1
    assert all(op.branches[1].mark is None for op in model.loops())
    assert keep_sequences(model) == 0


def written(loop):
    (op,) = (op for op in loop.branches[1].ops if op.kind == "DYNAMIC_UPDATE_SLICE")
    return op


def read_twice(loop):
    write = written(loop)
    body = write.graph
    body.append(body.op("ABS", [write.input(0)], [body.like(write.input(0))]))


def of_any_shape(loop):
    rows = written(loop).input(1)
    rows.signature = [-1, *rows.shape[1:]]


def not_carried(loop):
    write = written(loop)
    body = write.graph
    body.inputs = [*body.inputs[:-1], body.inputs[0]]
    write.set_input(0, write.input(1))


def not_counted(loop):
    start = written(loop).input(2).producer
    start.set_input(0, start.input(1))


def without_rows(loop):
    write = written(loop)
    write.graph.remove(write)


def not_filled(loop):
    write = written(loop)
    place = write.graph.inputs.index(write.input(0))
    loop.graph.remove(loop.input(place).producer)


@pytest.mark.parametrize(
    ("damage", "what"),
    [
        (read_twice, "the buffer is read elsewhere"),
        (of_any_shape, "the rows have no fixed shape"),
        (not_carried, "the buffer is no value of the loop"),
        (not_counted, "the place is not made of a counter"),
        (without_rows, "it writes no rows"),
        (not_filled, "its buffer of free length is not filled"),
    ],
)
def test_a_marked_loop_of_another_form_is_refused(damage, what):
    entry, model, loop = lowered()
    damage(loop)
    remedy = r"Convert with schedule=\{'variables': 0\}"
    with pytest.raises(ModelError, match=rf"cannot keep its rows .*{what}.*{remedy}"):
        finalize([Part(entry, model)])
