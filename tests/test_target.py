"""What is known of runtimes, as data."""

import re

import pytest

from rnnlite.errors import OptionError
from rnnlite.lite.releases import RELEASES
from rnnlite.quantization.ops import RULES
from rnnlite.snippets.languages import LANGUAGES, NAMES
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


def test_what_is_found_is_cut_where_it_is_long():
    with pytest.raises(OptionError, match="found ") as error:
        take_target("x" * 500)
    assert len(str(error.value)) < 150


@pytest.mark.parametrize(
    ("types", "kind", "type", "runs"),
    [
        ({"any"}, "ADD", "int64", True),
        ({"any"}, "ADD", "", True),
        ({"int8"}, "ADD", "int8", True),
        ({"int8"}, "ADD", "int16", False),
        ({"int8"}, "ADD", "", True),
        ({"int8"}, "MUL", "int8", False),
        ({"int8"}, "MUL", "", False),
        (set(), "ADD", "", True),
    ],
)
def test_which_kernels_a_target_has(types, kind, type, runs):
    own = Target("own", "a board", ops={"ADD": frozenset(types)})
    assert own.runs(kind, type) is runs


def test_modes_of_targets():
    assert LITERT.modes == (None, "float16", "dynamic", "int8", "int16x8")
    assert set(MICRO.modes) <= set(LITERT.modes)
    assert [MICRO.free_shapes, MICRO.signatures, MICRO.variables] == [False] * 3


def test_programs_of_targets_are_written():
    for target in TARGETS.values():
        assert set(target.programs) <= set(NAMES)
        assert {name for name in target.programs.values() if name} <= set(LANGUAGES)
    assert LITERT.programs == {}
    assert MICRO.programs == {"cpp": "micro", "c": ""}


def test_costs_of_one_target_are_not_anothers():
    first, second = Costs(), Costs()
    assert first == second
    assert first.remainder_rows is not second.remainder_rows
    assert LITERT.costs.padding[4] > LITERT.costs.padding[1]


def test_what_is_known_of_a_target_is_not_changed():
    with pytest.raises(AttributeError):
        LITERT.name = "other"
    with pytest.raises(AttributeError):
        LITERT.costs.tile = 8
