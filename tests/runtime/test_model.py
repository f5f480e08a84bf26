"""load and predict."""

import re
import subprocess
import sys
import threading
import zipfile

import keras
import numpy as np
import pytest
import tensorflow as tf

import rnnlite
from rnnlite.lite import schema
from rnnlite.lite.record import GUARDED, record, set_record
from rnnlite.runtime.quantized import dequantize, quantize
from rnnlite.specs import TensorSpec
from runtime.files import doubled, integers, pair, rows, summing, two
from runtime.files import exits as with_exits


def test_signature_names_and_order_are_the_sources(exits):
    model = rnnlite.load(exits.tflite)
    assert [s.name for s in model.inputs] == ["frames"]
    assert [s.name for s in model.outputs] == ["tags", "label"]
    assert model.inputs[0].shape == (1, None, 3)


def test_predict_gives_the_sources_results_in_order(exits, exits_model, sequences):
    found = rnnlite.load(exits.tflite).predict(sequences)
    assert isinstance(found["tags"], list)
    assert found["label"].shape == (5, 5)
    for k, x in enumerate(sequences):
        tags, label = exits_model.call(x[None])
        np.testing.assert_allclose(found["tags"][k], tags[0], atol=2e-6)
        np.testing.assert_allclose(found["label"][k], label[0], atol=2e-6)


@pytest.fixture(scope="module")
def free_batch(exits_model):
    """A file whose batch is free."""
    return rnnlite.convert(exits_model, batch_size=None, verify=False).tflite


@pytest.mark.parametrize("batch_size", [None, 1, 2, 7])
def test_batches_of_equal_length_change_nothing(free_batch, sequences, batch_size):
    model = rnnlite.load(free_batch)
    samples = sequences * 3
    found = model.predict(samples, batch_size=batch_size)
    one_by_one = [model.predict([s])["label"][0] for s in samples]
    np.testing.assert_allclose(found["label"], one_by_one, atol=1e-6)


def test_the_callers_arrays_are_left_alone(exits, sequences):
    before = [s.copy() for s in sequences]
    rnnlite.load(exits.tflite).predict(sequences)
    for a, b in zip(before, sequences, strict=True):
        np.testing.assert_array_equal(a, b)


def test_results_outlive_the_next_call(exits, sequences):
    model = rnnlite.load(exits.tflite)
    first = model.predict(sequences[:1])["label"]
    kept = first.copy()
    model.predict(sequences[1:])
    np.testing.assert_array_equal(first, kept)


def test_threads_take_turns(exits, sequences):
    model = rnnlite.load(exits.tflite)
    expected = model.predict(sequences)["label"]
    failures = []

    def work():
        for _ in range(20):
            if not np.array_equal(model.predict(sequences)["label"], expected):
                failures.append(1)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not failures


def test_progress_is_shown_on_request(exits, sequences, capfd):
    rnnlite.load(exits.tflite).predict(sequences, progress=True)
    out, err = capfd.readouterr()
    assert out == ""
    assert "predict" in err


def test_refusals(exits, sequences):
    with pytest.raises(rnnlite.ModelError, match="no LiteRT model"):
        rnnlite.load(b"something else entirely")
    with pytest.raises(rnnlite.ModelError, match="num_threads"):
        rnnlite.load(exits.tflite, num_threads=0)
    model = rnnlite.load(exits.tflite)
    with pytest.raises(rnnlite.SampleError, match=r"sample 1, input 'frames'"):
        model.predict([sequences[0], np.ones((4, 9))])
    with pytest.raises(rnnlite.SampleError, match="batch_size"):
        model.predict(sequences, batch_size=0)


