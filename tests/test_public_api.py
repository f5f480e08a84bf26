"""The public names and signatures; a change here is a change for users."""

import inspect

import rnnlite


def test_names():
    assert sorted(n for n in rnnlite.__all__ if not n.endswith("Error")) == [
        "Converted",
        "Inspection",
        "Model",
        "Report",
        "__version__",
        "convert",
        "inspect",
        "load",
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
        "custom_objects",
        "trust",
        "verify",
        "progress",
    ]
    assert parameters(rnnlite.load) == ["source", "num_threads", "delegates"]
    assert parameters(rnnlite.Model.predict) == [
        "self",
        "samples",
        "batch_size",
        "progress",
        "raw",
    ]
    assert parameters(rnnlite.verify) == ["source", "model", "samples", "custom_objects", "trust"]


def test_every_public_thing_is_documented():
    for name in rnnlite.__all__:
        if name != "__version__":
            assert inspect.getdoc(getattr(rnnlite, name)), name


def test_no_module_stands_in_the_way_of_a_function(exits):
    # Importing a submodule sets an attribute of its name on the package.
    assert callable(rnnlite.verify)
    assert callable(rnnlite.inspect)
