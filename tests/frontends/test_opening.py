"""Which front end opens a source; options that it has no use for are refused at every door."""

import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
import tf_keras

import rnnlite
from rnnlite.frontends.opening import as_source, candidates, chosen, open_frozen, open_program
from rnnlite.frontends.program import Entry, Program
from rnnlite.frontends.registry import (
    Confidence,
    FrontEnd,
    Match,
    SourceKind,
    register,
    unregister,
)
from rnnlite.frontends.request import Request


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sources")
    for package, name in ((keras, "3"), (tf_keras, "2")):
        layers = [package.Input((4, 2)), package.layers.GRU(2)]
        model = package.Sequential(layers)
        model.save(folder / f"{name}.keras")
        model.save(folder / f"{name}.h5")
    model.save(folder / "saved_keras", save_format="tf")
    rnnlite.freeze(model, folder / "graph.pb")
    module = tf.Module()
    module.run = tf.function(tf.tanh, input_signature=[tf.TensorSpec([1, 2], name="x")])
    tf.saved_model.save(module, str(folder / "saved"))
    paths = {p.name: p for p in folder.iterdir()}
    return {**paths, "live": keras.Sequential([keras.Input((4, 2)), keras.layers.GRU(2)])}


CASES = [
    ("live", "signature", "s", "live Keras model"),
    ("live", "tags", ["a"], "live Keras model"),
    ("live", "inputs", ["x:0"], "live Keras model"),
    ("live", "constants", {"p": 1.0}, "live Keras model"),
    ("live", "architecture", "nowhere.json", "live Keras model"),
    ("3.keras", "outputs", ["y:0"], ".keras archive"),
    ("3.keras", "architecture", "nowhere.json", ".keras archive"),
    ("2.keras", "signature", "s", ".keras archive"),
    ("3.h5", "architecture", "nowhere.json", "Keras HDF5 file"),
    ("2.h5", "tags", ["a"], "Keras HDF5 file"),
    ("graph.pb", "trust", True, "graph"),
    ("graph.pb", "custom_objects", {"A": len}, "graph"),
    ("graph.pb", "signature", "s", "graph"),
    ("graph.pb", "architecture", "nowhere.json", "graph"),
    ("saved", "trust", True, "SavedModel"),
    ("saved", "custom_objects", {"A": len}, "SavedModel"),
    ("saved_keras", "architecture", "nowhere.json", "SavedModel of Keras"),
]


@pytest.mark.parametrize(("source", "option", "value", "kind"), CASES)
def test_refused_at_every_door(source, option, value, kind, sources, tmp_path):
    text = (
        rf"^{option}=.* is given, but the source is an? {kind}; expected .* at most\. Leave it out"
    )
    doors = (
        lambda **o: rnnlite.convert(sources[source], **o),
        lambda **o: rnnlite.freeze(sources[source], tmp_path / "f.pb", **o),
    )
    for door in doors:
        with pytest.raises(rnnlite.OptionError, match=text):
            door(**{option: value})
    assert not list(tmp_path.iterdir())


def test_verify_refuses_them_too(sources):
    data = rnnlite.convert(sources["3.keras"]).tflite
    with pytest.raises(rnnlite.OptionError, match=r"tags=\['a'\] is given"):
        rnnlite.verify(sources["3.keras"], data, tags=["a"])


