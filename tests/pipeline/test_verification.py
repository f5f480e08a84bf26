"""Existing files of several signatures, against their source."""

import pytest

import rnnlite
from rnnlite.errors import ModelError, SampleError
from rnnlite.pipeline.verification import samples_of
from two_signatures import EncoderDecoder, samples, save


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save(tmp_path_factory.mktemp("two") / "model")


@pytest.fixture(scope="module")
def both(folder):
    return rnnlite.convert(folder, signature="all", verify=False).tflite


def test_the_file_says_which_signatures_are_meant(folder, both):
    report = rnnlite.verify(folder, both, samples(3))
    assert [s.name for s in report.signatures] == ["decode", "encode"]
    assert all(s.parity.within for s in report.signatures)
    report.require_parity()


def test_one_of_them_can_be_verified_alone(folder, both):
    report = rnnlite.verify(folder, both, signature="encode")
    assert report.signatures == ()
    assert [p["name"] for p in report.inputs] == ["frames"]
    assert report.parity.within


def test_quantized_ones_are_measured(folder):
    made = rnnlite.convert(folder, signature="all", quantize="dynamic", verify=False)
    report = rnnlite.verify(folder, made.tflite)
    assert [len(s.quantization.accuracy) for s in report.signatures] == [1, 3]
    assert max(a.rms_error for s in report.signatures for a in s.quantization.accuracy) < 0.02


def test_a_file_that_lacks_one_is_refused(folder):
    alone = rnnlite.convert(folder, signature="encode", verify=False).tflite
    message = r"has no signature 'decode', as SavedModel .* has; found 'encode'"
    with pytest.raises(ModelError, match=message):
        rnnlite.verify(folder, alone, signature=["encode", "decode"])


def test_weights_of_another_model_are_found_out(folder, both):
    other = EncoderDecoder()
    other.dense.assign(1.01 * other.dense)
    report = rnnlite.verify(other, both)
    assert [(s.name, s.parity.within) for s in report.signatures] == [
        ("decode", False),
        ("encode", True),
    ]


def test_samples_by_signature():
    assert samples_of(None, ["a", "b"]) == {"a": None, "b": None}
    assert samples_of([1], ["a"]) == {"a": [1]}
    assert samples_of({"b": [1]}, ["a", "b"]) == {"a": None, "b": [1]}
    for given, found in (([1], "found list"), ({"c": 1}, "found 'c'")):
        with pytest.raises(SampleError, match=f"do not fit the signatures.* {found}"):
            samples_of(given, ["a", "b"])
