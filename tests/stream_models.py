"""Random models that stream, and such that cannot, each with the layer at fault.

`python tests/stream_models.py --seeds 0:60 --mode int8` converts many of them, feeds each by random
cuttings and prints those that fail.
"""

import argparse
import time

import keras
import numpy as np
import tf_keras

import rnnlite

FEATURES = 5
MODES = (None, "float16", "dynamic", "int8", "int16x8")


def recurrence(K, rng, sequences=True):
    L = K.layers
    units = int(rng.integers(3, 12))
    options = {"return_sequences": sequences}
    kind = rng.choice(["lstm", "gru", "gru2", "rnn", "cells", "residual"])
    if kind == "lstm":
        gates = str(rng.choice(["sigmoid", "hard_sigmoid"]))
        return L.LSTM(units, recurrent_activation=gates, **options)
    if kind == "gru":
        return L.GRU(units, **options)
    if kind == "gru2":
        return L.GRU(units, reset_after=False, **options)
    if kind == "rnn":
        return L.SimpleRNN(units, activation=str(rng.choice(["tanh", "relu"])), **options)
    if kind == "cells":
        return L.RNN([L.LSTMCell(units), L.GRUCell(units + 1)], **options)
    return L.LSTM(units, unit_forget_bias=False, use_bias=bool(rng.integers(2)), **options)


def convolution(K, rng):
    L = K.layers
    padding = str(rng.choice(["causal", "valid", "same"]))
    stride, dilation = ((1, 1), (2, 1), (1, 2), (1, 3))[rng.integers(4)]
    activation = str(rng.choice(["relu", "linear", "elu", "tanh"]))
    width = int(rng.integers(1, 6))
    options = {"strides": stride, "dilation_rate": dilation, "activation": activation}
    kind = rng.choice(["conv", "conv", "separable", "depthwise"])
    filters = int(rng.integers(3, 9))
    if kind == "separable":
        padding = "same" if padding == "causal" else padding
        options["strides"], options["dilation_rate"] = (
            (1, dilation) if dilation > 1 else (stride, 1)
        )
        return L.SeparableConv1D(filters, width, padding=padding, **options)
    if kind == "depthwise":
        padding = "same" if padding == "causal" else padding
        return L.DepthwiseConv1D(width, padding=padding, activation=activation)
    return L.Conv1D(filters, width, padding=padding, **options)


def between(K, rng):
    L = K.layers
    return [
        lambda: L.MaxPooling1D(2, padding=str(rng.choice(["same", "valid"]))),
        lambda: L.AveragePooling1D(3, 1, padding=str(rng.choice(["same", "valid"]))),
        lambda: L.BatchNormalization(),
        lambda: L.LayerNormalization(),
        lambda: L.TimeDistributed(L.Dense(6, activation="relu")),
        lambda: L.Dropout(0.2),
        lambda: L.Activation("gelu") if K is keras else L.Activation("swish"),
        lambda: L.ZeroPadding1D((2, 0)),
    ][rng.integers(8)]()


def head(K, rng):
    L = K.layers
    return [
        lambda: [L.Dense(3, activation="softmax")],
        lambda: [L.Dense(3)],
        lambda: [L.GlobalAveragePooling1D(), L.Dense(2)],
        lambda: [L.GlobalMaxPooling1D(), L.Dense(2, activation="sigmoid")],
        lambda: [recurrence(K, rng, sequences=False), L.Dense(2)],
        lambda: [L.Dense(4, activation="relu"), L.Dense(2, activation="sigmoid")],
    ][rng.integers(6)]()


def begun(seed):
    """Random numbers, one of the packages, and the input of a model of it."""
    rng = np.random.default_rng(seed)
    K = (keras, keras, tf_keras)[rng.integers(3)]
    K.utils.set_random_seed(seed)
    return rng, K, K.Input((None, FEATURES), name="frames")


