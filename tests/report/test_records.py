"""Reports: JSON there and back, and as text."""

import json
import math
import re
from dataclasses import fields, replace

import pytest

import rnnlite
from rnnlite.errors import OutputError, ParityError
from rnnlite.report.exits import Exit
from rnnlite.report.parity import OutputParity, Parity, StreamParity
from rnnlite.report.quantization import (
    OpError,
    OutputAccuracy,
    Quantization,
    TrialRecord,
    WeightRecord,
)
from rnnlite.report.records import (
    LayerRecord,
    Report,
    SignatureReport,
    TensorSize,
)


def test_there_and_back_through_json(exits):
    again = Report.from_dict(json.loads(json.dumps(exits.report.to_dict())))
    assert again.parity.within
    assert again.inputs == exits.report.inputs
    assert str(again) == str(exits.report)


def test_one_line_says_what_it_is(exits):
    converted = repr(exits)
    assert re.fullmatch(
        r"Converted\([\d,]+ bytes, from Keras 3 .*, equal within \d\.\de-\d\d\)", converted
    )
    assert "\n" not in converted
    assert len(converted) < 120
    assert repr(exits.report) == converted.replace("Converted", "Report")
    assert repr(replace(exits.report, parity=None)).endswith(", not compared)")
    model = repr(rnnlite.load(exits.tflite))
    assert re.fullmatch(r"Model\(frames float32 \[1, any, 3\] -> tags .*, label .*\)", model)


def test_text_says_what_matters(exits):
    text = str(exits.report)
    for words in (
        "frames",
        "[1, any, 3]",
        "tags",
        "label",
        "backward_lstm",
        "FULLY_CONNECTED",
        "Parity with the source",
        "hoisted",
    ):
        assert words in text
    assert "\x1b" not in text


def output(name="y", max_rel=1e-7, bound=1e-5, **more):
    return OutputParity(name, 2 * max_rel, max_rel, 2.0, bound, **more)


PARITY = Parity(
    outputs=(output(by_length={19: 1e-7, 1: 0.0}), output("label")),
    lengths=(19, 1),
    batches=(1, 3),
    runs=6,
    skipped={2: "it is too short"},
    late=("y",),
    undefined=("label",),
    shapes=(((1, 19, 3), (1,)), ((3, 1, 3), (3,))),
)
QUANTIZATION = Quantization(
    mode="int8",
    io="int8",
    inner="int16",
    size_before=80_000,
    weights=(WeightRecord("cell/kernel", (4, 8), "int8", "per channel"),),
    ops={"ADD": {"int8": 2, "float32": 1}},
    kept=("EXP of y",),
    samples=30,
    held_out=6,
    lengths=(4, 90),
    accuracy=(
        OutputAccuracy("y", 0.0123, 38.2, 0.995, {7: 0.02}),
        OutputAccuracy("best", 0.0, math.inf, None, left_out=0.5),
    ),
    measured_on="6 held out samples",
    warnings=("few samples",),
    max_error=0.25,
    trials=(TrialRecord("int8", 0.5, None, "too far"), TrialRecord("int16", 0.1, 9, "taken")),
    op_errors=(OpError("ADD", "y", "dense", 0.2, 0.1, "y:0"),),
)
LAYER = LayerRecord("lstm", ("x",), ("y",), {"WHILE": 1}, 321, (0,))
PORT = {"name": "x", "shape": (1, None, 3), "least": (1, 5, 3), "dtype": "float32"}
RECURRENCE = {
    "name": "lstm",
    "kind": "LSTM",
    "units": 4,
    "direction": "forward",
    "outputs": "all",
    "masked": False,
    "hoisted": True,
    "unroll": 4,
    "schedule": "4 steps an iteration",
}


def report(**changed):
    found = Report(
        origin="a model",
        inputs=(PORT,),
        outputs=({**PORT, "name": "y", "least": ()},),
        size=20_000,
        weights=4_321,
        ops={"ADD": 2, "WHILE": 1},
        recurrences=(RECURRENCE,),
        parity=PARITY,
        notes=("one", "two"),
        seconds={"translate": 0.5},
        quantization=QUANTIZATION,
        min_runtime="LiteRT 1.0",
        stream=StreamParity(4, 2, 3, ("state/lstm/h",), (output(),), (8, 16)),
        exits=(Exit("y", "exit/y", ("x",), ("y", "rest"), 7),),
        signatures=(),
        layers=(LAYER,),
        tensors=(TensorSize("lstm/0", (4, 8), "int8", 32),),
    )
    return replace(found, **changed)


def through_json(value):
    """A report as strict JSON and back."""
    return Report.from_dict(json.loads(json.dumps(value.to_dict(), allow_nan=False)))


def test_all_of_a_report_comes_back():
    full = report()
    assert all(getattr(full, f.name) != f.default for f in fields(Report) if f.name != "signatures")
    assert through_json(full) == full
    assert Report.from_dict(full.to_dict()) == full


def test_signatures_come_back():
    one = SignatureReport("encode", (PORT,), (PORT,), (RECURRENCE,), PARITY, QUANTIZATION, (LAYER,))
    other = SignatureReport("decode", (PORT,), (PORT,), (), None)
    full = report(signatures=(one, other))
    assert through_json(full) == full
    assert full.functions == (one, other)
    assert report().functions == (report(),)


