"""A front end from outside the package, registered by a call and by an entry point."""

import importlib.util
import inspect
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass, fields
from pathlib import Path

import keras
import numpy as np
import pytest

import rnnlite
from rnnlite.errors import FrontEndError
from rnnlite.frontends.opening import chosen
from rnnlite.frontends.options import SourceOptions, stated_types
from rnnlite.frontends.registry import (
    RESERVED,
    Confidence,
    FrontEnd,
    Match,
    SourceKind,
    declared_options,
    front_ends,
    register,
    unregister,
)
from rnnlite.frontends.request import GraphRequest, Request, option

GUIDE = Path(__file__).parents[2] / "docs" / "adding_a_frontend.md"


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    """The front end of docs/adding_a_frontend.md, as a module."""
    path = tmp_path_factory.mktemp("toy") / "toy_frontend.py"
    (code,) = re.findall(r"```python\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    path.write_text(code)
    spec = importlib.util.spec_from_file_location("toy_frontend", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def registered(toy):
    register(toy.FRONT_END)
    yield toy
    unregister("toy")


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    rng = np.random.default_rng(0)
    shapes = {"kernel": (3, 20), "recurrent_kernel": (5, 20), "bias": (20,)}
    path = tmp_path_factory.mktemp("source") / "lstm.json"
    path.write_text(json.dumps({n: rng.standard_normal(s).tolist() for n, s in shapes.items()}))
    return path


SAMPLES = [np.random.default_rng(t).standard_normal((t, 3)).astype(np.float32) for t in (1, 7, 40)]


def test_registered_by_a_call(registered, source, tmp_path):
    converted = rnnlite.convert(source, scale=2.0)
    found = rnnlite.load(converted.tflite).predict(SAMPLES)
    expected = [registered.lstm(2 * x[None], *registered.weights(source))[0] for x in SAMPLES]
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert converted.report.origin == "JSON file 'lstm.json'"
    assert [r["kind"] for r in converted.report.recurrences] == ["LSTM"]
    assert converted.report.inputs[0]["shape"] == (1, None, 3)
    assert rnnlite.verify(source, converted.tflite, SAMPLES, scale=2.0).parity.within
    with pytest.raises(rnnlite.ParityError):
        rnnlite.verify(source, converted.tflite, SAMPLES, scale=3.0).require_parity()
    ends = rnnlite.freeze(source, tmp_path / "lstm.pb", scale=2.0)
    assert [t.name for part in ends for t in part] == ["x", "y"]
    frozen = rnnlite.load(rnnlite.convert(tmp_path / "lstm.pb").tflite)
    np.testing.assert_allclose(frozen.predict(SAMPLES), expected, atol=1e-5)


def test_quantized(registered, source):
    samples = [np.random.default_rng(t).standard_normal((t, 3)).astype("f4") for t in range(4, 24)]
    converted = rnnlite.convert(source, quantize="int8", calibration=samples)
    assert converted.report.quantization.accuracy[0].rms_error < 0.1


def test_options_are_refused_both_ways(registered, source, tmp_path):
    path = tmp_path / "model.keras"
    keras.Sequential([keras.Input((None, 2)), keras.layers.GRU(2)]).save(path)
    for call in (rnnlite.convert, lambda *a, **o: rnnlite.freeze(*a, tmp_path / "f.pb", **o)):
        with pytest.raises(
            rnnlite.OptionError,
            match=r"^trust=True is given, but the source is a JSON file of an LSTM; expected scale "
            r"at most\. Leave it out: what takes it is a \.keras archive, an HDF5 file of Keras ",
        ):
            call(source, trust=True)
        with pytest.raises(
            rnnlite.OptionError,
            match=r"^scale=2\.0 is given, but the source is a \.keras archive; expected "
            r"custom_objects or trust at most\. Leave it out: what takes it is a JSON file of an "
            r"LSTM\.$",
        ):
            call(path, scale=2.0)


def test_sizes_asked_for(registered, source):
    shapes = [
        rnnlite.convert(source, batch_size=b, sequence_length=t, verify=False).report.inputs[0]
        for b, t in [(None, "auto"), (2, 9)]
    ]
    assert [s["shape"] for s in shapes] == [(None, None, 3), (2, 9, 3)]


def test_what_is_damaged_is_refused_by_the_front_end(registered, tmp_path):
    (tmp_path / "a.json").write_text('{"recurrent_kernel": [')
    with pytest.raises(rnnlite.SourceError, match=r"^the weights in .*a\.json' cannot be read"):
        rnnlite.convert(tmp_path / "a.json")


def test_an_unknown_option_is_an_unknown_keyword():
    for function in (rnnlite.convert, rnnlite.verify, rnnlite.freeze):
        text = rf"^{function.__name__}\(\) got an unexpected keyword argument 'factor'$"
        more = () if function is rnnlite.convert else ("out",)
        with pytest.raises(TypeError, match=text):
            function("model.keras", *more, factor=2.0)
    with pytest.raises(TypeError, match=r"'quantise'\. Did you mean 'quantize'\?"):
        rnnlite.convert("model.keras", quantise="int8")


def test_registered_by_an_entry_point(toy, source, tmp_path):
    """In a package of its own, for the command line."""
    info = tmp_path / "toy_frontend-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: toy_frontend\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[rnnlite.frontends]\ntoy = toy_frontend:FRONT_END\nbroken = toy_frontend:MISSING\n"
    )
    (tmp_path / "toy_frontend.py").write_text(Path(toy.__file__).read_text())
    root = Path(rnnlite.__file__).parents[1]
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}:{root}"}

    def run(*arguments):
        return subprocess.run(
            [sys.executable, "-m", "rnnlite", *map(str, arguments)],
            env=environment,
            capture_output=True,
            text=True,
        )

    assert "--scale" in run("convert", "--help").stdout
    out = tmp_path / "lstm.tflite"
    done = run("convert", source, "-o", out, "--scale", 2)
    assert done.returncode == 0, done.stderr
    found = rnnlite.load(out).predict(SAMPLES)
    expected = [toy.lstm(2 * x[None], *toy.weights(source))[0] for x in SAMPLES]
    np.testing.assert_allclose(found, expected, atol=1e-5)
    refused = run("verify", source, out, "--trust")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "trust=True is given, but the source is a JSON file of an LSTM" in refused.stderr
    (tmp_path / "other.txt").write_text("hello")
    unknown = run("convert", tmp_path / "other.txt", "-o", out)
    assert "expected .keras, .h5, ONNX model (.onnx), SavedModel folder" in unknown.stderr
    assert "the front end toy_frontend:MISSING, which cannot be loaded (Attr" in unknown.stderr