def streamable(seed):
    """A model of either package that streams."""
    rng, K, x = begun(seed)
    L = K.layers
    y = x
    if rng.integers(5) == 0:
        y = L.Masking(0.0)(y)
        for _ in range(rng.integers(1, 3)):
            y = recurrence(K, rng)(y)
    else:
        for _ in range(rng.integers(0, 3)):
            y = (convolution if rng.integers(2) else between)(K, rng)(y)
        for _ in range(rng.integers(1, 3)):
            z = recurrence(K, rng)(y)
            y = L.Concatenate()([z, y]) if rng.integers(4) == 0 else z
            if rng.integers(4) == 0:
                y = between(K, rng)(y)
    for layer in head(K, rng):
        y = layer(y)
    model = K.Model(x, y)
    for weight in model.trainable_weights if K is tf_keras else model.trainable_variables:
        weight.assign(np.asarray(weight) * 1.2 + 0.05 * rng.standard_normal(weight.shape))
    return model


def longer(K, rng, times):
    """A layer that makes so many steps of one."""
    L = K.layers
    width = int(rng.integers(1, 6))
    return [
        lambda: L.UpSampling1D(times),
        lambda: L.Conv1DTranspose(5, width, strides=times, padding="same", activation="relu"),
        lambda: L.Conv1DTranspose(5, max(times, width), strides=times, padding="same"),
    ][rng.integers(3)]()


def shorter(K, rng, times):
    """A layer that makes one step of so many."""
    L = K.layers
    width, padding = int(rng.integers(1, 6)), str(rng.choice(["causal", "same"]))
    return [
        lambda: L.MaxPooling1D(times),
        lambda: L.AveragePooling1D(times, padding="same"),
        lambda: L.Conv1D(4, width, strides=times, padding=padding, activation="relu"),
    ][rng.integers(3)]()


def hourglass(seed):
    """A model of either package that goes down to fewer steps and up again, past itself, and
    perhaps to more steps than it had."""
    rng, K, x = begun(seed)
    L = K.layers
    y, past, factors = x, [], []
    for _ in range(rng.integers(1, 3)):
        factors.append(int(rng.integers(2, 4)))
        past.append(L.Conv1D(4, 3, padding=str(rng.choice(["causal", "same"])))(y))
        y = shorter(K, rng, factors[-1])(past[-1])
    y = recurrence(K, rng)(y)
    for times, level in zip(factors[::-1], past[::-1], strict=True):
        y = L.Concatenate()([longer(K, rng, times)(y), level])
        y = L.Conv1D(6, int(rng.integers(1, 4)), padding="causal", activation="tanh")(y)
    if rng.integers(4) == 0:
        y = longer(K, rng, 2)(y)
    for layer in head(K, rng):
        y = layer(y)
    return K.Model(x, y)


def pyramid(seed):
    """A model of either package whose recurrences see fewer and fewer steps: several are stacked
    into one by a reshape, behind a convolution that may look ahead."""
    rng, K, x = begun(seed)
    L = K.layers
    y = x
    if rng.integers(2):
        y = L.Conv1D(4, 3, padding=str(rng.choice(["causal", "same"])), activation="relu")(y)
    for _ in range(rng.integers(1, 3)):
        y = recurrence(K, rng)(y)
        y = L.Reshape((-1, int(rng.integers(2, 4)) * y.shape[-1]))(y)
    y = recurrence(K, rng)(y)
    for layer in head(K, rng):
        y = layer(y)
    return K.Model(x, y)


def _net(*layers, K=keras):
    return K.Sequential([K.Input((None, FEATURES)), *layers])


def _branch(name, at_fault):
    """Only one branch is at fault."""
    L = keras.layers
    x = keras.Input((None, FEATURES))
    y = L.GRU(4, return_sequences=True, name="fine")(x)
    return keras.Model(x, L.Add(name=name)([y, at_fault(y, x)]))


