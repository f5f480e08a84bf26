"""load and predict."""

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


@pytest.mark.parametrize("batch_size", [None, 1, 2, 7])
def test_batches_of_equal_length_change_nothing(exits_model, sequences, batch_size):
    model = rnnlite.load(rnnlite.convert(exits_model, batch_size=None, verify=False).tflite)
    samples = sequences * 3
    found = model.predict(samples, batch_size=batch_size)
    one_by_one = [model.predict([s])["label"][0] for s in samples]
    np.testing.assert_allclose(found["label"], one_by_one, atol=1e-6)


def test_a_pinned_batch_is_filled_up(exits_model, sequences):
    pinned = rnnlite.load(rnnlite.convert(exits_model, batch_size=4, verify=False).tflite)
    single = rnnlite.load(rnnlite.convert(exits_model, verify=False).tflite)
    np.testing.assert_allclose(
        pinned.predict(sequences)["label"], single.predict(sequences)["label"], atol=1e-6
    )


def test_one_output_of_one_shape_is_one_array():
    model = keras.Sequential([keras.Input((None, 3)), keras.layers.GRU(2)])
    loaded = rnnlite.load(rnnlite.convert(model, verify=False).tflite)
    found = loaded.predict([np.ones((t, 3)) for t in (2, 5)])
    assert found.shape == (2, 2)


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


def test_raw_gives_the_integers_and_leaves_the_callers_arrays_alone(exits_model, sequences):
    data = rnnlite.convert(
        exits_model, quantize="int8", calibration=sequences * 4, verify=False
    ).tflite
    model = rnnlite.load(data)
    before = [s.copy() for s in sequences]
    raw = model.predict(sequences, raw=True)["label"]
    real = model.predict(sequences)["label"]
    assert raw.dtype == np.int8
    scale, zero_point = model.outputs[1].quantization
    np.testing.assert_allclose(real, (raw.astype(np.float32) - zero_point) * scale, rtol=1e-6)
    for a, b in zip(sequences, before, strict=True):
        np.testing.assert_array_equal(a, b)
    # far beyond the range that was calibrated: saturated, not wrapped around
    low, high = model.predict([np.full((3, 3), v, np.float32) for v in (-1e9, 1e9)])["label"]
    edge = [
        np.full((3, 3), (q - model.inputs[0].quantization[1]) * model.inputs[0].quantization[0])
        for q in (-128, 127)
    ]
    np.testing.assert_array_equal([low, high], model.predict(edge)["label"])


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