def test_a_length_that_the_model_cannot_take_is_refused_and_the_next_call_works():
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [keras.Input((None, 3)), keras.layers.Conv1D(2, 5), keras.layers.LSTM(2)]
    )
    loaded = rnnlite.load(rnnlite.convert(model).tflite)
    good = loaded.predict([np.ones((9, 3))])
    with pytest.raises(
        rnnlite.SampleError, match=r"is too short; expected at least 5 time steps; found 2"
    ):
        loaded.predict([np.ones((2, 3))])
    # A run of whole batches does not look at samples: the runtime itself refuses.
    with pytest.raises(
        rnnlite.SampleError, match=r"cannot run on inputs of shapes \[\(1, 2, 3\)\]"
    ):
        loaded.run([np.ones((1, 2, 3), np.float32)])
    np.testing.assert_array_equal(loaded.predict([np.ones((9, 3))]), good)


def test_a_model_with_flex_ops_is_refused_by_name(tmp_path):
    function = tf.function(lambda x: tf.linalg.inv(x))
    concrete = function.get_concrete_function(tf.TensorSpec([3, 3]))
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete], None)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.SELECT_TF_OPS]
    path = tmp_path / "flex.tflite"
    path.write_bytes(converter.convert())
    with pytest.raises(rnnlite.ModelError, match=r"does not have; found .*FlexMatrixInverse"):
        rnnlite.load(path)


def test_quantize_rounds_and_saturates():
    spec = TensorSpec("x", (1, None), "int8", quantization=(0.5, 10))
    q = quantize(np.array([0.0, 0.74, 0.76, -1.0, 1e9, -1e9, np.inf], np.float32), spec)
    assert q.tolist() == [10, 11, 12, 8, 127, -128, 127]
    assert q.dtype == np.int8
    assert dequantize(q[:3], spec).tolist() == [0.0, 0.5, 1.0]


