"""A report put together: fields from where they are known, and notes in words."""

from types import SimpleNamespace

import pytest

from rnnlite.report.exits import Exit
from rnnlite.report.making import Finding, make_report
from rnnlite.report.parity import OutputParity, Parity, StreamParity
from rnnlite.report.quantization import Quantization
from rnnlite.report.records import LayerRecord, Report, TensorSize
from rnnlite.specs import SignatureSpec, TensorSpec

OUTPUT = OutputParity("y", 1e-7, 1e-7, 1.0, 1e-5)
SPEC = TensorSpec("x", (1, None, 3), "float32")


def entry(signature="serving_default", *notes):
    recurrence = SimpleNamespace(to_dict=lambda: {"name": "lstm", "kind": "LSTM"})
    return SimpleNamespace(signature=signature, notes=list(notes), recurrences=[recurrence])


def source(*notes):
    return SimpleNamespace(origin="Keras 3 model", notes=list(notes), entries=[entry()])


def found(parity=None, quantization=None):
    return {"serving_default": Finding(parity, quantization)}


CONTENT = SimpleNamespace(
    inputs=[SPEC],
    outputs=[],
    size=1234,
    weights=56,
    ops={"ADD": 2},
    min_runtime="LiteRT 1.0",
    late=(),
    tensors=(),
    record=None,
    signatures={},
)


def test_each_field_is_taken_from_where_it_is_known():
    quantization = Quantization("int8", "int8", "", 9, (), {})
    report = make_report(source("a"), CONTENT, found(None, quantization), {"translate": 0.5})
    assert report.origin == "Keras 3 model"
    assert report.inputs == (SPEC.to_dict(),)
    assert report.outputs == ()
    assert (report.size, report.weights, report.ops) == (1234, 56, {"ADD": 2})
    assert report.min_runtime == "LiteRT 1.0"
    assert report.recurrences == ({"name": "lstm", "kind": "LSTM"},)
    assert (report.parity, report.quantization, report.stream) == (None, quantization, None)
    assert (report.notes, report.seconds) == (("a",), {"translate": 0.5})


@pytest.mark.parametrize(
    ("met", "note"),
    [
        (
            {"skipped": {1: "too short", 5: "odd"}},
            "the source itself refuses length 1, 5: not compared there",
        ),
        (
            {"undefined": ("y", "z")},
            "the source gives NaN in 'y', 'z' for some inputs, such as a sequence that is masked "
            "throughout: not compared there",
        ),
        (
            {"late": ("y",)},
            "the size of 'y' is known only after a run: give LiteRT's CompiledModel a buffer of "
            "your own, TensorBuffer.create_from_host_memory(numpy.zeros(shape, 'float32'))",
        ),
        ({}, None),
    ],
    ids=["skipped", "undefined", "late", "nothing"],
)
def test_what_the_check_met_is_noted(met, note):
    parity = Parity((OUTPUT,), (19,), (1,), 4, **met)
    report = make_report(source(), CONTENT, found(parity), {})
    assert report.notes == (() if note is None else (note,))
    assert report.parity is parity


def test_what_the_file_tells_and_what_the_check_met_is_noted_once():
    content = SimpleNamespace(**{**vars(CONTENT), "late": ("a", "y")})
    report = make_report(source(), content, found(Parity((OUTPUT,), (), (), 1, late=("y",))), {})
    (note,) = report.notes
    assert note.startswith("the size of 'a', 'y' is known only after a run")
    (note,) = make_report(source(), content, found(), {}).notes
    assert note.startswith("the size of 'a', 'y' is known only after a run")


def test_notes_of_the_source_come_first_and_are_not_its_own_list():
    given = source("first")
    report = make_report(given, CONTENT, found(Parity((OUTPUT,), (), (), 1, {3: "why"})), {})
    assert [note[:5] for note in report.notes] == ["first", "the s"]
    assert given.notes == ["first"]


