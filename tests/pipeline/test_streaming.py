"""Files with a stream: converted, fed by `Model.stream` and by a plain interpreter."""

import re
from pathlib import Path

import keras
import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

import rnnlite
from rnnlite.errors import (
    ModelError,
    ParityError,
    SampleError,
    StreamingError,
)
from rnnlite.lite import schema
from rnnlite.lite.record import record
from rnnlite.pipeline import streaming as module
from rnnlite.report.records import Report
from rnnlite.runtime.quantized import quantize

X = np.random.default_rng(3).standard_normal((21, 3)).astype(np.float32)


def sequential(*layers):
    keras.utils.set_random_seed(1)
    return keras.Sequential([keras.Input((None, 3)), *layers])


def tagger(padding="same"):
    keras.utils.set_random_seed(1)
    return keras.Sequential(
        [
            keras.Input((None, 3), name="frames"),
            keras.layers.Conv1D(8, 3, padding=padding, name="conv"),
            keras.layers.LSTM(8, return_sequences=True, name="lstm"),
            keras.layers.Dense(2, activation="softmax"),
        ]
    )


@pytest.fixture(scope="module")
def tags():
    return rnnlite.convert(tagger(), streaming=True)


@pytest.fixture(scope="module")
def steps():
    return rnnlite.convert(tagger("causal"), streaming=1)


def test_chunks_give_what_the_whole_gives(tags):
    model = rnnlite.load(tags.tflite)
    assert tuple(model.signatures) == ("serving_default", "stream")
    stream = model.stream()
    assert stream.delay == 1
    found = [stream(X[:1]), stream(X[1:8]), stream(X[8:]), stream.finish()]
    np.testing.assert_allclose(np.concatenate(found), model.predict([X])[0], atol=1e-6)


def test_the_report_states_the_proof(tags):
    stream = tags.report.stream
    assert (stream.chunk, stream.multiple, stream.delay) == (None, 1, 1)
    assert stream.lengths == (1, 6, 19, 45)
    assert all(o.max_rel <= 1e-5 for o in stream.outputs)
    assert stream.states[-2:] == ("state/lstm/h", "state/lstm/c")
    text = str(tags.report)
    assert "Stream: chunks of any length, outputs 1 steps later; 5 states" in text
    assert Report.from_dict(tags.report.to_dict()) == tags.report


def test_chunks_of_one_step_have_no_loop_and_no_free_shape(steps):
    model = schema.read(steps.tflite)
    signature = model.signatures[1]
    graph = signature.graph
    assert not any(op.branches for op in graph.ops)
    assert not any(value.is_free for value in graph.values)
    assert [name for name, _ in signature.inputs] == [
        "frames",
        "state/conv/rows",
        "state/lstm/h",
        "state/lstm/c",
    ]
    assert [n for n, _ in signature.outputs][1:] == [n for n, _ in signature.inputs][1:]


def test_weights_stand_once(steps):
    alone = len(rnnlite.convert(tagger("causal"), verify=False).tflite)
    kernels = 4 * (3 * 3 * 8 + 8 * 32 + 8 * 32)
    assert len(steps.tflite) - alone < 8000
    counted = sum(b.nbytes for b in _contents(steps.tflite) if b.nbytes >= 4 * 64)
    assert counted < 1.5 * kernels


def _contents(data):
    found = {}
    for graph in schema.read(data).graphs:
        for value in graph.values:
            if value.data is not None:
                found[value.data.tobytes()] = value.data
    return found.values()


def test_states_are_fed_back_raw_on_a_plain_interpreter(steps):
    run = Interpreter(model_content=steps.tflite).get_signature_runner("stream")
    details = run.get_input_details()
    states = {
        n: np.zeros(d["shape"], d["dtype"]) for n, d in details.items() if n.startswith("state/")
    }
    found = []
    for row in X:
        results = run(**{"frames": row[None, None], **states})
        states = {name: results.pop(name) for name in states}
        found.append(next(iter(results.values()))[0])
    whole = rnnlite.load(steps.tflite).predict([X])[0]
    np.testing.assert_allclose(np.concatenate(found), whole, atol=1e-6)


def test_several_sequences_side_by_side():
    net = sequential(
        keras.layers.Conv1D(8, 3, padding="same"), keras.layers.LSTM(8, return_sequences=True)
    )
    model = rnnlite.load(rnnlite.convert(net, batch_size=None, streaming=True).tflite)
    stream = model.stream(3)
    both = np.stack([X, -X, 2 * X])
    found = [stream(both[:, :5]), stream(both[:, 5:]), stream.finish()]
    whole = np.stack(model.predict(list(both)))
    np.testing.assert_allclose(np.concatenate(found, 1), whole, atol=1e-6)


