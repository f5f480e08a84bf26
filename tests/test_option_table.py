"""Random models over the option table, both Keras packages, against their source.

`convert` itself refuses a model that differs from its source; here the comparison is made anew,
with the live model called as a user calls it.
"""

import os

import keras
import numpy as np
import pytest
import tf_keras
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

import option_table
import rnnlite

EXAMPLES = int(os.environ.get("RNNLITE_EXAMPLES", "16"))
SETTINGS = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
TOLERANCE = 2e-4
SCHEDULES = [
    None,
    None,
    "unroll=1,chunk=2,depth=3",
    "unroll=2,chunk=4,depth=4,chunked_projection=1",
    "chunked_projection=1,chunk=8",
    "unroll=2,chunk=4,depth=2,partitions=3,peeled_chunks=0",
    "unroll=2,chunk=4,depth=2,peeled_chunks=2",
    "projection=in_loop,unroll=4,chunk=4,depth=2,partitions=2",
    "projection=fused,depth=1,partitions=4",
]
"""Small blocks bring several levels of them into short sequences."""


def sample(model, length, batch, seed):
    """One array an input, as a user would feed it."""
    rng = np.random.default_rng(seed)
    arrays = []
    for x in model.inputs:
        dtype = getattr(x.dtype, "name", x.dtype)
        shape = [batch, x.shape[1] or length, *x.shape[2:]]
        if dtype == "bool":
            arrays.append(rng.random(shape) < 0.7)
        elif dtype == "int32":
            arrays.append(rng.integers(0, 11, shape).astype(np.int32))
        else:
            arrays.append(rng.standard_normal(shape).astype(np.float32))
    return arrays


def flat(value):
    if isinstance(value, (list, tuple)):
        return [y for item in value for y in flat(item)]
    return [np.asarray(value)]


def compare(model, draw, free_batch, schedule):
    """Convert; compare at the model's own length, or at several."""
    batch = model.inputs[0].shape[0] if getattr(model, "inputs", None) else None
    if getattr(model, "inputs", None):
        probe = sample(model, 5, batch or 2, 0)
        try:
            model(probe if len(probe) > 1 else probe[0])
        except Exception:
            # Keras itself cannot run a few combinations, such as a mask over stacked cells.
            assume(False)
    converted = rnnlite.convert(
        model,
        batch_size=None if free_batch and batch is None else "auto",
        schedule=schedule,
    )
    assert not rnnlite.inspect(converted.tflite).custom_ops
    if not getattr(model, "inputs", None) or draw.get("stateful"):
        return
    loaded = rnnlite.load(converted.tflite)
    for length in (2, 11, 30):
        arrays = sample(model, length, 1 if batch is None else batch, length)

        def call(arrays=arrays):
            return flat(model(arrays if len(arrays) > 1 else arrays[0]))

        expected, found = call(), loaded.run(arrays)
        for k, (a, b) in enumerate(zip(found, expected, strict=True)):
            scale = float(np.max(np.abs(b), initial=0)) or 1.0
            if np.max(np.abs(a - b), initial=0) > TOLERANCE * scale:
                np.testing.assert_allclose(a, b, atol=8 * rounding(model, call, k), rtol=0)


def rounding(model, call, k):
    """How far output k of Keras moves where its weights move as rounding would move them.

    A ReLU in a recurrence lets rounding grow with every step: in 30 steps of a convolutional LSTM
    Keras itself is 5e-4 of the scale from its own result in float64.
    """
    weights, expected = model.get_weights(), call()[k]
    moved = []
    for seed in range(3):
        rng = np.random.default_rng(seed)
        amounts = [2.0**-24 * np.prod(w.shape[:-1]) ** 0.5 for w in weights]
        signs = [rng.choice([-1, 1], w.shape) for w in weights]
        values = zip(weights, amounts, signs, strict=True)
        model.set_weights([(w * (1 + a * s)).astype(w.dtype) for w, a, s in values])
        moved.append(float(np.max(np.abs(call()[k] - expected))))
    model.set_weights(weights)
    return max(moved)


@pytest.mark.long(minutes=4)
@pytest.mark.parametrize("K", [keras, tf_keras], ids=["keras", "tf_keras"])
@SETTINGS
@given(draw=option_table.models(), free_batch=st.booleans(), schedule=st.sampled_from(SCHEDULES))
def test_random_models(K, draw, free_batch, schedule):
    try:
        model = option_table.build(K, draw)
    except Exception:
        # Keras itself refuses a few combinations when they are built.
        assume(False)
    compare(model, draw, free_batch, schedule)


