"""Names and numbers of a file's inputs and outputs."""

from dataclasses import replace

import pytest

from graphs import Model
from rnnlite.lite import ir
from rnnlite.lite.ir import Graph, Quantization, Signature
from rnnlite.runtime.calls import Call, calls_of, id_ranges, signature_spec, spec_of
from rnnlite.specs import TensorSpec


def value(type, scales=(), zeros=()):
    found = Graph(ir.Model(), "").value(type, [1, 1, 3], [1, -1, 3])
    found.quantization = Quantization(tuple(scales), tuple(zeros)) if scales else None
    return found


@pytest.mark.parametrize(
    ("given", "dtype", "quantization"),
    [
        (value("float32"), "float32", None),
        (value("int32"), "int32", None),
        (value("int8", [0.5], [-3]), "int8", (0.5, -3)),
        (value("int8", [0.5]), "int8", (0.5, 0)),
        (value("int8", [0.5, 0.25], [0, 0]), "int8", None),
        (value("float32", [0.5], [0]), "float32", None),
    ],
)
def test_what_the_file_says(given, dtype, quantization):
    assert spec_of("x", given) == TensorSpec("x", (1, None, 3), dtype, quantization=quantization)


@pytest.fixture
def model():
    made = Model()
    _, x, y = (made.main.tensor([2], name=name) for name in ("unused", "a", "b"))
    made.main.ends([x], [y])
    return made.ir


def test_names_come_from_the_signature_where_there_is_one(model):
    main = Call("", True, (("a", 1),), (("b", 2),))
    assert calls_of(model) == {"": (main, model.main)}
    x, y = model.main.values[1:]
    model.signatures = [Signature("serving_default", model.main, (("frames", x),), (("label", y),))]
    call = Call("serving_default", True, (("frames", 1),), (("label", 2),))
    assert calls_of(model) == {"serving_default": (call, model.main)}


def test_the_main_graph_comes_first_whoever_names_it(model):
    other = model.graph("other")
    z = other.value("float32", [3], name="z")
    other.inputs = other.outputs = [z]
    model.signatures = [Signature("more", other, (("q", z),), (("q", z),))]
    assert list(calls_of(model)) == ["", "more"]
    call, graph = calls_of(model)["more"]
    assert (call, graph) == (Call("more", False, (("q", 0),), (("q", 0),)), other)


def test_the_record_says_what_values_mean_by_signature(model):
    call, graph = calls_of(model)[""]
    own = {"ids": {}, "least": {"a": [4]}, "counts": ["a"], "mask_values": {"a": 1}}
    record = {**own, "batch_axes": {"b": None}, "signatures": {"other": {"least": {"a": [7]}}}}
    spec = signature_spec(call, graph, record)
    (a,), (b,) = spec.inputs, spec.outputs
    assert (a.least, a.counts, a.mask_value, a.batch_axis) == ((4,), True, 1.0, 0)
    assert b.batch_axis is None
    other = signature_spec(replace(call, key="other"), graph, record)
    assert (other.inputs[0].least, other.inputs[0].counts) == ((7,), True)


def test_ids_are_pairs_of_whole_numbers():
    assert id_ranges({"id_ranges": {"ids": [-4, 3.0]}}) == {"ids": (-4, 3)}
    assert id_ranges({}) == {}