def test_a_result_so_far():
    net = sequential(keras.layers.GRU(5), keras.layers.Dense(1))
    model = rnnlite.load(rnnlite.convert(net, streaming=True).tflite)
    stream = model.stream()
    for n in (4, 9, 21):
        chunk = X[int(stream.state["steps"]) : n]
        np.testing.assert_allclose(stream(chunk), model.predict([X[:n]])[0], atol=1e-6)


FIXTURES = Path(__file__).parents[1] / "fixtures" / "tensorflow1"


@pytest.mark.parametrize(
    "name", ["basic_lstm", "grouped_lstm", "nas_cell", "keras_embedding_simple_rnn"]
)
def test_loops_of_graphs_stream_too(name):
    converted = rnnlite.convert(FIXTURES / f"{name}.pb", streaming=True)
    assert converted.report.stream.lengths
    assert all(o.within for o in converted.report.stream.outputs)


def test_lengths_that_are_given_count_the_steps_of_the_whole():
    converted = rnnlite.convert(FIXTURES / "lengths_given.pb", streaming=True)
    model = rnnlite.load(converted.tflite)
    stream = model.stream()
    for n in (5, 11, 21):
        number = np.full([], n, np.int32)
        whole = model.predict([{"x": X, "lengths": number}])
        stream.reset()
        found = [stream({"x": part, "lengths": number}) for part in np.split(X, [2, 3, 14])]
        rows = np.concatenate([f["outputs"] for f in found])
        np.testing.assert_allclose(rows, whole["outputs"][0], atol=1e-6)
        np.testing.assert_allclose(found[-1]["state_0"], whole["state_0"][0], atol=1e-6)
    endless = [stream({"x": X[k : k + 1], "lengths": np.int32(2**30)}) for k in range(3)]
    assert all(np.abs(f["outputs"]).max() > 0 for f in endless)


def test_a_stream_of_another_file_is_refused(exits):
    with pytest.raises(ModelError, match=r"the file has no signature 'stream'"):
        rnnlite.load(exits.tflite).stream()


def test_another_batch_than_the_file_has_is_refused(steps):
    expected = "the file streams another number of sequences side by side; expected 1; found 2."
    with pytest.raises(ModelError, match=re.escape(expected)):
        rnnlite.load(steps.tflite).stream(2)


def test_what_needs_the_future_is_refused_by_its_layer():
    net = sequential(keras.layers.Bidirectional(keras.layers.GRU(4), name="both"))
    with pytest.raises(StreamingError, match=r"recurrence 'backward_gru.*runs backwards"):
        rnnlite.convert(net, streaming=True)


def test_the_layer_at_fault_is_named_where_a_branch_is():
    x = keras.Input((None, 3))
    y = keras.layers.GRU(4, return_sequences=True)(x)
    z = keras.layers.Attention(name="look")([y, y])
    net = keras.Model(x, keras.layers.Add()([y, z]))
    with pytest.raises(StreamingError, match=r"layer 'look' \(Attention\) cannot be streamed"):
        rnnlite.convert(net, streaming=True)


@pytest.mark.parametrize("streaming", [0, -1, "yes", 1.5])
def test_no_number_of_steps_is_refused(streaming):
    with pytest.raises(StreamingError, match="streaming is no number of steps"):
        rnnlite.convert(tagger(), streaming=streaming)


@pytest.mark.parametrize(("mode", "most"), [("float16", 1e-6), ("dynamic", 0.02)])
@pytest.mark.parametrize("streaming", [True, 1])
def test_quantized_weights_serve_both(mode, most, streaming, tags):
    whole = rnnlite.convert(tagger(), quantize=mode, verify=False)
    both = rnnlite.convert(tagger(), quantize=mode, streaming=streaming)
    assert len(both.tflite) - len(whole.tflite) < (16000 if streaming is True else 9000)
    assert both.report.stream.lengths
    model = rnnlite.load(both.tflite)
    stream = model.stream()
    found = [stream(X[:4]), stream(X[4:]), stream.finish()]
    np.testing.assert_allclose(np.concatenate(found), model.predict([X])[0], atol=most)


CALIBRATION = [
    np.random.default_rng(k).standard_normal((9 + k, 3)).astype(np.float32) for k in range(24)
]
INTEGERS = [("int8", True), ("int8", 1), ("int16x8", True), ("int16x8", 1)]


@pytest.fixture(scope="module", params=INTEGERS, ids=str)
def integers(request):
    mode, streaming = request.param
    net = tagger("causal" if streaming == 1 else "same")
    return rnnlite.convert(net, streaming=streaming, quantize=mode, calibration=CALIBRATION)


