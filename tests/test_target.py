"""What is known of runtimes, as data."""

import re

import pytest

from rnnlite.errors import OptionError
from rnnlite.lite.releases import RELEASES
from rnnlite.quantization.ops import RULES
from rnnlite.target import LITERT, MICRO, TARGETS, Costs, Target, take_target


def test_targets_by_name():
    assert list(TARGETS) == ["litert", "tflite-micro"]
    assert take_target("litert") is LITERT
    assert take_target(MICRO) is MICRO
    for name in ("esp32", None, 3):
        message = f"target names no runtime; expected 'litert' or 'tflite-micro'; found {name!r}"
        with pytest.raises(OptionError, match=re.escape(message)):
            take_target(name)


def test_releases_say_what_litert_runs():
    assert LITERT.runs("FULLY_CONNECTED", "int8")
    assert LITERT.runs("ANYTHING", "")
    assert LITERT.free_shapes
    assert LITERT.releases is RELEASES


@pytest.mark.parametrize(
    ("kind", "type", "runs"),
    [
        ("FULLY_CONNECTED", "int16", True),
        ("FULLY_CONNECTED", "", True),
        ("GATHER", "int32", False),
        ("WHILE", "bool", True),
        ("CAST", "int8>float32", True),
        ("CAST", "int32>int64", False),
        ("TILE", "float32", False),
        ("RELU6", "float32", True),
        ("RELU6", "int8", False),
        ("READ_VARIABLE", "", False),
    ],
)
def test_microcontrollers_run_some(kind, type, runs):
    assert MICRO.runs(kind, type) is runs


def test_every_op_and_type_of_the_table_is_one():
    known = {op for r in RELEASES for op in r.new} | {"ABS"}
    types = {"any", "float32", "int8", "int16", "int32", "bool"}
    assert set(MICRO.ops) <= known
    for found in MICRO.ops.values():
        assert {t for pair in found for t in pair.split(">")} <= types


def test_most_ops_that_are_quantized_run_there():
    assert {"ADD", "MUL", "LOGISTIC", "TANH", "FULLY_CONNECTED", "SOFTMAX"} <= set(RULES)
    for kind in ("ADD", "MUL", "LOGISTIC", "TANH", "FULLY_CONNECTED", "SOFTMAX"):
        assert all(MICRO.runs(kind, t) for t in ("float32", "int8", "int16")), kind


def test_tables_begin_with_the_largest_and_end_with_zero():
    costs = Costs()
    for found in (costs.depth, costs.partitions, costs.peeled_chunks):
        bounds = [row[0] for row in found]
        assert bounds == sorted(bounds, reverse=True)
        assert bounds[-1] == 0


def test_another_target_needs_a_name_alone():
    own = Target("own", "a board", free_shapes=False, costs=Costs(l2_bytes=1 << 15))
    assert own.runs("ADD", "int8")
    assert own.costs.tile == LITERT.costs.tile
