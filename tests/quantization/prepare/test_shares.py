"""Shares of time steps hold at lengths far beyond calibration's, and wherever they are written."""

import numpy as np
import pytest

from graphs import run
from integers import Head, calibrated
from rnnlite.quantization.prepare.decompose import decompose
from rnnlite.quantization.recipes import all_int8, all_int16

WIDTH, CALIBRATED = 6, 40
TURN = (0, 2, 1)
LENGTHS = (2, CALIBRATED, 600, 1200)


def turned(h, x, shape):
    return h.op("TRANSPOSE", x, h.main.constant(list(TURN), "int32"), shape=shape)


def scores(h):
    """One number a step, time last."""
    return turned(h, h.reduce("SUM", h.x), (1, 1, -1))


def softmax(h, s):
    return h.op("SOFTMAX", s, shape=(1, 1, -1), options="SoftmaxOptions", beta=1.0)


def by_hand(h, s):
    e = h.op("EXP", s, shape=(1, 1, -1))
    axes = h.main.constant([2], "int32")
    total = h.op("SUM", e, axes, shape=(1, 1, 1), options="ReducerOptions", keepDims=True)
    return h.op("DIV", e, total, shape=(1, 1, -1))


def by_product(h, w):
    """As matmul(w, x) comes."""
    return h.op("BATCH_MATMUL", w, h.x, shape=(1, 1, WIDTH), options="BatchMatMulOptions")


def by_sum(h, w):
    """As sum(w * x) comes."""
    weighted = h.op("MUL", turned(h, w, (1, -1, 1)), h.x)
    return h.reduce("SUM", weighted, 1)


def by_repeating(h, w):
    """As RepeatVector, Permute and Multiply come."""
    often = h.op("TILE", w, h.main.constant([1, WIDTH, 1], "int32"), shape=(1, WIDTH, -1))
    return h.reduce("SUM", h.op("MUL", turned(h, often, (1, -1, WIDTH)), h.x), 1)


def by_parts(h, w):
    """As one of several heads is taken out."""
    size = {"options": "ConcatenationOptions", "axis": 1}
    heads = h.op("CONCATENATION", w, w, shape=(1, 2, -1), **size)
    places = [h.main.constant(p, "int32") for p in ([0, 1, 0], [1, 1, -1])]
    return by_sum(h, h.op("SLICE", heads, *places, shape=(1, 1, -1)))


def model_of(shares, total):
    h = Head((1, -1, WIDTH))
    return h.end(total(h, shares(h, scores(h))))


def frames(length, seed):
    rng = np.random.default_rng(seed)
    return (0.3 * rng.normal(size=(length, WIDTH)) + np.linspace(-1, 1, WIDTH)).astype(np.float32)


def expected(x):
    s = x.astype(np.float64).sum(-1)
    e = np.exp(s - s.max())
    return ((e / e.sum())[:, None] * x).sum(0)


FORMS = [
    *((s, t) for s in (softmax, by_hand) for t in (by_product, by_sum)),
    *((softmax, t) for t in (by_repeating, by_parts)),
]


@pytest.mark.parametrize(("shares", "total"), FORMS)
@pytest.mark.parametrize("dtype", ["int8", "int16"])
def test_lengths_beyond_calibration(shares, total, dtype):
    """In steps of 1/256 all shares of 600 steps would be 0."""
    rows = [[frames(t, t)] for t in range(2, CALIBRATED)]
    data = calibrated(rows, model_of(shares, total), dtype)
    for length in LENGTHS:
        x = frames(length, 1)
        (found,) = run(data, x[None])
        wanted = expected(x)
        error = np.sqrt(np.mean((found - wanted) ** 2) / np.mean(wanted**2))
        assert error < (0.04 if dtype == "int8" else 0.02), (length, error)


@pytest.mark.parametrize("dtype", ["int8", "int16"])
def test_faint_shares_beyond_calibration(dtype):
    """Calibrated where all are small already: a sum of exponentials would saturate beyond."""
    rows = [[frames(t, t)] for t in (400, 500)]
    data = calibrated(rows, model_of(softmax, by_product), dtype, faint=True)
    for length in (400, 500, 2000):
        x = frames(length, 1)
        (found,) = run(data, x[None])
        wanted = expected(x)
        error = np.sqrt(np.mean((found - wanted) ** 2) / np.mean(wanted**2))
        assert error < (0.04 if dtype == "int8" else 0.02), (length, error)


@pytest.mark.parametrize(("shares", "total"), FORMS)
def test_equal_in_float(shares, total):
    model = model_of(shares, total)
    decompose(model.ir, all_int16)
    for length in LENGTHS:
        x = frames(length, length)
        (found,) = run(model.bytes(), x[None])
        np.testing.assert_allclose(found.reshape(-1), expected(x), rtol=0, atol=3e-6)


@pytest.mark.parametrize(
    ("total", "moves"),
    [(by_sum, []), (by_repeating, ["TILE"]), (by_parts, ["CONCATENATION", "SLICE"])],
)
def test_what_multiplies_shares_and_adds_them_up_is_wide(total, moves):
    model = model_of(softmax, total)
    wide = decompose(model.ir, all_int8)
    assert [op.kind for op in model.ir.main.ops if op in wide] == [
        *("SOFTMAX", *moves, "TRANSPOSE", "MUL", "SUM")
    ]


def test_softmax_over_features_stays():
    h = Head((1, -1, WIDTH))
    y = h.op("SOFTMAX", h.x, options="SoftmaxOptions", beta=1.0)
    model = h.end(h.op("MUL", y, h.x))
    assert not decompose(model.ir, all_int8)


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("dtype", ["int8", "int16"])
def test_logarithms_of_shares(dtype, fused):
    """As a pointer over time gives them: the sum of exponentials keeps its range."""
    h = Head((1, 1, -1))
    y = (
        h.op("LOG_SOFTMAX", h.x, options="LogSoftmaxOptions")
        if fused
        else h.op("LOG", h.op("SOFTMAX", h.x, options="SoftmaxOptions", beta=1.0))
    )
    rows = [[frames(t, t)[None, :, 0]] for t in range(2, CALIBRATED)]
    data = calibrated(rows, h.end(y), dtype)
    # The output's own range is twice as far in int16 as was seen.
    for length in (2, CALIBRATED) if dtype == "int8" else (2, CALIBRATED, 600):
        x = frames(length, 1)[None, None, :, 0]
        (found,) = run(data, x)
        wanted = x - np.log(np.exp(x.astype(np.float64)).sum())
        error = np.sqrt(np.mean((found - wanted) ** 2) / np.mean(wanted**2))
        assert error < (0.03 if dtype == "int8" else 0.005), (length, error)
