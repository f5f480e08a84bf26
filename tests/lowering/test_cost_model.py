"""The cost model: pure numbers."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnlite.lowering.cost_model import best_chunk, choose
from rnnlite.lowering.schedule import Loop, Options, Schedule
from rnnlite.runtime.batches import DEFAULT_BATCH
from rnnlite.scan.projection import Projection
from rnnlite.target import LITERT

LSTM_64 = Loop(
    recurrent_weights=64 * 4 * 64, hoisted=True, length=None, row_bytes=0, identity_padding=True
)


@pytest.mark.parametrize(
    ("units", "unroll"), [(16, 4), (64, 4), (128, 2), (256, 1), (512, 1)], ids=str
)
def test_unrolls_while_the_copies_fit_half_of_the_cache(units, unroll):
    loop = replace(LSTM_64, recurrent_weights=units * 4 * units)
    assert choose(loop).unroll == unroll


def test_int8_weights_and_a_larger_cache_unroll_further():
    loop = replace(LSTM_64, recurrent_weights=256 * 4 * 256)
    assert choose(loop, Options(weight_bytes=1)).unroll == 2
    assert choose(loop, Options(l2_bytes=8 << 20)).unroll == 4
    assert choose(loop, Options(l2_bytes=256 << 10, weight_bytes=1)).unroll == 1


@pytest.mark.parametrize("change", [{"hoisted": False}, {"recurrent_weights": 0}])
def test_single_steps_where_unrolling_does_not_pay(change):
    loop = replace(LSTM_64, **change)
    assert choose(loop, Options(unroll=8)) == Schedule(1)


@pytest.mark.parametrize(("length", "unroll"), [(1, 1), (3, 2), (7, 4), (8, 4), (100, 4)])
def test_never_more_steps_than_a_fixed_length_has(length, unroll):
    assert choose(replace(LSTM_64, length=length)).unroll == unroll


@pytest.mark.parametrize(
    ("length", "padded", "remainder"),
    [(None, True, "front"), (None, False, "single"), (100, True, "none"), (101, False, "single")],
)
def test_what_becomes_of_a_remainder(length, padded, remainder):
    loop = replace(LSTM_64, length=length, identity_padding=padded)
    assert choose(loop).remainder == remainder


def test_steps_that_keep_the_state_up_to_rounding_come_not_in_front_where_that_counts():
    loop = replace(LSTM_64, roughly=True)
    assert choose(loop).remainder == "front"
    assert choose(loop, Options(exact=True)).remainder == "single"
    assert choose(LSTM_64, Options(exact=True)).remainder == "front"


def test_blocks_only_for_sequences():
    assert choose(LSTM_64).depth == 1
    schedule = choose(replace(LSTM_64, row_bytes=64 * 4))
    assert (schedule.depth, schedule.chunk) == (3, 64)
    assert schedule.partitions == 1


def test_levels_and_segments_by_the_bytes_of_a_row():
    sizes = (4, 64, 65, 511, 512, 1023, 1024, 4095, 4096, 65536)
    found = [choose(replace(LSTM_64, row_bytes=r)) for r in sizes]
    assert [s.depth for s in found] == [2, 2, *[3] * 8]
    assert [s.partitions for s in found] == [1, 1, 1, 1, 4, 4, 8, 8, 12, 12]
    assert [s.chunk_growth for s in found] == [8] * 10


def test_levels_alone_where_there_are_no_segments():
    sizes = (4, 64, 65, 511, 512, 2047, 2048, 4095, 4096)
    whole = Options(value_bytes=2)
    found = [choose(replace(LSTM_64, row_bytes=2 * r), whole) for r in sizes]
    assert [s.depth for s in found] == [2, 2, 3, 3, 4, 4, 4, 4, 5]
    assert [s.chunk_growth for s in found] == [8] * 6 + [4] * 3
    assert {s.partitions for s in found} == {1}
    fixed = replace(LSTM_64, row_bytes=4096, length=1000)
    assert choose(fixed, Options(partitions=4)).partitions == 1


def test_the_first_blocks_hold_short_sequences_where_there_are_partitions():
    loop = replace(LSTM_64, plain=True)
    found = [choose(replace(loop, row_bytes=r)) for r in (64, 511, 512, 2048, 4096, 16384)]
    assert [s.peeled_chunks for s in found] == [0, 0, 4, 6, 0, 0]
    assert [s.peeled_chunks * s.chunk for s in found] == [0, 0, 256, 192, 0, 0]
    many = [choose(replace(loop, row_bytes=r, batch=32)).peeled_chunks for r in (64, 512, 16384)]
    assert many == [1, 1, 1]
    row = replace(loop, row_bytes=512)
    assert choose(row, Options(peeled_chunks=5)).peeled_chunks == 5
    # No chunks, bodies that cannot be shared, weights that are none of a known cell.
    assert choose(loop).peeled_chunks == 0
    assert choose(row, Options(depth=1)).peeled_chunks == 0
    assert choose(row, Options(value_bytes=1)).peeled_chunks == 0
    assert choose(replace(row, length=1000)).peeled_chunks == 0
    assert choose(replace(row, plain=False)).peeled_chunks == 0
    assert choose(row, Options(chunked_projection=1)).peeled_chunks == 0


def test_a_free_batch_counts_as_four():
    free = replace(LSTM_64, row_bytes=512, batch=None)
    assert choose(free) == choose(replace(free, row_bytes=2048, batch=4))


@pytest.mark.parametrize(
    ("units", "unroll", "sequence"), [(128, 2, 2), (256, 1, 2), (512, 1, 1)], ids=str
)
def test_two_steps_halve_the_copies_of_rows_where_a_kernel_fits_the_cache(units, unroll, sequence):
    loop = replace(LSTM_64, recurrent_weights=units * 4 * units)
    assert choose(loop).unroll == unroll
    assert choose(replace(loop, row_bytes=4 * units)).unroll == sequence
    assert choose(replace(loop, row_bytes=4 * units), Options(max_unroll=1)).unroll == 1


def test_what_would_leave_the_cache_is_projected_by_blocks():
    loop = replace(LSTM_64, plain=True, projected_bytes=1024)
    assert not choose(replace(loop, projected_bytes=10_000)).chunked_projection
    assert not choose(replace(loop, batch=2)).chunked_projection
    assert not choose(replace(loop, batch=4), Options(value_bytes=1)).chunked_projection
    for batch in (4, None):
        found = choose(replace(loop, batch=batch))
        assert (found.chunked_projection, found.depth, found.chunk) == (True, 2, 128)
    assert not choose(replace(loop, batch=4, plain=False)).chunked_projection
    assert not choose(
        replace(loop, batch=4, identity_padding=False), Options(unroll=2)
    ).chunked_projection
    assert not choose(replace(loop, batch=4), Options(chunked_projection=0)).chunked_projection
    assert choose(loop, Options(chunked_projection=1, chunk=30)).chunk == 32
    assert choose(replace(loop, batch=4, identity_padding=False)) == replace(found, unroll=1)
    fixed = [choose(replace(loop, batch=4, length=t)).chunked_projection for t in (128, 129, 132)]
    assert fixed == [False, True, True]
    sequence = choose(replace(loop, batch=4, row_bytes=1024))
    assert (sequence.chunked_projection, sequence.depth, sequence.chunk) == (True, 3, 32)


def test_rows_of_a_known_shape_are_kept_in_variables():
    loop = replace(LSTM_64, row_bytes=256, fixed_rows=True)
    found = choose(loop)
    assert (found.variable_levels, found.depth, found.chunk, found.peeled_chunks) == (3, 1, 0, 0)
    assert found.thresholds == (64, 256)
    assert "rows in resource variables" in str(found)
    assert choose(loop, Options(max_depth=2)).variable_levels == 2
    # Large rows, rows of a free batch, and what the caller asks for are written in chunks.
    large = [choose(replace(loop, row_bytes=r)).variable_levels for r in (4095, 4096)]
    assert large == [3, 0]
    several = [choose(replace(loop, row_bytes=r, batch=2)).variable_levels for r in (1023, 1024)]
    assert several == [3, 0]
    assert choose(replace(loop, row_bytes=8192), Options(value_bytes=1)).variable_levels == 3
    assert choose(replace(loop, fixed_rows=False)).variable_levels == 0
    for name in (
        "chunk",
        "depth",
        "chunk_growth",
        "partitions",
        "peeled_chunks",
        "chunked_projection",
    ):
        assert choose(loop, Options(**{name: 2})).variable_levels == 0
        assert choose(loop, Options(**{name: 2}, variables=1)).variable_levels == 3
    assert choose(loop, Options(variables=0)) == choose(replace(loop, fixed_rows=False))
    assert choose(replace(loop, row_bytes=8192), Options(variables=1)).variable_levels == 3
    # Neither a last output nor a sequence that is read at once needs it.
    assert choose(replace(loop, row_bytes=0)).variable_levels == 0
    assert [choose(replace(loop, length=t)).variable_levels for t in (64, 65)] == [0, 3]


def test_inputs_are_projected_by_blocks_rather_than_rows_kept():
    loop = replace(LSTM_64, plain=True, projected_bytes=1024, batch=4, row_bytes=1024)
    loop = replace(loop, fixed_rows=True)
    assert (choose(loop).chunked_projection, choose(loop).variable_levels) == (True, 0)
    asked = choose(loop, Options(variables=1))
    assert (asked.chunked_projection, asked.variable_levels) == (False, 3)
    joined = choose(replace(loop, features=64, batch=8, row_bytes=512))
    assert (joined.projection, joined.variable_levels) == (Projection.FUSED, 3)


def test_a_fixed_length_has_no_more_levels_than_it_needs():
    loop = replace(LSTM_64, row_bytes=4096)
    found = [choose(replace(loop, length=t)).depth for t in (32, 256, 2000, 20000)]
    assert found == [1, 2, 3, 5]


@given(
    unroll=st.sampled_from([1, 2, 4, 8]),
    row_bytes=st.integers(4, 1 << 20),
    chunk=st.none() | st.integers(1, 1000),
    length=st.none() | st.integers(1, 100000),
)
def test_blocks_are_made_of_whole_iterations(unroll, row_bytes, chunk, length):
    loop = replace(LSTM_64, row_bytes=row_bytes, length=length)
    found = choose(loop, Options(unroll=unroll, max_unroll=8, chunk=chunk))
    assert found.chunk % found.unroll == 0
    assert (found.chunk == 0) == (found.depth == 1)
    assert 1 <= found.depth <= 5


def test_blocks_shrink_as_rows_grow():
    sizes = [best_chunk(1, 1 << k) for k in range(2, 20)]
    assert sizes == sorted(sizes, reverse=True)
    assert (sizes[0], sizes[-1]) == (256, 4)


@pytest.mark.parametrize(
    ("batch", "features", "place"),
    [
        *[(1, 64, "hoisted"), (4, 64, "hoisted"), (7, 1024, "fused"), (8, 64, "fused")],
        *[(8, 128, "hoisted"), (16, 64, "fused"), (16, 256, "hoisted"), (32, 64, "fused")],
        *[(32, 512, "hoisted"), (None, 512, "fused")],
    ],
)
def test_projects_in_the_step_where_few_rows_are_computed_in_vain(batch, features, place):
    loop = replace(LSTM_64, plain=True, batch=batch, features=features, projected_bytes=1024)
    assert choose(loop).projection is Projection(place)
    assert choose(loop, Options(projection="in_loop")).projection is Projection.IN_LOOP
    assert choose(loop, Options(value_bytes=1)).projection is Projection.HOISTED
    assert choose(loop, Options(chunked_projection=0)).projection is Projection.HOISTED
    assert choose(replace(loop, batch=3, features=1)).projection is Projection.HOISTED
    assert (
        choose(replace(loop, plain=False), Options(projection="in_loop")).projection
        is Projection.HOISTED
    )


def test_int8_weights_keep_inputs_and_state_on_scales_of_their_own():
    loop = replace(LSTM_64, plain=True, features=64, projected_bytes=1024)
    found = [
        choose(replace(loop, batch=b), Options(weight_bytes=1)).projection for b in (1, 2, 4, 32)
    ]
    assert found == [Projection.HOISTED, Projection.HOISTED, Projection.IN_LOOP, Projection.IN_LOOP]


def test_projecting_in_the_step_leaves_no_neutral_rows_and_no_blocks_of_rows():
    loop = replace(LSTM_64, plain=True, batch=32, features=64, projected_bytes=4096)
    # The kernel is read in each step too: 327 kB in all, then 197.
    assert choose(loop) == Schedule(projection=Projection.FUSED)
    loop = replace(loop, projected_bytes=2048)
    assert choose(loop) == Schedule(2, "single", projection=Projection.FUSED)
    assert choose(loop, Options(projection="hoisted")).unroll == 1
    sequence = choose(replace(loop, row_bytes=8192, recurrent_weights=128 * 512))
    assert (sequence.unroll, sequence.remainder, sequence.chunked_projection) == (
        4,
        "single",
        False,
    )
    large = replace(loop, row_bytes=32768, recurrent_weights=512 * 2048)
    assert choose(large).unroll == 1


def test_remainder_rows_where_a_batch_is_a_little_above_whole_tiles():
    loop = replace(LSTM_64, plain=True, projected_bytes=1024)
    found = [
        choose(replace(loop, batch=b)).remainder_rows for b in (1, 2, 7, 8, 9, 14, 15, 16, 22, None)
    ]
    assert found == [0, 2, 0, 1, 2, 0, 1, 0, 1, 0]
    assert choose(replace(loop, batch=8), Options(weight_bytes=1)).remainder_rows == 0
    assert choose(replace(loop, batch=8, plain=False)).remainder_rows == 0


def test_a_free_batch_counts_as_what_predict_takes_at_a_time():
    assert LITERT.costs.usual_batch == DEFAULT_BATCH
