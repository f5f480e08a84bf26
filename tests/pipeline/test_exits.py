"""Exits of files in every mode: together they give what the whole gives, and nothing twice."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import rnnlite
import two_signatures
from rnnlite.errors import ModelError, OptionError, SampleError

L = keras.layers
RNG = np.random.default_rng(0)
SAMPLES = [RNG.normal(size=(int(t), 6)).astype(np.float32) for t in RNG.integers(4, 40, 30)]


@pytest.fixture(scope="module")
def model():
    """A cheap exit behind one GRU, a dear one behind two LSTMs more; the dear one stands first."""
    keras.utils.set_random_seed(0)
    x = keras.Input((None, 6), name="x")
    a = L.Bidirectional(L.GRU(8, return_sequences=True))(x)
    early = L.Dense(4, activation="softmax", name="early")(L.GlobalAveragePooling1D()(a))
    b = L.LSTM(12)(L.LSTM(12, return_sequences=True)(a))
    return keras.Model(x, [L.Dense(4, activation="softmax", name="late")(b), early])


MODES = [
    {},
    {"batch_size": None},
    {"sequence_length": 20},
    {"quantize": "dynamic"},
    {"quantize": "int8", "calibration": SAMPLES},
    {"quantize": "int16x8", "calibration": SAMPLES, "io": "float32"},
]


@pytest.mark.parametrize("options", MODES, ids=lambda o: "-".join(map(str, o)) or "float32")
def test_together_they_are_the_whole(model, options):
    lite = rnnlite.load(rnnlite.convert(model, exits=True, **options).tflite)
    samples = SAMPLES
    if "sequence_length" in options:
        samples = [np.resize(s, (20, 6)) for s in samples]
    assert [e.output for e in lite.exits] == ["early", "late"]
    assert [e.inputs for e in lite.exits] == [("x",), ("boundary/0",)]
    assert [s for s in lite.signatures if s.startswith("exit/")] == ["exit/early", "exit/late"]
    whole = lite.predict(samples)
    for threshold in (0.0, 0.4, 2.0):
        found = lite.predict_early(samples, threshold)
        assert found.names == ("early", "late")
        assert sum(found.shares.values()) == pytest.approx(1)
        for k, (place, score) in enumerate(zip(found.exits, found.scores, strict=True)):
            wanted = whole[found.names[place]][k]
            np.testing.assert_allclose(found.outputs[k], wanted, atol=1e-6)
            assert score == pytest.approx(float(wanted.max()), abs=1e-6)
            assert place == 1 or score >= threshold
    assert set(lite.predict_early(samples, 0.0).exits) == {0}
    assert set(lite.predict_early(samples, 2.0).exits) == {1}


def test_weights_stand_once():
    keras.utils.set_random_seed(0)
    x = keras.Input((None, 16))
    a = L.GRU(256, return_sequences=True)(x)
    early = L.Dense(3, name="early")(L.GlobalMaxPooling1D()(a))
    model = keras.Model(x, [early, L.Dense(3, name="late")(L.GRU(256)(a))])
    plain = len(rnnlite.convert(model, verify=False).tflite)
    assert len(rnnlite.convert(model, exits=True, verify=False).tflite) < 1.1 * plain


def test_a_score_of_ones_own(model):
    lite = rnnlite.load(rnnlite.convert(model, exits=True).tflite)
    margins = lite.predict_early(SAMPLES, 0.1, score=lambda p: float(np.ptp(np.sort(p)[-2:])))
    for k, place in enumerate(margins.exits):
        best = np.sort(margins.outputs[k])
        assert margins.scores[k] == pytest.approx(float(best[-1] - best[-2]))
        assert place == 1 or margins.scores[k] >= 0.1


class Steps(tf.Module):
    """A graph of two outputs over one recurrence."""

    def __init__(self):
        super().__init__()
        self.w = tf.constant(RNG.normal(size=(6, 6)).astype(np.float32) * 0.3)

    @tf.function(input_signature=[tf.TensorSpec([None, None, 6], name="x")])
    def __call__(self, x):
        steps = tf.transpose(x, [1, 0, 2])
        states = tf.scan(lambda h, v: tf.tanh(v + h @ self.w), steps, tf.zeros_like(steps[0]))
        return {"last": states[-1], "wide": tf.nn.softmax(states[-1] @ self.w @ self.w)}


def test_graphs_have_exits_too():
    lite = rnnlite.load(rnnlite.convert(Steps(), exits=True).tflite)
    assert [e.output for e in lite.exits] == ["last", "wide"]
    assert lite.exits[0].ops > lite.exits[1].ops
    whole = lite.predict(SAMPLES)
    found = lite.predict_early(SAMPLES, 1e9)
    for k, result in enumerate(found.outputs):
        np.testing.assert_allclose(result, whole["wide"][k], atol=1e-6)


def test_beside_a_stream():
    x = keras.Input((None, 6))
    a = L.GRU(8, return_sequences=True)(x)
    model = keras.Model(x, [L.Dense(2, name="tags")(a), L.Dense(2, name="last")(L.LSTM(8)(a))])
    lite = rnnlite.load(rnnlite.convert(model, exits=True, streaming=True).tflite)
    assert {"stream", "exit/tags", "exit/last"} <= set(lite.signatures)
    rows = lite.stream()(SAMPLES[0])["tags"]
    np.testing.assert_allclose(
        rows, lite.predict_early(SAMPLES[:1], 0.0, score=len).outputs[0], atol=1e-5
    )


class TestRefusals:
    def test_one_output(self):
        one = keras.Sequential([keras.Input((None, 6)), L.GRU(4)])
        with pytest.raises(
            OptionError, match=r"exits are asked for, and .* has one output; expected"
        ):
            rnnlite.convert(one, exits=True)

    def test_a_target_of_one_signature(self, model):
        with pytest.raises(OptionError, match=r"exits are asked for, and .* runs one signature"):
            rnnlite.convert(model, exits=True, target="tflite-micro", sequence_length=8)

    def test_several_signatures(self, tmp_path):
        two_signatures.save(tmp_path / "both")
        with pytest.raises(OptionError, match="exits are asked for, and several signatures"):
            rnnlite.convert(tmp_path / "both", exits=True, signature="all")

    def test_a_file_without_exits(self, exits, sequences):
        with pytest.raises(ModelError, match="the file has no exits; expected signatures 'exit/"):
            rnnlite.load(exits.tflite).predict_early(sequences, 0.5)

    def test_nonsense(self, model):
        lite = rnnlite.load(rnnlite.convert(model, exits=True, verify=False).tflite)
        with pytest.raises(SampleError, match="threshold is no number; expected a number"):
            lite.predict_early(SAMPLES, "high")
        with pytest.raises(SampleError, match="score is no score; expected 'max_prob'"):
            lite.predict_early(SAMPLES, 0.5, score="entropy")
