"""Whole models in four modes: accuracy, size, types, report; what is refused."""

import json
import re

import keras
import numpy as np
import pytest
import tf_keras

import rnnlite
from rnnlite.lite import schema
from rnnlite.lowering.schedule import take_options
from rnnlite.quantization.config import LAYOUT, LIMITS, MODES
from rnnlite.report.records import Report

RNG = np.random.default_rng(5)
CALIBRATION = [RNG.standard_normal((t, 3)).astype(np.float32) for t in range(4, 40)]
TEST = [RNG.standard_normal((t, 3)).astype(np.float32) for t in range(5, 30, 2)]


def build(K):
    K.utils.set_random_seed(2)
    L = K.layers
    x = K.Input((None, 3), name="frames")
    sequence = L.Bidirectional(L.LSTM(10, return_sequences=True), name="sequence")(L.Masking()(x))
    last = L.GRU(6, recurrent_activation="hard_sigmoid")(sequence)
    return K.Model(x, [L.Dense(4, activation="softmax", name="label")(last), sequence])


@pytest.fixture(scope="module")
def models():
    """Keras 3 in all modes, Keras 2 in two."""
    found = {}
    for K, modes in ((keras, MODES), (tf_keras, ("dynamic", "int8"))):
        model = build(K)
        found[K.__name__] = (
            model,
            {m: rnnlite.convert(model, quantize=m, calibration=CALIBRATION) for m in modes},
        )
    return found


def rms(found, expected):
    a = np.concatenate([np.ravel(y) for y in found])
    b = np.concatenate([np.ravel(y) for y in expected])
    return np.sqrt(np.mean((a - b) ** 2) / np.mean(b**2))


@pytest.mark.parametrize(
    ("package", "mode"),
    [*(("keras", mode) for mode in MODES), ("tf_keras", "dynamic"), ("tf_keras", "int8")],
)
def test_error_on_new_samples(models, package, mode):
    model, converted = models[package]
    found = rnnlite.load(converted[mode].tflite).predict(TEST)
    expected = [[np.asarray(y)[0] for y in model(x[None])] for x in TEST]
    for k, column in enumerate(found.values()):
        assert rms(column, [row[k] for row in expected]) < LIMITS[mode]


@pytest.mark.parametrize("mode", ["int8", "int16x8"])
def test_integers_alone(models, mode):
    _, converted = models["keras"]
    parsed = schema.read(converted[mode].tflite)
    assert "float32" not in {value.type for graph in parsed.graphs for value in graph.values}
    assert "DEQUANTIZE" not in {op.kind for op in parsed.ops()}
    quantization = converted[mode].report.quantization
    assert not any("float" in t for types in quantization.ops.values() for t in types)
    kernels = [w for w in quantization.weights if len(w.shape) == 2 and min(w.shape) > 1]
    assert len(kernels) >= 6
    assert {w.dtype for w in kernels} == {"int8"}
    assert not any(w.name.startswith("arith.constant") for w in quantization.weights)


def test_float_at_the_border_on_request(models):
    model, _ = models["keras"]
    converted = rnnlite.convert(
        model, quantize="int8", calibration=CALIBRATION, io="float32", verify=False
    )
    loaded = rnnlite.load(converted.tflite)
    assert {s.dtype for s in (*loaded.inputs, *loaded.outputs)} == {"float32"}
    # Inside, floats stand between a DEQUANTIZE and a QUANTIZE alone, on the way from int8 to int16.
    model = schema.read(converted.tflite)
    borders = {*model.main.inputs, *model.main.outputs}
    touching: dict[object, set[str]] = {}
    for op in model.ops():
        for value in {*op.operands, *op.outputs} - borders:
            if value.type == "float32":
                touching.setdefault(value, set()).add(op.kind)
    assert all(names == {"DEQUANTIZE", "QUANTIZE"} for names in touching.values()), touching


def test_kernels_and_delegates_agree(models):
    _, converted = models["keras"]
    for mode in MODES:
        with_delegates = rnnlite.load(converted[mode].tflite).predict(TEST)
        without = rnnlite.load(converted[mode].tflite, delegates=False).predict(TEST)
        for a, b in zip(with_delegates.values(), without.values(), strict=True):
            assert rms(a, b) < 0.02


