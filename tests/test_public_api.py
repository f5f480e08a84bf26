"""The public names and signatures; a change here is a change for users."""

import inspect
import typing

import rnnlite

OF_GRAPHS = ["inputs", "outputs", "constants", "signature", "tags", "architecture"]


def test_names():
    assert sorted(n for n in rnnlite.__all__ if not n.endswith("Error")) == [
        "Agreement",
        "ClassScore",
        "Classification",
        "Converted",
        "EarlyResult",
        "Evaluation",
        "Exit",
        "GraphSignature",
        "Inspection",
        "LengthScore",
        "Model",
        "OutputAccuracy",
        "OutputParity",
        "Parity",
        "Predicted",
        "Quantization",
        "Regression",
        "Report",
        "SignatureSpec",
        "Stream",
        "StreamParity",
        "TensorSpec",
        "TrialRecord",
        "WeightRecord",
        "WorstRow",
        "__version__",
        "convert",
        "evaluate",
        "freeze",
        "inspect",
        "load",
        "predict_files",
        "snippet",
        "verify",
    ]
    assert all(hasattr(rnnlite, n) for n in rnnlite.__all__)


def test_signatures():
    def parameters(function):
        return list(inspect.signature(function).parameters)

    assert parameters(rnnlite.convert) == [
        "source",
        "batch_size",
        "sequence_length",
        "quantize",
        "calibration",
        "io",
        "allow_float",
        "max_error",
        "streaming",
        "exits",
        "target",
        "schedule",
        *OF_GRAPHS,
        "custom_objects",
        "trust",
        "example",
        "verify",
        "progress",
        "further",
    ]
    assert parameters(rnnlite.load) == ["source", "num_threads", "delegates", "signature"]
    assert parameters(rnnlite.Model.predict) == [
        "self",
        "samples",
        "batch_size",
        "max_batch_bytes",
        "progress",
        "raw",
        "signature",
    ]
    rest = [*OF_GRAPHS, "custom_objects", "trust", "example"]
    assert parameters(rnnlite.verify) == ["source", "model", "samples", "max_error", *rest]
    assert parameters(rnnlite.freeze) == ["source", "path", *rest]


def test_options_of_sources_are_the_same_everywhere():
    convert = inspect.signature(rnnlite.convert).parameters
    for function in (rnnlite.verify, rnnlite.freeze):
        found = inspect.signature(function).parameters
        for name in (*OF_GRAPHS, "custom_objects", "trust"):
            assert found[name] == convert[name]
        hints = typing.get_type_hints(function)
        assert hints["trust"] is bool
        assert "options" not in hints


def test_every_public_thing_is_documented():
    for name in rnnlite.__all__:
        if name != "__version__":
            assert inspect.getdoc(getattr(rnnlite, name)), name


def test_no_module_stands_in_the_way_of_a_function(exits):
    # Importing a submodule sets an attribute of its name on the package.
    assert callable(rnnlite.verify)
    assert callable(rnnlite.inspect)