def test_integer_chunks_give_the_integers_of_the_whole(integers):
    (output,) = integers.report.stream.outputs
    assert output.max_abs == 0
    model = rnnlite.load(integers.tflite)
    stream = model.stream()
    parts = [stream(X[:1]), stream(X[1:8]), stream(X[8:])]
    found = np.concatenate([*parts, stream.finish()])
    np.testing.assert_array_equal(found, model.predict([X])[0])


def test_integer_states_are_fed_back_raw_on_a_plain_interpreter(integers):
    layout = record(schema.read(integers.tflite))["signatures"]["stream"]["stream"]
    run = Interpreter(model_content=integers.tflite).get_signature_runner("stream")
    given, taken = run.get_input_details(), run.get_output_details()
    states = {}
    for state in layout["states"]:
        name, detail = state["name"], given[state["name"]]
        assert detail["dtype"] == np.dtype(state["dtype"])
        assert detail["quantization"] == taken[name]["quantization"]
        first = state["initial"]
        if state["scale"] is not None:
            np.testing.assert_allclose(
                detail["quantization"], (state["scale"], state["zero_point"])
            )
            first = np.clip(np.rint(first / state["scale"]) + state["zero_point"], -128, 127)
        states[name] = np.full(detail["shape"], first, detail["dtype"])
    frames = quantize(X, rnnlite.load(integers.tflite).inputs[0])
    found = []
    for row in frames:
        results = run(**{"frames": row[None, None], **states})
        states = {name: results.pop(name) for name in states}
        found.append(next(iter(results.values()))[0])
    late = integers.report.stream.delay
    whole = rnnlite.load(integers.tflite).predict([X], raw=True)[0]
    np.testing.assert_array_equal(np.concatenate(found)[late:], whole[: len(X) - late])


@pytest.mark.parametrize("mode", ["int8", "int16x8"])
def test_a_mean_so_far_is_kept_in_float(mode):
    net = sequential(
        keras.layers.GRU(5, return_sequences=True),
        keras.layers.GlobalAveragePooling1D(name="mean"),
        keras.layers.Dense(2),
    )
    made = rnnlite.convert(net, streaming=True, quantize=mode, calibration=CALIBRATION)
    details = rnnlite.load(made.tflite).stream().signature.states
    assert {s.name: s.dtype for s in details}["state/mean/sum"] == "float32"
    model = rnnlite.load(made.tflite)
    stream = model.stream()
    # Far beyond what calibration saw, the sum has no end to saturate at.
    long = np.tile(X, (30, 1))
    for n in range(0, len(long), 50):
        last = stream(long[n : n + 50])
    whole = model.predict([long])[0]
    step = model.outputs[0].quantization[0]
    assert np.abs(last - whole).max() <= 1.001 * step


@pytest.mark.parametrize("mode", ["int8", "int16x8"])
def test_ten_thousand_steps_are_off_as_the_whole_is(mode):
    net = sequential(keras.layers.GRU(6, return_sequences=True), keras.layers.Dense(2))
    made = rnnlite.convert(net, streaming=True, quantize=mode, calibration=CALIBRATION)
    model = rnnlite.load(made.tflite)
    long = np.random.default_rng(5).standard_normal((10_000, 3)).astype(np.float32)
    stream = model.stream()
    found = np.concatenate([stream(long[n : n + 100]) for n in range(0, len(long), 100)])
    exact = net.predict(long[None], verbose=0)[0]
    whole = model.predict([long])[0]
    error = [np.sqrt(np.mean((y[-1000:] - exact[-1000:]) ** 2)) for y in (found, whole)]
    assert error[0] == error[1]
    assert error[0] < 0.1 * np.sqrt(np.mean(exact**2))


def test_a_recurrent_bias_of_a_gru_rounds_alike_at_every_length():
    net = sequential(keras.layers.GRU(7, return_sequences=True, bias_initializer="normal"))
    net.layers[0].cell.bias.assign(np.random.default_rng(2).standard_normal((2, 21)))
    made = rnnlite.convert(net, streaming=True, quantize="int16x8", calibration=CALIBRATION)
    assert made.report.stream.outputs[0].max_abs == 0


def test_a_state_that_is_a_result_as_well_has_the_types_of_both():
    x = keras.Input((None, 3))
    y, h = keras.layers.GRU(24, return_sequences=True, return_state=True, name="gru")(x)
    net = keras.Model(x, [keras.layers.Dense(2, name="y")(y), keras.layers.Identity(name="h")(h)])
    made = rnnlite.convert(net, streaming=True, quantize="int8", calibration=CALIBRATION)
    assert all(o.max_abs == 0 for o in made.report.stream.outputs)
    signature = rnnlite.load(made.tflite).stream().signature
    assert [s.dtype for s in signature.outputs] == ["int8", "int8"]


