"""Integers are read straight where they were cast to float and back."""

import itertools

import pytest

from graphs import Model
from rnnlite.lite.passes.casts import drop_cast_pairs


def cast(types, *, result=False):
    """x -> CAST -> ... -> ABS; `result`: the first cast is a result of the model as well."""
    model = Model()
    main = model.main
    values = [main.tensor([2], dtype) for dtype in types]
    for source, target in itertools.pairwise(values):
        main.add("CAST", [source], [target], "CastOptions")
    last = main.tensor([2], types[-1])
    main.add("ABS", [values[-1]], [last])
    main.ends(values[:1], [last, *(values[1:2] if result else [])])
    drop_cast_pairs(model.ir)
    assert main.ir.ops[-1].output is last
    return main.kinds, main.ir.ops[-1].input(0) is values[0]


@pytest.mark.parametrize("dtype", ["int32", "int64"])
def test_a_pair_goes(dtype):
    assert cast([dtype, "float32", dtype]) == (["ABS"], True)


def test_two_pairs_go():
    assert cast(["int32", "float32", "int32", "float32", "int32"]) == (["ABS"], True)


@pytest.mark.parametrize(
    "types",
    [
        ["float32", "int32", "float32"],
        ["int32", "float32", "int64"],
        ["int32", "float16", "int32"],
        ["int32", "float32"],
    ],
)
def test_casts_that_change_a_value_stay(types):
    assert cast(types) == (["CAST"] * (len(types) - 1) + ["ABS"], False)


def test_a_cast_that_is_a_result_stays():
    assert cast(["int32", "float32", "int32"], result=True) == (["CAST", "ABS"], True)