@pytest.mark.long(minutes=2)
@pytest.mark.parametrize("K", [keras, tf_keras], ids=["keras", "tf_keras"])
@settings(SETTINGS, max_examples=max(EXAMPLES // 3, 1))
@given(draw=option_table.conv_models(), free_batch=st.booleans())
def test_random_conv_lstms(K, draw, free_batch):
    compare(option_table.build_conv(K, draw), draw, free_batch, "chunk=2,depth=3")


@pytest.mark.long(minutes=2)
@settings(SETTINGS, max_examples=max(EXAMPLES // 5, 1))
@given(draw=option_table.models())
def test_random_models_from_files(tmp_path_factory, draw):
    assume(draw["form"] != "subclassed")
    folder = tmp_path_factory.mktemp("table")
    for K, name in ((keras, "m.keras"), (tf_keras, "m.h5")):
        cell = option_table.custom_cell(K)
        try:
            model = option_table.build(K, draw, cell)
            model.save(folder / name)
            K.models.load_model(folder / name, custom_objects={"DelayCell": cell}, compile=False)
            probe = sample(model, 5, model.inputs[0].shape[0] or 2, 0)
            model(probe if len(probe) > 1 else probe[0])
        except Exception:
            # Not every model can be saved, or loaded again, by Keras itself.
            continue
        live = rnnlite.convert(model, verify=False)
        filed = rnnlite.convert(folder / name, custom_objects={"DelayCell": cell})
        arrays = sample(model, 7, model.inputs[0].shape[0] or 1, 1)
        for a, b in zip(
            rnnlite.load(live.tflite).run(arrays),
            rnnlite.load(filed.tflite).run(arrays),
            strict=True,
        ):
            np.testing.assert_allclose(a, b, atol=1e-6)


LIMITS = {"float16": 0.01, "dynamic": 0.05, "int8": 0.10, "int16x8": 0.02}
MEDIANS = {"float16": 0.005, "dynamic": 0.02, "int8": 0.03, "int16x8": 0.01}


def one_sample(converted, length, seed):
    """A sample by the converted model's own inputs."""
    rng = np.random.default_rng(seed)
    arrays = []
    for spec in rnnlite.load(converted).inputs:
        shape = [d or length for d in spec.shape[1:]]
        if spec.dtype == "bool":
            arrays.append(rng.random(shape) < 0.75)
        elif spec.dtype == "int32":
            arrays.append(rng.integers(0, 11, shape).astype(np.int32))
        else:
            arrays.append(np.clip(rng.standard_normal(shape), -2.5, 2.5).astype(np.float32))
    return arrays[0] if len(arrays) == 1 else tuple(arrays)


@pytest.mark.long(minutes=4)
@pytest.mark.parametrize("K", [keras, tf_keras], ids=["keras", "tf_keras"])
def test_random_models_quantized(K, monkeypatch):
    """Trained networks do not explode: weights are moved by a little only."""
    monkeypatch.setattr(option_table, "NOISE", 0.05)
    errors = {mode: [] for mode in LIMITS}

    # Five conversions an example: no time for shrinking a failure.
    @settings(SETTINGS, max_examples=max(EXAMPLES // 8, 1), phases=[Phase.generate])
    @given(
        draw=option_table.models(),
        free_batch=st.booleans(),
        schedule=st.sampled_from([None, "unroll=2,chunk=4,chunked_projection=1"]),
    )
    def each(draw, free_batch, schedule):
        try:
            model = option_table.build(K, draw)
            if getattr(model, "inputs", None):
                arrays = sample(model, 5, model.inputs[0].shape[0] or 2, 0)
                model(arrays if len(arrays) > 1 else arrays[0])
        except Exception:
            # Keras itself refuses a few combinations, when built or when run.
            assume(False)
        plain = rnnlite.convert(model, verify=False).tflite
        batch = model.inputs[0].shape[0] if getattr(model, "inputs", None) else None
        batch_size = None if free_batch and batch is None else "auto"
        reference = rnnlite.load(plain)
        calibration = [one_sample(plain, 4 + k % 24, k) for k in range(100)]
        test = [one_sample(plain, 5 + k, 100 + k) for k in range(12)]
        expected = reference.predict(test)
        columns = expected.values() if isinstance(expected, dict) else [expected]
        # LiteRT prescribes the steps of TANH and LOGISTIC (1/128, 1/32768): an untrained network
        # whose signals are of that size has nothing to measure.
        assume(all(size(column) > 0.05 for column in columns))
        # Integers saturate beyond what calibration saw, whatever the quantizer.
        seen = reference.predict(calibration)
        seen_columns = seen.values() if isinstance(seen, dict) else [seen]
        assume(all(map(covered, columns, seen_columns)))
        for mode, limit in LIMITS.items():
            converted = rnnlite.convert(
                model,
                quantize=mode,
                calibration=calibration,
                batch_size=batch_size,
                schedule=schedule,
                verify=False,
            )
            found = rnnlite.load(converted.tflite).predict(test)
            worst = max(
                rms(a, b)
                for a, b in zip(
                    found.values() if isinstance(found, dict) else [found],
                    expected.values() if isinstance(expected, dict) else [expected],
                    strict=True,
                )
            )
            errors[mode].append(worst)
            assert worst < limit, (mode, worst)

    each()
    for mode, values in errors.items():
        assert np.median(values) < MEDIANS[mode], (mode, sorted(values))


def covered(test, calibration):
    """Whether no output exceeds those of the calibration samples by more than a tenth."""
    ranges = [
        (min(y.min() for y in column), max(y.max() for y in column))
        for column in (test, calibration)
    ]
    (low, high), (lowest, highest) = ranges
    return low >= min(1.1 * lowest, 0) - 1e-6 and high <= max(1.1 * highest, 0) + 1e-6


def size(column):
    return float(np.sqrt(np.mean(np.concatenate([np.ravel(y) for y in column]) ** 2)))


def rms(found, expected):
    a = np.concatenate([np.ravel(y) for y in found]).astype(np.float64)
    b = np.concatenate([np.ravel(y) for y in expected]).astype(np.float64)
    return float(np.sqrt(np.mean((a - b) ** 2) / max(np.mean(b**2), 1e-30)))
