"""Names, signature and record of a converted model."""

from dataclasses import replace

import pytest

from graphs import Model
from rnnlite.errors import UnsupportedError
from rnnlite.frontends.program import Entry
from rnnlite.lite.passes.signature import set_signature
from rnnlite.lite.record import record
from rnnlite.specs import TensorSpec


def unused(*_):
    raise AssertionError("packing computes nothing")


FRAMES = TensorSpec("frames", (None, None, 3), "float32", least=(1, 2, 3))
STATE = TensorSpec("state", (1, 3), "float32", batch_axis=None)
ENTRY = Entry(
    "Keras 3 Sequential 'ears'", (FRAMES, STATE), (STATE,), unused, unused, unused, (), ("a note",)
)


def converted():
    """Inputs of free shape and a state; the result is another value than the state."""
    model = Model()
    main = model.main
    x, h = main.tensor([-1, -1, 3], name="rnn.1."), main.tensor([1, 3], name="rnn.2.")
    y = main.tensor([1, 3], name="rnn.3.")
    main.add("TANH", [h], [y])
    main.ends([x, h], [y])
    return model.ir


def test_names_signature_and_least_shape():
    model = converted()
    set_signature(model, ENTRY, "1.2")
    x, h = model.main.inputs
    (y,) = model.main.outputs
    assert [v.name for v in (x, h, y)] == ["frames", "state", "state/new"]
    (signature,) = model.signatures
    assert (signature.key, signature.graph) == ("serving_default", model.main)
    assert signature.inputs == (("frames", x), ("state", h))
    assert signature.outputs == (("state", y),)
    # What an interpreter takes before it is told another shape.
    assert x.shape == (1, 2, 3)
    assert x.dims == (-1, -1, 3)
    assert model.description == "Keras 3 Sequential 'ears', converted by rnnlite 1.2"


def test_the_record_says_what_the_file_does_not():
    model = converted()
    ids = replace(STATE, ids=(0, 19), mask_value=-1.0, counts=True)
    set_signature(model, replace(ENTRY, inputs=(FRAMES, ids)), "1.2", {"quantize": "int8"})
    found = record(model)
    assert found["version"] == "1.2"
    assert found["notes"] == ["a note"]
    assert found["least"] == {"frames": [1, 2, 3]}
    assert found["id_ranges"] == {"state": [0, 19]}
    assert found["mask_values"] == {"state": -1.0}
    assert found["counts"] == ["state"]
    assert found["batch_axes"] == {"state": None}
    assert found["quantize"] == "int8"


def test_a_result_that_the_converter_dropped_is_refused():
    model = converted()
    model.main.outputs = []
    message = "changed the number of outputs; expected 1; found 0"
    with pytest.raises(UnsupportedError, match=message):
        set_signature(model, ENTRY, "1.2")


@pytest.mark.parametrize(
    ("count", "text"), [(1, "expected 2; found 1"), (3, "expected 2; found 3")]
)
def test_inputs_that_the_converter_changed_are_refused(count, text):
    model = converted()
    graph = model.main
    more = [graph.value("float32", [1])]
    graph.inputs = [*graph.inputs, *more][:count]
    text = f"changed the number of inputs; expected 2; found {count}"
    with pytest.raises(UnsupportedError, match=text):
        set_signature(model, ENTRY, "1.2")
    assert model.signatures == []


def test_a_spec_without_a_least_shape_leaves_the_shape():
    model = converted()
    plain = replace(FRAMES, least=())
    set_signature(model, replace(ENTRY, inputs=(plain, STATE)), "1.2")
    assert model.main.inputs[0].shape == (1, 1, 3)
    assert record(model)["least"] == {}


def test_an_input_that_is_a_result_keeps_its_name():
    model = converted()
    main = model.main
    main.outputs = [main.inputs[1]]
    set_signature(model, ENTRY, "1.2")
    assert main.outputs[0].name == "state"
    assert model.signatures[0].outputs == (("state", main.inputs[1]),)


def test_other_signatures_have_their_own_key():
    model = converted()
    set_signature(model, replace(ENTRY, signature="listen"), "1.2")
    assert [s.key for s in model.signatures] == ["listen"]


def test_details_come_last():
    """They may overrule what the entry says."""
    model = converted()
    set_signature(model, ENTRY, "1.2", {"notes": ["another"]})
    assert record(model)["notes"] == ["another"]