def test_the_runtime_needs_no_tensorflow(exits, tmp_path):
    path = tmp_path / "m.tflite"
    exits.save(path)
    source = tmp_path / "model.keras"
    with zipfile.ZipFile(source, "w") as archive:
        archive.writestr("config.json", "{}")
        archive.writestr("model.weights.h5", "")
    program = (
        "import sys\n"
        "for name in ('tensorflow', 'keras', 'tf_keras', 'h5py'):\n"
        "    sys.modules[name] = None\n"
        "import numpy as np, rnnlite, rnnlite.cli.main, rnnlite.runtime.bench\n"
        f"m = rnnlite.load({str(path)!r})\n"
        "print(m.predict([np.ones((4, 3)), np.ones((6, 3))])['label'].shape)\n"
        "try:\n"
        f"    rnnlite.convert({str(source)!r})\n"
        "except rnnlite.DependencyError as e:\n"
        "    print(e)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.splitlines()[0] == "(2, 5)", done.stderr
    assert "pip install 'rnnlite[convert]'" in done.stdout


def fresh_interpreters(data, lengths):
    """How many interpreters a loaded file has had after each of its runs, without the first."""
    model = rnnlite.load(data)
    made, counts = [], []
    create = model._engines.engine.new_interpreter

    def counted():
        made.append(1)
        return create()

    model._engines.engine.new_interpreter = counted
    for length in lengths:
        model.run([np.ones((1, length, 3), np.float32)])
        counts.append(len(made))
    return counts


def test_a_guarded_file_grows_in_one_interpreter(exits):
    assert fresh_interpreters(exits.tflite, (9, 3, 9, 10, 4, 10, 30)) == [0] * 7


def test_a_file_without_the_guard_gets_a_fresh_interpreter_for_longer_sequences(exits):
    model = schema.read(exits.tflite)
    known = record(model)
    del known[GUARDED]
    set_record(model, known)
    older = schema.write(model)
    assert fresh_interpreters(older, (9, 3, 9, 10, 4, 10, 30)) == [0, 0, 0, 1, 1, 1, 2]


def test_predict_starts_with_the_longest(exits, sequences):
    model = rnnlite.load(exits.tflite)
    lengths = []
    run = model._engines.run
    model._engines.run = lambda arrays: (lengths.append(arrays[0].shape[1]), run(arrays))[1]
    model.predict(sequences)
    assert lengths == [30, 9, 4, 4, 1]


@pytest.mark.long
def test_growing_sequences_through_two_loops_are_right_every_time(exits):
    rng = np.random.default_rng(0)
    lengths = (1, 2, 3, 4, 8, 9, 16, 17, 24, 30)
    inputs = {t: [rng.standard_normal((1, t, 3)).astype(np.float32)] for t in lengths}
    plain = rnnlite.load(exits.tflite, delegates=False)
    expected = {t: plain.run(inputs[t]) for t in lengths}
    for _ in range(100):
        model = rnnlite.load(exits.tflite)
        for t in rng.permutation(lengths):
            for a, b in zip(model.run(inputs[int(t)]), expected[int(t)], strict=True):
                np.testing.assert_allclose(a, b, atol=1e-5)


def test_what_is_far_beyond_the_range_is_saturated_and_not_wrapped_around():
    model = rnnlite.load(integers())
    far = [np.full((3, 2), v, np.float32) for v in (-1e9, 1e9)]
    scale, zero_point = model.inputs[0].quantization
    edges = [np.full((3, 2), (q - zero_point) * scale, np.float32) for q in (-128, 127)]
    np.testing.assert_array_equal(model.predict(far), model.predict(edges))
    assert [x.max() for x in far] == [np.float32(-1e9), np.float32(1e9)]


def test_a_step_that_is_not_masked_stays_unmasked():
    spec = TensorSpec("x", (1, None, 2), "int8", quantization=(0.5, 10), mask_value=0.0)
    steps = np.array([[[0.0, 0.0], [0.1, 0.0], [-0.2, 0.0], [0.1, 3.0]]])
    found = quantize(steps, spec)
    # masked; moved off the mask up; down; left as it was rounded
    assert found.tolist() == [[[10, 10], [11, 10], [9, 10], [10, 16]]]


def test_a_closed_model_is_refused(exits, sequences):
    with rnnlite.load(exits.tflite) as model:
        assert set(model.predict(sequences)) == {"tags", "label"}
    for call in (
        lambda: model.predict(sequences),
        lambda: model.run([sequences[0][None]]),
        lambda: model.shapes_before_run([(1, 5, 3)]),
    ):
        with pytest.raises(rnnlite.ModelError, match="the model is closed; expected a model that"):
            call()


def test_results_stand_in_the_samples_order():
    samples = [rows(n)[0] + n for n in (4, 9, 4, 1, 9)]
    found = rnnlite.load(doubled(-1)).predict(samples, batch_size=2)
    assert isinstance(found, list)
    for y, x in zip(found, samples, strict=True):
        np.testing.assert_array_equal(y, 2 * x)


def test_results_of_one_shape_are_one_array():
    found = rnnlite.load(doubled()).predict([rows(4)[0], 2 * rows(4)[0]])
    assert found.shape == (2, 4, 3)


def test_several_inputs_and_outputs_by_name():
    x, z = rows(3, 2)[0], rows(3, 2)[0] + 5
    model = rnnlite.load(pair())
    for sample in ((x, z), [x, z], {"z": z, "x": x}):
        found = model.predict([sample])
        assert list(found) == ["total", "twice"]
        np.testing.assert_array_equal(found["total"][0], x + z)
        np.testing.assert_array_equal(found["twice"][0], x + x)


@pytest.mark.parametrize(("batch", "sizes"), [(1, [1] * 5), (3, [3, 3]), (-1, [4, 1])])
def test_samples_run_together_as_the_file_allows(batch, sizes):
    model = rnnlite.load(doubled(batch))
    ran, run = [], model._engines.run
    model._engines.run = lambda arrays: (ran.append(len(arrays[0])), run(arrays))[1]
    found = model.predict([rows(4)[0] * k for k in range(5)], batch_size=4)
    assert ran == sizes
    np.testing.assert_array_equal(found[4], 8 * rows(4)[0])


def test_memory_bounds_how_many_run_together():
    """Of x and y, 3 floats each a step: 24 bytes, 240 a sample."""
    model = rnnlite.load(doubled(-1))
    ran, run = [], model._engines.run
    model._engines.run = lambda arrays: (ran.append(len(arrays[0])), run(arrays))[1]
    model.predict([rows(10)[0]] * 6, max_batch_bytes=500)
    assert ran == [2, 2, 2]


@pytest.mark.parametrize("first", [0, 70])
def test_results_one_after_the_other(first):
    model = rnnlite.load(pair())
    samples = ((rows(n, 2)[0], rows(n, 2)[0]) for n in (1, 2, 3))
    found = list(model.predict_iter(samples, first=first))
    assert [f["twice"].shape for f in found] == [(1, 2), (2, 2), (3, 2)]
    bad = (rows(2, 2)[0], rows(2, 3)[0])
    with pytest.raises(rnnlite.SampleError, match=f"sample {first + 1}, input 'z'"):
        list(model.predict_iter([(rows(2, 2)[0],) * 2, bad], first=first))


def test_raw_results_of_a_file_of_integers():
    """0.5 (q - 3) in, 0.25 (q + 8) out."""
    model = rnnlite.load(integers())
    sample = np.array([[1.0, -1.5]], np.float32)
    assert model.predict([sample], raw=True).tolist() == [[[-4, -14]]]
    np.testing.assert_array_equal(model.predict([sample]), [sample])
    assert next(iter(model.predict_iter([sample], raw=True))).dtype == np.int8


def test_signatures_of_a_file():
    model = rnnlite.load(two().bytes())
    assert list(model.signatures) == ["first", "second"]
    assert (model.signature, model.is_main) == ("first", True)
    assert model.signatures["second"].outputs[0].name == "of_second"
    other = model.by_signature("second")
    assert (other.signature, other.is_main, other.outputs[0].name) == ("second", False, "of_second")
    # Made once; and its own name is itself.
    assert model.by_signature("second") is other
    assert model.by_signature("first") is model
    assert rnnlite.load(two().bytes(), signature="second").outputs[0].name == "of_second"


def test_a_call_names_a_signature():
    model = rnnlite.load(two().bytes())
    x = rows(4, 2)
    np.testing.assert_array_equal(model.run([x], signature="second")[0], 3 * x)
    np.testing.assert_array_equal(model.run([x])[0], 2 * x)
    np.testing.assert_array_equal(model.predict([x[0]], signature="second")[0], 3 * x[0])


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (two().bytes(), "expected 'first', 'second'; found 'third'"),
        (doubled(), "expected no signature named; found 'third'"),
    ],
)
def test_a_signature_that_is_not_there(data, expected):
    message = re.escape(f"the file has no signature 'third'; {expected}.")
    with pytest.raises(rnnlite.ModelError, match=message):
        rnnlite.load(data, signature="third")
    model = rnnlite.load(data)
    for call in (
        lambda: model.by_signature("third"),
        lambda: model.run([rows(2, 2)], signature="third"),
        lambda: model.predict([rows(2, 2)[0]], signature="third"),
    ):
        with pytest.raises(rnnlite.ModelError, match=message):
            call()