def test_a_saved_model_of_keras_is_read_one_way_at_a_time(sources):
    path = sources["saved_keras"]
    asked = {
        option: [c.front_end.name for c in chosen(path, Request(options={option: value}))]
        for option, value in [("trust", True), ("outputs", ["y"]), ("custom_objects", {"A": len})]
    }
    # A permission does not say how the source is to be read: where Keras refuses it, its graph is.
    assert asked == {
        "trust": ["keras", "tensorflow"],
        "outputs": ["tensorflow"],
        "custom_objects": ["keras"],
    }
    x = np.ones((4, 2), np.float32)
    results = [
        rnnlite.load(rnnlite.convert(path, **options).tflite).predict([x])
        for options in ({"trust": True}, {"signature": "serving_default"})
    ]
    np.testing.assert_allclose(*results, atol=1e-6)
    text = (
        r"^signature and trust are given, but a SavedModel of Keras is read in one way at a time; "
        r"expected custom_objects or trust, as SavedModel of Keras; or inputs, .*, as SavedModel "
        r"of Keras that is read by its signature\. Leave one out"
    )
    with pytest.raises(rnnlite.OptionError, match=text):
        rnnlite.convert(path, trust=True, signature="serving_default")


def test_options_that_say_nothing_are_not_refused(sources):
    options = {"trust": False, "custom_objects": {}, "inputs": [], "constants": None, "tags": ""}
    assert chosen(sources["graph.pb"], Request(options=options))[0].front_end.name == "tensorflow"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("missing", "there is no file or folder"),
        ("empty.h5", "is empty"),
        (
            "text.keras",
            r"is no model that rnnlite knows; expected \.keras, \.h5, ONNX model \(\.onnx\), "
            r"SavedModel folder, frozen graph \(\.pb\), checkpoint \(\.meta\), "
            r"PyTorch program \(\.pt2, TorchScript \.pt\); "
            r"found a file beginning with b'hello'",
        ),
        ("model.tflite", "is a LiteRT model already"),
        ("other.zip", r"is a zip archive, but no \.keras model"),
        ("folder", r"the folder .* is no model that rnnlite knows; expected .*; found a\.txt"),
        (
            3,
            r"no path and no model; expected a path, a Keras 2 or 3 model, an onnx\.ModelProto, "
            r"a tf\.Module.*found int",
        ),
    ],
)
def test_what_no_front_end_knows(tmp_path, exits, name, message):
    (tmp_path / "empty.h5").touch()
    (tmp_path / "text.keras").write_text("hello")
    exits.save(tmp_path / "model.tflite")
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("a.txt", "a")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a.txt").touch()
    source = name if isinstance(name, int) else tmp_path / name
    with pytest.raises(rnnlite.SourceError, match=message):
        rnnlite.convert(source)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"verify": "no"}, "verify is no truth; expected True or False; found 'no'"),
        ({"trust": "yes"}, "trust is no truth"),
        ({"allow_float": 1}, "allow_float is no truth"),
        ({"custom_objects": [1]}, r"custom_objects is no mapping .*found \[1\]"),
        ({"custom_objects": {1: str}}, "custom_objects is no mapping"),
    ],
)
def test_options_of_another_type(options, text):
    with pytest.raises(rnnlite.OptionError, match=text):
        rnnlite.convert("m.keras", **options)


def test_an_empty_path():
    with pytest.raises(rnnlite.SourceError, match="the source is an empty text"):
        rnnlite.convert("")


class Toy(FrontEnd[Request]):
    """Knows text files, as well as it says."""

    files, objects, request = "text (.txt)", "", Request
    kinds = (SourceKind("text", ()),)

    def __init__(self, name, confidence=Confidence.NATIVE, answer=None):
        self.name, self._confidence, self._answer = name, confidence, answer

    def recognise(self, source):
        known = str(source).endswith(".txt")
        return Match(self.kinds[0], self._confidence, "read as text") if known else None

    def open(self, source, request):
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer

    freeze = open


@pytest.fixture
def toys():
    """Registers toys for one test."""
    made = []

    def add(*args, **options):
        made.append(Toy(*args, **options))
        register(made[-1])

    yield add
    for toy in made:
        unregister(toy.name)


