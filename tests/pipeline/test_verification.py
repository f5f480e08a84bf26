"""Existing files of several signatures, against their source."""

import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

import rnnlite
from graphs import Model
from rnnlite.errors import ModelError, QuantizationError, SampleError
from rnnlite.frontends.program import Entry
from rnnlite.frontends.request import Request
from rnnlite.lite.inspection import inspect
from rnnlite.lite.ir.model import Signature
from rnnlite.lite.record import set_record
from rnnlite.pipeline.verification import samples_of, verify
from rnnlite.report.parity import OutputParity, Parity
from rnnlite.report.quantization import Quantization
from rnnlite.specs import TensorSpec
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


def file_of(keys=("serve",), quantized=None, **record):
    """A file whose signatures give tanh of (1, 4); with a record if there is something to say."""
    model = Model()
    x, y = (model.ir.main.value("float32", (1, 4), name=n) for n in ("x", "y"))
    model.main.add("TANH", [x], [y])
    model.main.ends([x], [y])
    for key in keys:
        model.ir.signatures.append(Signature(key, model.ir.main, (("x", x),), (("y", y),)))
    if quantized is not None:
        record = {"quantize": quantized, **record}
    if record:
        set_record(model.ir, record)
    return model.bytes()


SPEC = TensorSpec("x", (1, None), "float32")


def entry_of(signature="serve", **changed):
    made = Entry(
        origin="a tanh",
        inputs=(SPEC,),
        outputs=(TensorSpec("y", (1, None), "float32"),),
        function=None,
        reference=lambda inputs: [np.tanh(inputs[0])],
        perturbed=None,
        recurrences=(),
        signature=signature,
    )
    return replace(made, **changed)


@pytest.fixture
def verified(monkeypatch):
    """Verifies files against entries; what was asked of the front end and of the check is noted."""

    class Apart:
        """A file in this process."""

        stream_signature = None

        def __init__(self, data, signature=None):
            content = inspect(data)
            ends = content.signatures.get(signature, content)
            self.inputs, self.outputs = ends.inputs, ends.outputs

        def close(self):
            run.closed += 1

    def opened(source, request):
        run.request = request
        return SimpleNamespace(origin=source, notes=(), entries=run.entries, main=run.entries[0])

    def checked(entry, data, arrays, signature):
        run.checks.append((entry.inputs, arrays, signature))
        return Parity((OutputParity("y", 0.0, 0.0, 1.0, 1e-5),), (), (1,), 1)

    def measured(reference, data, mode, rows, *, given, max_error, signature):
        run.measures.append((mode, len(rows), given, max_error, signature))
        return Quantization(mode, "float32", "", 0, (), {})

    def run(data, *entries, samples=None, max_error=None, **options):
        run.closed, run.checks, run.measures = 0, [], []
        run.entries = list(entries or [entry_of()])
        return verify("a tanh", data, samples, Request(options=options), max_error)

    monkeypatch.setattr("rnnlite.isolation.interpreter.ModelApart", Apart)
    monkeypatch.setattr("rnnlite.frontends.opening.open_program", opened)
    monkeypatch.setattr("rnnlite.parity.check", checked)
    monkeypatch.setattr("rnnlite.parity.sample_inputs", lambda entry: [[np.zeros(4)]] * 8)
    monkeypatch.setattr("rnnlite.quantization.describing.remeasure", measured)
    return run


def test_inputs_are_as_the_file_has_them(verified):
    """A length that is pinned there is what is compared."""
    report = verified(file_of())
    ((inputs, arrays, signature),) = verified.checks
    assert [p.shape for p in inputs] == [(1, 4)]
    assert (arrays, signature) == ([], "serve")
    assert report.parity.within
    assert list(report.seconds) == ["trace", "check"]
    # Whoever was asked what the file takes is let go.
    assert verified.closed == 2


def test_samples_get_their_batch(verified):
    verified(file_of(), samples=[np.ones(4, np.float32), np.zeros(4, np.float32)])
    ((_, arrays, _),) = verified.checks
    assert [[a.shape for a in one] for one in arrays] == [[(1, 4)], [(1, 4)]]


def test_a_file_without_that_name_is_run_by_its_first(verified):
    verified(file_of(keys=("other",)))
    assert verified.checks[0][2] is None


def test_of_several_each_is_run_by_its_own(verified):
    data = file_of(keys=("a", "b"))
    report = verified(data, entry_of("a"), entry_of("b"), samples={"b": [np.ones(4, np.float32)]})
    assert [(len(arrays), key) for _, arrays, key in verified.checks] == [(0, "a"), (1, "b")]
    assert [s.name for s in report.signatures] == ["a", "b"]


def test_the_files_batch_and_what_it_says_of_itself_are_asked_for(verified):
    verified(file_of(keys=("a", "b"), entries=["b"]), entry_of("b"))
    assert verified.request.batch_size == 1
    assert verified.request.options["signature"] == ["b"]
    verified(file_of(keys=("a", "b"), entries=["b"]), entry_of("a"), signature="a")
    assert verified.request.options["signature"] == "a"


@pytest.mark.parametrize(
    ("mode", "integer"), [(None, False), ("dynamic", False), ("float16", False), ("int8", True)]
)
def test_integer_files_are_opened_for_integers(verified, mode, integer):
    verified(file_of(quantized=mode) if mode else file_of())
    assert verified.request.integer is integer


@pytest.mark.parametrize(
    ("samples", "count", "given"), [(None, 8, False), ([np.ones(4, "f")], 1, True)]
)
def test_a_quantized_file_is_measured_on_samples(verified, samples, count, given):
    report = verified(file_of(quantized="dynamic"), samples=samples, max_error=0.5)
    assert verified.measures == [("dynamic", count, given, 0.5, "serve")]
    assert verified.checks == []
    assert (report.parity, report.quantization.mode) == (None, "dynamic")


def test_a_largest_error_is_of_quantized_files(verified):
    expected = (
        "max_error is given, but the model is not quantized; expected a file of quantize= one of "
        "float16, dynamic, int8, int16x8; found float32."
    )
    with pytest.raises(QuantizationError, match=re.escape(expected)):
        verified(file_of(), max_error=0.1)


@pytest.mark.parametrize(
    ("changed", "ours"),
    [
        ({"inputs": (replace(SPEC, name="z"),)}, "inputs 'z' of rank 2 (float32) and 1 outputs"),
        ({"inputs": (replace(SPEC, dtype="int32"),)}, "inputs 'x' of rank 2 (int32) and 1 outputs"),
        (
            {"inputs": (replace(SPEC, shape=(1, None, 2)),)},
            "inputs 'x' of rank 3 (float32) and 1 outputs",
        ),
        ({"outputs": ()}, "inputs 'x' of rank 2 (float32) and 0 outputs"),
    ],
)
def test_a_file_of_another_source_is_refused(verified, changed, ours):
    expected = (
        f"the LiteRT model was not made from a tanh; expected {ours}; found inputs 'x' of rank 2 "
        "(float32) and 1 outputs."
    )
    with pytest.raises(ModelError, match=re.escape(expected)):
        verified(file_of(), entry_of(**changed))


def test_of_several_one_that_the_file_lacks_is_refused(verified):
    expected = (
        "the LiteRT model has no signature 'c', as a tanh has; found 'a', 'b'. Name those that it "
        "has (signature=)."
    )
    with pytest.raises(ModelError, match=re.escape(expected)):
        verified(file_of(keys=("a", "b")), entry_of("a"), entry_of("c"))
    with pytest.raises(ModelError, match="found no signature"):
        verified(file_of(keys=()), entry_of("a"), entry_of("b"))