def unstreamable():
    """Models that cannot be streamed: name -> (function that makes one, the layer at fault)."""
    L = keras.layers
    seq = {"return_sequences": True}

    def attention(layer):
        x = keras.Input((None, FEATURES))
        y = L.GRU(4, **seq)(x)
        return keras.Model(x, layer(y))

    def self_attention(layer):
        return lambda: attention(lambda y: layer([y, y]))

    return {
        "bidirectional": (lambda: _net(L.Bidirectional(L.LSTM(3, **seq), name="both")), "both"),
        "bidirectional gru": (lambda: _net(L.Bidirectional(L.GRU(3), name="both")), "both"),
        "bidirectional sum": (
            lambda: _net(L.Bidirectional(L.GRU(3, **seq), merge_mode="sum", name="both")),
            "both",
        ),
        "backwards": (lambda: _net(L.LSTM(3, go_backwards=True, name="back")), "back"),
        "backwards gru": (lambda: _net(L.GRU(3, go_backwards=True, **seq, name="back")), "back"),
        "backwards rnn": (lambda: _net(L.SimpleRNN(3, go_backwards=True, name="back")), "back"),
        "behind": (
            lambda: _net(L.LSTM(3, **seq, name="fine"), L.Bidirectional(L.GRU(3), name="both")),
            "both",
        ),
        "attention": (self_attention(L.Attention(name="look")), "look"),
        "additive": (self_attention(L.AdditiveAttention(name="look")), "look"),
        "causal attention": (
            lambda: attention(lambda y: L.Attention(name="look")([y, y], use_causal_mask=True)),
            "look",
        ),
        "heads": (
            lambda: attention(lambda y: L.MultiHeadAttention(2, 3, name="look")(y, y)),
            "look",
        ),
        "softmax over time": (
            lambda: _net(L.GRU(3, **seq), L.Softmax(axis=1, name="weights")),
            "weights",
        ),
        "normalization over time": (
            lambda: _net(L.LayerNormalization(axis=1, center=False, scale=False, name="norm")),
            "norm",
        ),
        "unit norm over time": (lambda: _net(L.UnitNormalization(axis=1, name="norm")), "norm"),
        "group norm": (lambda: _net(L.GroupNormalization(1, name="norm")), "norm"),
        "attention pooling": (
            lambda: attention(
                lambda y: L.Dot((1, 1), name="sum")(
                    [L.Softmax(axis=1, name="weights")(L.Dense(1)(y)), y]
                )
            ),
            "weights",
        ),
        "one branch backwards": (
            lambda: _branch("add", lambda y, x: L.GRU(4, go_backwards=True, **seq, name="back")(x)),
            "back",
        ),
        "one branch looks": (
            lambda: _branch("add", lambda y, x: L.Attention(name="look")([y, y])),
            "look",
        ),
        "mean added to each step": (
            lambda: _branch(
                "add", lambda y, x: L.RepeatVector(1, name="repeat")(L.GlobalAveragePooling1D()(y))
            ),
            "add",
        ),
        "turned round": (
            lambda: _net(L.Lambda(lambda x: x[:, ::-1], name="turn"), L.GRU(3)),
            "turn",
        ),
        "sum from the end": (
            lambda: _net(L.Lambda(lambda x: _cumsum(x), name="sums"), L.GRU(3)),
            "sums",
        ),
        "largest step": (lambda: _net(L.Lambda(lambda x: _argmax(x), name="place")), "place"),
        "sorted": (lambda: _net(L.Lambda(lambda x: _sorted(x), name="sort"), L.GRU(3)), "sort"),
        "products of steps": (
            lambda: _net(L.Lambda(lambda x: _products(x), name="products")),
            "products",
        ),
        "tf_keras bidirectional": (
            lambda: _net(
                tf_keras.layers.Bidirectional(tf_keras.layers.LSTM(3), name="both"), K=tf_keras
            ),
            "both",
        ),
        "length": (
            lambda: _net(L.Lambda(lambda x: _by_length(x), name="scaled"), L.GRU(3)),
            "scaled",
        ),
    }