def test_shapes_are_told_before_a_run_of_the_main_graph_alone():
    model = rnnlite.load(two().bytes())
    assert model.shapes_before_run([(1, 6, 2)]) == ((1, 6, 2),)
    with pytest.raises(rnnlite.InternalError, match="shapes of 'second' are asked for before a r"):
        model.by_signature("second").shapes_before_run([(1, 6, 2)])


def test_closing_closes_what_was_made_of_it():
    model = rnnlite.load(two().bytes())
    other = model.by_signature("second")
    model.close()
    for one in (model, other):
        with pytest.raises(rnnlite.ModelError, match="the model is closed"):
            one.run([rows(2, 2)])
    with pytest.raises(rnnlite.ModelError, match="the model is closed"):
        model.by_signature("second")


def test_a_stream_of_a_closed_model():
    with rnnlite.load(summing()) as model:
        live = model.stream()
        live(rows(2, 2)[0])
    with pytest.raises(rnnlite.ModelError, match="the model is closed"):
        live(rows(2, 2)[0])


def test_a_stream_gives_what_the_whole_gives():
    model = rnnlite.load(summing())
    x = rows(6, 2)[0]
    live = model.stream()
    found = [live(x[:1]), live(x[1:]), live.finish()]
    np.testing.assert_array_equal(np.concatenate(found), model.predict([x])[0])
    assert [s.name for s in model.stream_signature.states] == ["state/sum/h"]


