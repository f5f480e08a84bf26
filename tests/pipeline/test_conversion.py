"""Sources with several signatures: one file, whose weights stand once, each signature proven."""

import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

import rnnlite
from rnnlite.errors import ModelError, ParityError, QuantizationError, StreamingError
from rnnlite.lite import schema
from rnnlite.report.records import Report
from two_signatures import CLASSES, FEATURES, UNITS, EncoderDecoder, samples, save

KERNELS = 4 * UNITS * (FEATURES + UNITS) + UNITS * CLASSES
"""Weights of both signatures together, without the bias."""

ERRORS = {"float16": 0.01, "dynamic": 0.02, "int8": 0.05, "int16x8": 0.01}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save(tmp_path_factory.mktemp("two") / "model")


def converted(folder, mode, **options):
    calibration = samples() if mode in ("int8", "int16x8") else None
    options = {"signature": ["encode", "decode"], **options}
    return rnnlite.convert(folder, quantize=mode, calibration=calibration, **options)


@pytest.fixture(scope="module")
def both(folder):
    return converted(folder, None)


def expected(folder, key, sample):
    function = tf.saved_model.load(str(folder)).signatures[key]
    found = function(**{name: tf.constant(value[None]) for name, value in sample.items()})
    return {name: value.numpy() for name, value in found.items()}


@pytest.mark.parametrize("mode", [None, "float16", "dynamic", "int8", "int16x8"])
def test_each_signature_is_right_in_one_file_and_weights_stand_once(folder, mode):
    found = converted(folder, mode, io="float32" if mode in ("int8", "int16x8") else None)
    interpreter = Interpreter(model_content=found.tflite)
    assert list(interpreter.get_signature_list()) == ["encode", "decode"]
    model = rnnlite.load(found.tflite)
    runners = {key: interpreter.get_signature_runner(key) for key in ("encode", "decode")}
    # Lengths go up and down, and signatures take turns on one interpreter.
    for steps in (9, 70, 3, 130):
        rng = np.random.default_rng(steps)
        sample = {"frames": rng.standard_normal((steps, FEATURES)).astype(np.float32)}
        for key in ("encode", "decode"):
            if key == "decode":
                sample |= {n: rng.uniform(-0.5, 0.5, UNITS).astype(np.float32) for n in "hc"}
            want = expected(folder, key, sample)
            raw = runners[key](**{n: v[None] for n, v in sample.items()})
            ours = model.predict([sample], signature=key)
            ours = ours if isinstance(ours, dict) else {"scores": ours}
            assert set(raw) == set(want) == set(ours)
            for name, value in want.items():
                rms = np.sqrt(np.mean(value**2))
                bound = 1e-5 if mode is None else ERRORS[mode]
                assert np.sqrt(np.mean((raw[name] - value) ** 2)) <= bound * rms, (key, name)
                np.testing.assert_allclose(ours[name][0], raw[name][0], atol=1e-6)
    if mode in ("float16", "int16x8"):
        return
    # One copy of the kernels, whatever their type; the bias may stand with other scales.
    alone = {
        key: rnnlite.inspect(
            rnnlite.convert(
                folder,
                signature=key,
                quantize=mode,
                calibration=samples()[key] if mode in ("int8", "int16x8") else None,
            ).tflite
        )
        for key in ("encode", "decode")
    }
    largest = max(i.weights for i in alone.values())
    assert KERNELS <= rnnlite.inspect(found.tflite).weights <= 1.1 * largest


def test_bytes_are_those_of_the_larger_and_of_the_other_loop(tmp_path):
    """With weights that outweigh the structure."""

    class Large(tf.Module):
        def __init__(self):
            super().__init__()
            rng = np.random.default_rng(0)
            self.table = tf.Variable(rng.standard_normal((300, 256)).astype(np.float32))

        @tf.function(input_signature=[tf.TensorSpec([None, 300], tf.float32, name="x")])
        def up(self, x):
            return x @ self.table

        @tf.function(input_signature=[tf.TensorSpec([None, 300], tf.float32, name="x")])
        def top(self, x):
            return tf.nn.relu(x @ self.table)

    alone = rnnlite.convert(Large(), signature="up", verify=False)
    both = rnnlite.convert(Large(), signature=["up", "top"])
    assert len(both.tflite) < 1.02 * len(alone.tflite)


def test_the_report_tells_of_each(both):
    report = both.report
    assert [s.name for s in report.signatures] == ["encode", "decode"]
    for found in report.signatures:
        assert found.parity.within
        assert len(found.parity.lengths) >= 4
    assert [p["name"] for p in report.signatures[1].inputs] == ["frames", "h", "c"]
    assert report.parity is report.signatures[0].parity
    text = str(report)
    assert "Signature 'encode'" in text
    assert "Signature 'decode'" in text
    assert Report.from_dict(report.to_dict()) == report
    assert "equal within" in report.summary