@pytest.mark.parametrize("mode", [None, "int8"])
def test_verify_proves_the_stream_of_a_file(mode, tmp_path):
    net = sequential(keras.layers.GRU(4, return_sequences=True), keras.layers.Dense(2))
    given = {"calibration": CALIBRATION} if mode else {}
    made = rnnlite.convert(net, streaming=True, quantize=mode, **given)
    made.save(tmp_path / "live.tflite")
    found = rnnlite.verify(net, tmp_path / "live.tflite").stream
    assert found == made.report.stream


BAD = {
    "width": (X[:2, :2], r"has the wrong shape; expected \(T, 3\); found \(2, 2\)"),
    "rank": (X[0], "has the wrong rank"),
    "no steps": (X[:0], "is empty; expected at least one time step"),
    "NaN": (np.full((2, 3), np.nan, np.float32), "holds NaN"),
    "infinity": (np.full((2, 3), np.inf, np.float32), "holds infinity"),
    "text": (np.array([["a", "b", "c"]]), "has the wrong dtype"),
    "several": ((X[:2], X[:2]), "has the wrong number of arrays"),
    "nothing": (None, "has the wrong rank"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_chunk_is_refused_and_changes_nothing(case, integers):
    chunk, message = BAD[case]
    stream = rnnlite.load(integers.tflite).stream()
    stream(X[:3])
    before = stream.state
    with pytest.raises(SampleError, match=message):
        stream(chunk)
    after = stream.state
    assert list(before) == list(after)
    assert all(np.array_equal(before[name], after[name]) for name in before)
    whole = rnnlite.load(integers.tflite).predict([X])[0]
    found = np.concatenate([stream(X[3:]), stream.finish()])
    np.testing.assert_array_equal(found, whole[len(whole) - len(found) :])


def test_a_state_of_another_mode_or_model_is_refused(integers, tags, steps):
    stream = rnnlite.load(integers.tflite).stream()
    before = stream.state
    for other in (tags, steps):
        with pytest.raises(SampleError, match=r"state.* is of another model|is the state of"):
            stream.state = rnnlite.load(other.tflite).stream().state
    assert all(np.array_equal(before[name], stream.state[name]) for name in before)


def test_many_streams_share_one_model(steps):
    model = rnnlite.load(steps.tflite)
    streams = [model.stream() for _ in range(100)]
    scales = np.linspace(0.5, 2, 100, dtype=np.float32)
    found = [[s(X[k : k + 1] * a) for s, a in zip(streams, scales, strict=True)] for k in range(6)]
    for n in (0, 50, 99):
        alone = np.concatenate([rows[n] for rows in found])
        np.testing.assert_allclose(alone, model.predict([X[:6] * scales[n]])[0], atol=1e-6)
    # What each keeps is its states, the weights are one interpreter's.
    kept = sum(a.nbytes for a in streams[0].state.values())
    assert kept < 200
    assert len({id(s._run.__self__) for s in streams}) == 1


def test_a_stream_is_finished_once(steps):
    stream = rnnlite.load(steps.tflite).stream()
    stream(X)
    stream.finish()
    for call in (stream.finish, lambda: stream(X)):
        with pytest.raises(SampleError, match=r"the stream has ended. Call reset\(\)"):
            call()
    stream.reset()
    assert len(stream(X)) == len(X)


def test_integers_with_float_borders_keep_states_as_integers():
    made = rnnlite.convert(
        tagger(), streaming=True, quantize="int8", io="float32", calibration=CALIBRATION
    )
    signature = rnnlite.load(made.tflite).stream().signature
    assert [s.dtype for s in signature.inputs] == ["float32"]
    assert {s.dtype for s in signature.states if s.quantization} <= {"int8", "int16"}
    assert made.report.stream.outputs[0].max_rel <= made.report.stream.outputs[0].bound


def test_a_stream_that_gives_something_else_is_refused(monkeypatch):
    right = module.stream_part

    def wrong(entry, streamed):
        part = right(entry, streamed)
        conv = next(op for op in part.model.main.ops if op.kind == "CONV_2D")
        kernel = conv.inputs[1]
        kernel.data = kernel.data * np.float32(1.001)
        return part

    monkeypatch.setattr("rnnlite.pipeline.streaming.stream_part", wrong)
    with pytest.raises(ParityError, match="gives something else in chunks than as a whole"):
        rnnlite.convert(tagger(), streaming=True)