def test_a_report_of_little_comes_back():
    little = report(
        parity=None, quantization=None, stream=None, exits=(), layers=(), tensors=(), notes=()
    )
    assert through_json(little) == little


def test_an_older_report_lacks_what_came_later():
    data = report(quantization=None, stream=None).to_dict()
    for name in ("quantization", "stream", "exits", "signatures", "layers", "tensors"):
        del data[name]
    for name in ("late", "undefined", "shapes"):
        del data["parity"][name]
    for one in data["parity"]["outputs"]:
        del one["by_length"]
    found = Report.from_dict(data)
    assert (found.quantization, found.stream, found.exits, found.layers) == (None, None, (), ())
    assert found.parity.lengths == PARITY.lengths
    assert (found.parity.late, found.parity.shapes) == ((), ())
    assert found.parity.outputs[0].by_length == {}


def test_what_json_does_not_have_is_null():
    off = OutputParity("y", math.nan, math.inf, math.nan, math.inf, {3: math.nan})
    accuracy = OutputAccuracy("y", math.nan, math.nan, None, {4: math.inf})
    q = replace(
        QUANTIZATION,
        accuracy=(accuracy,),
        max_error=math.inf,
        op_errors=(OpError("ADD", "y", "", math.inf, math.nan),),
    )
    data = report(parity=replace(PARITY, outputs=(off,)), quantization=q).to_dict()
    text = json.dumps(data, allow_nan=False)
    assert data["parity"]["outputs"][0]["max_rel"] is None
    assert data["quantization"]["max_error"] is None
    found = Report.from_dict(json.loads(text))
    (again,) = found.parity.outputs
    # What may be anything still may; what is no number still is too far off.
    assert (again.bound, again.within) == (math.inf, False)
    assert math.isnan(again.by_length[3])
    assert found.quantization.max_error == math.inf
    (worse,) = found.quantization.accuracy
    assert math.isnan(worse.rms_error)
    assert math.isnan(worse.snr_db)
    (op,) = found.quantization.op_errors
    assert math.isnan(op.error)


FAR = OutputParity("tags", 0.25, 0.125, 2.0, 1e-5)


def test_a_report_of_equal_outputs_is_not_refused():
    report().require_parity()


def test_a_stream_that_differs_is_refused():
    stream = replace(report().stream, outputs=(FAR,))
    with pytest.raises(ParityError, match="gives something else in chunks than as a whole"):
        report(stream=stream).require_parity()


def test_the_signature_that_differs_is_named():
    far = replace(PARITY, outputs=(FAR,))
    good = SignatureReport("encode", (), (), (), PARITY)
    bad = SignatureReport("decode", (), (), (), far)
    report(signatures=(good,)).require_parity()
    with pytest.raises(ParityError, match="differs from a model, signature 'decode'"):
        report(signatures=(good, bad)).require_parity()


def test_a_quantized_model_may_be_as_far_off_as_is_allowed():
    """Where nothing is compared bit for bit."""
    quantized = report(parity=None)
    quantized.require_parity()
    q = replace(QUANTIZATION, max_error=0.01)
    with pytest.raises(ParityError, match="the int8 model is far from a model: output 'y'"):
        replace(quantized, quantization=q).require_parity()
    # With a check of the float model, it alone decides.
    report(quantization=q).require_parity()


@pytest.mark.parametrize(
    ("changed", "summary"),
    [
        ({"quantization": None}, "from a model, equal within 1.0e-07"),
        ({"quantization": None, "parity": None}, "from a model, not compared"),
        (
            {"quantization": None, "parity": replace(PARITY, outputs=(output(), FAR))},
            "from a model, differs by 1.2e-01",
        ),
        ({"quantization": None, "parity": replace(PARITY, outputs=())}, "from a model, equal"),
        ({}, "from a model, int8, off by 1.2 %"),
        ({"quantization": replace(QUANTIZATION, accuracy=())}, "from a model, int8, not measured"),
    ],
)
def test_how_it_came_out(changed, summary):
    found = report(**changed)
    assert found.summary.startswith(summary)
    assert repr(found) == f"Report(20,000 bytes, {found.summary})"


def test_how_several_signatures_came_out():
    """The worst of all."""
    good = SignatureReport("encode", (), (), (), PARITY)
    far = replace(good, name="decode", parity=replace(PARITY, outputs=(FAR,)))
    found = report(quantization=None, signatures=(good, far))
    assert found.summary == "from a model, differs by 1.2e-01"
    worse = replace(QUANTIZATION, accuracy=(OutputAccuracy("y", 0.2, 14.0, None),))
    found = report(signatures=(replace(good, quantization=worse), far))
    assert found.summary == "from a model, int8, off by 20 %"


def test_a_page(tmp_path):
    path = report().save_html(tmp_path / "r.html", command="rnnlite convert m.keras -o m.tflite")
    text = path.read_text(encoding="utf-8")
    assert text.startswith("<!DOCTYPE html>")
    assert "rnnlite convert m.keras -o m.tflite" in re.sub("</?span>", "", text)
    with pytest.raises(OutputError, match="cannot write"):
        report().save_html(tmp_path / "no" / "r.html")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["r.html"]


def test_as_text():
    text = str(report())
    assert text.startswith("a model\n20.0 kB, 4,321 weights")
    assert text.endswith("note: one\nnote: two")