def _cumsum(x):
    import tensorflow as tf

    return tf.cumsum(x, 1, reverse=True)


def _argmax(x):
    import tensorflow as tf

    return tf.argmax(x, 1)


def _sorted(x):
    import tensorflow as tf

    return tf.sort(x, 1)


def _products(x):
    import tensorflow as tf

    return tf.matmul(x, x, transpose_b=True)


def _by_length(x):
    import tensorflow as tf

    return x / tf.cast(tf.shape(x)[1], x.dtype)


def samples(seed, count=24):
    rng = np.random.default_rng(1000 + seed)
    rows = []
    for _ in range(count):
        row = rng.standard_normal((int(rng.integers(20, 50)), FEATURES)).astype(np.float32)
        row[rng.integers(0, len(row), 3)] = 0.0
        rows.append(row)
    return rows


def cut(rng, total, unit):
    parts = []
    while sum(parts) < total:
        parts.append(min(int(rng.integers(1, 9)) * unit, total - sum(parts)))
    return parts


def convert(model, seed, mode, chunk=True, unit=1):
    """Calibrated on sequences of a multiple of `unit` steps, where the model takes no others."""
    rows = [row[: len(row) // unit * unit] for row in samples(seed)]
    integer = mode in ("int8", "int16x8")
    return rnnlite.convert(
        model,
        streaming=chunk,
        quantize=mode,
        max_error=10.0 if mode else None,
        **({"calibration": rows} if integer else {}),
    )


def off(converted, seed):
    """How far chunks put together are from the whole, by random cuttings: in steps of the output's
    scale, or relative to the output's largest value."""
    model = rnnlite.load(converted.tflite)
    rng = np.random.default_rng(seed)
    stream = model.stream()
    worst = 0.0
    for row in samples(seed, 3):
        row = row[: len(row) // stream.multiple * stream.multiple]
        whole = model.predict([row])[0]
        stream.reset()
        parts, at = [], 0
        for n in cut(rng, len(row), stream.multiple):
            parts.append(stream(row[at : at + n]))
            at += n
        parts.append(stream.finish())
        so_far = stream.signature.layout.outputs[0].so_far
        found = parts[-1] if so_far else np.concatenate(parts)
        scale = model.outputs[0].scale
        size = scale if scale else max(float(np.abs(whole).max()), 1e-9)
        worst = max(worst, float(np.abs(found - whole).max()) / size)
    return worst


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", default="0:60")
    parser.add_argument("--modes", default=",".join(map(str, MODES)))
    parser.add_argument("--chunk", default="mixed")
    args = parser.parse_args()
    first, last = map(int, args.seeds.split(":"))
    failed = 0
    for seed in range(first, last):
        for mode in args.modes.split(","):
            mode = None if mode == "None" else mode
            chunk = {"mixed": (True, True, 4, 1)[seed % 4], "any": True}.get(args.chunk, args.chunk)
            chunk = int(args.chunk) if str(args.chunk).isdecimal() else chunk
            begin = time.time()
            try:
                model = streamable(seed)
                try:
                    made = convert(model, seed, mode, chunk)
                except rnnlite.ShapeError as e:
                    if "multiple of" not in str(e):
                        raise
                    made = convert(model, seed, mode)
                worst = off(made, seed)
                print(
                    f"{seed} {mode} {chunk}: {worst:.3g} ({time.time() - begin:.1f} s)", flush=True
                )
            except Exception as e:
                failed += 1
                text = " ".join(str(e).split())[:400]
                print(f"{seed} {mode} {chunk} FAILED {type(e).__name__}: {text}", flush=True)
    print(f"{failed} failed")


if __name__ == "__main__":
    main()