def test_rnnlites_own():
    assert [f.name for f in front_ends()] == ["keras", "onnx", "tensorflow", "torch"]
    assert [o.name for o in declared_options()] == [
        *("architecture", "custom_objects", "trust"),
        *("outputs", "constants", "inputs", "signature", "tags"),
        "example",
    ]
    assert {o.name for o in declared_options()} == set(SourceOptions.__annotations__)
    types = stated_types()
    for front_end in front_ends():
        for field in fields(front_end.request):
            assert field.type == types.get(field.name, field.type)
        taken = {name for kind in front_end.kinds for name in kind.options}
        assert taken == {o.name for o in front_end.options}, front_end.name
        own = {f.name for f in fields(front_end.request)} - {f.name for f in fields(Request)}
        assert own == taken


def test_front_ends_import_nothing_heavy():
    code = (
        "import sys; from rnnlite.frontends.registry import front_ends; front_ends(); "
        "print({'tensorflow', 'keras', 'tf_keras', 'h5py'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def front_end(**attributes):
    """A front end that takes numbers."""
    name = attributes.get("name", "other")
    kind = SourceKind(f"number of {name}", attributes.pop("options", ()))
    body = {
        "name": name,
        "files": "",
        "objects": "a number",
        "request": Request,
        "kinds": (kind,),
        "recognise": lambda self, source: (
            Match(kind, attributes.get("confidence", 2)) if isinstance(source, int) else None
        ),
        "open": lambda self, source, request: "no Program",
        **attributes,
    }
    return type("Other", (FrontEnd,), body)()


@dataclass(frozen=True)
class Reserved(Request):
    io: str = option("", "Taken.")


@dataclass(frozen=True)
class Otherwise(Request):
    trust: bool = option(False, "Something else.", text=bool)


@pytest.mark.parametrize(
    ("thing", "message"),
    [
        (object(), r"what register\(\) gives is no front end; expected an instance .*found object"),
        (front_end(name="keras"), "there is a front end 'keras' already; found KerasFrontEnd"),
        (front_end(request=Reserved), "the option 'io' of the front end 'other' is called like an"),
        (front_end(request=Otherwise), "'trust' of .* is declared otherwise than that of 'keras'"),
        (front_end(options=("tags",)), r"'number of other' of .* takes options .*; found tags"),
    ],
)
def test_what_the_registry_refuses(thing, message):
    before = front_ends()
    with pytest.raises(FrontEndError, match=message):
        register(thing)
    assert front_ends() == before


def test_a_front_end_without_a_name():
    class Nameless(FrontEnd):
        def recognise(self, source):
            return None

        def open(self, source, request):
            return None

    with pytest.raises(FrontEndError, match="Nameless lacks name, files, objects, request, kinds"):
        register(Nameless())
    with pytest.raises(
        FrontEndError,
        match="there is no front end 'nameless'; found keras, onnx, tensorflow, torch",
    ):
        unregister("nameless")


def test_a_front_end_that_gives_no_program():
    register(front_end())
    try:
        with pytest.raises(FrontEndError, match=r"'other' gives no model; .*found str"):
            rnnlite.convert(3)
    finally:
        unregister("other")


def test_an_inherited_option_is_one_option():
    register(front_end(request=GraphRequest, options=("inputs",)))
    try:
        assert sum(o.name == "inputs" for o in declared_options()) == 1
        (kind,) = [c.match.kind.name for c in chosen(3, Request(options={"inputs": ["x"]}))]
        assert kind == "number of other"
    finally:
        unregister("other")


def test_two_that_know_a_source(monkeypatch):
    for name, confidence in [
        ("b", Confidence.POSSIBLE),
        ("a", Confidence.NATIVE),
        ("c", Confidence.NATIVE),
    ]:
        register(front_end(name=name, confidence=confidence))
    try:
        with pytest.raises(rnnlite.SourceError, match=r"equally well; .*found 'a' and 'c'"):
            chosen(3, Request())
        unregister("c")
        assert [c.front_end.name for c in chosen(3, Request())] == ["a", "b"]
    finally:
        for name in {f.name for f in front_ends()} & {"a", "b", "c"}:
            unregister(name)


@dataclass(frozen=True)
class Traced(Request):
    specimen: object = option(None, "Inputs to trace with.", text=None)
    depth: int = option(1, "How deep.", text=int)


def test_values_that_only_python_can_give():
    """As a front end takes that traces a live model with inputs of the user's."""
    seen = []
    traced = front_end(
        request=Traced,
        options=("specimen", "depth"),
        open=lambda self, source, request: seen.append(request),
    )
    register(traced)
    try:
        with pytest.raises(FrontEndError):
            rnnlite.convert(3, specimen=np.ones(2), batch_size=5)
        with pytest.raises(rnnlite.OptionError, match=r"^specimen=array\(\[1\., 1\.\]\) is given"):
            rnnlite.convert(keras.Sequential([keras.layers.GRU(2)]), specimen=np.ones(2))
        from rnnlite.cli.sources import parsed, with_source_options

        shown = inspect.signature(with_source_options(command)).parameters
    finally:
        unregister("other")
    (request,) = seen
    assert isinstance(request, Traced)
    assert (request.specimen.tolist(), request.depth, request.batch_size) == ([1, 1], 1, 5)
    assert "depth" in shown
    assert "specimen" not in shown
    assert parsed({"tags": "a, b", "trust": True}) == {"tags": ["a", "b"], "trust": True}


def command(source: str, source_options: object = None) -> None:
    """A command of the command line."""


def test_reserved_names_are_the_arguments_of_the_calls():
    arguments = {
        name
        for function in (rnnlite.convert, rnnlite.verify, rnnlite.freeze)
        for name in inspect.signature(function).parameters
    }
    options = set(SourceOptions.__annotations__)
    assert arguments - options - {"further"} <= RESERVED
    assert not options & RESERVED
