"""Constants in two parts compute what the constant did, and fit int8 better."""

import numpy as np
import pytest

from graphs import Model, run
from products import EXPECTED, IDS, TABLE, WEIGHTS, product
from rnnlite.quantization.params import channel_scales, quantize_weights
from rnnlite.quantization.plan.plan import constant
from rnnlite.quantization.prepare.two_terms import refine_tables, split_weights


def names(model):
    return model.main.kinds


def float_constants(model):
    found = {value.name: constant(value) for value in model.main.ir.values}
    return {name: values for name, values in found.items() if values is not None}


def test_tables_are_left_whole_where_bytes_count():
    model = product()
    split_weights(model.ir, tables=False)
    assert names(model) == ["GATHER", "FULLY_CONNECTED", "FULLY_CONNECTED", "ADD"]


def test_rows_of_one_size_and_whole_scales():
    model = product()
    TABLE[3] *= 100
    try:
        expected = run(product().bytes(), IDS)[0]
        model = product()
        refine_tables(model.ir, palettize=True)
        assert names(model) == ["GATHER", "GATHER", "MUL", "FULLY_CONNECTED"]
        parts = float_constants(model)
        scales, rows = parts["table/scales"], parts["table/rows"]
        assert np.array_equal(scales, np.rint(scales))
        assert (scales.min(), scales.max()) == (1, 127)
        sizes = np.abs(rows).max(axis=1)
        assert sizes.max() <= np.abs(TABLE).max() / 127 * 1.001
        assert np.allclose(rows * scales, TABLE, rtol=1e-6)
        assert np.allclose(run(model.bytes(), IDS)[0], expected, rtol=1e-5)
    finally:
        TABLE[3] /= 100


def test_the_first_part_is_exact_in_int8_and_the_rest_small():
    model = product()
    split_weights(model.ir, tables=True)
    assert names(model) == ["GATHER", "GATHER", "ADD", "FULLY_CONNECTED", "FULLY_CONNECTED", "ADD"]
    parts = float_constants(model)
    held, rest = parts["kernel"], parts["kernel/rest"]
    assert np.allclose(held + rest, WEIGHTS, atol=1e-7)
    scales = channel_scales(held, 0)
    back = quantize_weights(held, scales, 0) * scales[:, None]
    assert np.allclose(back, held, atol=1e-6)
    assert np.abs(rest).max() <= 0.51 * np.abs(WEIGHTS).max() / 127
    assert np.allclose(run(model.bytes(), IDS)[0], EXPECTED, atol=1e-5)


@pytest.mark.parametrize(
    ("shape", "ids", "fields"),
    [
        ((3, 5), (2, 4), {}),
        ((3, 5), (4,), {"axis": 1}),
        ((3, 5), (), {"axis": 1}),
        ((3, 5), (3, 2), {"axis": 1, "batchDims": 1}),
        ((5,), (2, 4), {}),
        ((2, 3, 4), (2,), {"axis": 2}),
    ],
)
def test_tables_in_two_parts_are_looked_up_along_their_axis(shape, ids, fields):
    table = np.random.default_rng(4).normal(size=shape).astype(np.float32)
    numbers = (
        np.arange(int(np.prod(ids)), dtype=np.int32).reshape(ids) % shape[fields.get("axis", 0)]
    )
    model = Model()
    main = model.main
    if "batchDims" in fields:
        wanted = np.take_along_axis(table, numbers, 1)
    else:
        wanted = np.take(table, numbers, fields.get("axis", 0))
    x, y = main.tensor(ids, "int32"), main.tensor(wanted.shape)
    main.add("GATHER", [main.constant(table), x], [y], "GatherOptions", **fields)
    main.ends([x], [y])
    split_weights(model.ir, tables=True)
    assert names(model) == ["GATHER", "GATHER", "ADD"]
    assert [op.output.shape for op in main.ir.ops] == [wanted.shape] * 3
    (found,) = run(model.bytes(), numbers)
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-7)
