"""Ops that a target has no kernel for are refused by name, type and place."""

import pytest

from graphs import Model
from rnnlite.errors import UnsupportedError
from rnnlite.lite.target_ops import require_ops, type_of
from rnnlite.target import LITERT, MICRO


def model(kind, type="float32", result=None, name="dense/1"):
    made = Model()
    x = made.main.tensor((1, 4), type, name="x")
    y = made.main.tensor((1, 4), result or type, name=name)
    made.main.add(kind, [x], [y])
    made.main.ends([x], [y])
    return made.ir


@pytest.mark.parametrize(
    ("kind", "type", "result", "found"),
    [
        ("TANH", "int8", None, "int8"),
        ("CAST", "bool", "int32", "bool>int32"),
        ("QUANTIZE", "int8", "int16", "int8>int16"),
        ("DEQUANTIZE", "int8", "float32", "int8>float32"),
    ],
)
def test_the_type_that_a_kernel_looks_at(kind, type, result, found):
    assert type_of(model(kind, type, result).main.ops[0]) == found


def test_what_runs_passes():
    require_ops(MICRO, model("TANH", "int16"))
    require_ops(LITERT, model("GELU"))


def test_what_does_not_is_named():
    message = (
        r"LiteRT for Microcontrollers does not run GELU of float32; .* "
        r"found GELU of float32 \(at 'dense/1'\)"
    )
    with pytest.raises(UnsupportedError, match=message):
        require_ops(MICRO, model("GELU"))


def test_each_once_and_four_with_their_places():
    made = Model()
    x = made.main.tensor((1, 4), "float32", name="x")
    for kind in ("GELU", "GELU", "SIGN", "RANK", "RELU_N1_TO_1", "TILE"):
        y = made.main.tensor((1, 4), "float32", name=kind.lower())
        made.main.add(kind, [x], [y])
    made.main.ends([x], [y])
    with pytest.raises(UnsupportedError) as refusal:
        require_ops(MICRO, made.ir)
    text = str(refusal.value)
    assert "run GELU of float32, SIGN of float32, RANK of float32, RELU_N1_TO_1 of" in text
    assert text.count("(at '") == 4
