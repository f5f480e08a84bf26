"""Tables with many small rows: palettized, finer and smaller than int8."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rnnlite
from graphs import Model, run
from rnnlite.quantization.prepare.palettes import palettized
from rnnlite.quantization.prepare.two_terms import refine_tables

ROWS, WIDTH, LARGE = 2000, 50, 150


def table_of(rows=ROWS, width=WIDTH, large=LARGE, seed=0):
    """As training leaves it: most rows at their initial values, some grown."""
    rng = np.random.default_rng(seed)
    table = rng.uniform(-0.05, 0.05, (rows, width))
    places = rng.choice(rows, large, replace=False)
    table[places] = rng.normal(0, 1, (large, width))
    return table.astype(np.float32)


def decoded(table):
    """What the ops compute, in NumPy."""
    last = len(table.large) - 1
    large, small = np.minimum(table.slots, last), np.maximum(table.slots - last, 0)
    exact = (table.large + table.rest)[large]
    return exact + table.palette.values[small] + table.residual.values[small]


@settings(max_examples=20, deadline=None)
@given(
    seed=st.integers(0, 1000),
    width=st.sampled_from([10, 16, 50, 60, 128]),
    large=st.integers(1, 150),
)
def test_small_rows_within_half_a_level_and_large_ones_exact(seed, width, large):
    rows = -(-(1 << 16) // width) + 2000
    table = table_of(rows, width, large, seed)
    packed = palettized(table)
    found = decoded(packed)
    grown = np.abs(table).max(axis=1) > 0.05
    assert len(packed.large) == grown.sum() + 1
    levels = 16 * (4 if width % 4 == 0 else 3)
    # Levels are whole numbers of int8: up to half of 1/127 beside their places.
    reach = 0.05 * 1.1 * (1 + 1 / 127)
    assert np.abs(found - table)[~grown].max() <= reach / levels + reach / 127
    assert np.allclose(found[grown], table[grown], atol=1e-6)
    small = packed.palette.indices.nbytes + packed.residual.indices.nbytes
    taken = small + 2 * packed.large.size + packed.slots.nbytes
    assert taken <= table.size + rows + 4 * width


@pytest.mark.parametrize(
    "table",
    [
        table_of(rows=1000),
        table_of(width=49),
        table_of(large=1500),
        np.random.default_rng(0).normal(0, 1, (ROWS, WIDTH)).astype(np.float32),
    ],
    ids=["little", "odd", "mostly grown", "of one size"],
)
def test_other_tables_stay_whole(table):
    assert palettized(table) is None


def test_int32_places_for_more_rows_than_int16_counts():
    assert palettized(table_of(rows=33_000, width=40, large=10)).slots.dtype == np.int32
    assert palettized(table_of()).slots.dtype == np.int16


def test_the_ops_decode_what_the_codebooks_say():
    table, ids = table_of(width=20, rows=6000), np.array([[0, 1999, 5999], [1, 1, 1023]], np.int32)
    model = Model()
    main = model.main
    places, rows = main.tensor(ids.shape, "int32"), main.tensor((*ids.shape, 20))
    found = main.constant(table, name="table")
    main.add("GATHER", [found, places], [rows], "GatherOptions")
    main.ends([places], [rows])
    assert np.array_equal(run(model.bytes(), ids)[0], table[ids])
    refine_tables(model.ir, palettize=True)
    everywhere = np.arange(6000, dtype=np.int32).reshape(1000, 2, 3)
    wanted = decoded(palettized(table))
    for some in (ids, everywhere[0], everywhere[-1]):
        assert run(model.bytes(), some)[0] == pytest.approx(wanted[some], abs=1e-7)


@pytest.mark.parametrize("mode", ["dynamic", "int8", "int16x8"])
def test_a_recurrent_model_with_such_a_table(mode):
    keras.utils.set_random_seed(0)
    L = keras.layers
    source = keras.Sequential(
        [
            keras.Input((None,), dtype="int32"),
            L.Embedding(ROWS, WIDTH),
            L.Conv1D(16, 3, padding="same"),
            L.LSTM(12),
            L.Dense(4, activation="softmax"),
        ]
    )
    table = table_of()
    source.layers[0].set_weights([table])
    kernel, bias = source.layers[-1].get_weights()
    # So that int8 alone is not good enough.
    source.layers[-1].set_weights([10 * kernel, bias])
    rng = np.random.default_rng(1)
    samples = [rng.integers(0, ROWS, 5 + k % 20).astype(np.int32) for k in range(60)]
    converted = rnnlite.convert(source, quantize=mode, calibration=samples)
    weights = converted.report.quantization.weights
    indices = [w for w in weights if w.dtype == "uint8"]
    # Where bytes do not count, tables are kept in two int8 parts.
    assert [w.shape for w in indices] == ([] if mode == "int16x8" else [(1851, 25), (1851, 10)])
    assert mode == "int16x8" or len(converted.tflite) < 1.15 * source.count_params() + 30_000
    assert max(a.rms_error for a in converted.report.quantization.accuracy) < 0.02