@pytest.fixture
def text(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("hello")
    return path


def test_two_that_know_a_source_equally_well(toys, text):
    toys("one")
    toys("two")
    with pytest.raises(rnnlite.SourceError) as found:
        chosen(text, Request())
    assert str(found.value) == (
        "more than one front end knows the source equally well; expected one; found 'one' and "
        "'two'. Remove one: rnnlite.frontends.unregister(name)."
    )


def test_the_one_that_knows_it_best_comes_first(toys, text):
    toys("maybe", Confidence.POSSIBLE)
    toys("sure")
    found = chosen(text, Request())
    assert [c.front_end.name for c in found] == ["sure", "maybe"]


FUNCTION = tf.function(lambda: tf.constant(1.0)).get_concrete_function()
ENTRY = Entry("text 'a.txt'", (), (), FUNCTION, list, lambda a, s: list, ())
PROGRAM = Program("text 'a.txt'", (ENTRY,))


def test_the_next_one_is_asked_where_the_best_refuses(toys, text):
    """The report says who refused, and why."""
    toys("sure", answer=rnnlite.UnsupportedError("it is Latin"))
    toys("maybe", Confidence.POSSIBLE, PROGRAM)
    found = open_program(text, Request())
    assert found.origin == "text 'a.txt'"
    assert found.notes == ("read as text: it is Latin",)


def test_the_first_refusal_stands_where_all_refuse(toys, text):
    toys("sure", answer=rnnlite.UnsupportedError("it is Latin"))
    toys("maybe", Confidence.POSSIBLE, rnnlite.SourceError("it is empty"))
    with pytest.raises(rnnlite.UnsupportedError, match="it is Latin"):
        open_program(text, Request())


def test_a_fault_of_a_front_end_is_no_refusal(toys, text):
    toys("sure", answer=ZeroDivisionError("a fault"))
    toys("maybe", Confidence.POSSIBLE, PROGRAM)
    with pytest.raises(ZeroDivisionError):
        open_program(text, Request())


@pytest.mark.parametrize("door", [open_program, open_frozen])
def test_what_a_front_end_gives_must_be_a_model(toys, text, door):
    toys("sure", answer=b"bytes")
    with pytest.raises(rnnlite.RnnliteError) as found:
        door(text, Request())
    assert str(found.value) == (
        "the front end 'sure' gives no model; expected a Program of open, a FrozenGraph of "
        "freeze; found bytes."
    )


def test_a_file_that_cannot_be_read(tmp_path, monkeypatch):
    """For want of a right, say: what the system says is handed on."""
    path = tmp_path / "secret.bin"
    path.write_bytes(b"\x00\x01")
    original = type(path).open

    def denied(self, *args, **options):
        if self == path:
            raise PermissionError(13, "Permission denied")
        return original(self, *args, **options)

    monkeypatch.setattr(type(path), "open", denied)
    with pytest.raises(rnnlite.SourceError) as found:
        candidates(path)
    assert str(found.value) == f"cannot read '{path}': Permission denied."


def test_a_text_is_a_path():
    assert as_source("a/b.keras") == Path("a/b.keras")
    thing = object()
    assert as_source(thing) is thing


def test_another_protobuf_that_is_called_onnx(tmp_path):
    """It begins as a graph does: the message is on what its name says."""
    path = tmp_path / "net.onnx"
    path.write_bytes(b"\n\x10\n\x01b\x12\x0b\x1a\x09some text")
    first, second = candidates(path)
    assert [c.front_end.name for c in (first, second)] == ["onnx", "tensorflow"]
    with pytest.raises(
        rnnlite.SourceError, match=r"net\.onnx' is no (ONNX )?model, or it is trunc"
    ):
        open_program(path, Request())


def test_a_graph_that_is_called_onnx(tmp_path):
    with tf.Graph().as_default() as graph:
        x = tf.compat.v1.placeholder(tf.float32, [1, None, 3], "x")
        tf.tanh(x, name="y")
    path = tmp_path / "net.onnx"
    path.write_bytes(graph.as_graph_def().SerializeToString())
    program = open_program(path, Request())
    assert [o.name for o in program.main.outputs] == ["y"]
    assert program.notes[0].startswith("read as a graph of TensorFlow: ")