def test_the_report_tells_all_and_travels(models):
    _, converted = models["keras"]
    report = converted["int8"].report
    q = report.quantization
    assert (q.mode, q.io, q.samples, q.held_out, q.lengths) == ("int8", "int8", 29, 7, (4, 39))
    alike = take_options(None, **LAYOUT["int8"])
    plain = rnnlite.convert(models["keras"][0], schedule=alike, verify=False).tflite
    assert q.size_before == len(plain) > len(converted["int8"].tflite)
    label, sequence = q.accuracy
    assert label.argmax_agreement is not None
    assert sequence.argmax_agreement is None
    assert sorted(label.by_length) == [10, 100, 1000]
    assert label.snr_db == pytest.approx(-20 * np.log10(label.rms_error))
    assert Report.from_dict(json.loads(json.dumps(report.to_dict()))) == report
    text = str(report)
    for part in (
        "Quantization: int8, inputs and outputs int8",
        "calibrated on 29 samples of 4 to 39 steps",
        "Error against the source, on 7 held-out calibration samples",
        "a scale a channel",
        "FULLY_CONNECTED",
    ):
        assert part in text
    stays = {w.dtype for w in converted["dynamic"].report.quantization.weights}
    assert stays == {"int8", "float32"}


def test_verify_measures_a_quantized_file(models):
    model, converted = models["keras"]
    report = rnnlite.verify(model, converted["dynamic"].tflite, TEST)
    assert report.quantization.mode == "dynamic"
    assert report.quantization.measured_on == f"{len(TEST)} samples"
    report.require_parity()
    other = build(keras)
    other.set_weights([-w for w in other.get_weights()])
    with pytest.raises(rnnlite.ParityError, match=r"dynamic model is far from .*at most 10 %"):
        rnnlite.verify(other, converted["dynamic"].tflite).require_parity()
    rnnlite.verify(other, converted["dynamic"].tflite, max_error=100).require_parity()
    with pytest.raises(rnnlite.QuantizationError, match="max_error is given, but the model is not"):
        rnnlite.verify(model, rnnlite.convert(model).tflite, max_error=0.1)


def test_token_ids_stay_integers():
    keras.utils.set_random_seed(0)
    layers = [keras.layers.Embedding(50, 20, mask_zero=True), keras.layers.LSTM(8)]
    model = keras.Sequential([keras.Input((None,), dtype="int32"), *layers])
    samples = [RNG.integers(0, 50, t).astype(np.int32) for t in range(4, 34)]
    for mode in ("int8", "int16x8", "dynamic"):
        converted = rnnlite.convert(model, quantize=mode, calibration=samples)
        loaded = rnnlite.load(converted.tflite)
        assert (loaded.inputs[0].dtype, loaded.inputs[0].ids) == ("int32", (-50, 49))
        expected = np.stack([np.asarray(model(x[None]))[0] for x in samples])
        assert rms(loaded.predict(samples), expected) < LIMITS[mode]


def test_free_batch():
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((None, 3)), keras.layers.GRU(8)])
    converted = rnnlite.convert(model, quantize="int8", calibration=CALIBRATION, batch_size=None)
    loaded = rnnlite.load(converted.tflite)
    assert loaded.inputs[0].shape == (None, None, 3)
    same = [x[:5] for x in TEST]
    assert rms(loaded.predict(same), np.asarray(model(np.stack(same)))) < 0.05


def test_a_mode_that_changes_nothing_is_an_error():
    x = keras.Input((None, 3))
    model = keras.Model(x, keras.layers.GlobalAveragePooling1D()(x))
    with pytest.raises(rnnlite.QuantizationError, match="'dynamic' changes nothing in this model"):
        rnnlite.convert(model, quantize="dynamic")


def test_an_op_without_integer_kernel_is_refused_or_kept():
    keras.utils.set_random_seed(0)
    x = keras.Input((None, 3))
    model = keras.Model(x, keras.ops.floor(keras.layers.GRU(4)(x)))
    with pytest.raises(rnnlite.UnsupportedError, match=r"FLOOR .*has no integer kernel"):
        rnnlite.convert(model, quantize="int8", calibration=CALIBRATION)
    converted = rnnlite.convert(model, quantize="int8", calibration=CALIBRATION, allow_float=True)
    assert "FLOOR" in converted.report.quantization.kept[0]
    assert "no integer kernel" in converted.report.quantization.kept[0]
    assert "stayed in float" in str(converted.report)


