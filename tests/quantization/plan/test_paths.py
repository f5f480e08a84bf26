"""What an op hands on: LiteRT's own results hold the elements of the listed operands alone."""

import numpy as np
import pytest

from graphs import Model, run
from rnnlite.quantization.ops import RULES, Kind
from rnnlite.quantization.plan.cases import ordinary
from rnnlite.quantization.plan.paths import ADDS_ZEROS, ARITHMETIC, MOVED

X = np.arange(1, 13, dtype=np.float32).reshape(1, 3, 4, 1)
FLAT = X.reshape(3, 4)
CALLS = {
    "RESHAPE": ([X, np.int32([4, 3])], (4, 3), "ReshapeOptions", {}),
    "SQUEEZE": ([X], (3, 4), "SqueezeOptions", {}),
    "TRANSPOSE": ([FLAT, np.int32([1, 0])], (4, 3), "TransposeOptions", {}),
    "SLICE": ([FLAT, np.int32([1, 0]), np.int32([2, 3])], (2, 3), "SliceOptions", {}),
    "GATHER": ([FLAT, np.int32([2, 0])], (2, 4), "GatherOptions", {}),
    "GATHER_ND": ([FLAT, np.int32([[2, 1]])], (1,), "GatherNdOptions", {}),
    "REVERSE_V2": ([FLAT, np.int32([1])], (3, 4), "ReverseV2Options", {}),
    "TILE": ([FLAT, np.int32([2, 1])], (6, 4), "TileOptions", {}),
    "BROADCAST_TO": ([X[:, :, :1], np.int32([1, 3, 2, 1])], (1, 3, 2, 1), "", {}),
    "PAD": ([FLAT, np.int32([[0, 1], [1, 0]])], (4, 5), "PadOptions", {}),
    "PADV2": ([FLAT, np.int32([[0, 1], [1, 0]]), np.float32(-7)], (4, 5), "PadV2Options", {}),
    "FILL": ([np.int32([2, 2]), np.float32(5)], (2, 2), "FillOptions", {}),
    "SELECT_V2": ([FLAT > 6, FLAT, np.float32(-9)], (3, 4), "SelectV2Options", {}),
    "PACK": ([FLAT, -FLAT], (2, 3, 4), "PackOptions", {"valuesCount": 2}),
    "CONCATENATION": ([FLAT, -FLAT], (6, 4), "ConcatenationOptions", {}),
    "DYNAMIC_UPDATE_SLICE": ([FLAT, -FLAT[:1], np.int32([1, 0])], (3, 4), "", {}),
}


@pytest.mark.parametrize("kind", CALLS)
def test_a_result_holds_elements_of_the_operands_that_are_handed_on(kind):
    arrays, shape, options, fields = CALLS[kind]
    model = Model()
    operands = [model.main.constant(a, a.dtype.name) for a in arrays]
    y = model.main.tensor(shape)
    op = model.main.add(kind, operands, [y], options, **fields)
    model.ir.raise_version(op, 2 if kind == "BROADCAST_TO" else 1)
    model.ir.drop_unused_codes()
    model.main.ends([], [y])
    (found,) = run(model.bytes())
    places = MOVED[kind] or range(len(arrays))
    given = set(np.concatenate([np.ravel(arrays[k]) for k in places]).tolist())
    assert set(found.ravel().tolist()) <= given | ({0.0} if kind in ADDS_ZEROS else set())
    # Each listed operand gives something, or the list would be longer than it need be.
    for k in places:
        assert set(np.ravel(arrays[k]).tolist()) & set(found.ravel().tolist()), k


@pytest.mark.parametrize("kind", ADDS_ZEROS)
def test_pads_of_zero_are_of_ops_that_move(kind):
    assert MOVED[kind] == (0,)


def test_tables_name_ops_that_the_rules_move():
    for kind in MOVED:
        assert RULES[kind].kind is Kind.SAME_SCALE, kind
    assert not MOVED.keys() & ARITHMETIC.keys()


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("ADD", (5.0, 10.0)),
        ("SUB", (-5.0, 0.0)),
        ("MUL", (4.0, 24.0)),
        ("DIV", (1 / 6, 1.0)),
        ("MAXIMUM", (4.0, 6.0)),
        ("MINIMUM", (1.0, 4.0)),
    ],
)
def test_the_arithmetic_of_each_op(kind, expected):
    assert ARITHMETIC[kind](ordinary((1.0, 4.0)).range, (4.0, 6.0)) == pytest.approx(expected)