@pytest.mark.parametrize("call", [lambda m: m.stream(), lambda m: m.run_chunk([])])
def test_a_file_without_a_stream(call):
    for data, found in ((two().bytes(), "first, second"), (doubled(), "no signature")):
        expected = (
            f"the file has no signature 'stream'; found {found}. "
            "Convert its source with streaming=True."
        )
        with pytest.raises(rnnlite.ModelError, match=re.escape(expected)):
            call(rnnlite.load(data))


@pytest.mark.parametrize(
    ("batch", "error", "expected"),
    [
        (
            2,
            rnnlite.ModelError,
            "the file streams another number of sequences side by side; expected 1; found 2. "
            "Convert its source with batch_size=None.",
        ),
        (0, rnnlite.SampleError, "batch_size is no batch size; expected an int of 1 or more"),
    ],
)
def test_a_stream_of_another_batch(batch, error, expected):
    with pytest.raises(error, match=re.escape(expected)):
        rnnlite.load(summing()).stream(batch)


@pytest.mark.parametrize("threads", [0, -1, 1.5, "2", True, None])
def test_what_is_no_number_of_threads(threads):
    expected = (
        f"num_threads is no number of threads; expected an int of 1 or more; found {threads!r}."
    )
    with pytest.raises(rnnlite.ModelError, match=f"^{re.escape(expected)}$"):
        rnnlite.load(doubled(), num_threads=threads)


@pytest.mark.parametrize(
    ("options", "name", "found"),
    [
        ({"batch_size": 0}, "batch_size is no batch size", "0"),
        ({"batch_size": True}, "batch_size is no batch size", "True"),
        ({"max_batch_bytes": 0.5}, "max_batch_bytes is no number of bytes", "0.5"),
    ],
)
def test_what_is_no_count(options, name, found):
    model = rnnlite.load(doubled())
    expected = f"{name}; expected an int of 1 or more; found {found}."
    with pytest.raises(rnnlite.SampleError, match=re.escape(expected)):
        model.predict([rows(2)[0]], **options)
    with pytest.raises(rnnlite.SampleError, match=re.escape(expected)):
        list(model.predict_iter([rows(2)[0]], **options))


def test_how_a_model_shows_itself():
    assert repr(rnnlite.load(doubled(-1))) == (
        "Model(x float32 [any, any, 3] -> y float32 [any, any, 3])"
    )
    assert repr(rnnlite.load(two().bytes(), signature="second")) == (
        "Model(second: x float32 [1, any, 2] -> of_second float32 [1, any, 2])"
    )


def test_exits_are_those_of_the_record():
    assert [e.output for e in rnnlite.load(with_exits()).exits] == ["early", "late"]
    assert rnnlite.load(doubled()).exits == ()


@pytest.mark.parametrize(("guarded", "delegates"), [(True, True), (False, True), (False, False)])
def test_one_interpreter_grows_where_the_file_is_safe_or_nothing_is_delegated(guarded, delegates):
    model = rnnlite.load(doubled(guarded=guarded), delegates=delegates)
    model.run([rows(2)])
    before = model._engines.engine.interpreter
    np.testing.assert_array_equal(model.run([rows(40)])[0], 2 * rows(40))
    assert (model._engines.engine.interpreter is before) == (guarded or not delegates)


def test_a_job_of_several_threads_gives_the_same():
    samples = [rows(n % 5 + 1)[0] + n for n in range(60)]
    found = rnnlite.load(doubled(), num_threads=2).predict(samples)
    for y, x in zip(found, samples, strict=True):
        np.testing.assert_array_equal(y, 2 * x)
