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


def test_what_others_read_between_stays():
    """x -> float32 -> int32; the floats are read too."""
    model = Model()
    main = model.main
    x, real, back = main.tensor([2], "int32"), main.tensor([2]), main.tensor([2], "int32")
    total, rows = main.tensor([2]), main.tensor([2], "int32")
    main.add("CAST", [x], [real], "CastOptions")
    main.add("CAST", [real], [back], "CastOptions")
    main.add("TANH", [real], [total])
    main.add("ABS", [back], [rows])
    main.ends([x], [total, rows])
    drop_cast_pairs(model.ir)
    assert main.kinds == ["CAST", "TANH", "ABS"]
    assert main.ir.ops[-1].input(0) is x
    assert main.ir.ops[1].input(0) is real


def test_bodies_of_loops_too():
    model = Model()
    inner = model.graph()
    x, real, back = inner.tensor([2], "int64"), inner.tensor([2]), inner.tensor([2], "int64")
    result = inner.tensor([2], "int64")
    inner.add("CAST", [x], [real], "CastOptions")
    inner.add("CAST", [real], [back], "CastOptions")
    inner.add("ABS", [back], [result])
    inner.ends([x], [result])
    drop_cast_pairs(model.ir)
    assert inner.kinds == ["ABS"]


def test_floats_cast_to_integers_and_on_stay():
    """Casting cuts off what stands behind the point."""
    assert cast(["float32", "int32", "float32", "int32"])[0] == ["CAST", "ABS"]
