"""The block LSTM, against TensorFlow's own kernels: gate order, forget bias, peepholes, clip."""

import numpy as np
import pytest
import tensorflow as tf

from rnnlite.scan import oracle
from rnnlite.scan.block_lstm import RESULTS, BlockLSTM

BATCH, FEATURES, UNITS, STEPS = 2, 3, 4, 6


def weights(seed=0, scale=0.7):
    rng = np.random.default_rng(seed)

    def w(*shape):
        return (rng.standard_normal(shape) * scale).astype(np.float32)

    return {
        "kernel": w(FEATURES, 4 * UNITS),
        "recurrent": w(UNITS, 4 * UNITS),
        "bias": w(4 * UNITS),
        "peepholes": [w(UNITS) for _ in range(3)],
        "x": w(STEPS, BATCH, FEATURES) * 3,
        "h": w(BATCH, UNITS),
        "c": w(BATCH, UNITS) * 2,
    }


def kernel_of_tensorflow(w, clip, peephole):
    """What BlockLSTM gives: its seven results, each (T, B, H)."""
    i, f, o = w["peepholes"]
    found = tf.raw_ops.BlockLSTM(
        seq_len_max=tf.constant(STEPS, tf.int64),
        x=w["x"],
        cs_prev=w["c"],
        h_prev=w["h"],
        w=np.concatenate([w["kernel"], w["recurrent"]]),
        wci=i,
        wcf=f,
        wco=o,
        b=w["bias"],
        forget_bias=0.0,
        cell_clip=clip,
        use_peephole=peephole,
    )
    return [y.numpy() for y in found]


@pytest.mark.parametrize("clip", [-1.0, 0.5])
@pytest.mark.parametrize("peephole", [False, True])
def test_it_is_the_kernel(clip, peephole):
    w = weights()
    cell = BlockLSTM(
        w["kernel"],
        w["recurrent"],
        w["bias"],
        tuple(w["peepholes"]) if peephole else None,
        clip,
        RESULTS,
    )
    expected = kernel_of_tensorflow(w, clip, peephole)
    (projected,) = cell.project([tf.constant(w["x"])])
    states, constants = [tf.constant(w["h"]), tf.constant(w["c"])], cell.weights()
    for t in range(STEPS):
        outputs, states = cell.step([projected[t]], states, constants)
        for name, y, whole in zip(RESULTS, outputs, expected, strict=True):
            np.testing.assert_allclose(y, whole[t], atol=2e-6, err_msg=f"{name} of step {t}")
        np.testing.assert_array_equal(states[0], outputs[RESULTS.index("h")])
        np.testing.assert_array_equal(states[1], outputs[RESULTS.index("cs")])
    if clip > 0:
        # The test would say nothing of a clip that is never met.
        assert np.abs(expected[1]).max() == clip


def test_outputs_are_those_that_are_wanted():
    w = weights()
    for wanted in (("h",), ("cs", "h"), ("o", "i")):
        cell = BlockLSTM(w["kernel"], w["recurrent"], w["bias"], None, 0.0, wanted)
        (projected,) = cell.project([tf.constant(w["x"])])
        outputs, _ = cell.step(
            [projected[0]], [tf.constant(w["h"]), tf.constant(w["c"])], cell.weights()
        )
        whole = kernel_of_tensorflow(w, -1.0, False)
        for name, y in zip(wanted, outputs, strict=True):
            np.testing.assert_allclose(y, whole[RESULTS.index(name)][0], atol=2e-6)


@pytest.mark.parametrize("clip", [-1.0, 0.5])
@pytest.mark.parametrize("peephole", [False, True])
def test_neutral_rows_keep_zero_at_zero(clip, peephole):
    w = weights()
    peepholes = tuple(w["peepholes"]) if peephole else None
    cell = BlockLSTM(w["kernel"], w["recurrent"], w["bias"], peepholes, clip, ("h",))
    (row,) = cell.identity_padding()
    zero = tf.zeros([BATCH, UNITS])
    _, states = cell.step([tf.constant(np.stack([row] * BATCH))], [zero, zero], cell.weights())
    for state in states:
        np.testing.assert_array_equal(state, zero)


def test_what_the_schedule_asks():
    w = weights()
    cell = BlockLSTM(w["kernel"], w["recurrent"], w["bias"], tuple(w["peepholes"]), 0.0, ("h",))
    assert (cell.units, cell.recurrent_weights) == (UNITS, 4 * UNITS * UNITS)
    assert [len(x.shape) for x in cell.weights()] == [2, 1, 1, 1]
    assert (cell.hoisted, cell.output_is_state, cell.cuts) == (True, None, None)


def test_without_peepholes_and_clip_it_is_an_lstm_of_another_order():
    """i, g, f, o of the kernel against i, f, g, o of Keras."""
    w = weights(seed=3)

    def reordered(array):
        i, g, f, o = np.split(array, 4, -1)
        return np.concatenate([i, f, g, o], -1)

    given = (reordered(w[n]) for n in ("kernel", "recurrent", "bias"))
    wanted, (_, c) = oracle.scan(
        oracle.lstm_step(*given), np.swapaxes(w["x"], 0, 1), [w["h"], w["c"]]
    )
    cell = BlockLSTM(w["kernel"], w["recurrent"], w["bias"], None, -1.0, ("h",))
    (rows,) = cell.project([tf.constant(w["x"])])
    states, found = [tf.constant(w["h"]), tf.constant(w["c"])], []
    for t in range(STEPS):
        (y,), states = cell.step([rows[t]], states, cell.weights())
        found.append(y)
    np.testing.assert_allclose(np.stack(found, 1), wanted, atol=3e-6)
    np.testing.assert_allclose(states[1], c, atol=1e-5)


@pytest.mark.parametrize("clip", [-1.0, 0.0])
def test_no_clip_leaves_large_states(clip):
    w = weights()
    cell = BlockLSTM(w["kernel"], w["recurrent"], w["bias"], None, clip, ("cs",))
    (rows,) = cell.project([tf.constant(w["x"])])
    large = tf.fill([BATCH, UNITS], 100.0)
    (c,), _ = cell.step([rows[0]], [tf.constant(w["h"]), large], cell.weights())
    assert np.max(c) > 10
