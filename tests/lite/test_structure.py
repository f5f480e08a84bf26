"""The structural check finds each fault that it names; a good model passes."""

import pytest

import rnnlite
from graphs import nested, one_loop
from rnnlite.lite import schema
from rnnlite.lite.ir import Model, Quantization
from rnnlite.lite.structure import check_structure


def test_good_models_pass(exits):
    check_structure(one_loop()[0].ir)
    check_structure(nested().ir)
    check_structure(schema.read(exits.tflite))


def swap_type(model):
    model.graphs[2].inputs[1].type = "int8"


def regrid(model):
    model.graphs[1].inputs[1].quantization = Quantization.of(0.5, 3)


def flatten(model):
    model.graphs[1].inputs[2].shape = [3]


def reverse(model):
    body = model.graphs[2]
    first, second, third = list(body.ops)[1:]
    made = [body.op(op.kind, op.inputs, op.outputs) for op in (third, second, first)]
    body.remove(first, second, third)
    for op, outputs in zip(made, [op.outputs for op in made], strict=True):
        op.outputs = outputs
    body.append(*made)


def cut(model):
    kernel = max((v for v in model.graphs[2].values if v.is_constant), key=lambda v: v.size)
    kernel.data = kernel.data.reshape(-1)[:-1]


def dangle(model):
    model.main.ops[0].set_input(0, Model().graph().value("float32", [], name="far"))


def lose_body(model):
    model.graphs = model.graphs[:2]


def end_elsewhere(model):
    model.main.outputs = [model.graphs[2].outputs[0]]


def orphan(model):
    model.main.remove(model.main.ops[0])


@pytest.mark.parametrize(
    ("break_it", "text"),
    [
        (swap_type, "WHILE of subgraph 0 ties tensors of different type: float32, int8"),
        (regrid, r"ties tensors of different scale or zero point: .*\(0.5,\), \(3,\)"),
        (flatten, "ties tensors of different rank: 2, 1"),
        (reverse, "reads .* before it is made"),
        (cut, "holds 32 bytes where 36 are due"),
        (dangle, "WHILE of 'far', which is not there, in subgraph 0"),
        (lose_body, "a WHILE whose body is not there in subgraph 0"),
        (end_elsewhere, "is an end of subgraph 0, but not there"),
        (orphan, "is a result that nothing makes"),
    ],
)
def test_faults_are_named(break_it, text):
    model = one_loop()[0].ir
    break_it(model)
    with pytest.raises(rnnlite.ModelError, match=f"not well formed; found .*{text}"):
        check_structure(model)
