"""The passes in their order, and the files that they end with, on graphs of a few ops."""

import numpy as np
import pytest

import rnnlite
from graphs import Model
from rnnlite._version import __version__
from rnnlite.frontends.program import Entry
from rnnlite.lite import schema
from rnnlite.lite.record import record
from rnnlite.pipeline.pass_order import (
    AFTER_TRANSLATION,
    MIN_RUNTIME,
    Part,
    finalize,
    passes_of_file,
    passes_of_part,
)
from rnnlite.specs import TensorSpec
from rnnlite.target import LITERT, MICRO, TARGETS

SPECS = {name: TensorSpec(name, (1, 4), "float32") for name in ("x", "y")}


def part(signature="serving_default", kind="TANH", details=None, names=("x", "y")):
    """A function of one op, as it is before it is signed."""
    model = Model()
    x, y = (model.main.tensor((1, 4), name=f"m/{kind}/{n}") for n in names)
    model.main.add(kind, [x], [y])
    model.main.ends([x], [y])
    entry = Entry(
        origin="a function",
        inputs=(TensorSpec(names[0], (1, 4), "float32"),),
        outputs=(TensorSpec(names[1], (1, 4), "float32"),),
        function=None,
        reference=None,
        perturbed=None,
        recurrences=(),
        notes=("be careful",),
        signature=signature,
    )
    return Part(entry, model.ir, details or {})


def in_order(target):
    """All passes of a model for a target."""
    return [
        *AFTER_TRANSLATION,
        *passes_of_part(part(), target),
        *passes_of_file(quantized=False, target=target),
    ]


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
def test_what_a_pass_needs_an_earlier_one_has_ensured(target):
    known = set()
    for step in in_order(target):
        missing = [fact.name for fact in step.needs if fact not in known]
        assert missing == [], step.name
        known -= set(step.ends)
        known |= set(step.ensures)


def test_names_of_passes_are_their_own():
    names = [step.name for step in in_order(LITERT)]
    assert len(set(names)) == len(names)
    # Free axes are marked before any pass asks for them; nothing is written that was not looked at.
    assert names[0] == "mark_free_axes"
    assert names[-3:] == ["require_ops", "check_structure", "check_quantization"]


def test_a_file_is_signed_and_says_what_it_is():
    model = schema.read(finalize([part()]).data)
    (signature,) = model.signatures
    assert signature.key == "serving_default"
    assert [name for name, _ in signature.inputs] == ["x"]
    assert [name for name, _ in signature.outputs] == ["y"]
    found = record(model)
    assert (found["version"], found["origin"]) == (__version__, "a function")
    assert found["notes"] == ["be careful"]
    assert "target" not in found


def test_a_file_computes_what_its_part_did():
    x = np.linspace(-2, 2, 4, dtype=np.float32)
    found = rnnlite.load(finalize([part()]).data).predict([x])
    np.testing.assert_allclose(found[0], np.tanh(x), atol=1e-6)


def test_the_least_release_is_stated_with_its_reason():
    found = record(schema.read(finalize([part()]).data))[MIN_RUNTIME]
    assert set(found) == {"release", "reason"}
    assert rnnlite.inspect(finalize([part()]).data).min_runtime == found["release"]


@pytest.mark.parametrize("details", [{"io": "float32"}, {"quantize": "dynamic", "io": "float32"}])
def test_what_the_caller_adds_is_in_the_record(details):
    found = record(schema.read(finalize([part(details=details)]).data))
    assert {key: found[key] for key in details} == details


def test_another_target_is_in_the_record():
    assert record(schema.read(finalize([part()], MICRO).data))["target"] == "tflite-micro"


def test_an_op_that_the_target_lacks_is_refused():
    with pytest.raises(rnnlite.UnsupportedError, match="GELU"):
        finalize([part(kind="GELU")], MICRO)


def test_parts_become_signatures_in_their_order():
    parts = [part("decode"), part("encode", "RELU", names=("frames", "states"))]
    model = schema.read(finalize(parts).data)
    assert [s.key for s in model.signatures] == ["decode", "encode"]
    # The first is what runs where none is named.
    assert model.signatures[0].graph is model.main
    assert [op.kind for op in model.main.ops] == ["TANH"]
    assert [op.kind for op in model.signatures[1].graph.ops] == ["RELU"]


def test_the_model_beside_the_bytes_is_what_was_written():
    file = finalize([part()])
    (label,) = file.labels.values()
    assert [op.output.name for op in schema.read(file.data).main.ops] == [label]
    assert schema.write(file.model) == file.data


def test_a_copy_of_a_part_has_a_model_of_its_own():
    first = part(details={"io": "float32"})
    second = first.copy()
    assert second.entry is first.entry
    assert second.details == first.details
    finalize([second])
    # What was copied has no signature yet.
    assert first.model.signatures == []
    assert [op.kind for op in first.model.main.ops] == ["TANH"]


def test_the_same_parts_give_the_same_bytes():
    assert finalize([part()]).data == finalize([part()]).data