def test_each_of_several_signatures_is_told_of():
    given = SimpleNamespace(
        origin="SavedModel 'm'", notes=["of all"], entries=[entry("a", "odd"), entry("b")]
    )
    ends = SignatureSpec((SPEC,), (SPEC,))
    content = SimpleNamespace(**{**vars(CONTENT), "signatures": {"a": ends, "b": ends}})
    parity = Parity((OUTPUT,), (), (), 1, {3: "why"})
    report = make_report(given, content, {"a": Finding(), "b": Finding(parity)}, {})
    assert report.notes == (
        "of all",
        "signature 'a': odd",
        "signature 'b': the source itself refuses length 3: not compared there",
    )
    assert [(s.name, s.parity) for s in report.signatures] == [("a", None), ("b", parity)]
    assert report.signatures[1].outputs == (SPEC.to_dict(),)
    assert report.functions == report.signatures
    assert Report.from_dict(report.to_dict()) == report


def test_exits_are_taken_from_the_files_record():
    said = {"output": "y", "signature": "exit/y", "inputs": ["x"], "outputs": ["y"], "ops": 3}
    content = SimpleNamespace(**{**vars(CONTENT), "record": {"exits": [said]}})
    report = make_report(source(), content, found(), {})
    assert report.exits == (Exit("y", "exit/y", ("x",), ("y",), 3),)
    for record in (None, {}):
        content = SimpleNamespace(**{**vars(CONTENT), "record": record})
        assert make_report(source(), content, found(), {}).exits == ()


def test_ends_are_those_of_the_signature_where_there_is_one():
    """The file's own are those that run where none is named: of exits, the last."""
    other = TensorSpec("other", (1, 2), "int8", quantization=(0.5, 3))
    signatures = {"serving_default": SignatureSpec((other,), (SPEC,))}
    content = SimpleNamespace(**{**vars(CONTENT), "signatures": signatures})
    report = make_report(source(), content, found(), {})
    assert report.inputs == (other.to_dict(),)
    assert report.outputs == (SPEC.to_dict(),)
    # One function is told of by the report itself.
    assert report.signatures == ()
    assert report.functions == (report,)


def test_layers_stream_and_tensors_are_handed_on():
    layer = LayerRecord("lstm", ("x",), ("y",), {"WHILE": 1}, 12)
    tensor = TensorSize("lstm/0", (3, 4), "float32", 48)
    stream = StreamParity(None, 1, 0, ())
    content = SimpleNamespace(**{**vars(CONTENT), "tensors": [tensor]})
    report = make_report(
        source(), content, {"serving_default": Finding(layers=(layer,))}, {}, stream
    )
    assert report.layers == (layer,)
    assert report.tensors == (tensor,)
    assert report.stream is stream


def test_of_several_signatures_each_has_what_was_found_of_it():
    given = SimpleNamespace(origin="m", notes=[], entries=[entry("a"), entry("b")])
    content = SimpleNamespace(
        **{
            **vars(CONTENT),
            "signatures": {"a": SignatureSpec((SPEC,), ()), "b": SignatureSpec((), (SPEC,))},
        }
    )
    quantization = Quantization("int8", "int8", "", 9, (), {})
    layer = LayerRecord("d", (), (), {}, 1)
    findings = {"a": Finding(quantization=quantization), "b": Finding(layers=(layer,))}
    report = make_report(given, content, findings, {})
    first, second = report.signatures
    assert (first.quantization, first.layers) == (quantization, ())
    assert (second.quantization, second.layers) == (None, (layer,))
    assert (first.inputs, first.outputs) == ((SPEC.to_dict(),), ())
    assert (second.inputs, second.outputs) == ((), (SPEC.to_dict(),))
    # What stands above is of the first.
    assert (report.quantization, report.layers) == (quantization, ())
    assert report.inputs == (SPEC.to_dict(),)


def test_seconds_are_the_reports_own():
    seconds = {"trace": 1.0}
    report = make_report(source(), CONTENT, found(), seconds)
    seconds["check"] = 2.0
    assert report.seconds == {"trace": 1.0}


def test_a_function_that_was_not_looked_at_is_an_error():
    with pytest.raises(KeyError, match="serving_default"):
        make_report(source(), CONTENT, {}, {})


def test_a_finding_is_of_nothing_at_first():
    assert Finding() == Finding(None, None, ())