def test_a_loaded_file_lists_and_runs_them(both):
    with rnnlite.load(both.tflite) as model:
        assert list(model.signatures) == ["encode", "decode"]
        assert [s.name for s in model.signatures["decode"].inputs] == ["frames", "h", "c"]
        assert model.outputs == model.signatures["encode"].outputs
        other = model.by_signature("decode")
        assert model.by_signature("decode") is other
        assert other.by_signature("decode") is other
        assert repr(other).startswith("Model(decode: frames float32 [1, any, 5], h ")
        x, h, c = np.ones((1, 4, FEATURES), np.float32), *np.zeros((2, 1, UNITS), np.float32)
        (scores,) = model.run([x, h, c], signature="decode")
        assert scores.shape == (1, 4, CLASSES)
        with pytest.raises(ModelError, match="no signature 'walk'; expected 'encode', 'decode'"):
            model.predict([x[0]], signature="walk")
    with pytest.raises(ModelError, match="the model is closed"):
        other.run([x, h, c])
    with rnnlite.load(both.tflite, signature="decode") as model:
        assert model.predict([{"frames": x[0], "h": h[0], "c": c[0]}]).shape == (1, 4, CLASSES)


def test_inspection_lists_them(both):
    found = rnnlite.inspect(both.tflite)
    assert list(found.signatures) == ["encode", "decode"]
    assert found.inputs == found.signatures["encode"].inputs
    assert "Signature 'decode'" in str(found)
    names = [t["name"] for t in found.to_dict()["signatures"]["decode"]["outputs"]]
    assert names == ["scores"]


def test_no_tensor_of_the_file_has_the_name_of_another(both):
    names = [v.name for graph in schema.read(both.tflite).graphs for v in graph.values]
    assert len(names) == len(set(names))


def test_a_live_module_gives_the_same(folder, both):
    live = rnnlite.convert(EncoderDecoder(), signature="all")
    assert live.report.origin == "EncoderDecoder"
    assert set(rnnlite.load(live.tflite).signatures) == {"encode", "decode"}
    x = samples()["encode"][0]
    ours, theirs = (rnnlite.load(f.tflite) for f in (live, both))
    a, b = (m.predict([x], signature="encode")["h"] for m in (ours, theirs))
    np.testing.assert_allclose(a, b, atol=1e-6)


def test_all_are_taken_by_all(folder):
    assert [s.name for s in rnnlite.convert(folder, signature="all").report.signatures] == [
        "decode",
        "encode",
    ]


def test_one_that_is_named_keeps_its_name(folder):
    found = rnnlite.convert(folder, signature="encode", verify=False)
    assert list(rnnlite.load(found.tflite).signatures) == ["encode"]
    assert found.report.signatures == ()


@pytest.mark.parametrize(
    ("calibration", "found"),
    [
        (samples()["encode"], "found list"),
        ({"encode": samples()["encode"]}, "found 'encode'\\."),
        ({}, "found nothing"),
    ],
)
def test_calibration_that_lacks_a_signature_is_refused(folder, calibration, found):
    message = "calibration data does not fit the signatures; expected .*'encode', 'decode'; "
    with pytest.raises(QuantizationError, match=message + found):
        rnnlite.convert(
            folder, signature=["encode", "decode"], quantize="int8", calibration=calibration
        )


def test_calibration_by_signature_is_taken_where_there_is_one(folder):
    given = samples()["encode"]
    plain = rnnlite.convert(folder, signature="encode", quantize="int8", calibration=given)
    named = rnnlite.convert(
        folder, signature="encode", quantize="int8", calibration={"encode": given}
    )
    assert plain.tflite == named.tflite


def test_a_signature_that_is_off_is_refused_by_name(folder, monkeypatch):
    right = rnnlite.pipeline.pass_order.translate

    def wrong(entry):
        model = right(entry)
        if entry.signature == "decode":
            dense = next(
                v
                for graph in model.graphs
                for v in graph.values
                if v.data is not None and v.size == UNITS * CLASSES
            )
            dense.data = dense.data * np.float32(1.001)
        return model

    monkeypatch.setattr("rnnlite.pipeline.pass_order.translate", wrong)
    with pytest.raises(ParityError, match="differs from SavedModel 'model', signature 'decode'"):
        converted(folder, None)


def test_several_signatures_have_no_stream(folder):
    message = "several signatures, and one alone is streamed; found 'encode', 'decode'"
    with pytest.raises(StreamingError, match=message):
        converted(folder, None, streaming=True)