def test_a_result_beyond_the_largest_error_is_refused():
    keras.utils.set_random_seed(0)
    head = keras.layers.Dense(4, kernel_initializer=keras.initializers.RandomNormal(0, 30))
    model = keras.Sequential([keras.Input((None, 3)), keras.layers.GRU(8), head])
    text = (
        r"int8 model is far from its source: output 'dense.*'; expected an RMS error of at most "
        r"0\.001 % of the output's RMS; found 'dense.*' [\d.]+ %; the error enters at "
        r"[A-Z_]+ '.*' \([\d.]+ %, from [\d.]+ %\).*max_error"
    )
    with pytest.raises(rnnlite.ParityError, match=text):
        rnnlite.convert(model, quantize="int8", calibration=CALIBRATION, max_error=1e-5)
    with pytest.raises(rnnlite.ParityError, match=r"dynamic model is far.*at most 0\.001 %"):
        rnnlite.convert(model, quantize="dynamic", calibration=CALIBRATION, max_error=1e-5)


def test_a_poor_result_names_what_brings_it_about_and_what_helps():
    """Rare peaks leave an input of int8 few steps for what else it holds."""
    keras.utils.set_random_seed(0)
    first = [keras.Input((None, 3)), keras.layers.Rescaling(80.0)]
    model = keras.Sequential([*first, keras.layers.GRU(8), keras.layers.Dense(3, name="y")])
    rng = np.random.default_rng(0)
    rows = [(rng.standard_normal((t, 3)) / 80).astype(np.float32) for t in range(6, 46)]
    for row in rows:
        row[rng.integers(len(row))] = 1.0
    coarse = rnnlite.convert(model, quantize="int8", calibration=rows).report.quantization
    text = (
        r"output 'y' is off by 1[\d.]+ % of its RMS, more than the 10 % that int8 usually keeps "
        r"within: the steps of int8 inputs alone bring output 'y' off by 1[\d.]+ %\. "
        r"Give io='float32' \(--io float32\)"
    )
    assert re.match(text, coarse.warnings[-1])
    fine = rnnlite.convert(model, quantize="int8", calibration=rows, io="float32")
    (accuracy,) = fine.report.quantization.accuracy
    assert accuracy.rms_error < 0.02 < 0.1 < coarse.accuracy[0].rms_error
    assert fine.report.quantization.warnings == ()


def test_all_trials_are_recorded():
    """And the warnings of calibration are those of the one that was taken."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((None, 3)), keras.layers.LSTM(16)])
    report = rnnlite.convert(model, quantize="int8", calibration=CALIBRATION).report
    trials = report.quantization.trials
    assert [t.name for t in trials[:2]] == ["int8", "products int8, states and gates int16"]
    (taken,) = [t for t in trials if t.verdict == "taken"]
    assert (taken.name, taken.size) == (report.quantization.inner, report.size)
    for t in trials:
        assert t.verdict == "taken" or "better" in t.verdict or "larger" in t.verdict
        assert t.error is None or 0 < t.error < 0.1
    assert f"{taken.name}" in str(report)
    assert "Trials" in str(report)


def test_files_are_small():
    """1.15 bytes a weight and 30 kB, however many loops there are."""
    keras.utils.set_random_seed(0)
    L = keras.layers
    layers = [L.Bidirectional(L.LSTM(16, return_sequences=True)) for _ in range(2)]
    model = keras.Sequential([keras.Input((None, 3)), *layers, L.GRU(16)])
    weights = sum(int(np.prod(w.shape)) for w in model.weights)
    for mode in ("dynamic", "int8"):
        converted = rnnlite.convert(model, quantize=mode, calibration=CALIBRATION, verify=False)
        assert len(converted.tflite) <= 1.15 * weights + 30_000


@pytest.mark.parametrize(("units", "inner"), [(16, {"int16", "products int8"}), (48, {"int8"})])
def test_larger_loops_stay_in_int8(units, inner):
    """int16 would cost them more than float32 does."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((None, 3)), keras.layers.LSTM(units)])
    found = rnnlite.convert(model, quantize="int8", calibration=CALIBRATION, verify=False)
    assert found.report.quantization.inner.split(",")[0] in inner
    assert max(a.rms_error for a in found.report.quantization.accuracy) < 0.06


def test_larger_loops_of_classifiers_do_not():
    """An error of 6 % would turn decisions."""
    keras.utils.set_random_seed(0)
    L = keras.layers
    head = L.Dense(
        5, activation="softmax", kernel_initializer=keras.initializers.RandomNormal(0, 3)
    )
    model = keras.Sequential([keras.Input((None, 3)), L.LSTM(48), head])
    found = rnnlite.convert(model, quantize="int8", calibration=CALIBRATION, verify=False)
    assert found.report.quantization.inner != "int8"
